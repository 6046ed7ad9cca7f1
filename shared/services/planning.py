"""From an enrichment, its data and the people behind its addresses to the plan of a run, or to what is wrong with them.

Saving an enrichment and previewing it judge the same things in the same words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    from shared.core.contacts import ContactRows, ReadContacts
    from shared.core.hierarchy import Hierarchy
    from shared.services import Services


@dataclass(frozen=True, slots=True)
class Data:
    """The customer's data as columns of text; `customers` is None where none are configured."""

    contacts: ContactRows
    customers: CustomerRows | None


@dataclass(frozen=True, slots=True)
class Planned:
    """counts: the coverage's scopes Contact, Guest and, where a parent is configured, Hierarchy."""

    plan: Plan
    counts: Counts


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


def read_contacts(
    body: Enrichment, data: Data, own: AddressBook, key: bytes, tree: Hierarchy | None = None
) -> ReadContacts:
    """Raises `Invalid` where no row can be used."""
    from shared.adapters import datafiles
    from shared.core import contacts

    read = contacts.read(data.contacts, own, key, tree)
    if not read.counts.get("Used"):
        raise datafiles.nothing_usable(body.contacts, read.counts)
    return read


def make(
    key: bytes, body: Enrichment, data: Data, resolution: Resolution, verified_domains: tuple[str, ...], as_of_us: int
) -> Planned:
    """Raises `Invalid` where no row of the contacts data can be used."""
    tree = _hierarchy_of(data)
    own = own_book(key, (*verified_domains, *body.internal_domains), resolution.people)
    read = read_contacts(body, data, own, key, tree)
    plan = Plan(
        people=sorted(resolution.people),
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
    return Planned(plan, counts)


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
