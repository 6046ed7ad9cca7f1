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
from shared.core.mailbox_items import Answer, Event, Recipient, Time
from shared.core.message_identity import distinct_addresses
from shared.core.periods import MICROSECONDS, Window

_TYPES = frozenset({"singleInstance", "occurrence", "exception"})
_PRIVATE = frozenset({"private", "personal"})
_DAY_US = 86_400 * MICROSECONDS

_OUTLOOK = "040000008200e00074c5b7101a82e008"

Flags = NDArray[np.bool_]
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
        times = _times_us([event.start for event in every] + [event.end for event in every])
        start, end = times[: len(every)], times[len(every) :]
        usable = (start != NEVER) & (end != NEVER) & (end <= self._window.as_of_us)
        held = np.flatnonzero(usable & in_window(self._window, start))
        every, start, end = [every[row] for row in held.tolist()], start[held], end[held]
        reasons = _set_aside(every, (end - start >= _DAY_US).tolist())
        self.counts.update(filter(None, reasons))
        rows = [row for row, reason in enumerate(reasons) if reason is None]
        self._judge([every[row] for row in rows], start[rows], end[rows])

    def _judge(self, events: list[Event], start: Ints, end: Ints) -> None:
        """Keep what is not out because of who takes part."""
        named = _named(events, self._codes)
        is_in, internal = named.names_contacts(), named.is_internal()
        unrelated = ~is_in & ~internal
        for reason, out in (("Internal", internal), ("Unrelated", unrelated)):
            if out.any():
                self.counts[reason] += int(out.sum())
        rows = np.flatnonzero(is_in)
        self._keep([events[row] for row in rows.tolist()], start[rows], end[rows], named.only(is_in))

    def _keep(self, events: list[Event], start: Ints, end: Ints, named: _Named) -> None:
        crowded = named.number > self._limit
        for row in np.flatnonzero(crowded).tolist():
            crowded[row] = len(distinct_addresses(events[row].attendees or ())) > self._limit
        attendees, declined = named.answers(events)
        self._copies.append(
            MeetingCopies(
                item=self._identities(events, start, end),
                start=start,
                end=end,
                owner=np.full(len(events), self._owner, np.int32),
                organizer=np.where(named.organizer == NOBODY, THIRD_PARTY, named.organizer).astype(np.int32),
                has_organizer=named.organizer != NOBODY,
                own_answer=np.array([_own_answer(event.response_status) for event in events], np.int8),
                crowded=crowded,
                attendees=attendees,
                declined=declined,
            )
        )

    def _identities(self, events: Sequence[Event], start: Ints, end: Ints) -> NDArray[np.uint64]:
        """§4.1. Without an `iCalUId`, resources do not tell meetings apart either: they count for the limit only."""
        texts = [
            f"{cleaned(event.i_cal_uid)}\n{at}" if event.i_cal_uid and not event.i_cal_uid.isspace() else ""
            for event, at in zip(events, start.tolist(), strict=True)
        ]
        found = self._by_id.of_texts(texts)
        unnamed = np.flatnonzero(found == 0).tolist()
        if unnamed:
            found[unnamed] = self._by_text([_text(events[row], int(start[row]), int(end[row])) for row in unnamed])
        return found

    def copies(self) -> MeetingCopies:
        """The copies that are in, so far."""
        return concat([_NO_COPIES, *self._copies])


@dataclass(frozen=True, slots=True)
class _Named:
    """Who takes part in some meetings. organizer: code of each · number: how many attendees each has, resources and
    repeated ones included · event, attendee: for each attendee a meeting's place here and a code, a resource's NOBODY.
    """

    organizer: NDArray[np.int32]
    number: Ints
    event: Ints
    attendee: NDArray[np.int32]

    def names_contacts(self) -> Flags:
        """Whether each names an account contact."""
        found: Flags = self.organizer > THIRD_PARTY
        found[self.event[self.attendee > THIRD_PARTY]] = True
        return found

    def is_internal(self) -> Flags:
        """Whether each has an organizer, and everybody is in O: of the codes, ours are the negative ones."""
        found: Flags = (self.organizer < THIRD_PARTY) & (self.organizer != NOBODY)
        found[self.event[self.attendee >= THIRD_PARTY]] = False
        return found

    def only(self, kept: Flags) -> _Named:
        """These meetings alone."""
        pairs = kept[self.event]
        event = (np.cumsum(kept) - 1)[self.event[pairs]]
        return _Named(self.organizer[kept], self.number[kept], event, self.attendee[pairs])

    def answers(self, events: Sequence[Event]) -> tuple[Ragged, NDArray[np.bool_]]:
        """For each of these meetings the distinct pairs of the code of a person or contact, and whether an entry of
        theirs says declined."""
        said = [
            who.status is not None and who.status.response == "declined"
            for who in chain.from_iterable([event.attendees or () for event in events])
        ]
        pairs = np.flatnonzero((self.attendee > THIRD_PARTY) | ((self.attendee > NOBODY) & (self.attendee < OURS)))
        entries = 2 * self.attendee[pairs] + np.array(said, np.int32)[pairs]
        event, entry = distinct_pairs(self.event[pairs], entries)
        return lists_from(event, entry >> 1, len(events)), (entry & 1).astype(np.bool_)


def _named(events: Sequence[Event], codes: AddressReader) -> _Named:
    attendees = [event.attendees or () for event in events]
    number = np.fromiter(map(len, attendees), np.int64, len(events))
    raws = [_address(event.organizer) for event in events]
    raws += [
        who.email_address.address if who.email_address is not None and who.type != "resource" else None
        for who in chain.from_iterable(attendees)
    ]
    found = codes.codes(raws)
    return _Named(found[: len(events)], number, np.repeat(np.arange(len(events)), number), found[len(events) :])


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


def _set_aside(events: Sequence[Event], a_day_long: Sequence[bool]) -> list[str | None]:
    """The reasons that do not depend on who takes part."""
    return [
        "Draft"
        if event.is_draft
        else "Cancelled"
        if event.is_cancelled
        else "AllDay"
        if event.is_all_day or long
        else "Private"
        if event.sensitivity in _PRIVATE
        else None
        for event, long in zip(events, a_day_long, strict=True)
    ]


def _address(who: Recipient | None) -> str | None:
    return who.email_address.address if who is not None and who.email_address is not None else None


def _own_answer(status: Answer | None) -> int:
    if status is None or status.response is None:
        return SILENT
    return DECLINED if status.response == "declined" else NOT_DECLINED
