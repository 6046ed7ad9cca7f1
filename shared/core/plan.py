"""What all activities of a run need to know: who is listed, whose an address is, which days and rules count."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shared.core.addresses import AddressBook
from shared.core.enrichment import Options
from shared.core.facts import Contacts
from shared.core.periods import Window


@dataclass(frozen=True, eq=False, kw_only=True)
class MailboxPlan:
    """What reading a mailbox needs to know.

    people: directory ids of the listed people, sorted by code point; a person's number is the position ·
    base: the run whose facts this one builds on, None where it reads everything · as_is: mailboxes that the base has
    read are not looked at again · recoded: no mailbox is, and the base's facts have other numbers (`recoding`).

    It holds no address in clear, and not the key of the hashes in `book`.
    """

    people: list[str]
    book: AddressBook
    window: Window
    options: Options
    base: str | None = None
    as_is: bool = False
    recoded: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class Plan(MailboxPlan):
    """All of it. hierarchy: whether a parent is configured, so that tops have a table of their own (semantics §11) ·
    customers: id → name of each row of the customers data, None for a blank name; None where none are configured.
    """

    contacts: Contacts
    hierarchy: bool
    customers: Mapping[str, str | None] | None = None


# To be raised whenever the same mailbox and plan give other facts than before.
_FACTS_VERSION = 2
_AT_ONCE = 65_536


def fingerprint(plan: Plan) -> str:
    """SHA-256, hexadecimal, of all that facts depend on but the window's end: only under the same people, addresses,
    contacts, hierarchy and rules can a run build on the facts of another.
    """
    told = {
        "version": _FACTS_VERSION,
        "people": plan.people,
        "domains": sorted(plan.book.domains),
        "zone": plan.window.zone,
        "options": plan.options.model_dump(mode="json", exclude={"bands"}),
        "hierarchy": plan.hierarchy,
    }
    digest = hashlib.sha256(json.dumps(told).encode())
    book, contacts = plan.book, plan.contacts
    for ids in (contacts.accounts, contacts.tops):
        for start in range(0, len(ids), _AT_ONCE):
            digest.update(json.dumps(ids[start : start + _AT_ONCE]).encode())
        digest.update(b"|")
    for column in (book.people, book.person, book.contacts, contacts.pair_offsets, contacts.account, contacts.contact):
        digest.update(np.asarray(column, "<i8" if column.dtype.kind == "i" else "<u8").tobytes())
        digest.update(b"|")
    digest.update(np.asarray(contacts.top, "<i8").tobytes())
    return digest.hexdigest()
