"""Random small organisations in the shape of interfaces §10, biased towards collisions: few addresses, few instants.

What the text leaves open never decides an outcome here: one mailbox holds no two different answers, ends or senders of
one item.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from tests.reference.builders import contact, customer, group, mailbox, organisation, user
from tests.reference.organisation import Json, Organisation
from tests.reference.periods import Window
from tests.reference.random_meetings import meeting_copies
from tests.reference.random_messages import message_copies

# In a disorder that tells code point order from the order of the list; the last two are directory ids like any other.
PEOPLE = (
    user("b-bob", "bob@brand.example", "Bob+List@brand.example", "desk@own.example"),
    user("a-ada", "+41@own.example", "ADA+x@Own.Example", "sip:ada@voice.example", "desk@own.example"),
    user("c-eve", "eve+shop@brand.example", "X500:/o=eve", mail="eve@bücher.example"),
    user("B-cyd", "ada@sister.example", mail="cyd@own.example"),
    user("0-dan", mail="dan@own.example", mailbox="NotEnabled"),
    user("d-gus", mail="gus@partner.example", guest=True, mailbox="NotFound"),
)
GROUPS = (
    group("g-all", "all@own.example", ["b-bob", "g-some", "nobody"]),
    group("g-some", "some@own.example", ["a-ada", "d-gus", "g-all"]),
)
CONFIGURED = ("c-eve", "B-cyd", "0-dan", "d-gus", "all@own.example", "SMTP:Some@Own.Example")

OURS = ("bob@own.example", "ada@own.example", "eve@bücher.example", "cyd@own.example", "dan@own.example")
ALIASES = (
    "bob@brand.example",
    "bob+list@brand.example",
    "bob+other@brand.example",
    "Ada+News@own.example",
    "+41@own.example",
    "desk@own.example",
    "EVE@XN--BCHER-KVA.EXAMPLE",
    "eve@brand.example",
    "eve+shop@brand.example",
    "ada@sister.example",
    "nobody@own.example",
    "list@Sister.Example",
)
THEIRS = ("k1@a.example", "k1+t@a.example", "k2@a.example", "k2@b.example", "strasse@ä.example")
RESPELT = (
    "K1@A.Example",
    "k1+u@a.example",
    "k1+T@a.example",
    "Kay <k2@a.example>",
    "mailto:k2@b.example",
    " k2@b.example. ",
    "STRAßE@Ä.example",
)
THIRD = ("zoe@third.example", "ada@sub.own.example", "max@third.example")
NOBODY = (
    None,
    "kim@a.example",
    {"emailAddress": None},
    {"emailAddress": {"address": 7}},
    {"emailAddress": {"address": " "}},
)

# Always there; K1 has two addresses, of accounts that one top may unite.
CONTACTS = (contact("K1", "A", "k1@a.example"), contact("K2", "B", "k2@b.example"), contact("K1", "B", "k2@a.example"))
CONTACT_IDS = ("K1", "K2", "K3", " K1 ", "k1", "")
CUSTOMERS = ("A", "B", "C", "a", " A ", "NA", "Z|1", "A", "B", "A", "B")
CONTACT_ADDRESSES = (
    *THEIRS,
    *THEIRS,
    "Kay <K1@A.example>",
    "k1+u@a.example",
    "ada@own.example",
    "bob@brand.example",
    "nobody",
)
PARENTS = ("", "", "A", "B", " C ", "a", "NA", "Ghost")

ZONES = (
    ("2026-11-20T15:30:00Z", "UTC"),
    ("2026-11-20T15:30:00Z", "Europe/Berlin"),
    ("2026-10-31T03:15:00Z", "America/New_York"),
    ("2026-06-30T14:00:00Z", "Australia/Lord_Howe"),
    ("2026-09-30T23:59:59Z", "America/Santiago"),
    ("2026-03-01T18:20:00Z", "Asia/Kathmandu"),
)
LOW = {"emailVolume": 1, "emailTwoWay": 1, "meetings": 1, "breadth": 1}
SCORES: tuple[Json, ...] = (
    {},
    {"floors": {"year": LOW, "month": LOW, "week": LOW}},
    {"floors": {"year": LOW, "month": LOW, "week": LOW}},
    {"percentile": 0.5, "halfLifeDays": 7},
    {"percentile": 1, "weights": {"emailVolume": 0, "emailTwoWay": 0, "meetings": 100, "breadth": 0, "recency": 0}},
    {"percentile": 0.07, "floors": {"month": {"emailVolume": 1, "breadth": 1}, "year": {"meetings": 1}}},
)


@dataclass(frozen=True)
class Cast:
    """Who may take part, and when: what random messages and meetings are made from.

    owners: whose mailboxes hold the copies · receipts: times of receipt at the edges of what exists (§3.1).
    """

    owners: tuple[str, ...]
    instants: tuple[datetime, ...]
    receipts: tuple[datetime, ...]

    def ours(self, r: Random) -> str:
        return r.choice((*OURS[:2] * 3, *OURS, *ALIASES))

    def theirs(self, r: Random) -> str:
        return r.choice((*THEIRS * 2, *RESPELT))

    def anyone(self, r: Random) -> Any:
        groups: tuple[tuple[Any, ...], ...] = (OURS, OURS, THEIRS, THEIRS, RESPELT, ALIASES, (*THIRD, *NOBODY))
        return r.choice(r.choice(groups))

    def others(self, r: Random) -> list[Any]:
        return [self.anyone(r) for _ in range(r.choice((0, 0, 1, 1, 2, 3)))]

    def ways(self, r: Random, ways: Mapping[str, Callable[[Random, Cast], Any]]) -> Json:
        """Mostly nothing, now and then one or two of these ways, with what they are."""
        return {way: ways[way](r, self) for way in r.sample(sorted(ways), r.choice((0, 0, 1, 1, 2)))}


def instants(window: Window) -> tuple[datetime, ...]:
    """Edges of the window, changes of the clock, and a few ordinary moments near to each other."""
    zone = window.zone
    opening = datetime(window.first.year, window.first.month, window.first.day, tzinfo=zone).astimezone(UTC)
    second = timedelta(seconds=1)
    usual = window.as_of - timedelta(days=50, minutes=7)
    month = datetime(window.last.year, window.last.month, 1, tzinfo=zone).astimezone(UTC) - timedelta(days=40)
    edges = [window.as_of, window.as_of + second, window.as_of - timedelta(minutes=30), opening, opening - second]
    offsets = [usual.astimezone(zone).utcoffset(), opening.astimezone(zone).utcoffset()]
    if offsets[0] != offsets[1]:
        edges += clock_change(zone, opening, usual)
    moments = [usual + timedelta(minutes=minutes) for minutes in (0, 1, 2, 60, 24 * 60, 30 * 24 * 60, 30 * 24 * 60 + 1)]
    return (*moments, *moments, *edges, month, month.replace(microsecond=250_000))


def receipts(window: Window) -> tuple[datetime, ...]:
    """§3.1: 24 hours after `as_of`, the first moment of the day before the window, and what lies just beyond."""
    day = window.first - timedelta(days=1)
    begins = datetime(day.year, day.month, day.day, tzinfo=window.zone).astimezone(UTC)
    ends, second = window.as_of.astimezone(UTC) + timedelta(hours=24), timedelta(seconds=1)
    return (begins, begins - second, ends, ends + second)


def clock_change(zone: ZoneInfo, low: datetime, high: datetime) -> list[datetime]:
    """The midnights around a change of the zone's offset between two instants that have different ones."""
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(minutes=1):
        middle = low + (high - low) / 2
        low, high = (middle, high) if middle.astimezone(zone).utcoffset() == before else (low, middle)
    midnight = high.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return [(midnight + timedelta(days=days)).astimezone(UTC) - timedelta(seconds=1) for days in (0, 1)]


