"""§4 Meetings: from copies in calendars to counted meetings, and each meeting as its accounts see it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.reference import wire
from tests.reference.involvement import FROM_ACCOUNT, NEITHER, TO_ACCOUNT, Involvement
from tests.reference.organisation import Json, Options
from tests.reference.people import AddressBook, Pair
from tests.reference.periods import Window

Person = tuple[str, ...]  # ("ours", directory id) or ("theirs", contact id): §4.2, whatever the address

SERIES_PREFIX = "040000008200e00074c5b7101a82e008"


@dataclass(frozen=True)
class Entry:
    """One attendee entry; `address` normalised, tag kept."""

    address: str
    resource: bool
    declined: bool


@dataclass(frozen=True)
class MeetingCopy:
    """A copy that is in (§4.2). `own_answer` None: the copy does not say."""

    owner: str
    identity: Hashable
    start: datetime
    end: datetime
    organizer: str | None
    entries: tuple[Entry, ...]
    own_answer: str | None

    def named(self) -> list[Entry]:
        """Attendees who are somebody: "Resources (rooms) are nobody"."""
        return [entry for entry in self.entries if not entry.resource]

    def declined(self, person: Person, book: AddressBook) -> bool | None:
        """Whether this copy's entries say that the person declined; None where it does not name the person.

        "Someone listed twice in a copy has declined only if each entry says so."
        """
        answers = [entry.declined for entry in self.named() if person in persons(entry.address, book)]
        return all(answers) if answers else None


@dataclass(frozen=True)
class Meeting:
    """A joined meeting; `addresses`: of the organizer and of all named attendees."""

    identity: Hashable
    start: datetime
    end: datetime
    organizer: str | None
    addresses: frozenset[str]
    present: frozenset[str]
    involved: frozenset[Pair]

    @property
    def minutes(self) -> Fraction:
        """§4.4: "end − start in minutes"."""
        return Fraction((self.end - self.start) // timedelta(microseconds=1), 60_000_000)


def read_meetings(
    mailboxes: dict[str, Json], book: AddressBook, options: Options, window: Window
) -> tuple[list[Meeting], Counter[str]]:
    """The counted meetings, and the coverage of scope `Meeting` (§6): "event copies that start in the window and
    ended by `as_of` (no series masters)".
    """
    reasons: Counter[str] = Counter()
    copies: dict[Hashable, list[MeetingCopy]] = {}
    for owner, mailbox in mailboxes.items():
        for event in default_calendar(mailbox):
            copy = _copy(owner, event, window)
            if copy is None:
                continue
            reason = why_out(event, copy, book)
            if reason:
                reasons[reason] += 1
            else:
                copies.setdefault(copy.identity, []).append(copy)
    items = []
    for identity, joined in copies.items():
        meeting = join(identity, joined, book)
        reason = why_not_counted(meeting, joined, options)
        reasons[reason or "Counted"] += len(joined) if reason else 1
        reasons["Duplicate"] += 0 if reason else len(joined) - 1
        items += [] if reason else [meeting]
    return items, reasons


def default_calendar(mailbox: Json) -> list[Any]:
    """§4.1: "Only the default calendar of each mailbox is read." """
    ids = [calendar["id"] for calendar in mailbox["calendars"] if calendar.get("isDefaultCalendar")]
    return [event for calendar in ids for event in mailbox["events"].get(calendar, [])]


def _copy(owner: str, event: Any, window: Window) -> MeetingCopy | None:
    """What a copy says, or None where it does not exist, did not start in the window or has not ended.

    §4.2: "`singleInstance`, `occurrence` and `exception` events that **ended** by `as_of` (an end equal to `as_of` has
    ended) and whose start date lies in the window. Series masters never."
    """
    start, end = wire.zoned(event, "start"), wire.zoned(event, "end")
    if wire.text(event, "type") not in ("singleInstance", "occurrence", "exception"):
        return None
    if start is None or end is None or end > window.as_of or not window.contains(start):
        return None
    organizer = wire.address(wire.part(event, "organizer"))
    entries = tuple(_entries(event))
    return MeetingCopy(
        owner=owner,
        identity=(identity(event, organizer, end, entries), start),
        start=start,
        end=end,
        organizer=organizer,
        entries=entries,
        own_answer=wire.text(wire.part(event, "responseStatus"), "response"),
    )


def _entries(event: Any) -> Iterable[Entry]:
    for attendee in wire.entries(event, "attendees"):
        address = wire.address(attendee)
        if address:
            answer = wire.text(wire.part(attendee, "status"), "response")
            yield Entry(address, wire.text(attendee, "type") == "resource", answer == "declined")


def identity(event: Any, organizer: str | None, end: datetime, entries: tuple[Entry, ...]) -> Hashable:
    """§4.1, beside the start: the cleaned `iCalUId`; "Without an `iCalUId`: hash of (organizer, start, end, sorted
    distinct attendees), addresses normalised, tags kept". Resources "count for the limit only" (§4.2), not here.
    """
    uid = wire.text(event, "iCalUId")
    if uid:
        return ("uid", cleaned(uid))
    return ("hash", organizer, end, frozenset(entry.address for entry in entries if not entry.resource))


def cleaned(uid: str) -> str:
    """§4.1: "casefolded; if it is hex and begins with the 16-byte prefix `0400…e008`, bytes 16–19 (the occurrence
    date) are set to zero".
    """
    folded = uid.casefold()
    try:
        octets = bytearray.fromhex(folded)
    except ValueError:
        return folded
    if len(folded) != 2 * len(octets) or not folded.startswith(SERIES_PREFIX):
        return folded
    octets[16:20] = bytes(len(octets[16:20]))
    return octets.hex()


def persons(address: str | None, book: AddressBook) -> set[Person]:
    """§4.2: "an attendee is a person, known by directory id or contact id, whatever the address"."""
    person = book.person(address)
    return {("ours", person)} if person else {("theirs", contact) for _, contact in book.contacts(address)}


def why_out(event: Any, copy: MeetingCopy, book: AddressBook) -> str | None:
    """§4.2 for one copy, with the reasons of §6 in their order; None where the copy is in."""
    named = [entry.address for entry in copy.named()]
    if wire.flag(event, "isDraft"):
        return "Draft"
    if wire.flag(event, "isCancelled"):
        return "Cancelled"
    if wire.flag(event, "isAllDay") or copy.end - copy.start >= timedelta(hours=24):
        return "AllDay"
    if wire.text(event, "sensitivity") in ("private", "personal"):
        return "Private"
    if copy.organizer and all(book.ours(address) for address in (copy.organizer, *named)):
        return "Internal"
    if not any(book.contacts(address) for address in (copy.organizer, *named)):
        return "Unrelated"
    return None


def join(identity: Hashable, copies: list[MeetingCopy], book: AddressBook) -> Meeting:
    """§4.1: "where only the ends differ, the organizer's copy decides, else the latest end; where the organizers
    differ, the copy whose owner is its organizer decides, else the copy whose owner has the smallest directory id".
    The organizer's copy is one whose owner is the organizer that it names; of several the smallest owner's.
    """
    organizers = [copy for copy in copies if book.person(copy.organizer) == copy.owner]
    leading = min(organizers, key=lambda copy: copy.owner) if organizers else None
    decided = leading or min(copies, key=lambda copy: copy.owner)
    attendees = {entry.address for copy in copies for entry in copy.named()}
    return Meeting(
        identity=identity,
        start=decided.start,
        end=leading.end if leading else max(copy.end for copy in copies),
        organizer=decided.organizer,
        addresses=frozenset(attendees | ({decided.organizer} if decided.organizer else set())),
        present=present(decided.organizer, attendees, copies, leading, book),
        involved=involved(decided.organizer, attendees, copies, leading, book),
    )


def present(
    organizer: str | None,
    attendees: set[str],
    copies: list[MeetingCopy],
    leading: MeetingCopy | None,
    book: AddressBook,
) -> frozenset[str]:
    """§4.2: "*Present* of M: organizer (whatever an attendee entry says), or attendee who has not declined; if no one
    of M is named as organizer or attendee (invited through a group), the owners of the copies whose own answer is not
    declined."
    """
    leads = book.person(organizer)
    named = {person for person in map(book.person, attendees) if person}
    if leads is None and not named:
        return frozenset(copy.owner for copy in copies if copy.own_answer != "declined")
    came = {person for person in named if not has_declined(("ours", person), copies, leading, book)}
    return frozenset(came | ({leads} if leads else set()))


def involved(
    organizer: str | None,
    attendees: set[str],
    copies: list[MeetingCopy],
    leading: MeetingCopy | None,
    book: AddressBook,
) -> frozenset[Pair]:
    """§4.2: "*Involved* contact: organizer, or attendee who has not declined"."""
    leads = {contact for _, contact in book.contacts(organizer)}
    pairs = {pair for address in (*attendees, organizer) for pair in book.contacts(address)}
    return frozenset(
        (account, contact)
        for account, contact in pairs
        if contact in leads or not has_declined(("theirs", contact), copies, leading, book)
    )


def has_declined(person: Person, copies: list[MeetingCopy], leading: MeetingCopy | None, book: AddressBook) -> bool:
    """§4.2: "An attendee's answer: the organizer's copy if it names the attendee; else the `responseStatus` of the
    attendee's own copy; else declined if any copy says so, else what the copies say."
    """
    said = leading.declined(person, book) if leading else None
    if said is not None:
        return said
    own = [copy.own_answer for copy in copies if person == ("ours", copy.owner) and copy.own_answer is not None]
    if own:
        return own[0] == "declined"
    return any(copy.declined(person, book) for copy in copies)


def why_not_counted(meeting: Meeting, copies: list[MeetingCopy], options: Options) -> str | None:
    """§4.2: "A joined meeting is out when one of its copies that are in names more than 100 distinct attendee addresses
    (normalised, tags kept, resources included, configurable), when nobody of M is present, or no account contact
    involved."
    """
    if any(len({entry.address for entry in copy.entries}) > options.max_attendees for copy in copies):
        return "TooManyAttendees"
    if not meeting.present:
        return "NobodyPresent"
    return None if meeting.involved else "NoContactInvolved"


def involve_meeting(meeting: Meeting, book: AddressBook, window: Window) -> list[Involvement]:
    """The meeting as each account sees it that has an involved contact; §4.3 Initiator, per account:

    "Organizer ∈ O → **to account** … Organizer is a contact of the account → **from account**. A third party →
    neither, but it counts for people, duration, days since and start date."
    """
    led_by = {account for account, _ in book.contacts(meeting.organizer)}
    involvements = []
    for account in {account for account, _ in meeting.involved}:
        from_account = FROM_ACCOUNT if account in led_by else NEITHER
        involvements.append(
            Involvement(
                account=account,
                kind="meeting",
                direction=TO_ACCOUNT if book.ours(meeting.organizer) else from_account,
                day=window.date_of(meeting.start),
                ours=meeting.present,
                theirs=frozenset(contact for owner, contact in meeting.involved if owner == account),
                item=meeting,
            )
        )
    return involvements
