"""One meeting from its copies (semantics §4)."""

from __future__ import annotations

import numpy as np
import pytest

from shared.core.columns import take
from shared.core.facts import DECLINED, FROM_ACCOUNT, NEITHER, NOT_DECLINED, SILENT, TO_ACCOUNT
from shared.core.join_meetings import join_meetings
from tests.facts import ADA, BOB, CEM, DAY, HOUR, WINDOW, address, at, contacts, meeting_copies, values

TWO = contacts([("A", "a1")], [("B", "b1")])
TEN = at("2026-06-01T10:00")
YES, NO = False, True
THEM = (address(0), YES)


def join(*rows, book=TWO):
    return join_meetings(meeting_copies(*rows), book, WINDOW)


def test_the_organizer_s_copy_decides_the_end():
    """§4.1: where only the ends differ, the organizer's copy decides."""
    joined = join(
        {"owner": 1, "attendees": [THEM], "end": TEN + 3 * HOUR}, {"owner": 0, "attendees": [THEM], "end": TEN + HOUR}
    )

    assert values(joined.items, 0, "minutes") == 60


def test_without_the_organizer_s_copy_the_latest_end_counts():
    """§4.1: else the latest end."""
    joined = join(
        {"owner": 1, "organizer": address(0), "attendees": [(BOB, YES)], "end": TEN + HOUR},
        {"owner": 2, "organizer": address(0), "attendees": [(BOB, YES)], "end": TEN + 2 * HOUR},
    )

    assert values(joined.items, 0, "minutes", "direction") == [120, FROM_ACCOUNT]


def test_the_copy_whose_owner_is_its_organizer_decides_the_organizer():
    """§4.1: where the organizers differ, the copy whose owner is its organizer decides."""
    joined = join(
        {"owner": 0, "organizer": address(0), "attendees": [THEM]},
        {"owner": 1, "organizer": BOB, "attendees": [THEM]},
    )

    assert values(joined.items, 0, "direction", "people") == [TO_ACCOUNT, [1]]


def test_else_the_copy_of_the_smallest_directory_id_decides():
    """§4.1: else the copy whose owner has the smallest directory id."""
    joined = join(
        {"owner": 2, "organizer": ADA, "attendees": [THEM, (BOB, YES)]},
        {"owner": 1, "organizer": address(1), "attendees": [THEM, (BOB, YES)]},
    )

    assert [values(joined.items, row, "account", "direction") for row in range(2)] == [
        [0, NEITHER],
        [1, FROM_ACCOUNT],
    ]


def test_the_organizer_is_present_whatever_an_attendee_entry_says():
    """§4.2: present of M: organizer (whatever an attendee entry says)."""
    joined = join({"attendees": [(ADA, NO), THEM]})

    assert values(joined.items, 0, "people") == [0]


def test_who_declined_is_not_present():
    """§4.2: or attendee who has not declined."""
    joined = join({"attendees": [(BOB, NO), (CEM, YES), THEM]})

    assert values(joined.items, 0, "people") == [0, 2]


def test_the_organizer_s_copy_s_word_on_an_attendee_goes_first():
    """§4.2: an attendee's answer: the organizer's copy if it names the attendee."""
    joined = join(
        {"owner": 0, "attendees": [(BOB, NO), THEM]},
        {"owner": 1, "attendees": [(BOB, YES), THEM], "own_answer": NOT_DECLINED},
    )

    assert values(joined.items, 0, "people") == [0]


def test_else_the_attendee_s_own_copy_speaks():
    """§4.2: else the `responseStatus` of the attendee's own copy."""
    joined = join(
        {"owner": 0, "attendees": [THEM]},
        {"owner": 1, "attendees": [THEM], "own_answer": NOT_DECLINED},
        {"owner": 2, "attendees": [(BOB, NO), (CEM, YES), THEM], "own_answer": DECLINED},
    )

    assert values(joined.items, 0, "people") == [0, 1]


def test_else_one_copy_that_says_declined_is_enough():
    """§4.2: else declined if any copy says so, else what the copies say."""
    rows = [
        {"owner": 1, "organizer": 0, "own_answer": SILENT, "attendees": [(BOB, NO), (ADA, YES), THEM]},
        {"owner": 2, "organizer": 0, "own_answer": SILENT, "attendees": [(BOB, YES), (ADA, YES), THEM]},
    ]

    assert values(join(*rows).items, 0, "people") == [0]


def test_someone_listed_twice_has_declined_only_if_each_entry_says_so():
    """§4.2: someone listed twice in a copy has declined only if each entry says so."""
    joined = join({"attendees": [(BOB, NO), (BOB, YES), (CEM, NO), THEM]})

    assert values(joined.items, 0, "people") == [0, 1]


