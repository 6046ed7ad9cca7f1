"""§5 Periods: local dates, years, months and weeks."""

from collections import Counter
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings

from tests.core.rules.conftest import by_reference
from tests.reference.builders import ADA, ADAS, KIM, after, event, mailbox, mails, meetings, message, organisation
from tests.reference.strategies import organisations

COUNTS = ("NoOfEmails_ToAccount", "NoOfEmails_FromAccount", "NoOfMeetings_FromAccount", "NoOfMeetings_ToAccount")


@pytest.mark.parametrize(
    ("zone", "sent", "days"),
    [
        ("UTC", "2026-11-18T23:59:59Z", 2),
        ("Europe/Berlin", "2026-11-18T23:00:00Z", 1),
        ("America/New_York", "2026-11-18T04:59:59Z", 3),
        ("Asia/Kathmandu", "2026-11-18T18:15:00Z", 1),
    ],
)
def test_a_message_belongs_to_the_local_date_of_its_sent_time(publish, zone, sent, days):
    """§5: the as-of date is the 20th in each of these zones."""
    published = publish(mails(message(ADAS, [KIM], sent), zone=zone, as_of="2026-11-20T12:00:00Z"))

    assert published.row("A|Year")["DaysSinceLastEmail"] == days


def test_a_meeting_belongs_to_the_local_date_of_its_start_for_the_days_since_too(publish):
    """§5"""
    published = publish(meetings(event(ADAS, [KIM], "2026-11-18T23:30:00Z", minutes=120)))

    assert published.row("A|Year")["DaysSinceLastMeeting"] == 2
    assert published.row("A|Year")["EngagementStartDate"] == date(2026, 11, 18)


@pytest.mark.parametrize(
    ("sent", "day"),
    [
        ("2026-03-28T22:59:59Z", 28),
        ("2026-03-28T23:00:00Z", 29),
        ("2026-03-29T21:59:59Z", 29),
        ("2026-03-29T22:00:00Z", 30),
    ],
)
def test_dates_are_zone_aware_where_the_clock_changes(publish, sent, day):
    """§5: "Zone-aware dates, never 24-hour steps": in Berlin the 29th of March 2026 has 23 hours."""
    published = publish(mails(message(ADAS, [KIM], sent), zone="Europe/Berlin"))

    assert published.row("A|Year")["EngagementStartDate"] == date(2026, 3, day)


def test_the_window_has_365_local_dates(publish):
    """§5: "the 365 local dates that end with the as-of date". Berlin's window begins on 2025-11-21 at 00:00, which is
    23:00 UTC on the day before.
    """
    sent = ["2025-11-20T22:59:59Z", "2025-11-20T23:00:00Z"]

    published = publish(mails(*(message(ADAS, [KIM], moment) for moment in sent), zone="Europe/Berlin"))

    assert published.emails() == (1, 0)
    assert published.row("A|Year")["AggregationStartDate"] == date(2025, 11, 21)
    assert sum(published.coverage("Days").values()) == 365


def test_rows_of_the_year_months_and_iso_weeks(publish):
    """§5: "**Year**: that window; one row per account … **Month**: calendar months. **Week**: ISO weeks, Monday." and
    "Month and week rows exist only where the account has an item in them".
    """
    sent = ["2026-11-01T12:00:00Z", "2026-11-02T12:00:00Z", "2026-08-31T12:00:00Z"]

    published = publish(mails(*(message(ADAS, [KIM], moment) for moment in sent)))

    assert published.primary_keys() == [
        "A|Year",
        "A|Month|20260801",
        "A|Month|20261101",
        "A|Week|20260831",
        "A|Week|20261026",
        "A|Week|20261102",
    ]
    assert [published.emails(period=period)[0] for period in ("Year", "Month|20261101", "Week|20261102")] == [3, 2, 1]


def test_a_month_or_week_that_the_window_cuts_keeps_its_true_first_day(publish):
    """§5: the window begins on Friday, 2025-11-21."""
    published = publish(mails(message(ADAS, [KIM], "2025-11-21T12:00:00Z")))

    assert [row["AggregationStartDate"] for row in published.rows()] == [
        date(2025, 11, 21),
        date(2025, 11, 1),
        date(2025, 11, 17),
    ]


def test_the_first_and_the_last_month_of_a_window_may_be_the_same_month_of_two_years(publish):
    """§5: they are two months."""
    sent = ["2025-11-25T12:00:00Z", "2026-11-05T12:00:00Z"]

    published = publish(mails(*(message(ADAS, [KIM], moment) for moment in sent)))

    assert published.primary_keys()[1:3] == ["A|Month|20251101", "A|Month|20261101"]


def test_accounts_without_any_item_in_the_window_have_no_rows(publish):
    """§5"""
    assert publish(mails(message(ADAS, [KIM]))).accounts() == ["A"]


def test_a_week_may_lie_in_two_months_and_two_years(publish):
    """§5: ISO weeks: Monday, 2025-12-29, is the first day of a week of 2026."""
    sent = ["2025-12-31T12:00:00Z", "2026-01-01T12:00:00Z"]

    published = publish(mails(*(message(ADAS, [KIM], moment) for moment in sent)))

    assert published.emails(period="Week|20251229") == (2, 0)
    assert [published.emails(period=f"Month|{month}")[0] for month in ("20251201", "20260101")] == [1, 1]


def sums(published, suffix=""):
    """(account, count) → level → sum."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for row in published.rows(suffix):
        for count in COUNTS:
            found.setdefault((row["CustomerId"], count), Counter())[row["AggregationLevel"]] += row[count]
    return found


@settings(max_examples=40, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(org=organisations())
def test_the_counts_of_months_and_weeks_add_up_to_the_year(org):
    """§5: "for each account and each of the four counts, the sum over months = the sum over weeks = the year"; the
    kernels are held to the reference elsewhere.
    """
    org.enrichment["options"]["minPeople"] = 0

    published = by_reference(org)

    for suffix in ["", "_Hierarchy"] if "Office_Hierarchy" in published.tables else [""]:
        assert all(sum_["Year"] == sum_["Month"] == sum_["Week"] for sum_ in sums(published, suffix).values())


def test_the_counts_add_up_over_a_year_of_days(publish):
    """§5, with an item on each day of the window, in a zone that changes its clock."""
    opening = "2025-11-21T11:30:00Z"
    box = mailbox(
        [message(KIM if day % 3 else ADAS, [ADAS, KIM], after(opening, days=day)) for day in range(365)],
        [event(ADAS if day % 5 else KIM, [KIM, ADAS], after(opening, days=day), uid=str(day)) for day in range(365)],
    )

    published = publish(organisation({ADA: box}, zone="America/New_York", as_of="2026-11-20T20:00:00Z"))

    assert all(sum_["Year"] == sum_["Month"] == sum_["Week"] for sum_ in sums(published).values())
    assert published.coverage("Days") == {"WithItems": 365}
    assert sums(published)["A", "NoOfEmails_FromAccount"]["Year"] == 243
