"""The mailboxes that fill up while the year is told: folders, copies of messages, copies of events."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable
from typing import Any

from localdev.graph.sample.company import Person, rooms, shared_mailbox
from localdev.graph.sample.mail import Letter, message_copy
from localdev.graph.sample.meetings import Gathering, event_copy

# Well-known name, display name (in the owner's language, as Outlook makes them), the folder it lies in.
FOLDERS = (
    ("msgfolderroot", "Top of Information Store", None),
    ("inbox", "Bandeja de entrada", "msgfolderroot"),
    ("drafts", "Borradores", "msgfolderroot"),
    ("sentitems", "Elementos enviados", "msgfolderroot"),
    ("deleteditems", "Elementos eliminados", "msgfolderroot"),
    ("archive", "Archivo", "msgfolderroot"),
    ("outbox", "Bandeja de salida", "msgfolderroot"),
    ("junkemail", "Correo no deseado", "msgfolderroot"),
    ("conversationhistory", "Historial de conversaciones", "msgfolderroot"),
    ("recoverableitemsdeletions", "Deletions", None),
    (None, "Clientes", "inbox"),
    (None, "Plantillas", "drafts"),
)


class Mailbox:
    """One mailbox, in the shape of a tenant's files. Folders are named by well-known or, without one, display name."""

    def __init__(self, owner: Person) -> None:
        self.owner = owner
        self.folder_ids = {known or shown: _short("folder", owner.id, known or shown) for known, shown, _ in FOLDERS}
        self.messages: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []

    def as_files(self) -> dict[str, Any]:
        calendar, other = _short("calendar", self.owner.id), _short("calendar", self.owner.id, "other")
        return {
            "folders": [self._folder(*folder) for folder in FOLDERS],
            "messages": self.messages,
            "calendars": [self._calendar(calendar, "Calendario", True), self._calendar(other, "Aniversarios", False)],
            "events": {calendar: self.events, other: []},
        }

    def _folder(self, known: str | None, shown: str, parent: str | None) -> dict[str, Any]:
        return {
            "id": self.folder_ids[known or shown],
            "displayName": shown,
            "parentFolderId": self.folder_ids[parent] if parent else None,
            "isHidden": known == "recoverableitemsdeletions",
            "wellKnownName": known,
            "unreadItemCount": 0,
        }

    def _calendar(self, calendar_id: str, name: str, default: bool) -> dict[str, Any]:
        owner = {"name": self.owner.name, "address": self.owner.address}
        return {"id": calendar_id, "name": name, "isDefaultCalendar": default, "canEdit": True, "owner": owner}


class PostOffice:
    """Knows who has a mailbox and who stands behind a group's address, and puts each copy where it belongs."""

    def __init__(self, staff: Iterable[Person], groups: Iterable[dict[str, Any]]) -> None:
        readable = [person for person in [*staff, *rooms(), shared_mailbox()] if person.readable]
        self._boxes = {person.address: Mailbox(person) for person in readable}
        by_id = {person.id: person.address for person in readable}
        self._groups = {g["mail"]: [by_id[m] for m in g["members"] if m in by_id] for g in groups}
        self._numbers = itertools.count(1)

    def files(self) -> dict[str, dict[str, Any]]:
        return {box.owner.id: box.as_files() for box in self._boxes.values()}

    def send(self, letter: Letter) -> None:
        """The sender's copy into Sent Items, one copy into the mailbox of each recipient of ours."""
        if sender := self._boxes.get(letter.sender.address):
            self._put(sender, letter, "sentitems", seconds=0)
        hidden = {address for address in letter.bcc if address.address in self._boxes}
        for number, address in enumerate(self._reached([*letter.to, *letter.cc, *hidden])):
            if address != letter.sender.address:
                self._put(self._boxes[address], letter, letter.folder or "inbox", seconds=2 + number % 7)

    def keep(self, owner: str, letter: Letter, folder: str) -> None:
        """A message that was never sent or that was put somewhere by a rule: one copy, in this folder."""
        self._put(self._boxes[owner], letter, folder, seconds=0)

    def _put(self, box: Mailbox, letter: Letter, folder: str, seconds: int) -> None:
        copy_id = f"AAMkAGSample{next(self._numbers):08d}="
        box.messages.append(message_copy(letter, box.owner, copy_id, box.folder_ids[folder], seconds))

    def meet(self, gathering: Gathering) -> None:
        """A copy into the calendar of the organizer and of every attendee of ours."""
        invited = self._reached([gathering.organizer, *(attendee.address for attendee in gathering.attendees)])
        for address in invited:
            box = self._boxes[address]
            box.events.append(event_copy(gathering, box.owner, f"AAMkAGEvent{next(self._numbers):08d}="))

    def _reached(self, addresses: Iterable[Any]) -> list[str]:
        """The mailboxes behind addresses, groups opened, each once."""
        reached: dict[str, None] = {}
        for address in addresses:
            for one in self._groups.get(address.address, [address.address]):
                if one in self._boxes:
                    reached[one] = None
        return list(reached)


def _short(*parts: str) -> str:
    digest = hashlib.blake2b("/".join(parts).encode(), digest_size=12).hexdigest()
    return f"AAMkAG{digest}"
