"""The window of a run and its local days (semantics §5): zone-aware dates, never 24-hour steps.

Instants are int64 microseconds since 1970-01-01 UTC; days are indexes 0…364 into the window.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DAYS = 365
MICROSECONDS = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_DAY_SECONDS = 86_400

LEVELS = ("Year", "Month", "Week")


def to_us(instant: datetime) -> int:
    """The instant in microseconds since the epoch; `instant` must be aware."""
    return (instant - _EPOCH) // timedelta(microseconds=1)


def from_us(instant_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=instant_us)


def rfc3339(instant_us: int) -> str:
    """`2026-11-20T15:30:00Z`, with a fraction only where there is one."""
    text = from_us(instant_us).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = instant_us % MICROSECONDS
    return f"{text}.{fraction:06d}".rstrip("0") + "Z" if fraction else text + "Z"


@dataclass(frozen=True)
class Window:
    """The 365 local dates that end with the as-of date."""

    as_of_us: int
    zone: str
    _tz: ZoneInfo = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_tz", ZoneInfo(self.zone))

    @cached_property
    def last(self) -> date:
        """The as-of date."""
        return from_us(self.as_of_us).astimezone(self._tz).date()

    @cached_property
    def first(self) -> date:
        return self.last - timedelta(days=DAYS - 1)

    @cached_property
    def read_from_us(self) -> int:
        """Start of the local day before the window: a copy received earlier does not exist (§3.1)."""
        return self._midnight(self.first - timedelta(days=1))

    @cached_property
    def read_until_us(self) -> int:
        """24 hours after `as_of`: a copy received later does not exist (§3.1). Inclusive."""
        return self.as_of_us + _DAY_SECONDS * MICROSECONDS

    def _midnight(self, day: date) -> int:
        # fold=0 of a skipped midnight is the instant of the jump, the first of that day.
        return to_us(datetime(day.year, day.month, day.day, tzinfo=self._tz).astimezone(UTC))

    def day_index(self, instants_us: NDArray[np.int64]) -> NDArray[np.int32]:
        """Local date of each instant as days after `first`: 0…364 lies in the window, anything else does not."""
        import numpy as np

        starts, offsets = self._offsets
        seconds = np.floor_divide(instants_us, MICROSECONDS)
        offset = offsets[np.searchsorted(starts, seconds, side="right")]
        days = np.floor_divide(seconds + offset, _DAY_SECONDS)
        index: NDArray[np.int32] = np.clip(days - (self.first.toordinal() - _EPOCH_DAY), -1, DAYS).astype(np.int32)
        return index

    @cached_property
    def _offsets(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Instants (s) at which the zone's offset changes around the window, and the offsets between them."""
        import numpy as np

        begin = self.read_from_us // MICROSECONDS - 2 * _DAY_SECONDS
        end = self.read_until_us // MICROSECONDS + 2 * _DAY_SECONDS
        changes, offsets = [], [self._offset(begin)]
        for hour in range(begin, end, 3600):
            if self._offset(hour + 3600) != offsets[-1]:
                changes.append(self._change_in(hour, hour + 3600))
                offsets.append(self._offset(hour + 3600))
        return np.array(changes, np.int64), np.array(offsets, np.int64)

    def _change_in(self, low: int, high: int) -> int:
        before = self._offset(low)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._offset(middle) == before else (low, middle)
        return high

    def _offset(self, second: int) -> int:
        offset = (_EPOCH + timedelta(seconds=second)).astimezone(self._tz).utcoffset()
        assert offset is not None
        return int(offset.total_seconds())

    def date_of(self, day: int) -> date:
        return self.first + timedelta(days=int(day))

    @cached_property
    def month_of_day(self) -> NDArray[np.int32]:
        """For each day of the window the ordinal of its month: 0 is the month of `first`."""
        import numpy as np

        first = self.first.year * 12 + self.first.month
        dates = (self.date_of(day) for day in range(DAYS))
        return np.array([d.year * 12 + d.month - first for d in dates], np.int32)

    @cached_property
    def week_of_day(self) -> NDArray[np.int32]:
        """For each day of the window the ordinal of its ISO week: 0 is the week of `first`."""
        import numpy as np

        skew = self.first.weekday()
        return ((np.arange(DAYS) + skew) // 7).astype(np.int32)

    def period_of_day(self, level: str) -> NDArray[np.int32]:
        """For each day of the window the ordinal of its period at this level."""
        import numpy as np

        if level == "Month":
            return self.month_of_day
        return self.week_of_day if level == "Week" else np.zeros(DAYS, np.int32)

    def period_start(self, level: str, period: int) -> date:
        """The period's true first day, even where the window cuts it (§5); for the year, the window's first day."""
        if level == "Year":
            return self.first
        if level == "Week":
            return self.first - timedelta(days=self.first.weekday()) + timedelta(days=7 * int(period))
        month = self.first.year * 12 + self.first.month - 1 + int(period)
        return date(month // 12, month % 12 + 1, 1)

    def period_last_day(self, level: str, period: int) -> int:
        """Index of the period's last day in the window, never after the as-of date."""
        if level == "Year":
            return DAYS - 1
        following = self.period_start(level, period + 1)
        return min((following - self.first).days - 1, DAYS - 1)

    def complete_periods(self, level: str) -> range:
        """Ordinals of the periods that lie wholly in the window (§10); there are some at each level."""
        if level == "Year":
            return range(1)
        last = int(self.period_of_day(level)[-1])
        begin = 0 if self.period_start(level, 0) >= self.first else 1
        ends_here = self.period_start(level, last + 1) - timedelta(days=1) == self.last
        return range(begin, last + 1 if ends_here else last)
