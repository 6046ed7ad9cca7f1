"""What becomes of a mailbox, call by call (semantics §6 scope Mailbox; interfaces §3)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import numpy as np
import pytest
from aiohttp import web

from activities import extract_mailbox
from shared.adapters import plan_files, tables
from shared.adapters.graph.client import GraphClient, connect
from shared.adapters.identity import CredentialRefused, NotConsented
from shared.core import blob_names, hashes
from shared.core.addresses import AddressBook, people_index
from shared.core.contracts import ExtractedPart, ExtractOrder
from shared.core.enrichment import Options
from shared.core.errors import GraphAway
from shared.core.facts import Contacts, MeetingCopies, MessageCopies
from shared.core.periods import Window, to_us
from shared.core.plan import Plan
from shared.services import Services
from tests.emulated import following
from tests.fake_graph import Clock, FakeGraph, FakeTokens, always, error, serving, settings
from tests.fakes import memory_storage

KEY = bytes(32)
AS_OF = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
PEOPLE = ["p-0", "p-1", "p-2"]
ADA, CARL = "ada@contoso.example", "carl@customer.example"
ROLES = ("Mail.ReadBasic.All", "Calendars.ReadBasic.All", "User.Read.All")


def plan() -> Plan:
    domains = frozenset({"contoso.example"})
    people, person = people_index([(1, [ADA])], domains, KEY)
    contact = np.frombuffer(hashes.hasher(KEY, hashes.ADDRESS)(CARL.encode()), hashes.HASH).astype(np.uint64)
    one = np.zeros(1, np.int32)
    contacts = Contacts(np.array([0, 1]), one, one, ["acme"], one, ["acme"])
    window = Window(to_us(AS_OF), "UTC")
    book = AddressBook(people, person, contact, domains)
    return Plan(people=PEOPLE, book=book, contacts=contacts, window=window, options=Options(), hierarchy=False)


def message(number: int, received: datetime, **more: Any) -> dict[str, Any]:
    at = received.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "id": f"m{number}",
        "internetMessageId": f"<{number}@mail.example>",
        "receivedDateTime": at,
        "sentDateTime": at,
        "isDraft": False,
        "parentFolderId": "inbox",
        "from": {"emailAddress": {"address": CARL}},
        "toRecipients": [{"emailAddress": {"address": ADA}}],
        "ccRecipients": [],
        "bccRecipients": [],
        **more,
    }


def meeting(number: int, start: datetime) -> dict[str, Any]:
    def moment(instant: datetime) -> dict[str, str]:
        return {"dateTime": instant.strftime("%Y-%m-%dT%H:%M:%S.0000000"), "timeZone": "UTC"}

    return {
        "id": f"e{number}",
        "iCalUId": f"uid-{number}",
        "type": "singleInstance",
        "start": moment(start),
        "end": moment(start + timedelta(hours=1)),
        "sensitivity": "normal",
        "organizer": {"emailAddress": {"address": ADA}},
        "attendees": [{"emailAddress": {"address": CARL}, "type": "required", "status": {"response": "none"}}],
    }


MESSAGES = [message(number, AS_OF - timedelta(days=300) + timedelta(hours=number)) for number in range(200)]
MEETINGS = [meeting(number, AS_OF - timedelta(days=number, hours=2)) for number in range(1, 30)]


@dataclass
class World:
    """An app whose Graph is fake and whose time passes when somebody sleeps, or a script says so."""

    graph: FakeGraph
    svc: Services
    clock: Clock
    tokens: FakeTokens
    began: datetime = AS_OF
    parts: list[ExtractedPart] = field(default_factory=list)

    @property
    def staging(self) -> Any:
        return self.svc.storage.staging

    async def call(self, before: ExtractedPart | None = None, patience: int = 7200, **how: Any) -> ExtractedPart:
        """One call of the activity, as the group makes it after the call before."""
        order = ExtractOrder(enrichment="sales", run_id="r1", mailbox=1, patience=patience)
        if before is not None:
            order = following(order, before)
        order = ExtractOrder.from_wire(order.to_wire())
        return ExtractedPart.from_wire((await extract_mailbox.run(order, self.svc, **how)).to_wire())

    async def calls(self, **how: Any) -> list[ExtractedPart]:
        """Call until there is no more."""
        parts = [await self.call(**how)]
        while parts[-1].outcome == "More" and len(parts) < 50:
            self.clock.now += parts[-1].wait
            parts.append(await self.call(parts[-1], **how))
        return parts

    def facts(self, parts: int) -> tuple[list[MessageCopies], list[MeetingCopies], list[Any]]:
        """The copies in the first parts, and their counts."""
        messages, meetings, counts = [], [], []
        for part in range(parts):
            data = self.staging.read(blob_names.mailbox_part("sales", "r1", 1, part, "messages"))
            messages.append(tables.read(MessageCopies, data))
            counts.append(tables.read_counts(data))
            data = self.staging.read(blob_names.mailbox_part("sales", "r1", 1, part, "meetings"))
            meetings.append(tables.read(MeetingCopies, data))
        return messages, meetings, counts

    def marker(self) -> dict[str, str]:
        (entry,) = self.staging.entries(blob_names.progress("sales", "r1"))
        assert entry.name == blob_names.mailbox_progress("sales", "r1", 1)
        assert entry.size == 0
        return cast(dict[str, str], entry.metadata)


@asynccontextmanager
async def world(graph: FakeGraph, *roles: str, tokens: FakeTokens | None = None) -> AsyncIterator[World]:
    clock, storage = Clock(), memory_storage()
    tokens = tokens or FakeTokens(*(roles or ROLES))
    plan_files.write_plan(storage.staging, "sales", "r1", plan())
    async with serving(graph):
        told = settings(graph_base_url=graph.url, pseudonym_key=KEY)

        @asynccontextmanager
        async def client() -> AsyncIterator[GraphClient]:
            async with connect(told, tokens, clock=clock, sleep=clock.sleep) as one:
                yield one

        def now() -> datetime:
            return AS_OF + timedelta(seconds=clock.now)

        yield World(graph, Services(told, storage, cast(Any, tokens), client, now), clock, tokens)


def slow(clock_of: list[World], seconds: float) -> Any:
    async def take_time(request: web.Request) -> None:
        clock_of[0].clock.now += seconds

    return take_time


async def test_a_mailbox_becomes_one_part_of_facts_and_a_marker():
    drafts = [message(900, AS_OF - timedelta(days=9), isDraft=True), message(901, AS_OF, parentFolderId="junk-below")]
    graph = FakeGraph([*MESSAGES, *drafts], MEETINGS, folders={"junkemail": ["junk-below"]})
    async with world(graph) as here:
        part = await here.call()
        messages, meetings, counts = here.facts(1)

        assert part.outcome == "Read"
        assert (part.parts, part.copies, part.cursor, part.wait) == (1, 229, None, 0)
        assert len(messages[0].item) == len(np.unique(messages[0].item)) == 200
        assert set(messages[0].owner) == {1}
        assert len(meetings[0].item) == 29
        assert counts[0] == {"Message": {"Draft": 1, "Folder": 1}, "Meeting": {}}
        assert here.marker() | {"outcome": "Read", "messages": "202", "meetings": "29"} == here.marker()


async def test_a_mailbox_without_anything_is_read_too():
    async with world(FakeGraph()) as here:
        part = await here.call()

        assert (part.outcome, part.parts, part.copies) == ("Read", 1, 0)
        assert [len(copies.item) for copies in here.facts(1)[0]] == [0]


async def test_a_big_mailbox_takes_several_calls_and_several_parts():
    graph = FakeGraph(MESSAGES, MEETINGS, cap=10)
    async with world(graph) as here:
        graph.script.append(slow([here], 20))
        parts = await here.calls()
        messages, meetings, _ = here.facts(parts[-1].parts)

        assert parts[-1].outcome == "Read"
        assert [part.outcome for part in parts[:-1]] == ["More"] * (len(parts) - 1)
        assert len(parts) > 2
        assert sorted(np.concatenate([copies.item for copies in messages])) == sorted(set(here_items(200)))
        assert sum(len(copies.item) for copies in meetings) == 29
        assert sum(part.copies for part in parts) == 229
        assert (here.marker()["messages"], here.marker()["meetings"]) == ("200", "29")


def here_items(count: int) -> list[int]:
    digest = hashes.ManyHasher(KEY, hashes.MESSAGE_ID)
    found: list[int] = digest([f"<{number}@mail.example>".encode() for number in range(count)]).tolist()
    return found


async def test_a_call_that_is_made_again_gives_the_same_answer_and_counts_once():
    graph = FakeGraph(MESSAGES, MEETINGS, cap=10)
    async with world(graph) as here:
        graph.script.append(slow([here], 20))
        first = await here.call()
        second = await here.call(first)
        again = await here.call(first)
        names = [entry.name for entry in here.staging.entries("sales/r1/mailboxes/")]

        assert again == second
        assert len(names) == 4 * second.parts
        assert int(here.marker()["messages"]) <= 200
        assert int(here.marker()["messages"]) == sum(len(copies.item) for copies in here.facts(2)[0])


async def test_a_wait_longer_than_a_call_should_take_is_left_to_the_group():
    graph = FakeGraph(MESSAGES, script=[always(lambda: error(429, Retry_After="90.5"), to="/messages")])
    async with world(graph) as here:
        part = await here.call()

        assert part.outcome == "More"
        # Whole seconds, and some more, since timers and the group may be early.
        assert 93 <= part.wait <= 96
        assert here.clock.slept == []
        assert part.cursor is not None


async def test_no_progress_for_its_patience_makes_a_mailbox_unavailable():
    """§6: `Unavailable`: no progress for `MAILBOX_PATIENCE`."""
    graph = FakeGraph(MESSAGES, MEETINGS, script=[always(lambda: error(503))])
    async with world(graph) as here:
        parts = await here.calls(patience=600)

        assert parts[-1].outcome == "Unavailable"
        assert 300 <= here.clock.now - 1000 <= 900
        assert here.marker() | {"outcome": "Unavailable", "messages": "0", "meetings": "0"} == here.marker()


async def test_a_mailbox_throttled_for_longer_than_its_patience_is_given_up_at_once():
    """`Retry-After` counts (interfaces §5): nothing may be asked before it is too late anyway."""
    graph = FakeGraph(script=[always(lambda: error(429, Retry_After="7300"))])
    async with world(graph) as here:
        assert (await here.call(patience=7200)).outcome == "Unavailable"


@pytest.mark.parametrize("answer", [lambda: error(429, Retry_After="5"), lambda: error(503)])
async def test_a_short_patience_ends_before_the_time_of_a_call(answer):
    """§6 `Unavailable`: `MAILBOX_PATIENCE` is told within itself, however long a call may take."""
    graph = FakeGraph(MESSAGES, script=[always(answer, to="/messages")])
    async with world(graph) as here:
        parts = await here.calls(patience=30)

        assert parts[-1].outcome == "Unavailable"
        assert here.clock.now - 1000 <= 60


async def test_a_mailbox_throttled_for_an_hour_is_read_after_it():
    graph = FakeGraph(MESSAGES, MEETINGS)
    async with world(graph) as here:

        async def throttle(request: web.Request) -> web.StreamResponse | None:
            return error(429, Retry_After="3600") if here.clock.now < 4600 else None

        graph.script.append(throttle)
        parts = await here.calls(patience=7200)

        assert [part.outcome for part in parts] == ["More", "Read"]


async def test_a_page_is_progress_and_starts_the_patience_anew():
    graph = FakeGraph(MESSAGES, cap=10)
    async with world(graph) as here:

        async def one_page_an_hour(request: web.Request) -> web.StreamResponse | None:
            if not request.path.endswith("/messages"):
                return None
            here.clock.now += 1
            return error(429, Retry_After="3600") if len(graph.asked("/messages")) % 3 == 2 else None

        graph.script.append(one_page_an_hour)
        parts = await here.calls(patience=5400)

        assert parts[-1].outcome == "Read"
        assert here.clock.now > 1000 + 2 * 5400


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (404, "MailboxNotEnabledForRESTAPI", "NotEnabled"),
        (404, "ResourceNotFound", "NotEnabled"),
        (404, "ErrorInvalidUser", "NotFound"),
        (404, "Request_ResourceNotFound", "NotFound"),
        (403, "ErrorAccessDenied", "AccessDenied"),
    ],
)
async def test_a_refused_mailbox_is_an_answer(status, code, outcome):
    """§6, scope Mailbox."""
    graph = FakeGraph(script=[always(lambda: error(status, code))])
    async with world(graph) as here:
        part = await here.call()

        assert (part.outcome, part.parts) == (outcome, 0)
        assert here.marker()["outcome"] == outcome


async def test_a_mailbox_refused_in_the_middle_is_not_read():
    """§1: a mailbox is read whole, mail and calendar, or not at all."""
    graph = FakeGraph(MESSAGES, script=[always(lambda: error(403, "ErrorAccessDenied"), to="/calendarView")])
    async with world(graph) as here:
        part = await here.call()

        assert part.outcome == "AccessDenied"
        assert [entry.name for entry in here.staging.entries("sales/r1/mailboxes/")] == [
            blob_names.mailbox_answer("sales", "r1", 1, 0)
        ]


async def test_after_a_403_the_roles_of_a_fresh_token_decide():
    """Interfaces §3: if the roles are gone, the run ends."""
    tokens = FakeTokens(*ROLES)
    graph = FakeGraph()
    async with world(graph, tokens=tokens) as here:

        async def refuse(request: web.Request) -> web.StreamResponse | None:
            tokens.roles = ("User.Read.All",)
            return error(403, "ErrorAccessDenied")

        graph.script.append(refuse)
        part = await here.call()

        assert part.outcome == "ConsentWithdrawn"
        assert tokens.asked_afresh == 1


async def test_where_access_is_scoped_another_mailbox_that_answers_shows_that_consent_stands():
    """Interfaces §1: one of the first 20 listed mailboxes has answered both."""

    async def only_p2(request: web.Request) -> web.StreamResponse | None:
        return None if "/p-2/" in request.path else error(403, "ErrorAccessDenied")

    graph = FakeGraph(script=[only_p2])
    async with world(graph, "User.Read.All") as here:
        assert (await here.call()).outcome == "AccessDenied"

    probes = [request for request in graph.seen if "/p-2/" in request.path]
    assert sorted(request.path.rsplit("/")[-1] for request in probes) == ["calendarView", "messages"]
    assert {request.query["$select"] for request in probes} == {"id"}
    assert {request.query["$top"] for request in probes} == {"1"}


async def test_a_probe_that_could_not_be_made_decides_nothing():
    async def busy(request: web.Request) -> web.StreamResponse | None:
        return error(403, "ErrorAccessDenied") if "/p-1/" in request.path else error(429, Retry_After="300")

    async with world(FakeGraph(script=[busy]), "User.Read.All") as here:
        part = await here.call()

        assert (part.outcome, part.wait) == ("More", 303)


async def test_a_token_older_than_the_consent_is_no_reason_to_refuse_a_mailbox():
    """After new consent an old token lacks the roles (graph-facts §4)."""
    tokens = FakeTokens("User.Read.All")
    graph = FakeGraph(MESSAGES)
    async with world(graph, tokens=tokens) as here:

        async def refuse_the_old(request: web.Request) -> web.StreamResponse | None:
            return error(403, "ErrorAccessDenied") if tokens.asked_afresh == 0 else None

        graph.script.append(refuse_the_old)
        original = tokens.fresh

        async def fresh() -> str:
            tokens.roles = ROLES
            return await original()

        tokens.fresh = fresh  # type: ignore[method-assign]
        parts = await here.calls()

        assert [part.outcome for part in parts] == ["More", "Read"]


class Refusing(FakeTokens):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    async def token(self) -> str:
        raise self.error


async def test_an_app_that_has_left_the_tenant_has_lost_its_consent():
    async with world(FakeGraph(), tokens=Refusing(NotConsented("gone"))) as here:
        assert (await here.call()).outcome == "ConsentWithdrawn"


@pytest.mark.parametrize("reason", [GraphAway("Entra is away."), CredentialRefused("The secret has expired.")])
async def test_without_a_token_a_mailbox_waits_and_is_unavailable_in_the_end(reason):
    async with world(FakeGraph(), tokens=Refusing(reason)) as here:
        parts = await here.calls(patience=600)

        assert parts[0].wait >= 10
        assert parts[-1].outcome == "Unavailable"


async def test_an_answer_holds_no_address():
    async with world(FakeGraph(MESSAGES, MEETINGS, cap=10)) as here:
        here.graph.script.append(slow([here], 100))
        wire = str((await here.call()).to_wire())

        assert "@" not in wire
