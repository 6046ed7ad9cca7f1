"""A run over memory in the middle of its way: its plan is made, mailboxes have left their facts."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import numpy as np

from shared.adapters import tables
from shared.adapters.blobs import Container
from shared.adapters.plan_files import write_plan
from shared.core import blob_names
from shared.core.addresses import AddressBook
from shared.core.contracts import Counts
from shared.core.enrichment import Enrichment, Options
from shared.core.facts import Contacts, MeetingCopies, MessageCopies
from shared.core.plan import Plan
from shared.services import Services, enrichments
from shared.services.conditions import Condition
from tests.facts import WINDOW
from tests.fakes import fake_services

NAME = "sales"
BODY = {
    "displayName": NAME,
    "addresses": ["ada@contoso.example", "bob@contoso.example"],
    "consentAgreed": True,
    "contacts": {"blob": "contacts.csv", "contactId": "Id", "customerId": "Account", "email": "Email"},
}
# A worker keeps plans in its memory, by their names.
_seconds = count()


def run_id() -> str:
    return f"20260701T{next(_seconds):06d}Z"


def stage(contacts: Contacts, *, hierarchy: bool = False, options: Options | None = None) -> tuple[Services, str]:
    """The services, and the id of a run that is active in them."""
    svc, run = fake_services(), run_id()
    enrichments.save(svc, NAME, Enrichment.model_validate(BODY), [], 3, Condition())
    begin(svc, run, contacts, hierarchy=hierarchy, options=options)
    return svc, run


def begin(
    svc: Services, run: str, contacts: Contacts, *, hierarchy: bool = False, options: Options | None = None
) -> None:
    """Another run of the same enrichment."""
    none = np.zeros(0, np.uint64)
    plan = Plan(
        people=["ada", "bob", "cem"],
        book=AddressBook(
            none, np.zeros(0, np.int32), np.arange(len(contacts.pair_offsets) - 1, dtype=np.uint64), frozenset()
        ),
        contacts=contacts,
        window=WINDOW,
        options=options or Options(),
        hierarchy=hierarchy,
    )
    write_plan(svc.storage.staging, NAME, run, plan)
    record = {"phase": "active", "status": {"state": "Running"}, "configHash": "c0ffee"}
    svc.storage.config.write(blob_names.run(NAME, run), json.dumps(record).encode())


def leave(
    svc: Services,
    run: str,
    mailbox: int,
    messages: MessageCopies,
    meetings: MeetingCopies,
    part: int = 0,
    **counts: Any,
) -> None:
    """The facts of a part of a mailbox; `counts`: scope → reason → copies left out."""
    told: Counts = counts
    staging = svc.storage.staging
    names = [blob_names.mailbox_part(NAME, run, mailbox, part, kind) for kind in ("messages", "meetings")]
    staging.write(names[0], tables.write_message_copies(messages, told))
    staging.write(names[1], tables.write_meeting_copies(meetings))


def contents(container: Container) -> dict[str, bytes | None]:
    """Blob name → bytes."""
    return {entry.name: container.read(entry.name) for entry in container.entries("")}
