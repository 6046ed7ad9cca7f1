"""From the rows of the contacts data to account contacts, and the reason of each row (semantics §1, §2, §6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shared.core.addresses import AddressBook, is_complete, normalise, untagged
from shared.core.facts import Contacts
from shared.core.hashes import ADDRESS, CONTACT_ID, HASH, hasher
from shared.core.hierarchy import Hierarchy

Text: TypeAlias = "pa.ChunkedArray[Any]"  # strings, without nulls
_AT_ONCE = 65_536


@dataclass(frozen=True, slots=True)
class ContactRows:
    """The three columns of the contacts data, as they stand in the file; blank where there is nothing."""

    contact_id: Text
    customer_id: Text
    email: Text

    def __iter__(self) -> Iterator[tuple[list[str], list[str], list[str]]]:
        """The rows as columns, some tens of thousands at once."""
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
    """Rows with an address, a customer and nothing of ours, repeated ones included; one entry each.

    contact: the address where the row has no contact id; then `unnamed` is 1 · tagged: hash of an address with a tag →
    hash of the same without it · others: the rows that cannot be used.
    """

    address: NDArray[np.uint64]
    customer: Text
    contact: Text
    unnamed: NDArray[np.int64]
    tagged: dict[bytes, bytes]
    others: UnusableRows


def read(rows: ContactRows, own: AddressBook, key: bytes, hierarchy: Hierarchy | None = None) -> ReadContacts:
    """Judge every row. `own`: our people and domains, which no account contact may have an address of."""
    counts: Counter[str] = Counter()
    usable = _usable(rows, own, key)
    addresses, address = np.unique(usable.address, return_inverse=True)
    accounts, account = by_code_point(usable.customer)
    named: Any = usable.contact.combine_chunks().dictionary_encode()
    contact = _numbers(named)
    # A blank contact id and one that spells the address out are different values, and one contact.
    used = _distinct(address, account, contact, usable.unnamed)
    triples = used[_differs(used[:, :3])]
    for reason, name in enumerate(UNUSABLE):
        counts[name] = int(np.count_nonzero(usable.others.reason == reason))
    counts["Used"] = len(used)
    counts["Repeated"] = len(address) - len(used)
    top_of = hierarchy.top_of if hierarchy else str
    tops = sorted({top_of(customer) for customer in accounts})
    number = {customer: position for position, customer in enumerate(tops)}
    contacts = Contacts(
        pair_offsets=np.searchsorted(triples[:, 0], np.arange(len(addresses) + 1)).astype(np.int64),
        account=triples[:, 1].copy(),
        contact=triples[:, 2].copy(),
        accounts=accounts,
        top=np.array([number[top_of(customer)] for customer in accounts], np.int32),
        tops=tops,
    )
    sources = _sources(addresses, usable, named, used[:, 2], key)
    return ReadContacts(contacts, replace(own, contacts=addresses), {r: n for r, n in counts.items() if n}, sources)


def _sources(
    addresses: NDArray[np.uint64], usable: _Usable, named: Any, used: NDArray[np.int32], key: bytes
) -> Sources:
    """named: the contact id of each row that can be used, encoded · used: the contact's number of each row that is."""
    untagged_hashes = np.zeros(len(addresses), np.uint64)
    with_tag = np.frombuffer(b"".join(usable.tagged), HASH)
    untagged_hashes[np.searchsorted(addresses, with_tag)] = np.frombuffer(b"".join(usable.tagged.values()), HASH)
    hashed = _hashes(named.dictionary, hasher(key, CONTACT_ID))
    used_rows = np.bincount(used, minlength=len(hashed)).astype(np.int32)
    rows = np.bincount(_numbers(named), minlength=len(hashed)).astype(np.int32)
    return Sources(untagged_hashes, hashed, used_rows, rows - used_rows, usable.others)


def _texts(column: Any) -> list[str]:
    texts: list[str] = column.to_pylist()
    return texts


def _hashes(texts: Any, digest: Callable[[bytes], bytes]) -> NDArray[np.uint64]:
    hashed = bytearray()
    for start in range(0, len(texts), _AT_ONCE):
        for text in _texts(texts.slice(start, _AT_ONCE)):
            hashed += digest(text.encode())
    return np.frombuffer(bytes(hashed), HASH)


def _usable(rows: ContactRows, own: AddressBook, key: bytes) -> _Usable:
    digest, digest_id = hasher(key, ADDRESS), hasher(key, CONTACT_ID)
    hashes, unnamed = bytearray(), bytearray()
    others, reasons = bytearray(), bytearray()
    tagged: dict[bytes, bytes] = {}
    customers: list[Any] = []
    contacts: list[Any] = []
    for chunk in rows:
        kept_customers, kept_contacts = [], []
        for raw_contact, raw_customer, email in zip(*chunk, strict=True):
            address, customer = normalise(email), raw_customer.strip()
            hashed = digest(address.encode())
            incomplete = not customer or not is_complete(address)
            if incomplete or own.is_ours(address, hashed):
                address = untagged(address) if own.owns_domain_of(address) else address
                others += digest(address.encode()) + digest_id((raw_contact.strip() or address).encode())
                reasons.append(UNUSABLE.index("Incomplete" if incomplete else "OwnOrganisation"))
                continue
            if "+" in address:
                tagged[hashed] = digest(untagged(address).encode())
            hashes += hashed
            kept_customers.append(customer)
            contact = raw_contact.strip()
            unnamed.append(not contact)
            kept_contacts.append(contact or address)
        customers.append(pa.array(kept_customers, pa.string()))
        contacts.append(pa.array(kept_contacts, pa.string()))
    return _Usable(
        np.frombuffer(bytes(hashes), HASH),
        pa.chunked_array(customers, pa.string()),
        pa.chunked_array(contacts, pa.string()),
        np.frombuffer(bytes(unnamed), np.uint8).astype(np.int64),
        tagged,
        UnusableRows(
            np.frombuffer(bytes(others), HASH)[::2],
            np.frombuffer(bytes(others), HASH)[1::2],
            np.frombuffer(bytes(reasons), np.uint8),
        ),
    )


def by_code_point(texts: Text) -> tuple[list[str], NDArray[np.int32]]:
    """The distinct texts, sorted by code point, and for each text its place among them."""
    encoded = texts.combine_chunks().dictionary_encode()
    names = _texts(encoded.dictionary)
    order = sorted(range(len(names)), key=names.__getitem__)
    rank = np.empty(len(names), np.int32)
    rank[order] = np.arange(len(names), dtype=np.int32)
    return [names[position] for position in order], rank[_numbers(encoded)]


def _numbers(encoded: Any) -> NDArray[np.int32]:
    """Of a column that is encoded by a dictionary. `to_numpy` would import pandas, for nothing."""
    numbers: Any = np.from_dlpack(encoded.indices)
    return cast("NDArray[np.int32]", numbers)


def _distinct(*columns: NDArray[np.integer[Any]]) -> NDArray[np.int32]:
    """The distinct rows, sorted by the first column, then the second, and so on."""
    table = np.stack(columns, axis=1, dtype=np.int32, casting="same_kind")[np.lexsort(columns[::-1])]
    distinct: NDArray[np.int32] = table[_differs(table)]
    return distinct


def _differs(table: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Whether a row differs from the one before it."""
    differs = np.ones(len(table), np.bool_)
    differs[1:] = (table[1:] != table[:-1]).any(axis=1)
    return differs
