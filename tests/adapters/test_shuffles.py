"""Facts between two stages: part by part, from several files."""

from __future__ import annotations

import numpy as np
import pytest

from shared.adapters import shuffles, tables
from shared.core.columns import concat, split
from shared.core.errors import FactsGone
from shared.core.facts import MeetingCopies, MeetingItems, MessageCopies, MessageItems
from shared.core.figures import Figures
from tests.facts import ADA, BOB, address, meeting_copies, meeting_items, message_copies, message_items
from tests.fakes import MemoryContainer

HUGE = 2**64 - 3
MAIL = message_copies(
    {"item": 1, "recipients": [ADA, address(4)]}, {"item": HUGE}, {"item": 2, "recipients": [BOB]}, {"item": 3}
)
MEETINGS = meeting_copies(
    {"item": 1, "attendees": [(ADA, True), (address(0), False)]}, {"item": 2}, {"item": 3, "attendees": [(BOB, True)]}
)
SENT = {"sent": 1_780_000_000_000_000, "direction": 2}
STARTED = {"start": 1_780_000_000_000_000, "direction": 1}
ITEMS = message_items(SENT | {"item": 1, "conversations": [HUGE, 1]}, SENT | {"item": 2, "people": [1, 2]}, SENT)
MET = meeting_items(STARTED | {"item": 1, "minutes": 1 / 3}, STARTED | {"item": 2, "contacts": [7]}, STARTED)


def numbers(table):
    return table.item % 2


@pytest.mark.parametrize("facts", [MAIL, MEETINGS, ITEMS, MET])
def test_each_part_of_all_files_comes_one_file_after_the_other(facts):
    container, parts = MemoryContainer(), split(facts, numbers(facts), 2)
    shuffles.write(container, {"a": lambda: parts, "b": lambda: reversed(parts)})

    shuffle = shuffles.read(container, type(facts), ["a", "b"])
    for number in range(2):
        assert repr(shuffle.part(number)) == repr(concat([parts[number], parts[1 - number]]))


def test_a_part_that_came_in_rounds_is_read_as_one_round_after_the_other():
    container, rounds = MemoryContainer(), shuffles.Rounds(MessageCopies, [2, 1])
    parts = split(MAIL, np.array([0, 1, 2, 0]), 3)
    rounds.add(parts)
    rounds.add(parts[::-1])
    rounds.write(container, ["a", "b"])
    shuffles.write(container, {"c": lambda: parts[:2]})

    shuffle = shuffles.read(container, MessageCopies, ["a", "c"])
    for number in range(2):
        assert repr(shuffle.part(number)) == repr(concat([parts[number], parts[2 - number], parts[number]]))
    assert repr(shuffles.read(container, MessageCopies, ["b"]).part(0)) == repr(concat([parts[2], parts[0]]))


@pytest.mark.parametrize("kind", [MessageCopies, MeetingCopies, MessageItems, MeetingItems, Figures])
def test_a_part_without_rows_has_its_types(kind):
    nothing, container = tables.empty(kind), MemoryContainer()
    shuffles.write(container, {"a": lambda: [nothing]})

    assert repr(shuffles.read(container, kind, ["a"]).part(0)) == repr(nothing)


def test_the_same_parts_give_the_same_bytes():
    """A step that is done again overwrites its output with itself."""
    assert shuffles.pack(split(MAIL, numbers(MAIL), 2)) == shuffles.pack(split(MAIL, numbers(MAIL), 2))


def test_a_file_that_is_missing_is_no_file_without_rows():
    with pytest.raises(FactsGone):
        shuffles.read(MemoryContainer(), MessageCopies, ["gone"])
