"""Random meetings: series and single ones, each with copies in several calendars that may tell it differently (§4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from tests.reference.builders import attendee, event
from tests.reference.organisation import Json
from tests.reference.random_messages import stamp, tagged

if TYPE_CHECKING:
    from tests.reference.strategies import Cast

PREFIX = "040000008200E00074C5B7101A82E008"
ANSWERS = ("none", "accepted", "declined", "tentativelyAccepted", "declined", "notResponded")
ODD: tuple[Json, ...] = (
    {"isDraft": True},
    {"isCancelled": True},
    {"isCancelled": 1},
    {"isAllDay": True},
    {"isAllDay": "true"},
    {"sensitivity": "private"},
    {"sensitivity": "personal"},
    {"sensitivity": 2},
    {"type": "seriesMaster"},
    {"type": "occurrence"},
    {"end": None},
    {"start": {"dateTime": 5, "timeZone": "UTC"}},
    {"attendees": "everybody"},
    {"organizer": None},
)
DAY = 24 * 60
MINUTES = (0, 30, 30, 45.5, 61, DAY - 9, DAY)

Entry = tuple[Any, str, str]  # who, answer, type


@dataclass(frozen=True)
class Invitation:
    """One meeting as its organizer would tell it; `number` tells meetings of one start apart."""

    number: int
    organizer: Any
    entries: tuple[Entry, ...]
    start: datetime
    minutes: float
    kind: str

    def uid(self, day: str, folded: bool) -> str | None:
        """Meetings 2n and 2n + 1 are of one series: their ids differ in the bytes of the date alone (§4.1)."""
        series = f"{PREFIX}{day}{self.number // 2:024x}"
        found = {"series": series, "plain": f"Uid-{self.number}", "odd": f"{series}{day}X"}.get(self.kind)
        return found.casefold() if found and folded else found

    def told(self, own: Json) -> Json:
        """The copy of a calendar that has some of it in its own way."""
        entries = [*self.entries[own.get("less", 0) :], *own.get("more", [])]
        if "again" in own and entries:
            entries.append((entries[0][0], *own["again"]))
        if "tagged" in own:
            entries = [(tagged(who), answer, kind) for who, answer, kind in entries]
        organizer = own.get("organizer", self.organizer)
        if "inside" in own:
            organizer, entries = own["inside"], [("bob@own.example", "none", "required")]
        start = self.start + own.get("step", timedelta())
        copy = event(
            organizer,
            [attendee(who, own.get("answers", answer), kind) for who, answer, kind in entries],
            stamp(start),
            end=stamp(start + timedelta(minutes=self.minutes + own.get("longer", 0))),
            uid=self.uid(own.get("day", "07EA0B01"), own.get("folded", False)),
            answer=own.get("answer", "accepted"),
        )
        return {**copy, **own.get("odd", {})}


def meeting_copies(r: Random, cast: Cast) -> dict[str, list[Json]]:
    """Owner → copies. One calendar holds a meeting once, or twice in the same words."""
    boxes: dict[str, list[Json]] = {owner: [] for owner in cast.owners}
    for number in range(r.randint(1, 8)):
        meeting = invitation(r, cast, number)
        for owner in r.sample(cast.owners, r.choice((1, 2, 2, 3))):
            boxes[owner] += [meeting.told(cast.ways(r, WAYS))] * (2 if r.random() < 0.1 else 1)
    return boxes


def invitation(r: Random, cast: Cast, number: int) -> Invitation:
    """No two meetings have the same minutes, so that those without an id stay apart, and the two of a series do not
    start together. Some come through a group that nobody is named beside.
    """
    ours = r.random() < 0.7
    group = [] if ours or r.random() < 0.6 else ["list@sister.example"]
    named = group or [cast.theirs(r) if ours else cast.ours(r), *cast.others(r)]
    return Invitation(
        number=number,
        organizer=cast.ours(r) if ours else cast.theirs(r) if r.random() < 0.7 else cast.anyone(r),
        entries=tuple((who, r.choice(ANSWERS), r.choice(("required", "optional"))) for who in named),
        start=r.choice(cast.instants) + timedelta(minutes=11 * (number % 2)),
        minutes=r.choice(MINUTES) + number,
        kind=r.choice(("series", "plain", "none", "odd")),
    )


def _more(r: Random, cast: Cast) -> list[Entry]:
    kinds = ("required", "resource")
    return [(cast.anyone(r), r.choice(ANSWERS), r.choice(kinds)) for _ in range(r.randint(1, 2))]


# In what a calendar may differ.
WAYS: dict[str, Callable[[Random, Cast], Any]] = {
    "organizer": lambda r, cast: r.choice((cast.anyone, cast.ours, cast.theirs))(r),
    "step": lambda r, _: timedelta(minutes=-73),
    "longer": lambda r, _: r.choice((0.25, 15, DAY)),
    "answer": lambda r, _: r.choice(("declined", None, "none")),
    "answers": lambda r, _: r.choice(ANSWERS),
    "more": _more,
    "again": lambda r, _: (r.choice(ANSWERS), r.choice(("required", "required", "resource"))),
    "less": lambda r, _: 1,
    "inside": lambda r, _: r.choice((None, "ada@own.example")),
    "tagged": lambda r, _: True,
    "day": lambda r, _: r.choice(("07EA0B02", "00000000")),
    "folded": lambda r, _: True,
    "odd": lambda r, _: r.choice(ODD),
}
