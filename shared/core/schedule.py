"""When an enrichment is due (interfaces §2, Schedule), in its own time zone."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from shared.core import ncrontab

NAMED = {"daily": "0 0 2 * * *", "weekly": "0 0 2 * * MON"}

_INSTANT = timedelta(microseconds=1)


def expression(schedule: str) -> str | None:
    """The six-field NCRONTAB expression behind a schedule; None for `off`."""
    return None if schedule == "off" else NAMED.get(schedule, schedule)


def next_run(schedule: str, zone: str, after: datetime) -> datetime | None:
    """The first slot after this instant (aware); in UTC."""
    text = expression(schedule)
    return ncrontab.parse(text).next_instant(after, ZoneInfo(zone)) if text else None


def due_slot(schedule: str, zone: str, since: datetime, now: datetime) -> datetime | None:
    """The latest slot after `since`, up to and with `now`; of missed slots only this one runs."""
    text = expression(schedule)
    return ncrontab.parse(text).latest_instant(now, since + _INSTANT, ZoneInfo(zone)) if text else None
