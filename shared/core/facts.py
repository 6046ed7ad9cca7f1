"""The facts that lie between the stages, as columns (semantics §8): times, codes, keyed hashes; never an address.

A *code* stands for an address that a mailbox names, as `addresses.AddressBook` gives it:

| code | whose address |
|---|---|
| 0 | a third party's |
| −1 | our organisation's (O), of nobody listed |
| ≤ −2 | listed person number −2 − code; people are numbered in the order of their directory ids |
| ≥ 1 | account contact address number code − 1 (see `Contacts`) |

Instants are int64 microseconds UTC. Every array of one object has the same length unless said otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

THIRD_PARTY = 0
OURS = -1

# Directions of an item for one account (§3.3, §4.3).
NEITHER, TO_ACCOUNT, FROM_ACCOUNT = 0, 1, 2

# What a copy says of its owner's own answer, or an entry of an attendee's.
SILENT, DECLINED, NOT_DECLINED = 0, 1, 2


def person_code(person: int) -> int:
    return -2 - person


def contact_code(address: int) -> int:
    return address + 1


@dataclass(frozen=True, slots=True)
class Ragged:
    """A list of values per row: row i holds `values[offsets[i]:offsets[i + 1]]`; `offsets` has one more than rows."""

    offsets: NDArray[np.int64]
    values: NDArray[Any]


def ragged(lists: Sequence[Collection[int]]) -> Ragged:
    """One row of 32-bit codes or numbers per list."""
    offsets = np.zeros(len(lists) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, lists), np.int64, len(lists)), out=offsets[1:])
    return Ragged(offsets, np.fromiter(chain.from_iterable(lists), np.int32, int(offsets[-1])))


@dataclass(frozen=True, slots=True)
class Contacts:
    """What the contacts and customers data say, as numbers.

    The pairs of contact address a are `account[pair_offsets[a]:pair_offsets[a + 1]]` and `contact[…]`, distinct.
    contact: numbers of distinct contact ids; where an id is blank, the address stands for it ·
    accounts: the customer id of each account, sorted by code point · top: for each account the number of its topmost
    ancestor in `tops`, ids sorted by code point · Without a hierarchy `tops` equals `accounts`.
    """

    pair_offsets: NDArray[np.int64]
    account: NDArray[np.int32]
    contact: NDArray[np.int32]
    accounts: list[str]
    top: NDArray[np.int32]
    tops: list[str]


@dataclass(frozen=True, slots=True)
class MessageCopies:
    """Copies of messages that are in (§3.2), one row each.

    item: keyed hash of the identity (§3.1) · conversation: keyed hash of the conversation key, 0 where there is none ·
    owner: number of the listed person whose mailbox holds the copy · sender: code of `from` (i32) · crowded: names more
    recipients than the limit · recipients: distinct codes of people and contacts among To, Cc and Bcc (i32).
    """

    item: NDArray[np.uint64]
    conversation: NDArray[np.uint64]
    sent: NDArray[np.int64]
    received: NDArray[np.int64]
    owner: NDArray[np.int32]
    sender: NDArray[np.int32]
    crowded: NDArray[np.bool_]
    recipients: Ragged


@dataclass(frozen=True, slots=True)
class MeetingCopies:
    """Copies of meetings that are in (§4.2), one row each.

    item: keyed hash of (cleaned iCalUId, start) (§4.1) · organizer: code (i32) · has_organizer: whether it has one ·
    own_answer: the copy's `responseStatus`, SILENT where it is missing · crowded: names more attendees than the limit ·
    attendees: codes of people and contacts among the attendees that are not resources (i32; an address once, repeated
    where entries differ) · declined: for each of `attendees.values` whether that entry says declined.
    """

    item: NDArray[np.uint64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    owner: NDArray[np.int32]
    organizer: NDArray[np.int32]
    has_organizer: NDArray[np.bool_]
    own_answer: NDArray[np.int8]
    crowded: NDArray[np.bool_]
    attendees: Ragged
    declined: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class MessageItems:
    """Counted messages, one row per item and account involved.

    account: number in `Contacts.accounts` · direction: NEITHER where the account is here only for its top (§11) ·
    sent: the item's · received: the earliest over the copies · day: of `sent`, an index into the window ·
    conversations: distinct keys (u64) · people: distinct numbers of our people (§3.4, i32) ·
    contacts: distinct contact numbers of this account (§3.4, i32).
    """

    item: NDArray[np.uint64]
    account: NDArray[np.int32]
    direction: NDArray[np.int8]
    sent: NDArray[np.int64]
    received: NDArray[np.int64]
    day: NDArray[np.int32]
    conversations: Ragged
    people: Ragged
    contacts: Ragged


@dataclass(frozen=True, slots=True)
class MeetingItems:
    """Counted meetings, one row per item and account with an involved contact.

    minutes: of the meeting (f64) · day: local date of its start · people: present of M · contacts: involved contacts of
    this account.
    """

    item: NDArray[np.uint64]
    account: NDArray[np.int32]
    direction: NDArray[np.int8]
    start: NDArray[np.int64]
    minutes: NDArray[np.float64]
    day: NDArray[np.int32]
    people: Ragged
    contacts: Ragged
