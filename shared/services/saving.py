"""Saving an enrichment: judge all that can be judged, tell every fault at once, keep it, ask for consent (§2).

A preview judges the same body in the same way, and keeps nothing.

While consent is missing nothing is asked of Graph: the addresses are pending then, and a run judges them later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shared.adapters.graph import directory, tenant
from shared.adapters.graph.directory import Resolution
from shared.adapters.graph.refusals import TenantRefused
from shared.adapters.graph.tenant import Tenant
from shared.core import bodies
from shared.core.enrichment import ContactsData, CustomersData, Enrichment, check_name, judge
from shared.core.errors import AppError, Fault, Invalid
from shared.services import Services, consent, enrichments
from shared.services.conditions import Condition
from shared.services.consent import ConsentRecord
from shared.services.enrichments import Entry, StoredEnrichment

if TYPE_CHECKING:
    from shared.core.addresses import AddressBook
    from shared.core.contacts import ReadContacts


@dataclass(frozen=True, slots=True)
class Saved:
    stored: StoredEnrichment
    created: bool
    consent: ConsentRecord


@dataclass(frozen=True, slots=True)
class _Known:
    """What Graph says of the tenant and the addresses; None where it could not be asked. requests: what that took."""

    tenant: Tenant | None = None
    resolution: Resolution | None = None
    requests: int = 0


@dataclass
class _Draft:
    """A body on its way to being kept: its sound parts, and the faults found so far."""

    name: str
    tree: dict[str, Any]
    body: Enrichment | None
    faults: list[Fault]
    rows: Any = None
    contacts_read: ReadContacts | None = None
    known: _Known = field(default_factory=_Known)

    def is_sound(self, part: str) -> bool:
        pointers = (fault.pointer for fault in self.faults)
        return part in self.tree and not any(f"{pointer}/".startswith(f"/{part}/") for pointer in pointers)

    @property
    def addresses(self) -> Sequence[str]:
        return self.tree["addresses"] if self.is_sound("addresses") else ()

    @property
    def contacts(self) -> ContactsData | None:
        return bodies.judge(ContactsData, self.tree["contacts"])[0] if self.is_sound("contacts") else None

    @property
    def customers(self) -> CustomersData | None:
        given = self.tree["customers"] if self.is_sound("customers") else None
        return bodies.judge(CustomersData, given)[0] if given else None

    @property
    def internal_domains(self) -> Sequence[str]:
        return self.tree["internalDomains"] if self.is_sound("internalDomains") else ()


@dataclass(frozen=True, slots=True)
class Sound:
    """A body without faults. resolution: None while consent is missing · requests: what it took to ask Graph."""

    body: Enrichment
    granted: bool
    contacts: ReadContacts
    resolution: Resolution | None
    requests: int


async def save(svc: Services, name: str, raw: bytes, origin: str, condition: Condition) -> Saved:
    """Raises `Invalid` with every fault, `Conflict` for a tenant that cannot be read or an output that is taken."""
    check_name(name)
    sound = await examine(svc, name, raw)
    entries, people = _entries(sound.body, sound.resolution)
    stored, created = await asyncio.to_thread(enrichments.save, svc, name, sound.body, entries, people, condition)
    record = await asyncio.to_thread(consent.note, svc, name, sound.granted)
    if not sound.granted:
        record = await consent.ask(svc, name, sound.body, origin)
    return Saved(stored, created, record)


async def examine(svc: Services, name: str, raw: bytes) -> Sound:
    """Judge a body in full, storing nothing. Raises `Invalid` with every fault, `Conflict` for the tenant."""
    tree = bodies.tree(raw)
    draft = _Draft(name, tree, *judge(name, tree))
    await asyncio.to_thread(_read_data, svc, draft)
    granted = await _ask_graph(svc, draft)
    await asyncio.to_thread(_judge_contacts, svc, draft)
    if draft.body is None or draft.contacts_read is None or draft.faults:
        raise bodies.invalid(draft.faults)
    if draft.known.tenant is not None:
        consent.judge_tenant(svc, draft.known.tenant)
    return Sound(draft.body, granted, draft.contacts_read, draft.known.resolution, draft.known.requests)


def _read_data(svc: Services, draft: _Draft) -> None:
    """Read the contacts and customers data, whose faults join the others."""
    from shared.adapters import datafiles

    if draft.contacts:
        try:
            draft.rows = datafiles.read_contacts(svc.storage.input, draft.contacts)
        except Invalid as wrong:
            draft.faults += wrong.faults
    if draft.customers:
        try:
            datafiles.read_customers(svc.storage.input, draft.customers)
        except Invalid as wrong:
            draft.faults += wrong.faults


async def _ask_graph(svc: Services, draft: _Draft) -> bool:
    """Whether consent is there; what Graph then says joins the draft, faults included."""
    if not draft.addresses or not draft.is_sound("consentAgreed"):
        return False
    try:
        if not await consent.has_access(svc, draft.addresses):
            return False
        async with svc.graph() as graph:
            found = await tenant.read(graph)
            resolution = await directory.resolve(graph, draft.addresses)
            requests = graph.requests
    except TenantRefused:
        return False  # roles reach the directory some time after they reach tokens
    except AppError:
        if draft.faults:
            return False  # these are enough to refuse the body; whoever is away can be asked another time
        raise
    from shared.services import planning

    draft.faults += planning.unknown_addresses(resolution)
    draft.faults += planning.number_of_people(len(resolution.people))
    draft.known = _Known(found, resolution, requests)
    return True


def _judge_contacts(svc: Services, draft: _Draft) -> None:
    """Some row has to be usable, as far as it is known whose addresses are our own."""
    if draft.rows is None or draft.contacts is None:
        return
    from shared.adapters import datafiles
    from shared.services import erasures, planning

    key = svc.settings.pseudonym_key
    read, _ = planning.read_contacts(draft.rows, _own(svc, draft), key, erasures.recognised(svc, draft.name))
    draft.contacts_read = read
    if not read.counts.get("Used"):
        draft.faults += datafiles.nothing_usable(draft.contacts, read.counts).faults


def _own(svc: Services, draft: _Draft) -> AddressBook:
    from shared.services import planning

    verified = draft.known.tenant.verified_domains if draft.known.tenant else ()
    people = draft.known.resolution.people if draft.known.resolution else {}
    return planning.own_book(svc.settings.pseudonym_key, (*draft.internal_domains, *verified), people)


def _entries(body: Enrichment, resolution: Resolution | None) -> tuple[list[Entry], int | None]:
    if resolution is None:
        return [Entry(address) for _, address in body.distinct_addresses()], None
    return entries_of(resolution), len(resolution.people)


def entries_of(resolution: Resolution) -> list[Entry]:
    return [Entry(entry.address, entry.kind, entry.people, entry.guests) for entry in resolution.entries]
