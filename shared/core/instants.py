"""Reading Graph's instants, and telling whether they lie in the window; made for millions of them.

Instants are int microseconds since 1970-01-01 UTC, finer fractions cut off; what cannot be read is None.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from shared.core.periods import DAYS, MICROSECONDS, Window, to_us

_DAY_US = 86_400 * MICROSECONDS
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


def surely_in_window(window: Window) -> tuple[int, int]:
    """From when until when, both inclusive, an instant lies in the window whatever the zone's clock does."""
    return window.read_from_us + 3 * _DAY_US, window.as_of_us - 2 * _DAY_US


def in_window(window: Window) -> Callable[[int], bool]:
    """A test whether an instant lies in the window: not after `as_of`, its local date one of the 365 (§1, §5).

    Far from the window's ends a comparison decides; near them the zone's own dates, which may run backwards once.
    """
    as_of = window.as_of_us
    surely_from, surely_until = surely_in_window(window)

    def inside(instant: int) -> bool:
        if surely_from <= instant <= surely_until:
            return True
        if instant > as_of or instant < window.read_from_us:
            return False
        day = int(window.day_index(np.array([instant], np.int64))[0])
        return 0 <= day < DAYS

    return inside
