"""Items → figures (semantics §3–§6, §11)."""

from __future__ import annotations

from math import fsum
from operator import itemgetter
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.core import engagement
from shared.core.columns import take
from shared.core.facts import FROM_ACCOUNT, NEITHER, TO_ACCOUNT
from shared.core.figures import NEVER
from shared.core.periods import LEVELS
from shared.core.replies import DAY_US
from tests.facts import DAY, HOUR, WINDOW, at, meeting_items, message_items

LIMIT = 30 * DAY_US
NOON = at("2026-06-10T12:00")


def mail(sent, direction=TO_ACCOUNT, **more):
    return {"sent": sent, "direction": direction, **more}


def met(start, direction=TO_ACCOUNT, **more):
    return {"start": start, "direction": direction, **more}


def rows(figures) -> list[dict[str, Any]]:
    names = type(figures).__dataclass_fields__
    return [{name: getattr(figures, name)[row].item() for name in names} for row in range(len(figures.account))]


def by_account(messages=(), meetings=()):
    return rows(engagement.by_account(message_items(*messages), meeting_items(*meetings), WINDOW, LIMIT))


def by_top(top, messages=(), meetings=()):
    tops = np.array(top, np.int32)
    items = message_items(*messages), meeting_items(*meetings)
    return rows(engagement.by_top(engagement.by_account(*items, WINDOW, LIMIT), *items, tops, WINDOW, LIMIT))


def the(level, found):
    return [row for row in found if row["level"] == LEVELS.index(level)]


def test_there_are_rows_where_there_are_items_and_one_for_the_year():
    """§5: month and week rows exist only where the account has an item in them; one year row per account."""
    found = by_account([mail(NOON)], [met(NOON - 40 * DAY)])

    assert [len(the(level, found)) for level in LEVELS] == [1, 2, 2]


def test_persons_count_once_per_period_whatever_the_days():
    """§3.4, §6: distinct people, theirs by contact id, ours by directory id."""
    found = by_account(
        [mail(NOON, people=[0, 1], contacts=[5]), mail(NOON + DAY, people=[1], contacts=[5, 6])],
        [met(NOON, people=[1, 2], contacts=[6])],
    )

    year = the("Year", found)[0]
    assert [year[name] for name in ("people_emails", "people_meetings", "people")] == [2, 2, 3]
    assert [year[name] for name in ("contacts_emails", "contacts_meetings")] == [2, 1]


def test_first_and_last_days_are_the_same_on_every_row():
    """§6: EngagementStartDate, DaysSince…: the same on every row."""
    found = by_account([mail(NOON - 100 * DAY), mail(NOON)], [met(NOON - 200 * DAY)])
    day = int(WINDOW.day_index(np.array([NOON]))[0])

    assert {(r["first_day"], r["last_email_day"], r["last_meeting_day"]) for r in found} == {
        (day - 200, day, day - 200)
    }
    assert {r["last_meeting_day"] for r in by_account([mail(NOON)])} == {NEVER}


def test_the_last_day_is_the_period_s():
    """§7: from the account's last item in the period."""
    found = by_account([mail(NOON - 40 * DAY), mail(NOON - 39 * DAY), mail(NOON)])
    day = int(WINDOW.day_index(np.array([NOON]))[0])

    assert [row["last_day"] for row in the("Month", found)] == [day - 39, day]


def test_third_parties_meetings_count_among_all_but_in_no_direction():
    """§4.3, §7: all distinct meetings of the account, third-party ones too."""
    year = the("Year", by_account([], [met(NOON, NEITHER), met(NOON, FROM_ACCOUNT), met(NOON, TO_ACCOUNT)]))[0]

    assert [year[name] for name in ("meetings_from", "meetings_to", "meetings")] == [1, 1, 3]


def test_duration_is_added_up_once_per_meeting():
    """§4.4: end − start in minutes, once per meeting however many people."""
    year = the("Year", by_account([], [met(NOON, minutes=0.1, people=[0, 1, 2]), met(NOON, minutes=1 / 3)]))[0]

    assert year["meeting_minutes"] == fsum([0.1, 1 / 3])


def test_a_reply_belongs_to_the_period_of_the_reply():
    """§3.5: the value belongs to the period of r (by r's date)."""
    found = by_account(
        [
            mail(at("2026-05-31T23:00"), conversations=[1]),
            mail(at("2026-06-01T01:00"), FROM_ACCOUNT, conversations=[1]),
        ]
    )

    assert [(row["replies"], row["reply_minutes"]) for row in the("Month", found)] == [(0, 0), (1, 120)]


def test_an_account_that_is_there_for_its_top_only_has_no_row():
    """§3.3: nothing for B."""
    assert [r["account"] for r in the("Year", by_account([mail(NOON, account=0), mail(NOON, NEITHER, account=1)]))] == [
        0
    ]


