"""Reading Graph's instants, and telling whether they lie in the window; made for millions of them.

Instants are int microseconds since 1970-01-01 UTC, finer fractions cut off; what cannot be read is None, and NEVER in
an array.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from shared.core.periods import DAYS, MICROSECONDS, Window, to_us

NEVER = -(2**63)

_SECOND = "0000-00-00T00:00:00"
_HIGHEST = np.array([9 if place == "0" else 0 for place in _SECOND], np.uint8)  # of each place, above the pattern's
_MOST = np.array([[99], [12], [31], [23], [59], [59]], np.uint8)  # of each pair of digits after the century
_FIRST_YEAR = 1970
# From the epoch to the beginning of each month; who writes of other years is read text by text.
_DAYS_BEFORE = np.arange(f"{_FIRST_YEAR}-01", "2101-01", dtype="M8[M]").astype("M8[D]").astype(np.int64)
_HOUR_CHARS = len("2026-11-20T15:")
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d(?::\d\d)?)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)?", re.ASCII)

# Almost every instant is a known hour (there are 8,760 in a window) and one of 3,600 endings.
_ENDINGS = {f"{m:02d}:{s:02d}Z": (60 * m + s) * MICROSECONDS for m in range(60) for s in range(60)}
_hours: dict[str, int] = {}
_HOURS_LIMIT = 50_000


def instant_us(text: str | None) -> int | None:
    """An instant with an offset or `Z`: `2026-11-20T15:30:00Z`, with or without a fraction."""
    try:
        return _hours[text[:_HOUR_CHARS]] + _ENDINGS[text[_HOUR_CHARS:]]  # type: ignore[index]  # None has no hour
    except (KeyError, TypeError):
        return _read_and_remember(text) if text is not None else None


def _read_and_remember(text: str) -> int | None:
    start = text[:_HOUR_CHARS]
    if text[_HOUR_CHARS:] in _ENDINGS and (hour := _read(start + "00:00Z", None)) is not None:
        if len(_hours) >= _HOURS_LIMIT:
            _hours.clear()
        _hours[start] = hour
    return _read(text, None)


def instants_us(texts: Sequence[str | None]) -> NDArray[np.int64]:
    """`instant_us` of each text, NEVER for None."""
    return _one_by_one(map(instant_us, texts)) if (alike := _alike(texts, "Z")) is None else alike


def event_times_us(date_times: Sequence[str | None], time_zones: Sequence[str | None]) -> NDArray[np.int64]:
    """`event_time_us` of each, NEVER for None."""
    if time_zones.count("UTC") == len(time_zones) and (alike := _alike(date_times, ".0000000")) is not None:
        return alike
    return _one_by_one(map(event_time_us, date_times, time_zones))


def _one_by_one(instants: Iterable[int | None]) -> NDArray[np.int64]:
    return np.array([NEVER if instant is None else instant for instant in instants], np.int64)


def _alike(texts: Sequence[str | None], ending: str) -> NDArray[np.int64] | None:
    """The instants where each text is an existing second of UTC written as `2026-11-20T15:30:00` and this ending, as
    Graph writes almost all; None where one is not."""
    pattern = np.frombuffer(f"{_SECOND}{ending}\n".encode(), np.uint8)
    try:
        # With the line ends in the pattern, texts of other lengths cannot pass for such ones together.
        lines = ("\n".join(texts) + "\n").encode("ascii")  # type: ignore[arg-type]  # None is no text
    except (TypeError, UnicodeEncodeError):
        return None
    if len(lines) != len(texts) * len(pattern):
        return None
    places = np.ascontiguousarray(np.frombuffer(lines, np.uint8).reshape(len(texts), -1).T)
    digits = places - pattern[:, np.newaxis]
    highest = digits.max(axis=1, initial=0)
    if (highest[: len(_SECOND)] > _HIGHEST).any() or highest[len(_SECOND) :].any():
        return None
    return _seconds(digits)


def _seconds(digits: NDArray[np.uint8]) -> NDArray[np.int64] | None:
    """digits: a row per place of `yyyy-mm-ddThh:mm:ss`."""
    pairs = 10 * digits[2:18:3] + digits[3:19:3]
    if (pairs > _MOST).any():
        return None
    years, month, day, hour, minute, second = pairs.astype(np.int64)
    century = 10 * digits[0].astype(np.int64) + digits[1]
    months = 12 * (100 * century + years - _FIRST_YEAR) + month - 1
    if months.min(initial=0) < 0 or months.max(initial=0) >= len(_DAYS_BEFORE) - 1:
        return None
    before = _DAYS_BEFORE[months] + day
    if not ((month > 0) & (day > 0) & (before <= _DAYS_BEFORE[months + 1])).all():
        return None
    instants: NDArray[np.int64] = ((24 * (before - 1) + hour) * 3600 + 60 * minute + second) * MICROSECONDS
    return instants


def event_time_us(date_time: str | None, time_zone: str | None) -> int | None:
    """A `dateTimeTimeZone`: local to `time_zone`, UTC or an IANA name; an offset in the text itself goes first."""
    if date_time is None:
        return None
    return _read(date_time, _zone(time_zone) if time_zone else None)


def _read(text: str, zone: tzinfo | None) -> int | None:
    parts = _INSTANT.fullmatch(text)
    if parts is None:
        return None
    day, time, fraction, offset = parts.groups()
    try:
        local = datetime.fromisoformat(f"{day}T{time}{offset.upper() if offset else ''}")
        if local.tzinfo is None:
            if zone is None:
                return None
            local = local.replace(tzinfo=zone)
        return to_us(local.astimezone(UTC)) + int((fraction or "0")[:6].ljust(6, "0"))
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=256)
def _zone(name: str) -> tzinfo | None:
    if name.casefold() in ("utc", "etc/utc", "gmt", "etc/gmt"):
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def in_window(window: Window, instants: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each lies in the window: not after `as_of`, its local date one of the 365 (§1, §5)."""
    day = window.day_index(instants)
    return (instants <= window.as_of_us) & (day >= 0) & (day < DAYS)
