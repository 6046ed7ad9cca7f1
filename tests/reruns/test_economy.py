"""What a rerun asks of Graph, counted by the emulator (issue 5: at most a tenth of a full run's messages)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
import pytest_asyncio

from tests.reruns.histories import FOLDERS, Entity, address, folder_id, message, tenant, user_id
from tests.reruns.world import Run, Time, World, base_of, living

MANY = 30_000
AT = datetime(2026, 6, 30, 12, 0, tzinfo=UTC)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def big() -> AsyncIterator[tuple[World, Run]]:
    """A mailbox of 30,000 messages that has been read in full; the world is as it was a day ago."""
    r, time = Random(7), Time(AT.timestamp())
    files = tenant(r, AT)
    received = [AT - timedelta(seconds=r.randrange(364 * 86_400)) for _ in range(MANY)]
    mail = [
        {**usual(r, at, f"AAMk{number:06d}"), "lastModifiedDateTime": "2026-06-01T00:00:00Z"}
        for number, at in enumerate(received)
    ]
    boxes = {person: {**box, "messages": [], "events": {}} for person, box in files.mailboxes.items()}
    boxes[user_id("ada")]["messages"] = mail
    files = replace(
        files, mailboxes=boxes, enrichment={**files.enrichment, "addresses": [*map(address, ("ada", "ben"))]}
    )
    async with living(files, time) as world:
        yield world, await world.run()


def usual(r: Random, received: datetime, id: str) -> Entity:
    sent = f"{received - timedelta(seconds=2):%Y-%m-%dT%H:%M:%SZ}"
    return {**message(r, "ada", received), "id": id, "sentDateTime": sent}


async def day_after(world: World, r: Random, gone: Callable[[list[Entity]], list[Entity]] = lambda _: []) -> Run:
    """A day's mail, some of what there was read and filed, and some gone for good; then a rerun.

    gone: chooses it of all messages, the oldest first.
    """
    for _ in range(24):
        world.time.passes(hours=1)
        arrived = [usual(r, world.time.now(), f"AAMk-{r.random()}") for _ in range(4)]
        filed = [
            {"id": each["id"], "parentFolderId": folder_id("ada", r.choice(FOLDERS))}
            for each in r.sample(all_of(world), 5)
        ]
        world.emulator.deliver(user_id("ada"), [*arrived, *filed])
    world.emulator.remove(user_id("ada"), [each["id"] for each in gone(all_of(world))])
    return await world.run()


def all_of(world: World) -> list[Entity]:
    """Ada's messages, the oldest first."""
    return world.emulator.tenant.mailbox(user_id("ada")).received_between(None, None)


def told(rerun: Run, full: Run) -> str:
    return (
        f"a daily rerun: {rerun.requests} of {full.requests} requests for messages, "
        f"{rerun.transferred:,} of {full.transferred:,} messages"
    )


async def test_a_daily_rerun_asks_for_a_tenth_at_most(big, record_property):
    """Issue 5: of the messages, and for a mailbox of 30,000 also of the requests."""
    world, full = big
    rerun = await day_after(world, Random(1))

    record_property("told", told(rerun, full))
    assert base_of(world, rerun) == full.request.run_id
    assert rerun.transferred <= full.transferred / 10
    assert rerun.requests <= 2  # one for Ben, who has no mail
    assert rerun.tables == (await world.run(full=True)).tables


async def test_a_day_on_which_little_happens_asks_for_a_tenth_at_most(big):
    """Messages arrive, are marked as read and filed; what goes to Deleted Items is one that moves."""
    world, full = big
    r = Random(4)
    world.time.passes(hours=20)
    known = r.sample(all_of(world)[-2000:], 45)
    changes = [
        *(usual(r, world.time.now(), f"AAMk-{r.random()}") for _ in range(40)),
        *({"id": each["id"], "parentFolderId": folder_id("ada", "custom")} for each in known[:10]),
        *({"id": each["id"], "isRead": True} for each in known[10:40]),
        *({"id": each["id"], "parentFolderId": folder_id("ada", "deleteditems")} for each in known[40:]),
    ]
    world.emulator.deliver(user_id("ada"), changes)
    world.time.passes(hours=4)
    rerun = await world.run()

    assert rerun.requests <= 3 <= full.requests / 10
    assert rerun.transferred <= full.transferred / 10
    assert rerun.tables == (await world.run(full=True)).tables


async def test_a_day_on_which_more_changes_than_is_looked_for_takes_one_request_more(big):
    world, full = big
    r = Random(5)
    world.time.passes(hours=20)
    world.emulator.deliver(user_id("ada"), [{"id": each["id"], "isRead": True} for each in all_of(world)[-600:]])
    rerun = await day_after(world, r)

    assert rerun.requests <= 3
    assert rerun.transferred <= full.transferred / 10
    assert rerun.tables == (await world.run(full=True)).tables


@pytest.mark.parametrize(
    ("what", "gone", "requests"),
    [
        ("50 of the last days", lambda known: Random(6).sample(known[-450:], 50), 3),
        ("all of the first days", lambda known: known[:700], 4),
        ("one of any time", lambda known: Random(7).sample(known, 1), 8),
        ("three of any time", lambda known: Random(8).sample(known, 3), 20),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_vanished_is_found_with_few_requests_and_few_messages(big, record_property, what, gone, requests):
    """Issue 5: a count per window finds what vanished; the window in doubt is read again."""
    world, full = big
    rerun = await day_after(world, Random(2), gone)

    record_property("told", f"{told(rerun, full)}; vanished: {what}")
    assert rerun.transferred <= full.transferred / 10
    assert rerun.requests <= requests
    assert rerun.tables == (await world.run(full=True)).tables


async def test_where_very_much_vanished_counting_ends_and_the_rest_is_read(big, record_property):
    world, full = big
    rerun = await day_after(world, Random(3), lambda known: Random(9).sample(known, 6_000))

    record_property("told", f"{told(rerun, full)}; vanished: 6,000")
    assert rerun.requests <= full.requests + 3
    assert rerun.tables == (await world.run(full=True)).tables
