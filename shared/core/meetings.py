"""What one copy of a meeting says: in or out (semantics §4.2), who was asked, and which item it belongs to (§4.1)."""

from __future__ import annotations

import json
from binascii import unhexlify
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from shared.core import hashes
from shared.core.addresses import NOBODY, AddressBook, AddressReader, normalise
from shared.core.columns import concat, distinct_pairs, lists_from
from shared.core.enrichment import Options
from shared.core.facts import DECLINED, NOT_DECLINED, OURS, SILENT, THIRD_PARTY, MeetingCopies, Ragged
from shared.core.instants import NEVER, event_times_us, in_window
from shared.core.mailbox_items import Answer, Attendee, Event, Recipient, Time
from shared.core.message_identity import distinct_addresses
from shared.core.periods import MICROSECONDS, Window

_TYPES = frozenset({"singleInstance", "occurrence", "exception"})
_PRIVATE = frozenset({"private", "personal"})
_DAY_US = 86_400 * MICROSECONDS

_OUTLOOK = "040000008200e00074c5b7101a82e008"

Ints = NDArray[np.int64]


class MeetingReader:
    """Judges the copies of meetings of one mailbox, page by page, and keeps those that are in as columns.

    `counts`: reason → copies that start in the window and ended by `as_of` and are out, in the order of §6.
    `owner`: number of the listed person whose mailbox this is.
    """

    def __init__(self, book: AddressBook, window: Window, options: Options, key: bytes, owner: int) -> None:
        self.counts: Counter[str] = Counter()
        self._codes = book.reader(key)
        self._window = window
        self._limit = options.max_attendees
        self._owner = owner
        self._by_id = hashes.ManyHasher(key, hashes.MEETING_ID)
        self._by_text = hashes.ManyHasher(key, hashes.MEETING_TEXT)
        self._copies: list[MeetingCopies] = []

    def add(self, events: Iterable[Event]) -> None:
        """Judge these copies. One without a usable start and end, or outside the window, does not exist."""
        every = [event for event in events if event.type in _TYPES]
        start, end = starts_us(every), _times_us([event.end for event in every])
        usable = (start != NEVER) & (end != NEVER) & (end <= self._window.as_of_us)
        held = np.flatnonzero(usable & in_window(self._window, start)).tolist()
        reasons = [
            _set_aside(every[row], long)
            for row, long in zip(held, (end[held] - start[held] >= _DAY_US).tolist(), strict=True)
        ]
        self.counts.update(filter(None, reasons))
        rows = [row for row, reason in zip(held, reasons, strict=True) if reason is None]
        self._judge([every[row] for row in rows], start[rows], end[rows])

    def _judge(self, events: list[Event], start: Ints, end: Ints) -> None:
        """Keep what is not out because of who takes part."""
        codes = self._codes
        organizer = np.array([codes[_address(event.organizer)] for event in events], np.int32)
        invited = _invited(events, codes)
        highest = np.maximum(organizer, invited.highest)
        internal = (highest < THIRD_PARTY) & (organizer != NOBODY)
        is_in = highest > THIRD_PARTY
        for reason, number in (("Internal", internal.sum()), ("Unrelated", (~is_in & ~internal).sum())):
            if number:
                self.counts[reason] += int(number)
        rows = np.flatnonzero(is_in)
        self._keep([events[row] for row in rows.tolist()], start[rows], end[rows], organizer[rows], invited.only(is_in))

    def _keep(
        self, events: list[Event], start: Ints, end: Ints, organizer: NDArray[np.int32], invited: _Invited
    ) -> None:
        attendees, declined = invited.people_and_contacts()
        self._copies.append(
            MeetingCopies(
                item=self._identities(events, start, end),
                start=start,
                end=end,
                owner=np.full(len(events), self._owner, np.int32),
                organizer=np.where(organizer == NOBODY, THIRD_PARTY, organizer).astype(np.int32),
                has_organizer=organizer != NOBODY,
                own_answer=np.array([_own_answer(event.response_status) for event in events], np.int8),
                crowded=np.array([self._is_crowded(event.attendees or ()) for event in events], np.bool_),
                attendees=attendees,
                declined=declined,
            )
        )

    def _is_crowded(self, invited: Sequence[Attendee]) -> bool:
        return len(invited) > self._limit and len(distinct_addresses(invited)) > self._limit

    def _identities(self, events: Sequence[Event], start: Ints, end: Ints) -> NDArray[np.uint64]:
        """§4.1. Without an `iCalUId`, resources do not tell meetings apart either: they count for the limit only."""
        texts = [
            f"{cleaned(event.i_cal_uid)}\n{at}".encode() if event.i_cal_uid and not event.i_cal_uid.isspace() else b""
            for event, at in zip(events, start.tolist(), strict=True)
        ]
        found = self._by_id(texts)
        unnamed = np.flatnonzero(found == 0).tolist()
        if unnamed:
            found[unnamed] = self._by_text([_text(events[row], int(start[row]), int(end[row])) for row in unnamed])
        return found

    def copies(self) -> MeetingCopies:
        """The copies that are in, so far."""
        return concat([_NO_COPIES, *self._copies])


