"""What is known of a mailbox's messages between two runs."""

from __future__ import annotations

import numpy as np

from shared.core import ledger
from shared.core.ledger import IN, REASONS, UNJUDGED, Reading
from tests.core.wire_items import ADA, KIM, message, read_messages, window

DRAFT = REASONS.index("Draft") + 1


def read(*messages, **how):
    return read_messages(*messages, **how).reading()


def at(number, received="2026-03-02T10:00:00Z", sent=None, **more):
    return message(ADA, [KIM], id=f"m{number}", receivedDateTime=received, sentDateTime=sent or received, **more)


def test_every_copy_with_a_time_of_receipt_has_a_row_and_those_that_are_in_have_facts_in_its_order():
    reading = read(
        at(1),
        at(2, isDraft=True),
        at(3, "2026-03-02T12:00:00Z"),
        at(4, None, "2026-03-02T12:00:00Z"),
        at(5, "2020-01-01T00:00:00Z"),
    )

    assert reading.ledger.verdict.tolist() == [IN, DRAFT, IN, UNJUDGED]
    assert reading.copies.received.tolist() == reading.ledger.received[reading.ledger.verdict == IN].tolist()
    assert ledger.counts(reading.ledger) == {"Draft": 1}


def test_of_a_copy_that_was_read_twice_the_later_reading_stands():
    both = ledger.together([read(at(1), at(2)), read(at(2, isDraft=True))])
    latest = ledger.latest(both)

    assert latest.ledger.verdict.tolist() == [IN, DRAFT]
    assert len(latest.copies.item) == 1


def test_copies_without_an_id_are_never_taken_for_one_another():
    nameless = at(1) | {"id": None}
    both = ledger.together([read(nameless, nameless), read(nameless)])

    assert len(ledger.latest(both).ledger.id) == 3
    assert len(ledger.without(both, read(nameless)).ledger.id) == 3


def test_what_another_reading_has_is_taken_out_with_its_facts():
    left = ledger.without(read(at(1), at(2), at(3, isDraft=True)), read(at(2), at(3)))

    assert left.ledger.id.tolist() == read(at(1)).ledger.id.tolist()
    assert left.copies.item.tolist() == read(at(1)).copies.item.tolist()


def test_under_a_later_window_what_left_it_is_known_no_more():
    """§5: the 365 local dates that end with the as-of date."""
    reading = read(at(1, "2025-07-01T10:00:00Z"), at(2), at(3, "2025-07-01T11:00:00Z", isDraft=True))
    later = ledger.under(reading, window("2026-07-05T12:00:00Z"))

    assert later.ledger.verdict.tolist() == [UNJUDGED, IN, UNJUDGED]
    assert later.copies.item.tolist() == reading.copies.item[1:].tolist()


def test_a_copy_sent_after_as_of_is_unknown_once_the_window_holds_it():
    """§1: nothing after `as_of` exists; §3.1: found by its time of receipt."""
    reading = read(at(1, "2026-06-30T11:00:00Z", "2026-06-30T13:00:00Z"), at(2))
    second = int(reading.ledger.received[0]) // 10**6

    assert ledger.unknown(reading.ledger, window()) == []
    assert ledger.unknown(reading.ledger, window("2026-07-01T12:00:00Z")) == [(second, second + 1)]


def test_windows_are_merged_where_they_touch_or_lie_near():
    assert ledger.merged([(5, 7), (1, 3), (3, 4), (6, 9)]) == [(1, 4), (5, 9)]
    assert ledger.merged([(1, 2), (5, 6), (20, 21)], near=3) == [(1, 6), (20, 21)]


def test_only_whole_seconds_of_receipt_decide_what_lies_in_a_window():
    reading = read(at(1, "2026-03-02T10:00:00.999Z"))
    second = int(reading.ledger.received[0]) // 10**6

    assert ledger.received_in(reading.ledger, [(second, second + 1)]).tolist() == [True]
    assert ledger.received_in(reading.ledger, [(second + 1, second + 2)]).tolist() == [False]


def test_an_empty_reading_is_one_too():
    nothing = read()
    assert isinstance(nothing, Reading)
    assert len(ledger.latest(nothing).ledger.id) == 0
    assert ledger.unknown(ledger.empty(), window()) == []
    assert ledger.under(nothing, window()).copies.item.dtype == np.uint64
