"""The sample company's time: working days, holidays, quiet weeks, office hours, in its own time zone."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Madrid")
HISTORY_DAYS = 380  # a little more than a window, so that something lies before it
HOLIDAYS = {(1, 1), (1, 6), (5, 1), (6, 24), (8, 15), (9, 11), (10, 12), (11, 1), (12, 6), (12, 8), (12, 25), (12, 26)}
OPENS, CLOSES = 8.5, 18.5  # hours of the local day
AUGUST, CHRISTMAS = 0.35, 0.3


@dataclass(frozen=True)
class Days:
    """The days of the sample, up to the one on which `as_of` lies."""

    as_of: datetime

    @property
    def last(self) -> date:
        return self.as_of.astimezone(ZONE).date()

    def all(self) -> list[date]:
        """Every day, oldest first."""
        return [self.last - timedelta(days=back) for back in range(HISTORY_DAYS, -1, -1)]

    def before_end(self, day: date) -> int:
        """How many days the day lies before the last one."""
        return (self.last - day).days


@cache
def is_working(day: date) -> bool:
    return day.weekday() < 5 and (day.month, day.day) not in HOLIDAYS


@cache
def pace(day: date) -> float:
    """How busy a day is: 0 when the office is closed, 1 on a usual working day."""
    if not is_working(day):
        return 0.0
    if day.month == 8:
        return AUGUST
    if (day.month, day.day) >= (12, 22) or (day.month, day.day) <= (1, 6):
        return CHRISTMAS
    return 1.0


def at(day: date, hour: float) -> datetime:
    """The instant of an hour of the local day."""
    seconds = round(hour * 3600)
    local = datetime.combine(day, time(seconds // 3600, seconds // 60 % 60, seconds % 60), ZONE)
    return local.astimezone(UTC)


def moment(rng: random.Random, day: date) -> datetime:
    """Some instant of the office's day, more often in the late morning."""
    return at(day, rng.triangular(OPENS, CLOSES, 11))


def in_office(rng: random.Random, instant: datetime) -> datetime:
    """The instant itself, or, where the office is closed then, one soon after it opens again."""
    local = instant.astimezone(ZONE)
    day, hour = local.date(), local.hour + local.minute / 60
    if is_working(day) and OPENS <= hour < CLOSES:
        return instant
    if not (is_working(day) and hour < OPENS):
        day += timedelta(days=1)
        while not is_working(day):
            day += timedelta(days=1)
    return at(day, OPENS + rng.random() * 1.5)


def how_many(rng: random.Random, mean: float) -> int:
    """A number of things that happen independently, `mean` on average (Poisson)."""
    limit, product, count = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count
