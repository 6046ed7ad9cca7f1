"""From the rows of the contacts data to account contacts, and the reason of each row (semantics §1, §2, §6)."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shared.core.addresses import AddressBook, is_complete, normalise, untagged
from shared.core.facts import Contacts
from shared.core.hashes import ADDRESS, CONTACT_ID, HASH, hasher
from shared.core.hierarchy import Hierarchy

Text: TypeAlias = "pa.ChunkedArray[Any]"  # strings, without nulls
_AT_ONCE = 16_384


@dataclass(frozen=True, slots=True)
class ContactRows:
    """The three columns of the contacts data, as they stand in the file; blank where there is nothing."""

    contact_id: Text
    customer_id: Text
    email: Text

    def __iter__(self) -> Iterator[tuple[list[str], list[str], list[str]]]:
        """The rows as columns, some thousands at once."""
        for start in range(0, len(self.email), _AT_ONCE):
            columns = (self.contact_id, self.customer_id, self.email)
            contact, customer, email = (_texts(column.slice(start, _AT_ONCE)) for column in columns)
            yield contact, customer, email


# Why a row cannot be used; a reason's number is its place here.
UNUSABLE = ("Incomplete", "OwnOrganisation")


@dataclass(frozen=True, slots=True)
class UnusableRows:
    """One entry per row. address, contact: hashes (u64), as of other rows · reason: a place in UNUSABLE (u8)."""

    address: NDArray[np.uint64]
    contact: NDArray[np.uint64]
    reason: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Sources:
    """What else must be known of contacts to take one out later (`recoding`).

    untagged: per contact address the hash of the same without its tag, 0 where it has none (u64) · contact: per contact
    number the hash of its id (u64) · used, repeated: per contact number its rows of the data (i32) · unusable: all
    other rows.
    """

    untagged: NDArray[np.uint64]
    contact: NDArray[np.uint64]
    used: NDArray[np.int32]
    repeated: NDArray[np.int32]
    unusable: UnusableRows


@dataclass(frozen=True, slots=True)
class ReadContacts:
    """book: the one given, which now knows the contact addresses too · counts: rows by reason."""

    contacts: Contacts
    book: AddressBook
    counts: dict[str, int]
    sources: Sources


@dataclass(frozen=True, slots=True)
class _Usable:
    """Rows with an address, a customer and nothing of ours, repeated ones included; one entry each. As numbers: a
    million texts take more memory than a worker may have.

    address, contact: hashes (u64); of the address where the row has no contact id, and then `unnamed` is 1 ·
    customer: a place in `customers`, which are distinct (i32) · tagged: hash of an address with a tag → hash of the
    same without it · others: the rows that cannot be used.
    """

    address: NDArray[np.uint64]
    contact: NDArray[np.uint64]
    unnamed: NDArray[np.uint8]
    customer: NDArray[np.int32]
    customers: list[str]
    tagged: dict[bytes, bytes]
    others: UnusableRows


def read(rows: ContactRows, own: AddressBook, key: bytes, hierarchy: Hierarchy | None = None) -> ReadContacts:
    """Judge every row. `own`: our people and domains, which no account contact may have an address of."""
    usable = _usable(rows, own, key)
    counts: Counter[str] = Counter()
    for reason, name in enumerate(UNUSABLE):
        counts[name] = int(np.count_nonzero(usable.others.reason == reason))
    accounts, account = _by_code_point(usable)
    addresses, address = _numbered(usable.address)
    contact_ids, contact = _numbered(usable.contact)
    order = np.lexsort((usable.unnamed, contact, account, address))
    address, account, contact = address[order], account[order], contact[order]
    is_pair = _differs(address) | _differs(account) | _differs(contact)
    # A blank contact id and one that spells the address out are different values, and one contact.
    is_used = is_pair | _differs(usable.unnamed[order])
    counts["Used"] = int(np.count_nonzero(is_used))
    counts["Repeated"] = len(is_used) - counts["Used"]
    sources = _sources(addresses, usable, contact_ids, contact, contact[is_used])
    tops, top = _tops(accounts, hierarchy)
    contacts = Contacts(
        pair_offsets=np.searchsorted(address[is_pair], np.arange(len(addresses) + 1)).astype(np.int64),
        account=account[is_pair],
        contact=contact[is_pair],
        accounts=accounts,
        top=top,
        tops=tops,
    )
    return ReadContacts(contacts, replace(own, contacts=addresses), {r: n for r, n in counts.items() if n}, sources)


def _sources(
    addresses: NDArray[np.uint64],
    usable: _Usable,
    contact_ids: NDArray[np.uint64],
    contact: NDArray[np.int32],
    used: NDArray[np.int32],
) -> Sources:
    """contact, used: the contact's number of each row that can be used, and of each that is."""
    untagged_hashes = np.zeros(len(addresses), np.uint64)
    with_tag = np.frombuffer(b"".join(usable.tagged), HASH)
    untagged_hashes[np.searchsorted(addresses, with_tag)] = np.frombuffer(b"".join(usable.tagged.values()), HASH)
    used_rows, rows = (np.bincount(some, minlength=len(contact_ids)).astype(np.int32) for some in (used, contact))
    return Sources(untagged_hashes, contact_ids, used_rows, rows - used_rows, usable.others)


