"""§5 Periods: zone-aware dates, never 24-hour steps."""

from datetime import UTC, date, datetime

import numpy as np
import pytest

from shared.core.periods import DAYS, Window, from_us, rfc3339, to_us


def window(text: str, zone: str) -> Window:
    return Window(to_us(datetime.fromisoformat(text)), zone)


def test_the_window_is_the_365_local_dates_that_end_with_the_as_of_date():
    """§5"""
    w = window("2026-06-30T14:00:00Z", "Australia/Lord_Howe")

    assert (w.first, w.last) == (date(2025, 7, 2), date(2026, 7, 1))


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kathmandu"])
def test_days_agree_with_the_zone_at_every_quarter_of_an_hour(zone):
    """§5: in 2006 St John's set its clocks back at one minute past midnight, into the day before."""
    w = window("2006-12-31T12:00:00Z", zone)
    instants = np.arange(w.read_from_us, w.read_until_us, 900_000_000, dtype=np.int64)

    days = w.day_index(instants)

    for instant, day in zip(instants.tolist(), days.tolist(), strict=True):
        local = from_us(instant).astimezone(w._tz).date()
        assert day == min(max((local - w.first).days, -1), DAYS)


def test_a_day_begins_where_a_skipped_midnight_ends():
    """§3.1: the local day before the window starts at the first instant that bears its date."""
    w = window("2019-10-20T12:00:00Z", "America/Santiago")

    start = from_us(w.read_from_us).astimezone(w._tz)

    assert start.date() == date(2018, 10, 20)


def test_months_and_weeks_keep_their_true_first_day_where_the_window_cuts_them():
    """§5: ISO weeks, Monday"""
    w = window("2026-11-20T15:30:00Z", "UTC")

    assert w.first == date(2025, 11, 21)
    assert w.period_start("Month", 0) == date(2025, 11, 1)
    assert w.period_start("Week", 0) == date(2025, 11, 17)
    assert w.period_start("Year", 0) == date(2025, 11, 21)
    assert w.period_last_day("Month", 0) == 9
    assert w.period_last_day("Month", 12) == DAYS - 1
    assert w.period_of_day("Week")[2] == 0 and w.period_of_day("Week")[3] == 1


def test_instants_are_written_in_rfc_3339():
    assert rfc3339(to_us(datetime(2026, 11, 20, 15, 30, tzinfo=UTC))) == "2026-11-20T15:30:00Z"
    assert rfc3339(to_us(datetime(2026, 11, 20, 15, 30, 0, 250_000, tzinfo=UTC))) == "2026-11-20T15:30:00.25Z"
