"""From an enrichment, its data and the people behind its addresses to the plan of a run, or to what is wrong with them.

Saving an enrichment and previewing it judge the same things in the same words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shared.core.addresses import AddressBook, normalise_domain, people_index
from shared.core.contracts import Counts
from shared.core.enrichment import FEWEST_PEOPLE, MOST_PEOPLE, Enrichment
from shared.core.errors import Fault, Invalid
from shared.core.periods import Window
from shared.core.plan import Plan

if TYPE_CHECKING:
    from shared.adapters.datafiles import CustomerRows
    from shared.adapters.graph.directory import Resolution
    from shared.core.contacts import ContactRows, ReadContacts, Sources
    from shared.core.erasure import Finds, Tombstone
    from shared.core.hierarchy import Hierarchy
    from shared.services import Services


@dataclass(frozen=True, slots=True)
class Data:
    """The customer's data as columns of text; `customers` is None where none are configured."""

    contacts: ContactRows
    customers: CustomerRows | None


@dataclass(frozen=True, slots=True)
class Planned:
    """counts: the coverage's scopes Contact, Guest and, where a parent is configured, Hierarchy · sources: of the
    contacts · finds: who of the erased was found.
    """

    plan: Plan
    counts: Counts
    sources: Sources
    finds: Finds


def unknown_addresses(resolution: Resolution) -> list[Fault]:
    return [
        Fault(entry.pointer, "The directory knows no user and no group with this address.")
        for entry in resolution.entries
        if entry.kind == "unknown"
    ]


def number_of_people(people: int) -> list[Fault]:
    """2 to 2,500 listed people; guests are none (semantics §1)."""
    if FEWEST_PEOPLE <= people <= MOST_PEOPLE:
        return []
    detail = f"The addresses stand for {people} people; {FEWEST_PEOPLE} to {MOST_PEOPLE:,} are allowed, guests aside."
    return [Fault("/addresses", detail)]


def read_data(svc: Services, body: Enrichment) -> Data:
    """Raises `Invalid` with every fault of both files."""
    from shared.adapters import datafiles

    faults: list[Fault] = []
    contacts = customers = None
    try:
        contacts = datafiles.read_contacts(svc.storage.input, body.contacts)
    except Invalid as invalid:
        faults += invalid.faults
    try:
        customers = datafiles.read_customers(svc.storage.input, body.customers) if body.customers else None
    except Invalid as invalid:
        faults += invalid.faults
    if contacts is None or faults:
        raise Invalid("The data cannot be used", " ".join(fault.detail for fault in faults), faults)
    return Data(contacts, customers)


def own_book(key: bytes, domains: Iterable[str], people: Mapping[str, frozenset[str]]) -> AddressBook:
    """Our organisation alone. domains: verified and internal ones, in whatever spelling · people: directory id →
    addresses; empty as long as nobody is resolved.
    """
    ours = frozenset(map(normalise_domain, domains)) - {""}
    numbered = enumerate(people[person] for person in sorted(people))
    hashes, numbers = people_index(numbered, ours, key)
    return AddressBook(hashes, numbers, np.array([], np.uint64), ours)


def left_people(key: bytes, people: Mapping[str, frozenset[str]], tombstones: Sequence[Tombstone]) -> list[str]:
    """Directory ids of these people, sorted, without those who have been erased."""
    from shared.core import erasure

    left, _ = erasure.leave_people(sorted(people), own_book(key, (), people), tombstones, key)
    return left.people


def read_contacts(
    rows: ContactRows, own: AddressBook, key: bytes, tombstones: Sequence[Tombstone], tree: Hierarchy | None = None
) -> tuple[ReadContacts, Finds]:
    """Rows of erased contacts do not exist; of these contacts those that were found."""
    from shared.core import contacts, erasure

    left, finds = erasure.leave_rows(rows, own, tombstones, key)
    return contacts.read(left, own, key, tree), finds


def make(
    key: bytes,
    body: Enrichment,
    data: Data,
    resolution: Resolution,
    verified_domains: tuple[str, ...],
    as_of_us: int,
    tombstones: Sequence[Tombstone] = (),
    *,
    may_be_empty: bool = False,
) -> Planned:
    """Raises `Invalid` where no row of the contacts data can be used, unless it may be so."""
    from shared.adapters import datafiles
    from shared.core import erasure

    tree = _hierarchy_of(data)
    own = own_book(key, (*verified_domains, *body.internal_domains), resolution.people)
    left, people_found = erasure.leave_people(sorted(resolution.people), own, tombstones, key)
    read, contacts_found = read_contacts(data.contacts, left.book, key, tombstones, tree)
    if not read.counts.get("Used") and not may_be_empty:
        raise datafiles.nothing_usable(body.contacts, read.counts)
    plan = Plan(
        people=left.people,
        book=read.book,
        contacts=read.contacts,
        window=Window(as_of_us, body.time_zone),
        options=body.options,
        hierarchy=tree is not None,
        customers=names_of(data.customers) if data.customers else None,
    )
    counts: Counts = {"Contact": read.counts}
    if resolution.guests:
        counts["Guest"] = {"Skipped": len(resolution.guests)}
    if tree is not None:
        counts["Hierarchy"] = tree.counts
    return Planned(plan, counts, read.sources, erasure.together(people_found, contacts_found))


def _hierarchy_of(data: Data) -> Hierarchy | None:
    from shared.core import hierarchy

    if data.customers is None or data.customers.parent is None:
        return None
    ids: list[Any] = data.customers.customer_id.to_pylist()
    parents: list[Any] = data.customers.parent.to_pylist()
    return hierarchy.build(zip(ids, parents, strict=True))


def names_of(customers: CustomerRows) -> dict[str, str | None]:
    """Customer id → name; of an id given twice the first row counts (semantics §11)."""
    ids: list[Any] = customers.customer_id.to_pylist()
    names: list[Any] = customers.name.to_pylist() if customers.name is not None else [""] * len(ids)
    found: dict[str, str | None] = {}
    for customer, name in zip(ids, names, strict=True):
        if customer.strip():
            found.setdefault(customer.strip(), name.strip() or None)
    return found
