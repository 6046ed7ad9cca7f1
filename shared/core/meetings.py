"""What one copy of a meeting says: in or out (semantics §4.2), who was asked, and which item it belongs to (§4.1)."""

from __future__ import annotations

import json
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from shared.core import hashes
from shared.core.addresses import NOBODY, AddressBook, normalise
from shared.core.enrichment import Options
from shared.core.facts import DECLINED, NOT_DECLINED, OURS, SILENT, THIRD_PARTY, MeetingCopies, Ragged
from shared.core.instants import event_time_us, in_window
from shared.core.mailbox_items import Answer, Attendee, Event, Recipient, Time
from shared.core.periods import MICROSECONDS, Window

_TYPES = frozenset({"singleInstance", "occurrence", "exception"})
_PRIVATE = frozenset({"private", "personal"})
_DAY_US = 86_400 * MICROSECONDS

_OUTLOOK_ID = re.compile(r"(040000008200e00074c5b7101a82e008)([0-9a-f]{0,8})((?:[0-9a-f]{2})*)", re.ASCII)


class MeetingReader:
    """Judges the copies of meetings of one mailbox, page by page, and keeps those that are in as columns.

    `counts`: reason → copies that start in the window and ended by `as_of` and are out, in the order of §6.
    `owner`: number of the listed person whose mailbox this is.
    """

    def __init__(self, book: AddressBook, window: Window, options: Options, key: bytes, owner: int) -> None:
        self.counts: Counter[str] = Counter()
        self._codes = book.reader(key)
        self._as_of = window.as_of_us
        self._in_window = in_window(window)
        self._limit = options.max_attendees
        self._owner = owner
        self._by_id = hashes.hasher(key, hashes.MEETING_ID)
        self._by_text = hashes.hasher(key, hashes.MEETING_TEXT)
        self._items, self._own_answers, self._crowded = bytearray(), bytearray(), bytearray()
        self._starts, self._ends, self._organizers = array("q"), array("q"), array("i")
        self._has_organizer, self._declined = bytearray(), bytearray()
        self._attendees, self._offsets = array("i"), array("q", [0])

    def add(self, events: Iterable[Event]) -> None:
        """Judge these copies. One without a usable start and end, or outside the window, does not exist."""
        for event in events:
            if event.type not in _TYPES:
                continue
            start, end = _time(event.start), _time(event.end)
            if start is None or end is None or end > self._as_of or not self._in_window(start):
                continue
            reason = _set_aside(event, end - start) or self._keep(event, start, end)
            if reason is not None:
                self.counts[reason] += 1

    def _keep(self, event: Event, start: int, end: int) -> str | None:
        """Take the copy in, or say why it is out. Resources are nobody here."""
        organizer = self._codes[_address(event.organizer)]
        invited = event.attendees or ()
        people = [who for who in invited if who.type != "resource"]
        entries = {(self._codes[_address(who)], _has_declined(who.status)) for who in people}
        highest = max([organizer, *(code for code, _ in entries)])
        if highest <= THIRD_PARTY:
            return "Internal" if organizer != NOBODY and highest < THIRD_PARTY else "Unrelated"
        self._items += self._identity(event, people, start, end)
        self._starts.append(start)
        self._ends.append(end)
        self._organizers.append(THIRD_PARTY if organizer == NOBODY else organizer)
        self._has_organizer.append(organizer != NOBODY)
        self._own_answers.append(_own_answer(event.response_status))
        self._crowded.append(len(invited) > self._limit and len(_addresses(invited)) > self._limit)
        for code, declined in entries:
            if code > 0 or NOBODY < code < OURS:
                self._attendees.append(code)
                self._declined.append(declined)
        self._offsets.append(len(self._attendees))
        return None

    def _identity(self, event: Event, people: Sequence[Attendee], start: int, end: int) -> bytes:
        """§4.1. Without an `iCalUId`, resources do not tell meetings apart either: they count for the limit only."""
        if event.i_cal_uid is not None and event.i_cal_uid.strip():
            return self._by_id(f"{cleaned(event.i_cal_uid)}\n{start}".encode())
        organizer = normalise(_address(event.organizer) or "")
        return self._by_text(json.dumps([organizer, start, end, sorted(_addresses(people))]).encode())

    def copies(self) -> MeetingCopies:
        """The copies that are in, so far."""
        rows = len(self._starts)
        return MeetingCopies(
            item=np.frombuffer(bytes(self._items), hashes.HASH).astype(np.uint64),
            start=np.array(self._starts, np.int64),
            end=np.array(self._ends, np.int64),
            owner=np.full(rows, self._owner, np.int32),
            organizer=np.array(self._organizers, np.int32),
            has_organizer=np.frombuffer(bytes(self._has_organizer), np.bool_),
            own_answer=np.frombuffer(bytes(self._own_answers), np.int8),
            crowded=np.frombuffer(bytes(self._crowded), np.bool_),
            attendees=Ragged(np.array(self._offsets, np.int64), np.array(self._attendees, np.int32)),
            declined=np.frombuffer(bytes(self._declined), np.bool_),
        )


def cleaned(i_cal_uid: str) -> str:
    """An `iCalUId` without the occurrence date that Outlook writes into it (§4.1)."""
    text = i_cal_uid.casefold()
    outlook = _OUTLOOK_ID.fullmatch(text)
    if outlook is None or len(text) % 2:
        return text
    prefix, date, rest = outlook.groups()
    return prefix + "0" * len(date) + rest


def _set_aside(event: Event, duration_us: int) -> str | None:
    """The reason that does not depend on who takes part."""
    if event.is_draft:
        return "Draft"
    if event.is_cancelled:
        return "Cancelled"
    if event.is_all_day or duration_us >= _DAY_US:
        return "AllDay"
    return "Private" if event.sensitivity in _PRIVATE else None


def _time(time: Time | None) -> int | None:
    return event_time_us(time.date_time, time.time_zone) if time is not None else None


def _address(who: Recipient | None) -> str | None:
    return who.email_address.address if who is not None and who.email_address is not None else None


def _addresses(invited: Sequence[Attendee]) -> set[str]:
    """Their distinct normalised addresses, tags kept; a participant without one is nobody."""
    return {normalise(_address(who) or "") for who in invited} - {""}


def _has_declined(status: Answer | None) -> bool:
    return status is not None and status.response == "declined"


def _own_answer(status: Answer | None) -> int:
    if status is None or status.response is None:
        return SILENT
    return DECLINED if status.response == "declined" else NOT_DECLINED
