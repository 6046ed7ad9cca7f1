"""How much room copies take."""

from __future__ import annotations

from shared.core.weights import NAMED, weight
from tests.facts import ADA, address, meeting_copies, message_copies

MANY = [address(number) for number in range(100 * NAMED)]


def test_usual_copies_weigh_what_they_are():
    assert weight(message_copies({"recipients": [ADA, address(0)]}, {}, {"recipients": [ADA]})) == 3
    assert weight(meeting_copies()) == 0


def test_long_lists_weigh_as_much_as_so_many_usual_copies():
    assert weight(message_copies({"recipients": MANY})) == 100
    assert weight(meeting_copies(*[{"attendees": [(each, False) for each in MANY]}] * 3)) == 300


def test_what_a_long_list_weighs_beside_short_ones_is_not_reckoned_twice():
    assert weight(message_copies({"recipients": MANY}, *[{"item": item} for item in range(150)])) == 151
