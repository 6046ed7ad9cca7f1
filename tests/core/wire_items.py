"""Pages written by hand, and a book: Ada is person 0, Bob person 1, Kim and Lee are contacts, Zoe a third party."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import numpy as np

from shared.adapters.graph import wire
from shared.core.addresses import AddressBook, people_index
from shared.core.enrichment import Options
from shared.core.facts import contact_code, person_code
from shared.core.hashes import ADDRESS, HASH, hasher
from shared.core.meetings import MeetingReader
from shared.core.messages import MessageReader
from shared.core.periods import Window, to_us

KEY = bytes(range(32))
ADA, BOB, COLLEAGUE = "ada@own.example", "bob@own.example", "colleague@own.example"
KIM, LEE, ZOE = "kim@a.example", "lee@b.example", "zoe@third.example"
DOMAINS = frozenset({"own.example"})


def _book() -> AddressBook:
    people, person = people_index([(0, [ADA]), (1, [BOB])], DOMAINS, KEY)
    digest = hasher(KEY, ADDRESS)
    contacts = np.frombuffer(b"".join(digest(contact.encode()) for contact in (KIM, LEE)), HASH)
    return AddressBook(people, person, np.sort(contacts.astype(np.uint64)), DOMAINS)


BOOK = _book()
CODE = {address: BOOK.reader(KEY)[address] for address in (ADA, BOB, KIM, LEE)}
assert {CODE[ADA], CODE[BOB], CODE[KIM], CODE[LEE]} == {
    person_code(0),
    person_code(1),
    contact_code(0),
    contact_code(1),
}


def who(address: Any) -> Any:
    return {"emailAddress": {"name": "Somebody", "address": address}}


def message(sender: Any = ADA, to: Any = (KIM,), **properties: Any) -> dict[str, Any]:
    """Sent in the middle of the window; `cc`, `bcc`: addresses; other properties by their names on the wire."""
    lists: Any = {kind: [who(one) for one in properties.pop(kind, ())] for kind in ("cc", "bcc")}
    sent = properties.pop("sent", "2026-03-02T10:00:00Z")
    given: dict[str, Any] = {
        "internetMessageId": "<1@own.example>",
        "sentDateTime": sent,
        "receivedDateTime": sent,
        "isDraft": False,
        "parentFolderId": "inbox",
        "from": who(sender),
        "toRecipients": [who(one) for one in to],
        "ccRecipients": lists["cc"],
        "bccRecipients": lists["bcc"],
        "conversationId": "conversation",
    }
    return given | properties


def event(organizer: Any = ADA, attendees: Any = (KIM,), **properties: Any) -> dict[str, Any]:
    """An hour in the middle of the window; an attendee is an address, or (address, response) or (address, response,
    type).
    """
    start, end = properties.pop("start", "2026-03-02T10:00:00"), properties.pop("end", "2026-03-02T11:00:00")
    given: dict[str, Any] = {
        "iCalUId": "uid",
        "type": "singleInstance",
        "start": {"dateTime": start, "timeZone": "UTC"},
        "end": {"dateTime": end, "timeZone": "UTC"},
        "organizer": who(organizer),
        "attendees": [attendee(*((one,) if isinstance(one, str) else one)) for one in attendees],
        "responseStatus": {"response": "none"},
    }
    return given | properties


def attendee(address: Any, response: Any = "none", kind: Any = "required") -> dict[str, Any]:
    return {**who(address), "type": kind, "status": {"response": response}}


def window(as_of: str = "2026-06-30T12:00:00Z", zone: str = "UTC") -> Window:
    return Window(wire_instant(as_of), zone)


def wire_instant(text: str) -> int:
    return to_us(datetime.fromisoformat(text))


def read_messages(*messages: Any, at: Window | None = None, excluded: Any = (), **options: Any) -> MessageReader:
    reader = MessageReader(BOOK, at or window(), Options(**options), KEY, 0, frozenset(excluded))
    reader.add(wire.decode_messages(msgspec.json.encode({"value": messages})).items)
    return reader


def read_events(*events: Any, at: Window | None = None, **options: Any) -> MeetingReader:
    reader = MeetingReader(BOOK, at or window(), Options(**options), KEY, 0)
    reader.add(wire.decode_events(msgspec.json.encode({"value": events})).items)
    return reader
