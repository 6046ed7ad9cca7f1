"""Who fills a part of a mailbox, and taking over what another run has read of one (semantics §8)."""

from __future__ import annotations

import numpy as np
import pytest

from shared.adapters.mailbox_parts import KINDS, Claim, MailboxParts, Overtaken, are_whole
from shared.core.addresses import AddressBook
from shared.core.contracts import Cursor, ExtractedPart
from shared.core.enrichment import Options
from shared.core.errors import FactsGone
from shared.core.ledger import Taken
from shared.core.meetings import MeetingReader
from shared.core.messages import MessageReader
from shared.core.recoding import Recoding
from tests.core.wire_items import KEY
from tests.facts import WINDOW
from tests.fakes import memory_storage

NOTHING_CHANGES = Recoding(np.zeros(1, np.int32), np.zeros(0, np.int32))


@pytest.fixture
def places():
    staging = memory_storage().staging
    return MailboxParts(staging, "sales", "r2", 0), MailboxParts(staging, "sales", "r1", 0)


def claimed(place: MailboxParts, part: int = 0) -> Claim:
    claim = place.claim(part)
    assert isinstance(claim, Claim)
    return claim


def fill(place: MailboxParts, claim: Claim, end: int, outcome: str = "More") -> ExtractedPart:
    """As an attempt does that has read to this instant."""
    none = np.zeros(0, np.uint64)
    book = AddressBook(none, np.zeros(0, np.int32), none, frozenset())
    readers = (
        MessageReader(book, WINDOW, Options(), KEY, 0, frozenset()),
        MeetingReader(book, WINDOW, Options(), KEY, 0),
    )
    cursor = Cursor(messages=[(end, 10**9)])

    def answer(copies: int) -> ExtractedPart:
        return ExtractedPart(mailbox=0, outcome=outcome, parts=claim.part + 1, copies=copies, cursor=cursor)

    return place.write_part(claim, readers, answer, Taken(end, "folders"))


def contents(place: MailboxParts) -> dict[str, bytes]:
    return {entry.name: place.staging.read(entry.name) or b"" for entry in place.staging.entries("sales/r2/mailboxes/")}


def test_of_two_attempts_at_once_the_one_that_claimed_later_fills_the_part():
    """The one before it was given up: nothing that it writes may come under the other's cursor."""
    place = MailboxParts(memory_storage().staging, "sales", "r2", 0)
    given_up, in_its_place = claimed(place), claimed(place)

    answer = fill(place, in_its_place, 7)
    filled = contents(place)
    with pytest.raises(Overtaken):
        fill(place, given_up, 3)

    assert contents(place) == filled
    assert place.claim(0) == answer


def test_an_attempt_that_begins_after_another_has_filled_the_part_gives_its_answer_and_reads_nothing():
    place = MailboxParts(memory_storage().staging, "sales", "r2", 0)
    answer = fill(place, claimed(place), 7)

    assert place.claim(0) == answer


@pytest.mark.parametrize("written", range(4))
def test_what_an_attempt_left_that_died_or_was_held_up_on_the_way_is_written_anew(written, monkeypatch):
    """Whatever it had written, and whatever it writes when it goes on."""
    place = MailboxParts(memory_storage().staging, "sales", "r2", 0)
    held_up = claimed(place)
    with monkeypatch.context() as patch:
        patch.setattr("shared.adapters.mailbox_parts.KINDS", KINDS[:written])
        patch.setattr(MailboxParts, "_answer", lambda *_: None)
        fill(place, held_up, 3)
    later = claimed(place)
    assert held_up.etag != later.etag

    answer = fill(place, later, 7)
    filled = contents(place)
    with pytest.raises(Overtaken):
        fill(place, held_up, 3)

    assert contents(place) == filled
    assert place.claim(0) == answer


def test_a_marker_that_comes_late_does_not_take_the_place_of_a_later_part_s():
    """An attempt is held up between its answer and its marker, while another one goes on with its answer."""
    place = MailboxParts(memory_storage().staging, "sales", "r2", 0)
    fill(place, claimed(place), 7)
    first = place._marked()
    fill(place, claimed(place, 1), 9, "Read")

    place._mark(first)

    assert (place._marked()["outcome"], place._marked()["part"]) == ("Read", "1")


def test_who_gives_the_answer_of_an_attempt_that_died_leaves_its_marker_too():
    place = MailboxParts(memory_storage().staging, "sales", "r2", 0)
    fill(place, claimed(place), 7, "Read")
    place.staging.delete("sales/r2/progress/0000")

    place.claim(0)

    assert place._marked()["outcome"] == "Read"


@pytest.mark.parametrize(
    ("marker", "outcome"),
    [
        ({"outcome": "NotEnabled", "messages": "0", "meetings": "0"}, "NotEnabled"),
        # Its calls kept raising until the group gave it up: nobody was left to say so here.
        ({"outcome": "More", "part": "3", "messages": "7", "meetings": "1"}, "Unavailable"),
    ],
)
def test_a_mailbox_that_was_not_read_to_its_end_has_ended_all_the_same(places, marker, outcome):
    """§6: `Unavailable`; "More" would be asked for again and again."""
    place, earlier = places
    earlier.staging.write("sales/r1/progress/0000", b"", marker)

    assert are_whole(place.staging, "sales", "r1", 1)
    assert place.recode(claimed(place), earlier, NOTHING_CHANGES) == ExtractedPart(mailbox=0, outcome=outcome, parts=0)
    assert place._marked() == {"outcome": outcome, "part": "0", "messages": "0", "meetings": "0"}


def test_a_mailbox_of_which_nothing_is_known_is_not_whole(places):
    place, earlier = places

    assert not are_whole(place.staging, "sales", "r1", 1)
    with pytest.raises(FactsGone):
        place.recode(claimed(place), earlier, NOTHING_CHANGES)
