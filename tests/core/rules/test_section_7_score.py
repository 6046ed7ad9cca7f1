"""§7 EngagementScore: references, points, rounding, and what must hold whatever the figures are."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.reference.builders import (
    ADA,
    ADAS,
    KIM,
    ZOE,
    contact,
    event,
    mailbox,
    mails,
    meetings,
    message,
    organisation,
)

PARTS = ("EmailVolume", "EmailTwoWay", "Meetings", "Breadth", "Recency")
ONES = dict.fromkeys(("emailVolume", "emailTwoWay", "meetings", "breadth"), 1)
LOW_FLOORS = {"floors": dict.fromkeys(("year", "month", "week"), ONES)}

of_both = settings(
    max_examples=10,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def volumes(numbers, sent="2026-11-02T10:00:00Z", **options):
    """An organisation whose account number i (`A00`, `A01` …) has been sent `numbers[i]` messages, all at one time."""
    rows = [contact(f"K{i}", f"A{i:02}", f"k{i}@a.example") for i in range(len(numbers))]
    box = [
        message(ADAS, [f"k{i}@a.example" for i, number in enumerate(numbers) if number > letter], sent, id=str(letter))
        for letter in range(max(numbers))
    ]
    return mails(*box, contacts=rows, **options)


def breakdown(published, key="A|Year"):
    row = published.row(key, "_ScoreBreakdown")
    return [row[part] for part in PARTS]


def raw(published, key="A|Year"):
    """part → (raw value, reference)"""
    row = published.row(key, "_ScoreBreakdown")
    return {part: (row[f"{part}_Value"], row[f"{part}_Reference"]) for part in PARTS}


def score(published, account="A00", period="Year"):
    return published.row(f"{account}|{period}")["EngagementScore"]


@pytest.mark.parametrize(
    ("numbers", "reference"),
    [
        ([7], 7),
        ([1, 9], 9),
        ([1, 5, 9], 5),
        ([9, 9, 9], 9),
        ([9, 1, 1], 1),
        (range(1, 21), 19),
        (range(1, 22), 20),
        (range(1, 41), 38),
    ],
)
def test_the_reference_is_the_kth_smallest_value(publish, numbers, reference):
    """§7: "k = ⌈0.95 n⌉ for n < 3, else min(⌈0.95 n⌉, n − 1)"."""
    assert raw(publish(volumes(list(numbers), score=LOW_FLOORS)), "A00|Year")["EmailVolume"][1] == reference


@pytest.mark.parametrize(("percentile", "reference"), [(0.07, 7), (0.29, 29), (0.5, 50), (1, 99), (0.001, 1)])
def test_the_percentile_is_taken_as_its_decimal_text_says(publish, percentile, reference):
    """§7, interfaces §2: 0.07 of 100 is 7, though the nearest binary numbers give a little more."""
    org = volumes(list(range(1, 101)), score={"percentile": percentile, **LOW_FLOORS})

    assert raw(publish(org), "A00|Year")["EmailVolume"][1] == reference


def test_the_reference_is_never_below_the_floor(publish):
    """§7: "floors Year / Month / Week"; for Recency the half-life."""
    published = publish(volumes([1]))

    assert [
        {part: reference for part, (_, reference) in raw(published, f"A00|{period}").items()}
        for period in ("Year", "Month|20261101", "Week|20261102")
    ] == [
        dict(zip(PARTS, references, strict=True))
        for references in ((24, 12, 6, 3, 30), (4, 2, 2, 2, 30), (2, 1, 1, 1, 30))
    ]


def test_the_largest_account_alone_never_sets_the_reference_of_three(publish):
    """§7: "the largest account alone never sets R when n ≥ 3"."""
    few, many = (publish(volumes([3, 4, top], score=LOW_FLOORS)) for top in (5, 60))

    assert [score(few, one) for one in ("A00", "A01")] == [score(many, one) for one in ("A00", "A01")]


def test_raw_values(publish):
    """§7: "emails to + from", "min(emails to, emails from)", "all distinct meetings of the account, third-party ones
    too", "max(account contacts in emails, in meetings)".
    """
    rows = [contact(f"K{i}", "A", f"k{i}@a.example") for i in range(3)]
    box = mailbox(
        [
            message(ADAS, ["k0@a.example"], id="1"),
            message(ADAS, ["k1@a.example"], id="2"),
            message("k0@a.example", [ADAS], id="3"),
        ],
        [
            event(ZOE, [ADAS, "k0@a.example"], uid="1"),
            event(ADAS, ["k1@a.example", "k2@a.example"], uid="2"),
            event("k2@a.example", [ADAS], uid="3"),
        ],
    )

    values = {part: value for part, (value, _) in raw(publish(organisation({ADA: box}, contacts=rows))).items()}

    assert values == {"EmailVolume": 3, "EmailTwoWay": 1, "Meetings": 3, "Breadth": 3, "Recency": 18}


@pytest.mark.parametrize(
    ("period", "days"), [("Year", 16), ("Month|20261101", 16), ("Week|20261102", 4), ("Month|20261001", 20)]
)
def test_recency_counts_from_the_last_item_in_the_period_to_its_last_day(publish, period, days):
    """§7: "whole days from the account's last item in the period to the period's last day (never after the as-of
    date)". Messages on 11 October and 3 November, a meeting on 4 November.
    """
    box = mailbox(
        [message(ADAS, [KIM], f"2026-{day}T23:00:00Z", id=day) for day in ("10-11", "11-03")],
        [event(ADAS, [KIM], "2026-11-04T01:00:00Z")],
    )

    assert raw(publish(organisation({ADA: box})), f"A|{period}")["Recency"] == (days, 30)


def test_points_come_from_the_largest_remainders_and_add_up_to_the_score(publish):
    """§7. 6.826 + 4.054 + 12.467 + 7.5 + 10.607 = 41.454: two points are left for the remainders .826 and .607."""
    box = mailbox(
        [message(ADAS, [KIM], "2026-11-05T10:00:00Z", id="1"), message(KIM, [ADAS], "2026-11-05T11:00:00Z", id="2")],
        [event(ADAS, [KIM], "2026-11-05T10:00:00Z")],
    )

    published = publish(organisation({ADA: box}))

    assert (score(published, "A"), breakdown(published)) == (41, [7, 4, 12, 7, 11])


def test_a_half_is_rounded_up(publish):
    """§7: "Score = ⌊S + ½⌋": a meeting 30 days ago, 35 · ln 2 / ln 2 + 15 · 2^−1 = 42.5, and its one point left over
    goes to Recency.
    """
    weights = {"emailVolume": 35, "emailTwoWay": 15, "meetings": 35, "breadth": 0, "recency": 15}

    published = publish(meetings(event(ADAS, [KIM], "2026-10-21T10:00:00Z"), score={"weights": weights, **LOW_FLOORS}))

    assert (score(published, "A"), breakdown(published)) == (43, [0, 0, 35, 0, 8])


def test_every_row_scores_at_least_1_and_the_point_goes_to_the_first_part(publish):
    """§7: "at least 1 for every row"; "(ties: the table's order)"."""
    weights = {"emailVolume": 0, "emailTwoWay": 0, "meetings": 100, "breadth": 0, "recency": 0}

    published = publish(volumes([3], score={"weights": weights}))

    assert (score(published), breakdown(published, "A00|Year")) == (1, [1, 0, 0, 0, 0])


def test_a_value_at_or_above_the_reference_has_all_points(publish):
    """§7: "min(1, …)". The last item is today."""
    published = publish(volumes([3, 5, 9], "2026-11-20T10:00:00Z", score=LOW_FLOORS))

    assert [breakdown(published, f"A0{i}|Year") for i in range(3)] == [
        [15, 0, 0, 15, 15],
        [20, 0, 0, 15, 15],
        [20, 0, 0, 15, 15],
    ]


def test_the_half_life_and_the_weights_are_configuration(publish):
    """§7"""
    weights = {"emailVolume": 0, "emailTwoWay": 0, "meetings": 0, "breadth": 0, "recency": 100}
    options = {"score": {"weights": weights, "halfLifeDays": 10}}

    assert score(publish(volumes([1], "2026-10-31T10:00:00Z", **options))) == 25


def test_scores_compare_accounts_of_the_same_level_and_period_only(publish):
    """§7: "Per level and period, over the set A of accounts that have a row there"."""
    rows = [contact("K1", "A", KIM), contact("L1", "B", "lee@b.example")]
    sent = [message(ADAS, [KIM], f"2026-10-0{n}T10:00:00Z", id=f"o{n}") for n in range(1, 10)]
    sent += [message(ADAS, ["lee@b.example"], "2026-11-02T10:00:00Z", id="n")]

    published = publish(mails(*sent, contacts=rows))

    assert raw(published, "A|Month|20261001")["EmailVolume"] == (9, 9)
    assert raw(published, "B|Month|20261101")["EmailVolume"] == (1, 4)


def test_one_account_and_all_equal_accounts_work(publish):
    """§7: "equal figures give equal scores; … one account and all-equal accounts work"."""
    alone, alike = publish(volumes([30])), publish(volumes([30] * 5))

    assert {score(alike, f"A0{i}") for i in range(5)} == {score(alone)}


@of_both
@given(numbers=st.lists(st.integers(1, 5), min_size=1, max_size=5), data=st.data())
def test_more_mail_never_lowers_an_accounts_own_score(publish, numbers, data):
    """§7: "more mail, meetings or people, or a fresher contact, never lowers an account's own score"."""
    grown = data.draw(st.integers(0, len(numbers) - 1))
    more = [number + (i == grown) for i, number in enumerate(numbers)]

    before, after = (publish(volumes(one, score=LOW_FLOORS)) for one in (numbers, more))

    assert all(
        score(after, f"A0{grown}", period) >= score(before, f"A0{grown}", period)
        for period in ("Year", "Month|20261101", "Week|20261102")
    )


@of_both
@given(numbers=st.lists(st.integers(1, 4), min_size=1, max_size=4), fresher=st.integers(0, 17), data=st.data())
def test_more_meetings_people_or_a_fresher_contact_never_lower_an_accounts_own_score(publish, numbers, fresher, data):
    """§7"""
    grown = data.draw(st.integers(0, len(numbers) - 1))
    before = volumes(numbers, score=LOW_FLOORS)
    rows = [*before.contacts, contact("new", f"A0{grown}", "new@a.example")]
    met = event(ADAS, [f"k{grown}@a.example", "new@a.example"], f"2026-11-{2 + fresher:02}T10:00:00Z")
    after = replace(before, contacts=rows, mailboxes=before.mailboxes | {ADA: _with_event(before.mailboxes[ADA], met)})

    assert score(publish(after), f"A0{grown}") >= score(publish(before), f"A0{grown}")


def _with_event(box, met):
    return box | {"events": {"main": [met], "side": []}}


@of_both
@given(numbers=st.lists(st.integers(1, 5), min_size=2, max_size=5), order=st.randoms(use_true_random=False))
def test_the_order_of_the_input_is_irrelevant(publish, numbers, order):
    """§7: "input order is irrelevant"."""
    org = volumes(numbers)
    box = org.mailboxes[ADA]
    messages = order.sample(box["messages"], len(box["messages"]))
    rows = order.sample(org.contacts, len(org.contacts))
    other = replace(org, contacts=rows, mailboxes=org.mailboxes | {ADA: box | {"messages": messages}})

    assert publish(other).rows() == publish(org).rows()