def test_items_count_once_per_top_and_persons_together():
    """§11: messages, meetings and people count once per top."""
    both = [
        mail(NOON, FROM_ACCOUNT, item=1, account=0, people=[0], contacts=[5]),
        mail(NOON, NEITHER, item=1, account=1, people=[0], contacts=[6]),
        mail(NOON, item=2, account=1, people=[1], contacts=[6]),
        mail(NOON, item=2, account=2, people=[1], contacts=[7]),
    ]
    meetings = [
        met(NOON, NEITHER, item=1, account=0, people=[2], contacts=[5]),
        met(NOON, FROM_ACCOUNT, item=1, account=1, people=[2], contacts=[8]),
    ]
    top, other = sorted(the("Year", by_top([0, 0, 1], both, meetings)), key=itemgetter("account"))

    names = ("account", "emails_to", "emails_from", "meetings_from", "meetings", "people", "contacts_emails")
    assert [top[name] for name in (*names, "contacts_meetings")] == [0, 1, 1, 1, 1, 3, 2, 2]
    assert [other[name] for name in names] == [1, 1, 0, 0, 0, 1, 1]


def test_replies_are_found_between_accounts_of_one_top():
    """§11: as if every customer id were its topmost ancestor's before §3 begins."""
    messages = [
        mail(NOON, item=1, account=0, conversations=[1]),
        mail(NOON + HOUR, FROM_ACCOUNT, item=2, account=1, conversations=[1]),
    ]

    assert sum(row["replies"] for row in by_account(messages)) == 0
    assert the("Year", by_top([0, 0], messages))[0]["reply_minutes"] == 60


@st.composite
def items(draw):
    messages = [
        mail(
            NOON - draw(st.integers(0, 340)) * DAY,
            draw(st.sampled_from([TO_ACCOUNT, FROM_ACCOUNT])),
            account=draw(st.integers(0, 3)),
            people=sorted(draw(st.sets(st.integers(0, 3), min_size=1))),
            contacts=sorted(draw(st.sets(st.integers(0, 3), min_size=1))),
        )
        for _ in range(draw(st.integers(0, 12)))
    ]
    meetings = [
        met(
            NOON - draw(st.integers(0, 340)) * DAY,
            draw(st.sampled_from([NEITHER, TO_ACCOUNT, FROM_ACCOUNT])),
            account=draw(st.integers(0, 3)),
            minutes=float(draw(st.integers(1, 90))),
            people=sorted(draw(st.sets(st.integers(0, 3), min_size=1))),
        )
        for _ in range(draw(st.integers(0, 6)))
    ]
    return messages, meetings


@given(items())
@settings(max_examples=100, derandomize=True, deadline=None)
def test_months_and_weeks_add_up_to_the_year(both):
    """§5: for each account and each of the four counts, the sum over months = the sum over weeks = the year."""
    found = by_account(*both)
    for name in ("emails_to", "emails_from", "meetings_to", "meetings_from", "meetings", "meeting_minutes"):
        sums = [
            {a: sum(row[name] for row in the(level, found) if row["account"] == a) for a in range(4)}
            for level in LEVELS
        ]
        assert sums[0] == sums[1] == sums[2]


@given(items())
@settings(max_examples=100, derandomize=True, deadline=None)
def test_persons_are_the_distinct_ones_of_the_items_in_the_period(both):
    """§6: counted again with sets."""
    messages, meetings = both
    for row in by_account(messages, meetings):
        period = WINDOW.period_of_day(LEVELS[row["level"]])

        def inside(item, row=row, period=period):
            instant = item.get("sent", item.get("start"))
            return (
                item["account"] == row["account"] and period[WINDOW.day_index(np.array([instant]))[0]] == row["period"]
            )

        ours = [{p for item in some if inside(item) for p in item["people"]} for some in (messages, meetings)]
        theirs = {c for item in messages if inside(item) for c in item["contacts"]}
        assert [row["people_emails"], row["people_meetings"]] == [len(some) for some in ours]
        assert row["people"] == len(ours[0] | ours[1])
        assert row["contacts_emails"] == len(theirs)


@given(items(), st.randoms(use_true_random=False))
@settings(max_examples=30, derandomize=True, deadline=None)
def test_the_order_of_the_items_is_irrelevant(both, random):
    """§7: input order is irrelevant."""
    messages, meetings = message_items(*both[0]), meeting_items(*both[1])
    order = random.sample(range(len(both[0])), len(both[0]))
    expected = engagement.by_account(messages, meetings, WINDOW, LIMIT)

    assert repr(engagement.by_account(take(messages, np.array(order, np.int64)), meetings, WINDOW, LIMIT)) == repr(
        expected
    )


def test_nothing_gives_no_rows():
    assert by_account() == []
    assert by_top([0]) == []
