"""§3.1, §4.2, §5: instants are read exactly, and lie in the window or not by their local date."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.instants import NEVER, event_time_us, event_times_us, in_window, instant_us, instants_us
from shared.core.periods import Window, from_us, to_us


def us(text: str) -> int:
    return to_us(datetime.fromisoformat(text))


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-20T15:30:00Z", "2026-11-20T15:30:00Z"),
        ("2026-11-20T15:30:00.25Z", "2026-11-20T15:30:00.25Z"),
        ("2026-11-20T15:30:00.1234567Z", "2026-11-20T15:30:00.123456Z"),
        ("2026-11-20T15:30:00+05:45", "2026-11-20T09:45:00Z"),
        ("2026-11-20t15:30:00z", "2026-11-20T15:30:00Z"),
        ("2026-11-20T15:30Z", "2026-11-20T15:30:00Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    ],
)
def test_an_instant_is_read_to_the_microsecond(text, instant):
    assert [instant_us(text), instant_us(text)] == [us(instant), us(instant)]


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "yesterday",
        "2026-11-20",
        "2026-11-20T15:30:00",
        "2026-13-20T15:30:00Z",
        "2026-11-20T24:30:00Z",
        "2026-11-20T15:60:00Z",
        "2026-11-20T15:30:61Z",
        "2026-11-20T15:+1:00Z",
        "20261120T153000Z",
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_what_is_no_instant_is_none(text):
    assert instant_us(text) is None


def moments_between(first: int, last: int) -> st.SearchStrategy[list[datetime]]:
    """Up to five, of these years."""
    return st.lists(st.datetimes(datetime(first, 1, 1), datetime(last, 1, 1), timezones=st.just(UTC)), max_size=5)


@given(moments_between(1, 9999) | moments_between(1971, 2100) | moments_between(1969, 2103))
def test_many_are_read_together_as_each_by_itself(moments):
    seconds = [f"{moment.replace(tzinfo=None, microsecond=0).isoformat()}" for moment in moments]
    wanted = [to_us(moment.replace(microsecond=0)) for moment in moments]

    assert instants_us([f"{second}Z" for second in seconds]).tolist() == wanted
    assert event_times_us([f"{second}.0000000" for second in seconds], ["UTC"] * len(seconds)).tolist() == wanted
    assert instants_us([moment.isoformat() for moment in moments]).tolist() == [to_us(moment) for moment in moments]


@pytest.mark.parametrize(
    "odd",
    [
        None,
        "",
        "2026-11-20T15:30:00",
        "2026-02-29T15:30:00Z",
        "2026-00-20T15:30:00Z",
        "2026-13-20T15:30:00Z",
        "2026-11-00T15:30:00Z",
        "0000-11-20T15:30:00Z",
        "2026-11-20T24:00:00Z",
        "2026-11-20T15:60:00Z",
        "2026-11-20T15:30:60Z",
        "2026-11-20T15:30:0\N{ARABIC-INDIC DIGIT THREE}Z",
        "2026-11-20T15:30:00Z\n2026-11-20T15:30:00Z",
        "2026-11-2/T15:30:00Z",
        "2026-11-2:T15:30:00Z",
    ],
)
def test_one_that_cannot_be_read_leaves_the_others_as_they_are(odd):
    good = "2024-02-29T23:59:59Z"
    texts = [good, odd, good]

    assert instants_us(texts).tolist() == [us(good), NEVER, us(good)]


def test_a_fraction_of_an_event_time_is_read_among_others_too():
    times = ["2026-11-20T15:30:00.0000000", "2026-11-20T15:30:00.0000010", None]

    assert event_times_us(times, ["UTC"] * 3).tolist() == [
        us("2026-11-20T15:30:00Z"),
        us("2026-11-20T15:30:00.000001Z"),
        NEVER,
    ]


def test_event_times_of_other_zones_are_read_among_others_too():
    times = ["2026-11-20T15:30:00.0000000"] * 2

    assert event_times_us(times, ["UTC", "Europe/Berlin"]).tolist() == [
        us("2026-11-20T15:30:00Z"),
        us("2026-11-20T14:30:00Z"),
    ]


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_the_short_way_reads_what_the_long_one_reads(moment):
    whole = moment.replace(microsecond=0)

    assert instant_us(whole.strftime("%Y-%m-%dT%H:%M:%SZ")) == to_us(whole)
    assert instant_us(moment.isoformat()) == to_us(moment)


def test_hours_beyond_what_is_remembered_are_read_again(monkeypatch):
    monkeypatch.setattr("shared.core.instants._HOURS_LIMIT", 1)

    for hour in (3, 4, 3, 4):
        assert instant_us(f"1999-11-20T0{hour}:00:01Z") == us(f"1999-11-20T0{hour}:00:01Z")


@pytest.mark.parametrize(
    ("date_time", "zone", "instant"),
    [
        ("2026-11-20T15:30:00.0000000", "UTC", "2026-11-20T15:30:00Z"),
        ("2026-11-20T15:30:00", "Etc/GMT", "2026-11-20T15:30:00Z"),
        ("2026-11-20T15:30:00.5", "Europe/Berlin", "2026-11-20T14:30:00.5Z"),
        ("2026-11-20T15:30:00Z", None, "2026-11-20T15:30:00Z"),
        ("2026-11-20T15:30:00+01:00", "UTC", "2026-11-20T14:30:00Z"),
    ],
)
def test_an_event_time_is_local_to_its_zone(date_time, zone, instant):
    assert event_time_us(date_time, zone) == us(instant)


@pytest.mark.parametrize(
    ("date_time", "zone"),
    [
        (None, "UTC"),
        ("2026-11-20T15:30:00", None),
        ("2026-11-20T15:30:00", "W. Europe Standard Time"),
        ("2026-11-20T15:30:00", "../etc"),
        ("2026-11-20T15:30:00", "Europe"),
        ("2026-11-20", "UTC"),
    ],
)
def test_an_event_time_without_a_known_zone_is_none(date_time, zone):
    assert event_time_us(date_time, zone) is None


@pytest.mark.parametrize(
    ("as_of", "zone"),
    [
        ("2026-11-20T15:30:00Z", "UTC"),
        ("2026-06-30T14:00:00Z", "Australia/Lord_Howe"),
        ("2006-10-29T03:30:00Z", "America/St_Johns"),
        ("2007-10-29T03:30:00Z", "America/St_Johns"),
        ("2019-09-08T12:00:00Z", "America/Santiago"),
    ],
)
def test_an_instant_is_inside_by_its_local_date_and_by_as_of(as_of, zone):
    """§1, §5: also where the zone's clocks go back across midnight, at both ends of the window."""
    window = Window(us(as_of), zone)
    begin, end = window.read_from_us, window.as_of_us + 30 * 3_600_000_000
    near = [*range(begin, begin + 80 * 3_600_000_000, 599_000_000), *range(end - 80 * 3_600_000_000, end, 599_000_000)]

    instants = [*near, window.as_of_us, window.as_of_us + 1, begin - 1]

    days = [from_us(instant).astimezone(window._tz).date() - window.first for instant in instants]
    wanted = [
        instant <= window.as_of_us and timedelta(0) <= day <= timedelta(days=364)
        for instant, day in zip(instants, days, strict=True)
    ]
    assert in_window(window, np.array(instants, np.int64)).tolist() == wanted

    last = window.day_index(np.array([window.as_of_us], np.int64))
    assert last.tolist() == [364]
