"""Random meetings: series and single ones, each with copies in several calendars that may tell it differently (§4)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from tests.reference.builders import attendee, event
from tests.reference.organisation import Json
from tests.reference.strategies_messages import stamp

if TYPE_CHECKING:
    from tests.reference.strategies import Cast

PREFIX = "040000008200E00074C5B7101A82E008"
ANSWERS = ("none", "accepted", "tentativelyAccepted", "declined", "declined", "notResponded")
ODD: tuple[Json, ...] = (
    {},
    {},
    {"isDraft": True},
    {"isCancelled": True},
    {"isCancelled": 1},
    {"isAllDay": True},
    {"isAllDay": "true"},
    {"sensitivity": "private"},
    {"sensitivity": "personal"},
    {"sensitivity": "confidential"},
    {"sensitivity": 2},
    {"type": "seriesMaster"},
    {"type": "occurrence"},
    {"end": None},
    {"start": {"dateTime": 5, "timeZone": "UTC"}},
    {"attendees": "everybody"},
    {"organizer": None},
)


@st.composite
def meeting_copies(draw: st.DrawFn, cast: Cast) -> dict[str, list[Json]]:
    """Owner → copies."""
    boxes: dict[str, list[Json]] = {owner: [] for owner in cast.owners}
    for number in range(draw(st.integers(1, 7))):
        meeting = draw(meetings(cast, number))
        for owner in draw(st.lists(st.sampled_from(cast.owners), min_size=1, max_size=3)):
            boxes[owner].append(meeting[owner])
    return boxes


def uid_of(number: int, day: str, kind: str) -> str | None:
    """Meetings 2n and 2n + 1 are of one series: their ids differ in the bytes of the date alone (§4.1)."""
    series = f"{PREFIX}{day}{number // 2:024x}"
    return {"series": series, "folded": series.casefold(), "plain": f"uid-{number}", "short": PREFIX}.get(kind)


@st.composite
def meetings(draw: st.DrawFn, cast: Cast, number: int) -> dict[str, Json]:
    """One meeting as each calendar would tell it. No two meetings have the same minutes, so that those without an id
    stay apart, and the two of a series do not start together.
    """
    organizer: Any = draw(st.one_of(cast.ours, cast.ours, cast.theirs, cast.anyone))
    invited = draw(st.lists(cast.anyone, max_size=3)) + draw(st.lists(cast.theirs, max_size=1))
    entries = [
        (who, draw(st.sampled_from(ANSWERS)), draw(st.sampled_from(("required", "optional", "required"))))
        for who in invited
    ]
    start = draw(st.sampled_from(cast.instants)) + timedelta(minutes=11 * (number % 2))
    lasts = draw(st.sampled_from((0, 30, 30, 45.5, 45.5, 61, 24 * 60 - 60, 24 * 60))) + number
    uid = uid_of(
        number,
        draw(st.sampled_from(("07EA0B01", "00000000"))),
        draw(st.sampled_from(("series", "folded", "plain", "none"))),
    )
    told = {}
    for owner in cast.owners:
        own_way = draw(st.integers(0, 2)) == 0
        own = draw(st.fixed_dictionaries(_variations(cast, organizer, start))) if own_way else {}
        told[owner] = _copy(uid, {"organizer": organizer, "start": start, "answer": "accepted", **own}, entries, lasts)
    return told


def _variations(cast: Cast, organizer: Any, start: datetime) -> dict[str, st.SearchStrategy[Any]]:
    return {
        "organizer": st.just(organizer) | cast.anyone,
        "start": st.sampled_from((start, start, start, start - timedelta(minutes=73))),
        "longer": st.sampled_from((0, 0, 0.25, 15)),
        "answer": st.sampled_from((*ANSWERS, None)),
        "answers": st.none() | st.sampled_from(ANSWERS),
        "more": st.lists(
            st.tuples(cast.anyone, st.sampled_from(ANSWERS), st.sampled_from(("required", "resource"))), max_size=2
        ),
        "less": st.integers(0, 1),
        "odd": st.sampled_from(ODD),
    }


def _copy(uid: str | None, told: Json, entries: list[tuple[Any, str, str]], lasts: float) -> Json:
    named = entries[told.get("less", 0) :] + told.get("more", [])
    answers = told.get("answers")
    minutes = max(0.0, lasts + told.get("longer", 0))
    copy = event(
        told["organizer"],
        [attendee(who, answers or answer, kind) for who, answer, kind in named],
        stamp(told["start"]),
        end=stamp(told["start"] + timedelta(minutes=minutes)),
        uid=uid,
        answer=told["answer"],
    )
    return {**copy, **told.get("odd", {})}
