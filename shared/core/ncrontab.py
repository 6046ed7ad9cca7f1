"""NCRONTAB expressions as Azure's timer triggers read them: six fields, seconds first, or five without seconds.

Day of month AND day of week must both match, unlike cron. `*`, lists, ranges, steps and English names are understood;
`L`, `?`, `7`, `@hourly` and years are not. An expression may match never (31 February): then there is no slot.
"""

from __future__ import annotations

import calendar
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_SECOND = timedelta(seconds=1)
# 29 February falls on a given weekday again after at most 40 years (across 2100).
_HORIZON_YEARS = 41

_MONTHS = tuple(name.lower() for name in calendar.month_name)[1:]
_WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")


@dataclass(frozen=True, slots=True)
class _Field:
    title: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def values(self, text: str) -> tuple[int, ...]:
        """The values that this part of an expression allows, ascending."""
        found: set[int] = set()
        for part in text.split(","):
            found.update(self._part(part))
        return tuple(sorted(found))

    def _part(self, part: str) -> range:
        span, slash, step_text = part.partition("/")
        step = self._step(step_text, part) if slash else 1
        if span == "*":
            return range(self.low, self.high + 1, step)
        first, dash, last = span.partition("-")
        start = self._value(first, part)
        end = self._value(last, part) if dash else (self.high if slash else start)
        if end < start:
            raise ValueError(f"{self.title}: the range {part!r} runs backwards")
        return range(start, end + 1, step)

    def _step(self, text: str, part: str) -> int:
        if not (text.isascii() and text.isdigit()) or int(text) == 0:
            raise ValueError(f"{self.title}: {part!r} has no step of 1 or more after '/'")
        return int(text)

    def _value(self, text: str, part: str) -> int:
        if text.isascii() and text.isdigit():
            number = int(text)
        elif len(text) >= 3 and (named := [i for i, name in enumerate(self.names) if name.startswith(text.lower())]):
            number = named[0] + self.low
        else:
            raise ValueError(f"{self.title}: {part!r} is not understood")
        if not self.low <= number <= self.high:
            raise ValueError(f"{self.title}: {number} is not between {self.low} and {self.high}")
        return number


_FIELDS = (
    _Field("seconds", 0, 59),
    _Field("minutes", 0, 59),
    _Field("hours", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 0, 6, _WEEKDAYS),
)


