"""Meetings: what was arranged, and the copy of it that lies in a calendar, in Microsoft Graph's shape."""

from __future__ import annotations

import struct
import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from localdev.graph.sample.company import Person
from localdev.graph.sample.mail import Address

UID_CLASS = bytes.fromhex("040000008200E00074C5B7101A82E008")
UNSET = "0001-01-01T00:00:00Z"
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True)
class Attendee:
    """`kind`: required, optional or resource; `answer`: what this attendee said, in Graph's words."""

    address: Address
    answer: str = "accepted"
    kind: str = "required"


@dataclass(frozen=True)
class Gathering:
    """One meeting, one occurrence of a series, or the series' master, which no calendar view shows.

    `series`: the series' id · `planned`: the day an occurrence was planned for · `every`: a master's weeks between two.
    """

    guid: uuid.UUID
    organizer: Address
    attendees: list[Attendee]
    start: datetime
    end: datetime
    kind: str = "singleInstance"
    series: uuid.UUID | None = None
    planned: date | None = None
    every: int = 0
    cancelled: bool = False
    draft: bool = False
    all_day: bool = False
    sensitivity: str = "normal"

    @property
    def uid(self) -> str:
        """The iCalUId as Exchange makes it: the same in all mailboxes, with the day in it for an occurrence."""
        day = struct.pack(">HBB", self.planned.year, self.planned.month, self.planned.day) if self.planned else bytes(4)
        whole = UID_CLASS + day + bytes(16) + struct.pack("<I", 16) + (self.series or self.guid).bytes
        return whole.hex().upper()


def event_copy(gathering: Gathering, owner: Person, copy_id: str) -> dict[str, Any]:
    """The copy in one calendar: all answers are known in the organizer's, only one's own in the others."""
    master = f"AAMkAGMaster{gathering.series.hex}{owner.id[:8]}" if gathering.series else None
    standing = gathering.kind == "seriesMaster"
    organizing = gathering.organizer.address == owner.address
    mine = next((a.answer for a in gathering.attendees if a.address.address == owner.address), "notResponded")
    return {
        "id": master if standing else copy_id,
        "iCalUId": gathering.uid,
        "type": gathering.kind,
        "seriesMasterId": None if standing else master,
        "start": _time(gathering.start),
        "end": _time(gathering.end),
        "isAllDay": gathering.all_day,
        "isCancelled": gathering.cancelled,
        "isDraft": gathering.draft,
        "isOrganizer": organizing,
        "sensitivity": gathering.sensitivity,
        "showAs": "free" if gathering.cancelled or gathering.all_day else "busy",
        "hideAttendees": False,
        "organizer": gathering.organizer.as_graph(),
        "attendees": [_attendee(attendee, organizing) for attendee in gathering.attendees],
        "responseStatus": {"response": "organizer" if organizing else mine, "time": UNSET},
        "recurrence": _recurrence(gathering) if standing else None,
    }


def _recurrence(first: Gathering) -> dict[str, Any]:
    pattern = {
        "type": "weekly",
        "interval": first.every,
        "daysOfWeek": [WEEKDAYS[first.start.weekday()]],
        "firstDayOfWeek": "monday",
    }
    span = {"type": "noEnd", "startDate": f"{first.start:%Y-%m-%d}", "recurrenceTimeZone": "Europe/Madrid"}
    return {"pattern": pattern, "range": span}


def _attendee(attendee: Attendee, told: bool) -> dict[str, Any]:
    answer = attendee.answer if told else "none"
    return {"type": attendee.kind, "status": {"response": answer, "time": UNSET}, **attendee.address.as_graph()}


def _time(instant: datetime) -> dict[str, str]:
    return {"dateTime": f"{instant:%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": "UTC"}
