"""The year of one team: who wrote and who met, the copies in its mailboxes, and what of it must be counted."""

from __future__ import annotations

import base64
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from typing import Any

from bench.whole.organisation import AS_OF, CONTACTS_PER_CUSTOMER, TEAM, Size, address, contact_address, person_id
from localdev.graph.mailbox import empty

# Of each ten copies four stand alone and six are pairs: three sevenths of the items lie in two mailboxes.
_SHARED_BY = (1, 1, 1, 1, 2, 2, 2)
_RELEVANT = 0.4  # of the items: they name a contact
_BY_US = 0.5  # of the relevant messages
_WE_INVITE = 0.7  # to relevant meetings
_IN_A_THREAD = 4
_GOID = "040000008200E00074C5B7101A82E00800000000"
_DAYS = 364  # before the instant of the run: all of them lie in its window

Entity = dict[str, Any]


@dataclass
class Expected:
    """What a run must count, by the number of the customer."""

    to: Counter[int] = field(default_factory=Counter)
    from_: Counter[int] = field(default_factory=Counter)
    meetings_to: Counter[int] = field(default_factory=Counter)
    meetings_from: Counter[int] = field(default_factory=Counter)

    def add(self, other: Expected) -> None:
        for mine, theirs in zip(vars(self).values(), vars(other).values(), strict=True):
            mine.update(theirs)

    def by_customer(self) -> dict[int, tuple[int, int, int, int]]:
        """Messages to and from, meetings to and from each customer that has any."""
        known = set().union(*vars(self).values())
        return {each: tuple(counter[each] for counter in vars(self).values()) for each in sorted(known)}


@dataclass
class Year:
    """mailboxes: of the team's people, by their ids, in the shape of a tenant's files."""

    mailboxes: dict[str, Entity]
    expected: Expected


