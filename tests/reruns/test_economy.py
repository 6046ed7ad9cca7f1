"""What a rerun asks of Graph, counted by the emulator (issue 5: at most a tenth of a full run's messages)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest_asyncio

from tests.reruns.histories import FOLDERS, address, folder_id, message, tenant, user_id
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


def usual(r: Random, received: datetime, id: str) -> dict[str, Any]:
    sent = f"{received - timedelta(seconds=2):%Y-%m-%dT%H:%M:%SZ}"
    return {**message(r, "ada", received), "id": id, "sentDateTime": sent}


async def day_after(world: World, r: Random, *, vanish: int) -> Run:
    """A day's mail, some of what there was read and filed, and some gone for good; then a rerun."""
    for _ in range(24):
        world.time.passes(hours=1)
        arrived = [usual(r, world.time.now(), f"AAMk-{r.random()}") for _ in range(4)]
        known = world.emulator.tenant.mailbox(user_id("ada")).received_between(None, None)
        filed = [
            {"id": each["id"], "parentFolderId": folder_id("ada", r.choice(FOLDERS))} for each in r.sample(known, 5)
        ]
        world.emulator.deliver(user_id("ada"), [*arrived, *filed])
    gone = world.emulator.tenant.mailbox(user_id("ada")).received_between(None, None)
    world.emulator.remove(user_id("ada"), [each["id"] for each in r.sample(gone, vanish)])
    return await world.run()


def told(rerun: Run, full: Run) -> str:
    return (
        f"a daily rerun: {rerun.requests} of {full.requests} requests for messages, "
        f"{rerun.transferred:,} of {full.transferred:,} messages"
    )


async def test_a_daily_rerun_asks_for_a_tenth_at_most(big, record_property):
    """Of the messages, and for a mailbox of 30,000 also of the requests."""
    world, full = big
    rerun = await day_after(world, Random(1), vanish=0)

    record_property("told", told(rerun, full))
    assert base_of(world, rerun) == full.request.run_id
    assert rerun.transferred <= full.transferred / 10
    assert rerun.requests <= full.requests / 10
    assert rerun.tables == (await world.run(full=True)).tables


async def test_what_vanished_is_found_by_counts_and_few_messages_are_read_for_it(big, record_property):
    """Issue 5: a count per window finds what vanished; the window in doubt is read again."""
    world, full = big
    rerun = await day_after(world, Random(2), vanish=3)
    record_property("told", told(rerun, full) + ", 3 having vanished")

    assert rerun.transferred <= full.transferred / 10
    assert rerun.requests < full.requests
    assert rerun.tables == (await world.run(full=True)).tables


async def test_where_very_much_vanished_counting_ends_and_the_rest_is_read(big, record_property):
    world, full = big
    rerun = await day_after(world, Random(3), vanish=6_000)
    record_property("told", told(rerun, full) + ", 6,000 having vanished")

    assert rerun.requests <= 2 * full.requests
    assert rerun.tables == (await world.run(full=True)).tables
