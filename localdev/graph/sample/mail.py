"""Messages: what is written, and the copy of it that lies in a mailbox, in Microsoft Graph's shape."""

from __future__ import annotations

import base64
import random
import struct
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from localdev.graph.sample.company import Person

FILETIME_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Address:
    """Who a message or a meeting names."""

    name: str
    address: str

    def as_graph(self) -> dict[str, Any]:
        return {"emailAddress": {"name": self.name, "address": self.address}}


def ours(person: Person) -> Address:
    return Address(person.name, person.address)


@dataclass
class Thread:
    """A conversation. `index`: 22 bytes for its first message, 5 more for each that follows."""

    guid: uuid.UUID
    index: bytes

    @classmethod
    def started(cls, rng: random.Random, sent: datetime) -> Thread:
        guid = uuid.UUID(int=rng.getrandbits(128), version=4)
        return cls(guid, b"\x01" + struct.pack(">Q", filetime(sent))[:5] + guid.bytes)

    def followed(self, elapsed: timedelta) -> Thread:
        """The same conversation, one message further: the time since the first one, in units of about 26 ms."""
        units = int(elapsed.total_seconds() * 10_000_000) >> 18
        return Thread(self.guid, self.index + struct.pack(">IB", units & 0x7FFFFFFF, len(self.index) & 0xFF))


@dataclass(frozen=True)
class Letter:
    """One message as it was written. `kind`: a meeting message's type; `folder`: where recipients keep it (Inbox)."""

    message_id: str
    sender: Address
    to: list[Address]
    sent: datetime
    thread: Thread
    cc: list[Address] = field(default_factory=list)
    bcc: list[Address] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    kind: str | None = None
    folder: str | None = None
    draft: bool = False


def message_id(rng: random.Random, sender: str) -> str:
    return f"<{rng.getrandbits(64):016x}@{sender.partition('@')[2].lower()}>"


def filetime(instant: datetime) -> int:
    """The instant as Windows counts it, in units of 100 ns."""
    return int((instant - FILETIME_EPOCH).total_seconds()) * 10_000_000


def message_copy(letter: Letter, owner: Person, copy_id: str, folder_id: str, seconds: int) -> dict[str, Any]:
    """The copy in one mailbox, received so many seconds after it was sent; Bcc shows in the sender's copy only."""
    received = _text(letter.sent + timedelta(seconds=seconds))
    sender = letter.sender.as_graph()
    conversation = uuid.uuid5(letter.thread.guid, owner.id).bytes
    copy: dict[str, Any] = {
        "id": copy_id,
        "internetMessageId": letter.message_id,
        "sentDateTime": _text(letter.sent),
        "receivedDateTime": received,
        "lastModifiedDateTime": received,
        "isDraft": letter.draft,
        "from": sender,
        "sender": sender,
        "toRecipients": [address.as_graph() for address in letter.to],
        "ccRecipients": [address.as_graph() for address in letter.cc],
        "bccRecipients": [a.as_graph() for a in letter.bcc] if owner.address == letter.sender.address else [],
        "conversationId": f"AAQkAG{base64.b64encode(conversation).decode()}",
        "conversationIndex": base64.b64encode(letter.thread.index).decode(),
        "internetMessageHeaders": letter.headers,
        "parentFolderId": folder_id,
    }
    if letter.kind:
        copy = {"@odata.type": f"#microsoft.graph.{letter.kind}", **copy}
    return copy


def _text(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"