def organisations() -> st.SearchStrategy[Organisation]:
    """Each number makes up one. Hypothesis' own choices would repeat one another; `smallest` makes examples small."""
    return st.integers(0, 2**48).map(make_up)


def make_up(seed: int) -> Organisation:
    r = Random(seed)
    as_of, zone = r.choice(ZONES)
    owners = tuple(one["id"] for one in PEOPLE if one["mailbox"] == "ok")
    window = Window(datetime.fromisoformat(as_of), ZoneInfo(zone))
    cast = Cast(owners, instants(window), receipts(window))
    messages, events = message_copies(r, cast), meeting_copies(r, cast)
    return organisation(
        {owner: mailbox(messages[owner], events[owner], events[owner][:1]) for owner in owners},
        users=PEOPLE,
        groups=GROUPS,
        addresses=_configured(r),
        contacts=[*CONTACTS, *(_contact_row(r) for _ in range(r.randint(0, 9)))],
        accounts=[_customer_row(r) for _ in range(r.randint(1, 6))] if r.random() < 0.6 else None,
        as_of=as_of,
        zone=zone,
        internal=["Sister.Example"],
        verified=["own.example", "xn--bcher-kva.example"],
        **_options(r),
    )


def _configured(r: Random) -> list[str]:
    mails = {one["id"]: one["mail"] for one in PEOPLE}
    configured = ["a-ada", "b-bob", *r.sample(CONFIGURED, r.randint(0, 4))]
    return [mails.get(one, one) for one in configured]


