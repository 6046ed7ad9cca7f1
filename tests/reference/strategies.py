"""Random small organisations in the shape of interfaces §10, biased towards collisions: few addresses, few instants.

What the text leaves open never decides an outcome here: one mailbox holds no two different answers, ends or senders of
one item.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from tests.reference.builders import contact, customer, group, mailbox, organisation, user
from tests.reference.organisation import Json, Organisation
from tests.reference.periods import Window
from tests.reference.strategies_meetings import meeting_copies
from tests.reference.strategies_messages import message_copies

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
CONFIGURED = ("b-bob", "a-ada", "c-eve", "B-cyd", "0-dan", "d-gus", "all@own.example", "SMTP:Some@Own.Example")

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
SCORES: tuple[Json, ...] = (
    {},
    {"percentile": 0.5, "halfLifeDays": 7},
    {"percentile": 1, "weights": {"emailVolume": 0, "emailTwoWay": 0, "meetings": 100, "breadth": 0, "recency": 0}},
    {"percentile": 0.07, "floors": {"month": {"emailVolume": 1, "breadth": 1}, "year": {"meetings": 1}}},
)


@dataclass(frozen=True)
class Cast:
    """Who may take part, and when: what the strategies of messages and meetings draw from."""

    owners: tuple[str, ...]
    ours: st.SearchStrategy[str]
    theirs: st.SearchStrategy[str]
    anyone: st.SearchStrategy[object]
    instants: tuple[datetime, ...]
    as_of: datetime


def instants(window: Window) -> tuple[datetime, ...]:
    """Edges of the window, changes of the clock, and a few ordinary moments near to each other."""
    zone = window.zone
    opening = datetime(window.first.year, window.first.month, window.first.day, tzinfo=zone).astimezone(UTC)
    second = timedelta(seconds=1)
    usual = window.as_of - timedelta(days=50, minutes=7)
    month = datetime(window.last.year, window.last.month, 1, tzinfo=zone).astimezone(UTC) - timedelta(days=40)
    edges = [window.as_of, window.as_of + second, opening, opening - second, opening - timedelta(hours=24)]
    offsets = [usual.astimezone(zone).utcoffset(), opening.astimezone(zone).utcoffset()]
    if offsets[0] != offsets[1]:
        edges += clock_change(zone, opening, usual)
    moments = [usual + timedelta(minutes=minutes) for minutes in (0, 1, 2, 60, 24 * 60, 30 * 24 * 60, 30 * 24 * 60 + 1)]
    return (*moments, *moments, *edges, month, month.replace(microsecond=250_000))


def clock_change(zone: ZoneInfo, low: datetime, high: datetime) -> list[datetime]:
    """The midnights around a change of the zone's offset between two instants that have different ones."""
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(minutes=1):
        middle = low + (high - low) / 2
        low, high = (middle, high) if middle.astimezone(zone).utcoffset() == before else (low, middle)
    midnight = high.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return [(midnight + timedelta(days=days)).astimezone(UTC) - timedelta(seconds=1) for days in (0, 1)]


@st.composite
def organisations(draw: st.DrawFn) -> Organisation:
    as_of, zone = draw(st.sampled_from(ZONES))
    configured = draw(st.lists(st.sampled_from(CONFIGURED), min_size=3, max_size=6, unique=True))
    mails = {one["id"]: one["mail"] for one in PEOPLE}
    owners = tuple(one["id"] for one in PEOPLE if one["mailbox"] == "ok")
    cast = _cast(owners, Window(datetime.fromisoformat(as_of), ZoneInfo(zone)))
    messages, events = draw(message_copies(cast)), draw(meeting_copies(cast))
    return organisation(
        {owner: mailbox(messages[owner], events[owner], events[owner][:1]) for owner in owners},
        users=PEOPLE,
        groups=GROUPS,
        addresses=[mails.get(one, one) for one in configured],
        contacts=[contact("K1", "A", "k1@a.example"), *draw(st.lists(_contact_rows(), min_size=2, max_size=9))],
        accounts=draw(st.none() | st.lists(_customer_rows(), min_size=1, max_size=6)),
        as_of=as_of,
        zone=zone,
        internal=["Sister.Example"],
        verified=["own.example", "xn--bcher-kva.example"],
        **draw(_options()),
    )


def _cast(owners: tuple[str, ...], window: Window) -> Cast:
    often, seldom = st.sampled_from, st.integers(0, 7)
    anyone = seldom.flatmap(
        lambda roll: often((OURS, OURS, OURS, THEIRS, THEIRS, RESPELT, ALIASES, (*THIRD, *NOBODY))[roll])
    )
    return Cast(
        owners,
        often((*OURS, *OURS, *ALIASES)),
        often((*THEIRS, *THEIRS, *RESPELT)),
        anyone,
        instants(window),
        window.as_of,
    )


def _contact_rows() -> st.SearchStrategy[dict[str, str]]:
    return st.builds(
        contact, st.sampled_from(CONTACT_IDS), st.sampled_from((*CUSTOMERS, "")), st.sampled_from(CONTACT_ADDRESSES)
    )


def _customer_rows() -> st.SearchStrategy[dict[str, str]]:
    return st.builds(customer, st.sampled_from(CUSTOMERS), st.sampled_from(PARENTS))


def _options() -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries(
        {
            "maxRecipients": st.sampled_from((100, 100, 3, 2, 1)),
            "maxAttendees": st.sampled_from((100, 100, 3, 2, 1)),
            "replyLimitDays": st.sampled_from((30, 30, 1)),
            "readHeaders": st.booleans(),
            "minPeople": st.sampled_from((0, 0, 0, 1, 2, 3)),
            "score": st.sampled_from(SCORES),
        }
    )
