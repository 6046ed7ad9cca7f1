"""Erasing a person (semantics §8): whom a tombstone stands for, and what is left of people and contacts data.

A tombstone knows the person by keyed hashes alone. Of ours: they leave M, and their addresses stay in O, as nobody's.
A contact: every contact with a row at the address, or at its untagged form, does not exist, with all its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shared.core.addresses import AddressBook, normalise, untagged
from shared.core.contacts import ContactRows
from shared.core.hashes import ADDRESS, CONTACT_ID, KEY_ID, PERSON_ID, hasher

NOBODY_LISTED = -1
"""In place of a person's number: the address is our organisation's, of nobody listed."""


@dataclass(frozen=True, slots=True)
class Tombstone:
    """id: the erasure's · key: id of the key of the hashes · address, untagged: hashes of the address, and of the same
    without its tag · people, contacts: hashes of the directory ids and contact ids that were found there.
    """

    id: str
    key: str
    address: int
    untagged: int
    people: frozenset[int] = frozenset()
    contacts: frozenset[int] = frozenset()

    @property
    def addresses(self) -> frozenset[int]:
        return frozenset((self.address, self.untagged))


@dataclass(frozen=True, slots=True)
class Found:
    """Hashes of the directory ids and contact ids that were found at a tombstone's address."""

    people: frozenset[int] = frozenset()
    contacts: frozenset[int] = frozenset()

    def __or__(self, other: Found) -> Found:
        return Found(self.people | other.people, self.contacts | other.contacts)


Finds = Mapping[str, Found]  # by the erasure's id
Hasher = Callable[[bytes], bytes]


def key_id(key: bytes) -> str:
    """Tells keys apart, and nothing else of them."""
    return hasher(key, KEY_ID)(b"").hex()


def bury(erasure: str, address: str, key: bytes) -> Tombstone:
    """The tombstone of whoever has this address, however it is spelled."""
    spelled = normalise(address)
    return Tombstone(
        erasure, key_id(key), _number(hasher(key, ADDRESS), spelled), _number(hasher(key, ADDRESS), untagged(spelled))
    )


def _number(digest: Hasher, text: str) -> int:
    return int.from_bytes(digest(text.encode()), "little")


def people_of(tombstone: Tombstone, hashed_ids: Sequence[int], book: AddressBook) -> set[int]:
    """Numbers of the listed people that the tombstone stands for. hashed_ids: of their directory ids, by number.

    As everywhere (§2) an address that two people have is the smaller directory id's, and the exact one goes first.
    """
    found = {number for number, hashed in enumerate(hashed_ids) if hashed in tombstone.people}
    owner = _owner(book, tombstone.address)
    if owner is None:
        owner = _owner(book, tombstone.untagged)
    return found if owner is None or owner == NOBODY_LISTED else found | {owner}


def _owner(book: AddressBook, address: int) -> int | None:
    """Whose address of ours this is, `NOBODY_LISTED` an erased person's; None where it is no person's."""
    place = int(np.searchsorted(book.people, np.uint64(address)))
    if place == len(book.people) or int(book.people[place]) != address:
        return None
    return int(book.person[place])


@dataclass(frozen=True, slots=True)
class LeftPeople:
    """people: directory ids, sorted · book: knows the addresses of the erased as O's · number: old number → new one,
    `NOBODY_LISTED` for the erased.
    """

    people: list[str]
    book: AddressBook
    number: NDArray[np.int32]


def leave_people(
    people: Sequence[str], book: AddressBook, tombstones: Iterable[Tombstone], key: bytes
) -> tuple[LeftPeople, Finds]:
    """Listed people without the erased ones, and who of them was found. people: sorted, as the book numbers them."""
    digest = hasher(key, PERSON_ID)
    hashed = [_number(digest, person) for person in people]
    by_tombstone = {each.id: people_of(each, hashed, book) for each in tombstones}
    erased = set[int]().union(*by_tombstone.values())
    number = np.full(len(people), NOBODY_LISTED, np.int32)
    kept = [position for position in range(len(people)) if position not in erased]
    number[kept] = np.arange(len(kept))
    owners = book.person.copy()
    owned = owners != NOBODY_LISTED
    owners[owned] = number[owners[owned]]
    left = LeftPeople([people[position] for position in kept], replace(book, person=owners), number)
    return left, {id: Found(people=frozenset(hashed[one] for one in ones)) for id, ones in by_tombstone.items() if ones}


def leave_rows(
    rows: ContactRows, own: AddressBook, tombstones: Sequence[Tombstone], key: bytes
) -> tuple[ContactRows, Finds]:
    """The contacts data without the rows of erased contacts, usable or not, and which contacts were found."""
    if not tombstones:
        return rows, {}
    at_address: dict[int, list[str]] = {}
    for tombstone in tombstones:
        for address in tombstone.addresses:
            at_address.setdefault(address, []).append(tombstone.id)
    digest = hasher(key, CONTACT_ID)
    finds: dict[str, set[int]] = {}
    for hashed_address, contact in _contacts(rows, own, key):
        for erasure in at_address.get(hashed_address, ()):
            finds.setdefault(erasure, set()).add(_number(digest, contact))
    erased = set[int]().union(*finds.values(), *(each.contacts for each in tombstones))
    kept = pa.array(
        [not contact or _number(digest, contact) not in erased for _, contact in _contacts(rows, own, key)], pa.bool_()
    )
    left = ContactRows(rows.contact_id.filter(kept), rows.customer_id.filter(kept), rows.email.filter(kept))
    return left, {id: Found(contacts=frozenset(ids)) for id, ids in finds.items()}


def _contacts(rows: ContactRows, own: AddressBook, key: bytes) -> Iterator[tuple[int, str]]:
    """(hash of the address, contact id) of each row; where the id is blank the address stands for it."""
    digest = hasher(key, ADDRESS)
    for contact_ids, _, emails in rows:
        for contact_id, email in zip(contact_ids, emails, strict=True):
            address = normalise(email)
            if own.owns_domain_of(address):
                address = untagged(address)
            yield _number(digest, address), contact_id.strip() or address


def together(*all_finds: Finds) -> Finds:
    """What was found of each, in one."""
    found: dict[str, Found] = {}
    for finds in all_finds:
        for id, one in finds.items():
            found[id] = found.get(id, Found()) | one
    return found