def test_a_contact_with_two_addresses_has_declined_only_if_both_entries_say_so():
    """§4.2: an attendee is a person, known by contact id, whatever the address."""
    book = contacts([("A", "x")], [("A", "x")])
    once = join({"attendees": [(address(0), NO), (address(1), YES)]}, book=book)
    twice = join({"attendees": [(address(0), NO), (address(1), NO)]}, book=book)

    assert values(once.items, 0, "contacts") == [0]
    assert twice.counts == {"NoContactInvolved": 1}


def test_where_nobody_of_m_is_named_the_owners_who_did_not_decline_are_present():
    """§4.2: if no one of M is named, the owners of the copies whose own answer is not declined."""
    row = {"organizer": address(0)}
    joined = join(
        {**row, "owner": 0, "own_answer": DECLINED},
        {**row, "owner": 1, "own_answer": SILENT},
        {**row, "owner": 2, "own_answer": NOT_DECLINED},
    )

    assert values(joined.items, 0, "people") == [1, 2]


def test_where_those_named_have_declined_no_owner_stands_in():
    """§4.2: owners stand in only if no one of M is named."""
    joined = join({"owner": 1, "organizer": address(0), "attendees": [(ADA, NO)]})

    assert joined.counts == {"NobodyPresent": 1}


def test_a_contact_that_organizes_is_involved_whatever_its_entry_says():
    """§4.2: involved contact: organizer, or attendee who has not declined."""
    joined = join({"owner": 1, "organizer": address(0), "attendees": [(address(0), NO), (BOB, YES)]})

    assert values(joined.items, 0, "account", "direction", "contacts") == [0, FROM_ACCOUNT, [0]]


def test_a_third_party_s_meeting_is_neither_to_nor_from_but_counts():
    """§4.3: a third party → neither, but it counts for people, duration, days since and start date."""
    joined = join({"owner": 1, "organizer": 0, "attendees": [(BOB, YES), THEM]})

    assert values(joined.items, 0, "direction", "people", "minutes") == [NEITHER, [1], 60]


def test_a_meeting_of_ours_is_to_the_account_even_if_the_organizer_is_not_listed():
    """§4.3: organizer ∈ O → to account."""
    joined = join({"owner": 1, "organizer": -1, "attendees": [(BOB, YES), THEM]})

    assert values(joined.items, 0, "direction", "people") == [TO_ACCOUNT, [1]]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"crowded": True, "organizer": address(0), "attendees": [(ADA, NO)]}, "TooManyAttendees"),
        ({"organizer": 0, "attendees": [(ADA, NO), (address(0), NO)], "own_answer": DECLINED}, "NobodyPresent"),
        ({"attendees": [(address(0), NO)]}, "NoContactInvolved"),
    ],
)
def test_the_first_reason_that_applies_is_told(row, reason):
    """§6: reasons, the first that applies: TooManyAttendees, NobodyPresent, NoContactInvolved."""
    joined = join(row, {**row, "owner": 1, "crowded": False})

    assert joined.counts == {reason: 2}
    assert not joined.days.any()


def test_the_account_of_an_attendee_who_declined_has_no_part():
    """§4.2, §4.3: only involved contacts make a meeting an account's."""
    joined = join({"attendees": [(address(0), NO), (address(1), YES)]})

    assert [values(joined.items, 0, "account", "contacts")] == [[1, [1]]]
    assert len(joined.items.item) == 1
    assert joined.counts == {"Counted": 1}


def test_the_day_is_the_start_s():
    """§5: meeting → local date of its start."""
    joined = join({"attendees": [THEM], "start": at("2026-06-29T23:30"), "end": at("2026-06-30T00:30")})

    assert values(joined.items, 0, "day") == 363
    assert np.flatnonzero(joined.days).tolist() == [363]


def test_the_order_of_the_copies_is_irrelevant():
    """§1: everything published is a pure function of items, contacts, configuration and `as_of`."""
    copies = meeting_copies(
        *(
            {
                "item": number % 4,
                "owner": number % 3,
                "organizer": (ADA, BOB, address(0), 0)[number % 4],
                "attendees": [(BOB, number % 2 == 0), (address(number % 2), number % 3 == 0)],
                "end": TEN + number * HOUR,
                "own_answer": number % 3,
                "start": TEN + number % 4 * DAY,
            }
            for number in range(40)
        )
    )
    expected = join_meetings(copies, TWO, WINDOW)
    shuffled = join_meetings(take(copies, np.random.default_rng(1).permutation(40)), TWO, WINDOW)

    assert repr(shuffled) == repr(expected)


def test_no_copies_give_no_items():
    joined = join_meetings(take(meeting_copies({}), np.zeros(0, np.int64)), TWO, WINDOW)

    assert joined.counts == {}
    assert len(joined.items.item) == 0