class Mailboxes(Mapping[str, Entity]):
    """All mailboxes of the organisation, each made when it is asked for, with those of its team."""

    def __init__(self, size: Size) -> None:
        self._size = size
        self._numbers = {person_id(number): number for number in range(size.mailboxes)}

    def __getitem__(self, user_id: str) -> Entity:
        return year_of(self._size, self._numbers[user_id] // TEAM).mailboxes[user_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)


@lru_cache(maxsize=2)
def year_of(size: Size, team: int) -> Year:
    """The same for the same team at any time."""
    return _Telling(size, team).tell()


class _Telling:
    def __init__(self, size: Size, team: int) -> None:
        self._rng = random.Random(f"whole/{team}")
        self._size = size
        self._people = [team * TEAM + each for each in range(TEAM)]
        self._boxes = {number: _Box(person_id(number)) for number in self._people}
        self._threads: dict[int, tuple[bytes, int]] = {}
        self._expected = Expected()
        self._outsiders = [_who(f"someone{number}@elsewhere{number % 300}.example") for number in range(1_500)]

    def tell(self) -> Year:
        for _ in range(self._size.messages):
            for owners in self._turn():
                self._write(owners)
        for _ in range(self._size.meetings):
            for owners in self._turn():
                self._meet(owners)
        return Year({box.user_id: box.content for box in self._boxes.values()}, self._expected)

    def _turn(self) -> Iterator[list[int]]:
        """The owners of the copies of some items: each of the team once."""
        people = self._rng.sample(self._people, TEAM)
        for count in _SHARED_BY:
            yield [people.pop() for _ in range(count)]

    def _write(self, owners: list[int]) -> None:
        rng = self._rng
        ours = [_who(address(each)) for each in owners]
        sender: int | None = None
        if rng.random() < _RELEVANT:
            customer, theirs = self._contacts()
            if rng.random() < _BY_US:
                sender, written, to, cc = owners[0], ours[0], theirs, ours[1:]
                self._expected.to[customer] += 1
            else:
                written, to, cc = theirs[0], ours, theirs[1:]
                self._expected.from_[customer] += 1
        else:
            customer = -1 - owners[0]
            if len(owners) > 1:
                sender, written, to, cc = owners[0], ours[0], ours[1:], []
            else:
                written, to, cc = rng.choice(self._outsiders), ours, []
        self._deliver(owners, sender, {"from": written, "toRecipients": to, "ccRecipients": cc}, customer)

    def _deliver(self, owners: list[int], sender: int | None, named: Entity, thread: int) -> None:
        rng = self._rng
        sent = AS_OF - timedelta(seconds=rng.randrange(60, _DAYS * 86_400))
        conversation = self._conversation(thread)
        message = {
            "internetMessageId": f"<{rng.getrandbits(160):040x}@mail{rng.randrange(90)}.example>",
            "sentDateTime": f"{sent:%Y-%m-%dT%H:%M:%SZ}",
            "isDraft": False,
            **named,
            "bccRecipients": [],
            "conversationId": f"AAQk{conversation.hex():0<88}",
            "conversationIndex": base64.b64encode(b"\x01\xd9" + rng.randbytes(4) + conversation).decode(),
        }
        for owner in owners:
            received = sent if owner == sender else sent + timedelta(seconds=2)
            self._boxes[owner].keep(message, f"{received:%Y-%m-%dT%H:%M:%SZ}", owner == sender)

    def _conversation(self, thread: int) -> bytes:
        """Sixteen bytes, the same for some messages of a thread in a row."""
        known, used = self._threads.get(thread, (b"", _IN_A_THREAD))
        if used >= _IN_A_THREAD:
            known, used = self._rng.randbytes(16), 0
        self._threads[thread] = known, used + 1
        return known

    def _contacts(self) -> tuple[int, list[Entity]]:
        """A customer, few of whom have much, and one or two of its contacts."""
        customer = int(self._size.customers * self._rng.random() ** 2.5)
        some = self._rng.sample(range(CONTACTS_PER_CUSTOMER), 2 if self._rng.random() < 0.3 else 1)
        return customer, [_who(contact_address(customer, each)) for each in some]

    def _meet(self, owners: list[int]) -> None:
        rng = self._rng
        ours = [_who(address(each)) for each in owners]
        organizer, others = ours[0], ours[1:]
        by_us = True
        if rng.random() < _RELEVANT:
            customer, theirs = self._contacts()
            by_us = rng.random() < _WE_INVITE
            organizer, others = (ours[0], [*ours[1:], *theirs]) if by_us else (theirs[0], [*ours, *theirs[1:]])
            (self._expected.meetings_to if by_us else self._expected.meetings_from)[customer] += 1
        start = AS_OF - timedelta(minutes=15 * rng.randrange(8, _DAYS * 96))
        start = start.replace(second=0)
        event = {
            "iCalUId": f"{_GOID}{rng.getrandbits(256):064X}",
            "type": "singleInstance",
            "start": _moment(start),
            "end": _moment(start + timedelta(minutes=rng.choice([30, 60]))),
            "isAllDay": False,
            "isCancelled": False,
            "isDraft": False,
            "sensitivity": "normal",
            "organizer": organizer,
            "attendees": [
                {"type": "required", "status": {"response": "accepted", "time": "0001-01-01T00:00:00Z"}, **each}
                for each in others
            ],
        }
        for place, owner in enumerate(owners):
            answer = "organizer" if by_us and place == 0 else "accepted"
            self._boxes[owner].invite(event, answer)


class _Box:
    """The content of one mailbox, with ids as long as Graph's."""

    def __init__(self, user_id: str) -> None:
        self.user_id = user_id
        self.content = empty(user_id)
        self._inbox, self._sent = (
            next(folder["id"] for folder in self.content["folders"] if folder["wellKnownName"] == name)
            for name in ("inbox", "sentitems")
        )
        (self._events,) = self.content["events"].values()

    def keep(self, message: Entity, received: str, sent: bool) -> None:
        messages = self.content["messages"]
        copy = {
            "id": self._id(len(messages), "M"),
            "receivedDateTime": received,
            "lastModifiedDateTime": received,
            "parentFolderId": self._sent if sent else self._inbox,
        }
        messages.append(copy | message)

    def invite(self, event: Entity, answer: str) -> None:
        response = {"response": answer, "time": "0001-01-01T00:00:00Z"}
        self._events.append({"id": self._id(len(self._events), "E"), "responseStatus": response} | event)

    def _id(self, number: int, kind: str) -> str:
        return f"AAMk{kind}{self.user_id.replace('-', ''):a<130}{number:017d}="


def _who(mail: str) -> Entity:
    return {"emailAddress": {"name": mail.partition("@")[0], "address": mail}}


def _moment(at: Any) -> Entity:
    return {"dateTime": f"{at:%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": "UTC"}
