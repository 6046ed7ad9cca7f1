"""What the product's activity left of a mailbox, in the shape of the peers' rows, and whether they are the same."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench import extraction_pages
from bench.extraction_pages import PEOPLE
from bench.extraction_peer import Row
from shared.adapters import tables
from shared.adapters.blobs import Container
from shared.core import blob_names
from shared.core.facts import DECLINED, MeetingCopies, MessageCopies, Ragged

_IDENTITIES = 2  # columns of a message that are hashes, each under a key of its own


def of_ours(staging: Container, run: str, person: str) -> list[Row]:
    """In the order of receipt or start."""
    mailbox = PEOPLE.index(person)
    if person == "calendar":
        data = staging.read(blob_names.mailbox_part(run, run, mailbox, 0, "meetings"))
        assert data is not None
        return sorted(_meetings(tables.read(MeetingCopies, data)), key=lambda row: row[1])
    data = staging.read(blob_names.mailbox_part(run, run, mailbox, 0, "messages"))
    assert data is not None
    return sorted(_messages(tables.read(MessageCopies, data)), key=lambda row: row[3])


def check(ours: list[Row], theirs: list[Row], who: str) -> None:
    """Raises where the rows differ. Hashes are compared by what they are equal to: each has its own."""
    assert len(ours) == len(theirs), (who, len(ours), len(theirs))
    first = 1 if theirs and isinstance(theirs[0][1], int) else _IDENTITIES
    for column in range(first):
        pairs = {(own[column], their[column]) for own, their in zip(ours, theirs, strict=True)}
        assert len(pairs) == len({own for own, _ in pairs}) == len({their for _, their in pairs}), (who, column)
    for own, their in zip(ours, theirs, strict=True):
        assert own[first:] == their[first:], (who, own, their)


def _messages(copies: MessageCopies) -> list[Row]:
    recipients = [sorted(codes) for codes in _lists(copies.recipients)]
    columns = (copies.item, copies.conversation, copies.sent, copies.received, _codes(copies.sender), copies.crowded)
    return list(zip(*(column.tolist() for column in columns), recipients, strict=True))


def _meetings(copies: MeetingCopies) -> list[Row]:
    declined = Ragged(copies.attendees.offsets, copies.declined)
    attendees = [
        sorted(zip(codes, flags, strict=True))
        for codes, flags in zip(_lists(copies.attendees), _lists(declined, coded=False), strict=True)
    ]
    own = copies.own_answer == DECLINED
    columns = (copies.item, copies.start, copies.end, _codes(copies.organizer), own, copies.crowded)
    return list(zip(*(column.tolist() for column in columns), attendees, strict=True))


def _lists(lists: Ragged, coded: bool = True) -> list[list[Any]]:
    values = (_codes(lists.values) if coded else lists.values).tolist()
    bounds = lists.offsets.tolist()
    return [values[begin:end] for begin, end in pairwise(bounds)]


def _codes(codes: NDArray[np.int32]) -> NDArray[np.int64]:
    """A contact's code as its number, from 1; the others as they are."""
    contact = _numbers()[np.maximum(codes, 1) - 1] + 1
    return np.where(codes > 0, contact, codes.astype(np.int64))


@lru_cache(maxsize=1)
def _numbers() -> NDArray[np.int64]:
    """For each contact address of the plan the contact's number."""
    return np.argsort(extraction_pages.contact_hashes())
