"""What an enrichment would read and what that costs, before it is saved: judged as a save is, counted, nothing kept."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from shared.adapters import identity
from shared.adapters.graph import counts
from shared.adapters.graph.mailbox import whole
from shared.adapters.graph.refusals import MailboxRefused
from shared.core import estimate, roles
from shared.core.contracts import Cursor
from shared.core.errors import GraphAway
from shared.core.estimate import Estimate, MailboxCounts, Observed
from shared.core.periods import Window, to_us
from shared.services import Services, consent, erasures, planning, saving
from shared.services.enrichments import Entry

if TYPE_CHECKING:
    from shared.adapters.graph.client import GraphClient
    from shared.core.contacts import ReadContacts

# Mailboxes that are counted side by side, two requests each.
AT_ONCE = 64
COUNTING = 15.0  # seconds; mailboxes that have not answered by then are taken to be as large as the others
LOOKED_INTO = 16  # mailboxes whose folders are counted, to know what finding them will take
# Where no mailbox tells: the six by name, each opened, and what usually lies below.
USUAL_FOLDERS = 16.0
USUAL_LATENCY = 0.2
BODY_NAME = "preview"  # what a body without a display name is called

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Preview:
    entries: list[Entry]
    people: int
    contacts: ReadContacts
    estimate: Estimate


@dataclass(slots=True)
class _Counting:
    """What the mailboxes have answered so far. seconds: that each answer took."""

    counts: list[MailboxCounts] = field(default_factory=list)
    folders: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    refused: int = 0
    silent: int = 0

    async def add(self, asking: Awaitable[T], to: Callable[[T], None]) -> None:
        try:
            to(await asking)
        except MailboxRefused:
            self.refused += 1
        except GraphAway:
            self.silent += 1


async def make(svc: Services, raw: bytes) -> Preview | None:
    """None while consent is missing. Raises as a save does; `GraphAway` where no mailbox answers in time."""
    sound = await saving.examine(svc, BODY_NAME, raw)
    if sound.resolution is None:
        return None
    listed = sound.resolution.people
    erased = await asyncio.to_thread(erasures.tombstones, svc)
    people = planning.left_people(svc.settings.pseudonym_key, listed, erased)
    cursor = whole(Window(to_us(svc.now()), sound.body.time_zone))
    async with svc.graph() as graph:
        counting = await _count(graph, people, cursor)
    if counting.silent and not counting.counts:
        raise GraphAway("No mailbox answered within the time that a preview may take.")
    observed = Observed(
        counting.counts,
        counting.silent,
        counting.refused,
        statistics.mean(counting.folders) if counting.folders else USUAL_FOLDERS,
        estimate.TENANT + sound.requests + await _probing(svc, sound.requests, len(people)),
        statistics.median(counting.seconds) if counting.seconds else USUAL_LATENCY,
    )
    return Preview(saving.entries_of(sound.resolution), len(listed), sound.contacts, estimate.estimate(observed))


async def _count(graph: GraphClient, people: list[str], cursor: Cursor) -> _Counting:
    """Ask all mailboxes, many side by side, until they have answered or the time is up."""
    counting, places = _Counting(), asyncio.Semaphore(AT_ONCE)
    deadline = graph.clock() + COUNTING
    shown = set(people[:: max(1, -(-len(people) // LOOKED_INTO))])

    async def one(person: str) -> None:
        async with places:
            asking = counts.of_mailbox(graph, person, cursor, deadline, counting.seconds.append)
            await counting.add(asking, counting.counts.append)

    async def folders(person: str) -> None:
        try:
            counting.folders.append(await counts.folder_requests(graph, person, deadline))
        except (MailboxRefused, GraphAway):
            return  # how many people cannot be read is told by the other counts; the usual number stands in

    tasks = [asyncio.ensure_future(one(person)) for person in people]
    looks = [asyncio.ensure_future(folders(person)) for person in shown]
    try:
        done, late = await asyncio.wait([*tasks, *looks], timeout=COUNTING)
    finally:
        for task in (*tasks, *looks):
            task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    for task in done:
        task.result()
    counting.silent += sum(task in late for task in tasks)
    return counting


async def _probing(svc: Services, resolving: int, people: int) -> int:
    """Requests by which a run finds access that is scoped in Exchange: it looks people up, and asks the first twice."""
    held = identity.roles(await svc.tokens.token())
    if roles.reads_mailboxes(held):
        return 0
    return resolving - estimate.TENANT + 2 * min(people, consent.PROBED)


def contacts_json(read: ReadContacts) -> dict[str, Any]:
    """What became of the rows of the contacts data, as interfaces §2 shows it."""
    return {
        "rows": sum(read.counts.values()),
        "used": read.counts.get("Used", 0),
        "incomplete": read.counts.get("Incomplete", 0),
        "ownOrganisation": read.counts.get("OwnOrganisation", 0),
        "customers": len(read.contacts.accounts),
    }


def estimate_json(told: Estimate) -> dict[str, Any]:
    """`countedIn` is there only where not every mailbox that can be read has answered in time."""
    counted_in = {} if told.counted_in is None else {"countedIn": told.counted_in}
    return {
        "mailboxes": told.mailboxes,
        "messages": told.messages,
        "meetings": told.meetings,
        "requests": told.requests,
        "minutes": {"low": told.low_minutes, "high": told.high_minutes},
        **counted_in,
    }