@dataclass(frozen=True, slots=True)
class _Invited:
    """Who is invited to some meetings, resources and participants without an address apart. event, entry: the distinct
    pairs of a meeting's place here and an entry, sorted; an entry is twice the code, plus one where it says declined.
    """

    events: int
    event: Ints
    entry: NDArray[np.int32]

    @property
    def highest(self) -> NDArray[np.int32]:
        """For each meeting the highest code; NOBODY where nobody is invited."""
        found = np.full(self.events, NOBODY, np.int32)
        found[self.event] = self.entry >> 1  # the last one of a meeting's codes stays
        return found

    def only(self, kept: NDArray[np.bool_]) -> _Invited:
        """These meetings alone."""
        pairs = kept[self.event]
        return _Invited(int(kept.sum()), (np.cumsum(kept) - 1)[self.event[pairs]], self.entry[pairs])

    def people_and_contacts(self) -> tuple[Ragged, NDArray[np.bool_]]:
        """For each meeting the codes of those that have a name of their own here, and which of them say declined."""
        code = self.entry >> 1
        pairs = (code > THIRD_PARTY) | (code < OURS)
        return lists_from(self.event[pairs], code[pairs], self.events), (self.entry[pairs] & 1).astype(np.bool_)


def _invited(events: Sequence[Event], codes: AddressReader) -> _Invited:
    attendees = [event.attendees or () for event in events]
    event = np.repeat(np.arange(len(events)), np.fromiter(map(len, attendees), np.int64, len(events)))
    everybody = list(chain.from_iterable(attendees))
    found = [
        codes[who.email_address.address] if who.email_address is not None and who.type != "resource" else NOBODY
        for who in everybody
    ]
    declined = [who.status is not None and who.status.response == "declined" for who in everybody]
    code = np.array(found, np.int32)
    named = code != NOBODY
    return _Invited(len(events), *distinct_pairs(event[named], 2 * code[named] + np.array(declined, np.int32)[named]))


_NO_COPIES = MeetingCopies(
    item=np.zeros(0, np.uint64),
    start=np.zeros(0, np.int64),
    end=np.zeros(0, np.int64),
    owner=np.zeros(0, np.int32),
    organizer=np.zeros(0, np.int32),
    has_organizer=np.zeros(0, np.bool_),
    own_answer=np.zeros(0, np.int8),
    crowded=np.zeros(0, np.bool_),
    attendees=Ragged(np.zeros(1, np.int64), np.zeros(0, np.int32)),
    declined=np.zeros(0, np.bool_),
)


def cleaned(i_cal_uid: str) -> str:
    """An `iCalUId` without the occurrence date that Outlook writes into it (§4.1)."""
    text = i_cal_uid.casefold()
    if not text.startswith(_OUTLOOK):
        return text
    try:
        unhexlify(text)
    except ValueError:
        return text
    begin, end = len(_OUTLOOK), len(_OUTLOOK) + 8
    return text[:begin] + "0" * len(text[begin:end]) + text[end:]


def starts_us(events: Sequence[Event]) -> Ints:
    """When each starts, NEVER where it has no usable start."""
    return _times_us([event.start for event in events])


def _times_us(times: Sequence[Time | None]) -> Ints:
    return event_times_us(
        [time.date_time if time is not None else None for time in times],
        [time.time_zone if time is not None else None for time in times],
    )


def _text(event: Event, start: int, end: int) -> bytes:
    """What tells meetings without an `iCalUId` apart."""
    people = distinct_addresses([who for who in event.attendees or () if who.type != "resource"])
    return json.dumps([normalise(_address(event.organizer) or ""), start, end, sorted(people)]).encode()


def _set_aside(event: Event, a_day_long: bool) -> str | None:
    """The reason that does not depend on who takes part."""
    if event.is_draft:
        return "Draft"
    if event.is_cancelled:
        return "Cancelled"
    if event.is_all_day or a_day_long:
        return "AllDay"
    return "Private" if event.sensitivity in _PRIVATE else None


def _address(who: Recipient | None) -> str | None:
    return who.email_address.address if who is not None and who.email_address is not None else None


def _own_answer(status: Answer | None) -> int:
    if status is None or status.response is None:
        return SILENT
    return DECLINED if status.response == "declined" else NOT_DECLINED
