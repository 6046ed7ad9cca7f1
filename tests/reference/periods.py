"""§5 Periods: "Zone-aware dates, never 24-hour steps"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Window:
    """§5: "the 365 local dates that end with the as-of date"."""

    as_of: datetime
    zone: ZoneInfo

    @property
    def last(self) -> date:
        """§1: the as-of date, "the local date of `as_of` in the enrichment's IANA time zone"."""
        return self.date_of(self.as_of)

    @property
    def first(self) -> date:
        return self.last - timedelta(days=364)

    def date_of(self, instant: datetime) -> date:
        return instant.astimezone(self.zone).date()

    def contains(self, instant: datetime) -> bool:
        return self.first <= self.date_of(instant) <= self.last

    def days(self) -> list[date]:
        return [self.first + timedelta(days=day) for day in range(365)]


def start_of(level: str, day: date, window: Window) -> date:
    """§5: "`AggregationStartDate` of a month or week is its true first day, even when the window cuts it"; of the
    year the window's first date.
    """
    if level == "Year":
        return window.first
    return day.replace(day=1) if level == "Month" else day - timedelta(days=day.weekday())


def last_day_of(level: str, start: date, window: Window) -> date:
    """§7: "the period's last day (never after the as-of date)"."""
    if level == "Year":
        return window.last
    end = start + timedelta(days=6)
    if level == "Month":
        end = (start + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return min(end, window.last)


def complete_months(window: Window) -> list[date]:
    """§10: "A month is complete when it lies wholly in the window." First days, in order."""
    starts = sorted({day.replace(day=1) for day in window.days()})
    ends = [(start + timedelta(days=31)).replace(day=1) - timedelta(days=1) for start in starts]
    return [start for start, end in zip(starts, ends, strict=True) if start >= window.first and end <= window.last]