def _contact_row(r: Random) -> dict[str, str]:
    return contact(r.choice(CONTACT_IDS), r.choice((*CUSTOMERS, "")), r.choice(CONTACT_ADDRESSES))


def _customer_row(r: Random) -> dict[str, str]:
    return customer(r.choice(CUSTOMERS), r.choice(PARENTS))


def _options(r: Random) -> Json:
    return {
        "maxRecipients": r.choice((100, 100, 3, 2, 1)),
        "maxAttendees": r.choice((100, 100, 3, 2, 1)),
        "replyLimitDays": r.choice((30, 30, 1)),
        "readHeaders": r.random() < 0.5,
        "minPeople": r.choice((0, 0, 0, 1, 2, 3)),
        "score": r.choice(SCORES),
    }


def tried(examples: int) -> settings:
    """So many examples, the same ones each time; for a night REFERENCE_EXAMPLES=5000, and then other ones each time."""
    more = int(os.environ.get("REFERENCE_EXAMPLES", "0"))
    return settings(
        max_examples=more or examples,
        derandomize=not more,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )


def smallest(org: Organisation, fails: Callable[[Organisation], bool]) -> Organisation:
    """The organisation without all that can be taken away, one thing after the other, while it still fails."""
    before = None
    while before != org:
        before = org
        for smaller in _without_one(org):
            if fails(smaller):
                org = smaller
                break
    return org


def _without_one(org: Organisation) -> Iterator[Organisation]:
    for rows in ("contacts", "accounts"):
        for at, _ in enumerate(getattr(org, rows)):
            yield replace(org, **{rows: getattr(org, rows)[:at] + getattr(org, rows)[at + 1 :]})
    for owner, box in org.mailboxes.items():
        for at, _ in enumerate(box["messages"]):
            yield _with(org, owner, {**box, "messages": box["messages"][:at] + box["messages"][at + 1 :]})
        main = box["events"]["main"]
        for at, _ in enumerate(main):
            yield _with(org, owner, {**box, "events": {"main": main[:at] + main[at + 1 :], "side": []}})


def _with(org: Organisation, owner: str, box: Json) -> Organisation:
    return replace(org, mailboxes={**org.mailboxes, owner: box})