@dataclass(frozen=True, slots=True)
class Ncrontab:
    """A parsed expression. Local datetimes are naive; slots are whole seconds."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]

    def matches(self, local: datetime) -> bool:
        """Whether the second in which `local` lies is a slot."""
        in_day = local.hour in self.hours and local.minute in self.minutes and local.second in self.seconds
        return in_day and self._day_matches(local.date())

    def next_after(self, local: datetime) -> datetime | None:
        """The first slot strictly after `local`; None where there never is one."""
        start = local.replace(microsecond=0) + _SECOND
        for day in self._days_from(start.date()):
            found = self._first_time(start.time() if day == start.date() else time.min)
            if found is not None:
                return datetime.combine(day, found)
        return None

    def latest_at_or_before(self, local: datetime, not_before: datetime) -> datetime | None:
        """The last slot that is neither after `local` nor before `not_before`; None where there is none."""
        for day in self._days_back_from(local.date(), not_before.date()):
            found = self._last_time(local.time() if day == local.date() else time.max)
            if found is not None:
                slot = datetime.combine(day, found)
                return slot if slot >= not_before else None
        return None

    def next_instant(self, after: datetime, zone: ZoneInfo) -> datetime | None:
        """The first instant (UTC) strictly after `after` (aware) at which a slot of the zone's clock runs.

        A slot in a skipped hour runs at the instant that fold=0 gives, one in a repeated hour in the first pass only.
        """
        skipped = max(_offset(after, zone) - _offset(after - timedelta(days=1), zone), timedelta())
        best: datetime | None = None
        slot = self.next_after(_local(after, zone) - skipped)
        while slot is not None and (best is None or slot < _local(best, zone)):
            instant = slot.replace(tzinfo=zone).astimezone(UTC)
            if instant > after and (best is None or instant < best):
                best = instant
            slot = self.next_after(slot)
        return best

    def latest_instant(self, not_after: datetime, not_before: datetime, zone: ZoneInfo) -> datetime | None:
        """The last instant (UTC) of a slot in `not_before` … `not_after`, both aware and included."""
        shift = _offset(not_after, zone) - _offset(not_after - timedelta(days=1), zone)
        repeated, skipped = max(-shift, timedelta()), max(shift, timedelta())
        floor = _local(not_before, zone) - timedelta(days=1)
        best: datetime | None = None
        slot = self.latest_at_or_before(_local(not_after, zone) + repeated, floor)
        while slot is not None and (best is None or slot >= _local(best, zone) - skipped):
            instant = slot.replace(tzinfo=zone).astimezone(UTC)
            if not_before <= instant <= not_after and (best is None or instant > best):
                best = instant
            slot = self.latest_at_or_before(slot - _SECOND, floor)
        return best

    def _day_matches(self, day: date) -> bool:
        return day.month in self.months and day.day in self.days and day.isoweekday() % 7 in self.weekdays

    def _days_from(self, first: date) -> Iterator[date]:
        for month in range(first.year * 12 + first.month - 1, (first.year + _HORIZON_YEARS) * 12 + first.month):
            for day in self._days_of(month):
                if day >= first:
                    yield day

    def _days_back_from(self, last: date, not_before: date) -> Iterator[date]:
        earliest = max(not_before.year, last.year - _HORIZON_YEARS) * 12
        for month in range(last.year * 12 + last.month - 1, earliest - 1, -1):
            for day in reversed(self._days_of(month)):
                if day < not_before:
                    return
                if day <= last:
                    yield day

    def _days_of(self, month: int) -> list[date]:
        """The matching days of a month, counted in months since year 0."""
        year, number = month // 12, month % 12 + 1
        if number not in self.months or year > date.max.year:
            return []
        length = calendar.monthrange(year, number)[1]
        days = (date(year, number, day) for day in self.days if day <= length)
        return [day for day in days if day.isoweekday() % 7 in self.weekdays]

    def _first_time(self, at: time) -> time | None:
        """The first matching time of day at or after `at`."""
        for hour in self.hours[bisect_left(self.hours, at.hour) :]:
            if hour > at.hour:
                return time(hour, self.minutes[0], self.seconds[0])
            for minute in self.minutes[bisect_left(self.minutes, at.minute) :]:
                if minute > at.minute:
                    return time(hour, minute, self.seconds[0])
                later = self.seconds[bisect_left(self.seconds, at.second) :]
                if later:
                    return time(hour, minute, later[0])
        return None

    def _last_time(self, at: time) -> time | None:
        """The last matching time of day at or before `at`."""
        for hour in reversed(self.hours[: bisect_right(self.hours, at.hour)]):
            if hour < at.hour:
                return time(hour, self.minutes[-1], self.seconds[-1])
            for minute in reversed(self.minutes[: bisect_right(self.minutes, at.minute)]):
                if minute < at.minute:
                    return time(hour, minute, self.seconds[-1])
                earlier = self.seconds[: bisect_right(self.seconds, at.second)]
                if earlier:
                    return time(hour, minute, earlier[-1])
        return None


def parse(expression: str, *, six_only: bool = False) -> Ncrontab:
    """Read an expression; ValueError says in a few words what is wrong with it.

    six_only: refuse the five-field form, which runs at second 0.
    """
    parts = expression.split()
    if len(parts) == 5 and not six_only:
        parts = ["0", *parts]
    if len(parts) != len(_FIELDS):
        wanted = "six fields" if six_only else "six fields (seconds first) or five"
        raise ValueError(f"{wanted} expected, {len(parts)} found")
    return Ncrontab(*(field.values(part) for field, part in zip(_FIELDS, parts, strict=True)))


def _local(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None
    return offset