def _texts(column: Any) -> list[str]:
    texts: list[str] = column.to_pylist()
    return texts


def _usable(rows: ContactRows, own: AddressBook, key: bytes) -> _Usable:
    digest, digest_id = hasher(key, ADDRESS), hasher(key, CONTACT_ID)
    hashes, ids, unnamed = bytearray(), bytearray(), bytearray()
    others, reasons = bytearray(), bytearray()
    tagged: dict[bytes, bytes] = {}
    customers: dict[str, int] = {}
    customer_of = array("i")
    for chunk in rows:
        for raw_contact, raw_customer, email in zip(*chunk, strict=True):
            address, customer, contact = normalise(email), raw_customer.strip(), raw_contact.strip()
            hashed = digest(address.encode())
            incomplete = not customer or not is_complete(address)
            if incomplete or own.is_ours(address, hashed):
                address = untagged(address) if own.owns_domain_of(address) else address
                others += digest(address.encode()) + digest_id((contact or address).encode())
                reasons.append(UNUSABLE.index("Incomplete" if incomplete else "OwnOrganisation"))
                continue
            if "+" in address:
                tagged[hashed] = digest(untagged(address).encode())
            hashes += hashed
            ids += digest_id((contact or address).encode())
            unnamed.append(not contact)
            customer_of.append(customers.setdefault(customer, len(customers)))
    return _Usable(
        np.frombuffer(hashes, HASH),
        np.frombuffer(ids, HASH),
        np.frombuffer(unnamed, np.uint8),
        np.frombuffer(customer_of, np.int32),
        list(customers),
        tagged,
        UnusableRows(
            np.frombuffer(others, HASH)[::2],
            np.frombuffer(others, HASH)[1::2],
            np.frombuffer(reasons, np.uint8),
        ),
    )


def _numbered(hashes: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """The distinct hashes, sorted, and for each hash its place among them."""
    distinct, place = np.unique(hashes, return_inverse=True)
    return distinct, place.astype(np.int32)


def _by_code_point(usable: _Usable) -> tuple[list[str], NDArray[np.int32]]:
    """The customers, sorted by code point, and for each row the place of its own among them."""
    names = usable.customers
    order = sorted(range(len(names)), key=names.__getitem__)
    rank = np.empty(len(names), np.int32)
    rank[order] = np.arange(len(names), dtype=np.int32)
    return [names[position] for position in order], rank[usable.customer]


def _tops(accounts: list[str], hierarchy: Hierarchy | None) -> tuple[list[str], NDArray[np.int32]]:
    """The topmost ancestors, sorted, and for each account the place of its own among them."""
    if hierarchy is None:
        return accounts, np.arange(len(accounts), dtype=np.int32)
    tops = sorted({hierarchy.top_of(customer) for customer in accounts})
    number = {customer: position for position, customer in enumerate(tops)}
    return tops, np.array([number[hierarchy.top_of(customer)] for customer in accounts], np.int32)


def _differs(column: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether a value differs from the one before it."""
    differs = np.ones(len(column), np.bool_)
    differs[1:] = column[1:] != column[:-1]
    return differs
