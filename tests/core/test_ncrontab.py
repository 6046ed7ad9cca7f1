"""NCRONTAB expressions, as timer triggers and the schedules of enrichments use them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.core.ncrontab import parse

MOMENT = datetime(2026, 11, 20, 15, 30, 0)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("expression", "following"),
    [
        ("0 */15 * * * *", datetime(2026, 11, 20, 15, 45)),
        ("*/2 * * * * *", datetime(2026, 11, 20, 15, 30, 2)),
        ("0 0 2 * * Mon", datetime(2026, 11, 23, 2)),
        ("0 0 2 * * MONDAY", datetime(2026, 11, 23, 2)),
        ("0 0 2 1 jan-mar *", datetime(2027, 1, 1, 2)),
        ("0 0 2 * * 0", datetime(2026, 11, 22, 2)),
        ("5/20 0 0 * * *", datetime(2026, 11, 21, 0, 0, 5)),
        ("0 30 15 * * *", datetime(2026, 11, 21, 15, 30)),
        ("0 10,20 1-3/2 * * *", datetime(2026, 11, 21, 1, 10)),
        ("0 0 0 29 2 *", datetime(2028, 2, 29)),
        ("30 15 * * *", datetime(2026, 11, 21, 15, 30)),
    ],
)
def test_the_next_slot_is_found(expression, following):
    assert parse(expression).next_after(MOMENT) == following


def test_day_of_month_and_day_of_week_must_both_match():
    """durable-host §1.3: `0 0 12 15 * MON` is the next 15th that is a Monday."""
    assert parse("0 0 12 15 * MON").next_after(MOMENT) == datetime(2027, 2, 15, 12)


def test_a_date_that_never_comes_has_no_slot():
    assert parse("0 0 0 31 2 *").next_after(MOMENT) is None
    assert parse("0 0 0 31 2 *").latest_at_or_before(MOMENT, datetime(1970, 1, 1)) is None


def test_a_leap_day_on_a_weekday_is_found_across_the_century():
    """2100 is no leap year: after Sunday 29 February 2088 the next Sunday one is in 2128."""
    assert parse("0 0 0 29 2 SUN").next_after(datetime(2088, 3, 1)) == datetime(2128, 2, 29)


@pytest.mark.parametrize(
    "expression",
    ["0 0 2 L * *", "0 0 2 ? * *", "0 0 2 * * 7", "60 * * * * *", "@hourly", "0 0 0 1 1 * 2026", "", "0 0 0 0 * *",
     "0 */0 * * * *", "0 5-2 * * * *", "0 , * * * *", "0 -1 * * * *", "0 0 0 * 13 *", "0 0 0 * Mo *", "x * * * * *",
     "0 1/ * * * *", "0 ² * * * *"],
)  # fmt: skip
def test_what_the_real_host_refuses_is_a_fault(expression):
    with pytest.raises(ValueError, match=r"."):
        parse(expression)


def test_five_fields_can_be_refused():
    with pytest.raises(ValueError, match="six fields expected, 5 found"):
        parse("0 2 * * *", six_only=True)


def test_the_latest_slot_may_be_the_moment_itself_but_not_earlier_than_wanted():
    every_half_hour = parse("0 */30 * * * *")

    assert every_half_hour.latest_at_or_before(MOMENT, MOMENT) == MOMENT
    assert every_half_hour.latest_at_or_before(MOMENT - timedelta(seconds=1), MOMENT) is None
    assert parse("0 0 0 29 2 *").latest_at_or_before(MOMENT, datetime(2000, 1, 1)) == datetime(2024, 2, 29)


def test_a_slot_in_a_skipped_hour_runs_at_the_instant_of_fold_0():
    at_half_past_two = parse("0 30 2 * * *")
    before = datetime(2026, 3, 28, 12, tzinfo=UTC)

    assert at_half_past_two.next_instant(before, BERLIN) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    later = datetime(2026, 3, 29, 1, 10, tzinfo=UTC)
    assert at_half_past_two.next_instant(later, BERLIN) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert at_half_past_two.latest_instant(later, before, BERLIN) is None
    assert at_half_past_two.latest_instant(later + timedelta(hours=1), before, BERLIN) == datetime(
        2026, 3, 29, 1, 30, tzinfo=UTC
    )


def test_a_slot_in_a_repeated_hour_runs_once():
    at_half_past_two = parse("0 30 2 * * *")
    first_pass = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    in_second_pass = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)

    assert at_half_past_two.next_instant(first_pass - timedelta(hours=6), BERLIN) == first_pass
    assert at_half_past_two.next_instant(first_pass, BERLIN) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)
    assert at_half_past_two.next_instant(in_second_pass, BERLIN) == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)
    assert at_half_past_two.latest_instant(in_second_pass, first_pass - timedelta(days=2), BERLIN) == first_pass


_ZONES = [
    BERLIN,
    ZoneInfo("America/New_York"),
    ZoneInfo("Australia/Lord_Howe"),
    ZoneInfo("Pacific/Apia"),
    ZoneInfo("UTC"),
]
_EXPRESSIONS = ["0 */20 * * * *", "0 30 2 * * *", "0 45 1,3 * * *", "0 15 0 * * *", "0 5/25 2-3 * * 0", "0 0 * * * *"]


def _instants(expression: str, zone: ZoneInfo, first: datetime, last: datetime) -> list[datetime]:
    """The slow, obvious way: every local minute of the days around, turned into an instant."""
    schedule = parse(expression)
    minute = datetime(first.year, first.month, first.day) - timedelta(days=2)
    found = set()
    while minute < last.replace(tzinfo=None) + timedelta(days=2):
        if schedule.matches(minute):
            found.add(minute.replace(tzinfo=zone).astimezone(UTC))
        minute += timedelta(minutes=1)
    return sorted(found)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(_EXPRESSIONS),
    st.sampled_from(_ZONES),
    st.sampled_from([datetime(2026, 3, 29), datetime(2026, 10, 25), datetime(2026, 4, 5), datetime(2026, 10, 4),
                     datetime(2026, 3, 8), datetime(2026, 11, 1), datetime(2011, 12, 30), datetime(2026, 6, 1)]),
    st.integers(-30 * 60, 30 * 60),
)  # fmt: skip
def test_instants_agree_with_listing_every_minute(expression, zone, day, minutes):
    after = day.replace(tzinfo=UTC) + timedelta(minutes=minutes)
    instants = _instants(expression, zone, after - timedelta(days=1), after + timedelta(days=1))

    following = parse(expression).next_instant(after, zone)
    expected = next((i for i in instants if i > after), None)
    assert following == expected or (expected is None and following is not None)

    floor = after - timedelta(hours=5)
    latest = parse(expression).latest_instant(after, floor, zone)
    assert latest == max((i for i in instants if floor <= i <= after), default=None)
