"""Workers do activities in any order, twice, side by side and late; what is published does not show it (issue 6)."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from orchestrators import enrichment_run
from shared.adapters import plan_files
from shared.core import blob_names
from tests.reruns.histories import PEOPLE, ROWS, configuration, message, tenant, user_id
from tests.reruns.world import NAME
from tests.workers.world import World, living

BEGIN = datetime(2026, 6, 30, 12, 0, tzinfo=UTC)
# WHOLE=1 plays many more, for minutes. Of planted faults a few orders see some; the tests of each race see the rest.
SEEDS = range(60 if os.environ.get("WHOLE") else 3)


async def _history(world: World, seed: int) -> list[str]:
    """Two runs; between them the tenant lives on, and while they go on what they have read already changes."""
    r = Random(seed)
    world.meanwhile = {
        "extract_mailbox": lambda: _contacts_change(world, r),
        "partition_copies": lambda: _mail_changes(world, r),
    }
    first = await world.run()
    world.configure(configuration())
    _contacts_are(world, ROWS[:4])
    world.time.passes(seconds=4000)
    return [first, await world.run()]


def base_of(world: World, run_id: str) -> Any:
    """The run whose facts this one builds on."""
    return json.loads(world.storage.staging.read(blob_names.plan(NAME, run_id, "run.json")))["base"]


def _contacts_change(world: World, r: Random) -> None:
    _contacts_are(world, r.sample(ROWS, 3))
    body = configuration(maxRecipients=2)
    world.configure(body | {"addresses": body["addresses"][1:]})


def _contacts_are(world: World, rows: Sequence[str]) -> None:
    world.storage.input.write("contacts.csv", "\n".join(["ContactId,AccountId,Email", *rows, ""]).encode())


def _mail_changes(world: World, r: Random) -> None:
    """Nobody who reads has to see it any more."""
    world.configure(configuration())
    _contacts_are(world, ROWS[:4])
    for name in PEOPLE:
        box = world.emulator.tenant.changing(user_id(name))
        there = box.received_between(None, None)
        world.emulator.remove(user_id(name), [each["id"] for each in r.sample(there, len(there) // 3)])
        at = world.time.now() - timedelta(days=r.randrange(300))
        world.emulator.deliver(user_id(name), [message(r, name, at) for _ in range(5)])


@pytest.mark.parametrize("seed", SEEDS)
async def test_what_is_published_does_not_show_how_the_work_was_done(seed: int, monkeypatch: Any) -> None:
    """A step that is done again overwrites its own output and nothing else: in time, while its successors are at work,
    after its run has published, and during the next run.
    """
    monkeypatch.setattr(enrichment_run, "COPIES_PER_PARTITION", 25)
    monkeypatch.setattr(enrichment_run, "PER_CALL", 1)
    # Workers are processes: where one is held up, others do not wait for its lock.
    for memory in (plan_files._plans, plan_files._mailbox_plans):
        monkeypatch.setattr(memory, "_lock", nullcontext())
    history = seed // 4
    async with living(tenant(Random(history), BEGIN), BEGIN) as plain:
        ids = await _history(plain, history)
        wanted = plain.results()
        assert base_of(plain, ids[1]) == ids[0]

    async with living(tenant(Random(history), BEGIN), BEGIN, Random(seed)) as world:
        assert await _history(world, history) == ids
        assert {name for name, data in world.results().items() if wanted.get(name) != data} == set()
        assert world.results().keys() == wanted.keys()

        await world.workers.finish_late()
        assert world.results() == wanted
        assert world.locks() == []
