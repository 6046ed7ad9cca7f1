"""How large what extraction leaves of a mailbox is: bytes per fact, which is a copy for one account involved in it."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from bench import extraction_pages
from bench.extraction_pages import MESSAGES, PEOPLE
from bench.frame import Figure
from shared.adapters import tables
from shared.adapters.blobs import Container
from shared.core import blob_names
from shared.core.facts import Contacts, MeetingCopies, MessageCopies, Ragged

PEER = "pandas to_parquet"


def figures(staging: Container, run: str, person: str) -> list[Figure]:
    """Of a mailbox of mail or of a calendar."""
    contacts = extraction_pages.plan().contacts
    if person == "calendar":
        return [_per_fact("meetings", staging, run, person, contacts)]
    ledger = _blob(staging, run, person, "ledger")
    per_message = {PEER: len(_by_pandas(ledger)) / MESSAGES}
    title = "staging: what a rerun needs, per message read"
    return [
        _per_fact("messages", staging, run, person, contacts),
        Figure(title, "bytes", "lower", len(ledger) / MESSAGES, per_message),
    ]


def _per_fact(kind: str, staging: Container, run: str, person: str, contacts: Contacts) -> Figure:
    data = _blob(staging, run, person, kind)
    facts = _facts(data, kind, contacts)
    peers = {PEER: len(_by_pandas(data)) / facts}
    return Figure(f"staging: {kind}, per fact", "bytes", "lower", len(data) / facts, peers, must=20, aim=12)


def _blob(staging: Container, run: str, person: str, kind: str) -> bytes:
    data = staging.read(blob_names.mailbox_part(run, run, PEOPLE.index(person), 0, kind))
    assert data is not None
    return data


def _facts(data: bytes, kind: str, contacts: Contacts) -> int:
    """Distinct pairs of a copy and an account one of whose contacts it names."""
    if kind == "meetings":
        meetings = tables.read(MeetingCopies, data)
        return _pairs(meetings.attendees, meetings.organizer, contacts)
    messages = tables.read(MessageCopies, data)
    return _pairs(messages.recipients, messages.sender, contacts)


def _pairs(named: Ragged, by: Any, contacts: Contacts) -> int:
    rows = np.arange(len(by))
    row = np.concatenate([rows, np.repeat(rows, np.diff(named.offsets))])
    code = np.concatenate([by, named.values])
    row, address = row[code > 0], code[code > 0] - 1
    pairs = np.diff(contacts.pair_offsets)[address]
    assert (pairs == 1).all(), "an address of several accounts"
    account = contacts.account[contacts.pair_offsets[address]]
    return len(np.unique(row * len(contacts.accounts) + account))


def _by_pandas(data: bytes) -> bytes:
    written: bytes = pq.read_table(io.BytesIO(data)).to_pandas().to_parquet()
    return written
