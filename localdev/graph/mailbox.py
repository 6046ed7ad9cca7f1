"""One mailbox made ready for questions: messages by time of receipt, folders by name, events by overlap."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from localdev.graph.filters import instant
from localdev.graph.wire import Entity, item_not_found

_NEVER = datetime.max.replace(tzinfo=UTC)
_WINDOWS_ZONES = {
    "AUS Eastern Standard Time": "Australia/Sydney",
    "Central Standard Time": "America/Chicago",
    "E. Australia Standard Time": "Australia/Brisbane",
    "Eastern Standard Time": "America/New_York",
    "GMT Standard Time": "Europe/London",
    "India Standard Time": "Asia/Kolkata",
    "Lord Howe Standard Time": "Australia/Lord_Howe",
    "Mountain Standard Time": "America/Denver",
    "Pacific Standard Time": "America/Los_Angeles",
    "Romance Standard Time": "Europe/Paris",
    "Tokyo Standard Time": "Asia/Tokyo",
    "W. Europe Standard Time": "Europe/Berlin",
}
_WELL_KNOWN = (
    ("msgfolderroot", "Top of Information Store"),
    ("inbox", "Inbox"),
    ("drafts", "Drafts"),
    ("sentitems", "Sent Items"),
    ("deleteditems", "Deleted Items"),
    ("archive", "Archive"),
    ("outbox", "Outbox"),
    ("junkemail", "Junk Email"),
)


class Mailbox:
    """The content of one mailbox, in the shape of a tenant file, indexed once."""

    def __init__(self, content: Entity) -> None:
        self.folders: list[Entity] = list(content.get("folders", ()))
        self.calendars: list[Entity] = list(content.get("calendars", ()))
        self._by_name = {folder["wellKnownName"]: folder for folder in self.folders if folder.get("wellKnownName")}
        self._by_id = {folder["id"]: folder for folder in self.folders}
        self._messages: list[Entity] = []
        self._received: list[datetime] = []
        self._undated: list[Entity] = []
        self._counts: tuple[Counter[Any], Counter[Any]] | None = None
        self.arrive(content.get("messages", ()))
        events: dict[str, list[Entity]] = content.get("events", {})
        self._events = {calendar: [Timed(event) for event in listed] for calendar, listed in events.items()}

    def arrive(self, messages: Iterable[Entity]) -> None:
        """Add messages; each takes its place by its time of receipt, after those of the same time."""
        self._counts = None
        dated = list(zip(self._received, self._messages, strict=True))
        for message in messages:
            received = instant(message.get("receivedDateTime"))
            if received is None:
                self._undated.append(message)
            else:
                dated.append((received, message))
        dated.sort(key=lambda pair: pair[0])
        self._received = [received for received, _ in dated]
        self._messages = [message for _, message in dated]

    def remove(self, ids: Collection[str]) -> list[Entity]:
        """Take out the messages with these ids; which there were."""
        ids = frozenset(ids)
        removed = [message for message in (*self._messages, *self._undated) if message["id"] in ids]
        self._undated = [message for message in self._undated if message["id"] not in ids]
        kept = [message for message in self._messages if message["id"] not in ids]
        self._messages, self._received = [], []
        self.arrive(kept)
        return removed

    def add_folder(self, folder: Entity) -> None:
        self.folders.append(folder)
        self._by_id[folder["id"]] = folder

    def schedule(self, calendar_id: str, events: Iterable[Entity]) -> None:
        """Put these events in place of all that the calendar holds."""
        self._events[calendar_id] = [Timed(event) for event in events]

    def received_between(self, first: datetime | None, end: datetime | None) -> list[Entity]:
        """Messages received in [first, end), oldest first; without any bound also those without a usable time."""
        low = 0 if first is None else bisect_left(self._received, first)
        high = len(self._received) if end is None else bisect_left(self._received, end)
        found = self._messages[low:high]
        return found + self._undated if first is None and end is None else found

    def message(self, message_id: str) -> Entity:
        """One message by its id (case-sensitive); GraphError 404 where there is none."""
        for message in (*self._messages, *self._undated):
            if message["id"] == message_id:
                return message
        raise item_not_found()

    def folder(self, name: str) -> Entity:
        """A folder by id or by well-known name; GraphError 404 where the mailbox lacks it."""
        found = self._by_id.get(name) or self._by_name.get(name.lower())
        if found is None:
            raise item_not_found()
        return found

    def child_folders(self, parent_id: str | None, hidden: bool) -> list[Entity]:
        return [
            folder
            for folder in self.folders
            if folder.get("parentFolderId") == parent_id and (hidden or not folder.get("isHidden"))
        ]

    def folder_counts(self) -> tuple[Counter[Any], Counter[Any]]:
        """How many items, and how many child folders, lie in each folder id."""
        if self._counts is None:
            items = Counter(message.get("parentFolderId") for message in (*self._messages, *self._undated))
            self._counts = items, Counter(folder.get("parentFolderId") for folder in self.folders)
        return self._counts

    def calendar_id(self, name: str | None) -> str:
        """The id of a calendar, None for the default one; GraphError 404 where there is none."""
        for calendar in self.calendars:
            if calendar["id"] == name or (name is None and calendar.get("isDefaultCalendar")):
                return str(calendar["id"])
        raise item_not_found()

    def view(self, calendar_id: str, start: datetime, end: datetime) -> list[Entity]:
        """What of a calendar overlaps [start, end): never a series master; single ones first, each by start."""
        found = [timed for timed in self._events.get(calendar_id, ()) if timed.overlaps(start, end)]
        found.sort(key=lambda timed: (timed.event.get("type") != "singleInstance", timed.start))
        return [timed.event for timed in found]

    def event(self, event_id: str) -> Entity:
        for listed in self._events.values():
            for timed in listed:
                if timed.event["id"] == event_id:
                    return timed.event
        raise item_not_found()


class Timed:
    """An event with its start and end as instants; one without both is in no view."""

    def __init__(self, event: Entity) -> None:
        self.event = event
        start, end = moment(event.get("start")), moment(event.get("end"))
        self.start = start or _NEVER
        self._end = end
        self._visible = start is not None and end is not None and event.get("type") != "seriesMaster"

    def overlaps(self, start: datetime, end: datetime) -> bool:
        if not self._visible or self._end is None or self.start >= end:
            return False
        return self._end > start or (self._end == self.start and self.start >= start)


def moment(value: Any) -> datetime | None:
    """A `dateTimeTimeZone` as an instant; None where its shape or its zone is not usable."""
    if not isinstance(value, dict) or not isinstance(value.get("dateTime"), str):
        return None
    try:
        local = datetime.fromisoformat(value["dateTime"])
        return local if local.tzinfo else local.replace(tzinfo=zone(value.get("timeZone") or "UTC"))
    except (ValueError, KeyError):
        return None


def zone(name: Any) -> ZoneInfo:
    """A time zone by its IANA name, or by one of Windows' names; KeyError where it is unknown."""
    try:
        return ZoneInfo(_WINDOWS_ZONES.get(str(name), str(name)))
    except (ZoneInfoNotFoundError, ValueError) as unknown:
        raise KeyError(name) from unknown


def empty(user_id: str) -> Entity:
    """A mailbox as Exchange makes it, with its well-known folders and one calendar, and nothing in it."""
    root = f"AAMkFolder{user_id}-msgfolderroot"
    folders = [
        {
            "id": f"AAMkFolder{user_id}-{name}",
            "displayName": title,
            "parentFolderId": None if name == "msgfolderroot" else root,
            "isHidden": False,
            "wellKnownName": name,
            "unreadItemCount": 0,
        }
        for name, title in _WELL_KNOWN
    ]
    calendar = {"id": f"AAMkCalendar{user_id}", "name": "Calendar", "isDefaultCalendar": True, "canEdit": True}
    return {"folders": folders, "messages": [], "calendars": [calendar], "events": {calendar["id"]: []}}
