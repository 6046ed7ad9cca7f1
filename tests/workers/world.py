"""A small tenant whose runs are played whole: the real orchestrators, the real activities, workers that misbehave."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib import import_module
from random import Random
from typing import Any

from localdev.graph.app import running
from localdev.graph.context import Emulator
from localdev.graph.tenant_files import TenantFiles
from localdev.host.play import play
from orchestrators import await_consent, carry_out_erasure, enrichment_run, extract_group
from shared.adapters.blobs import Storage
from shared.adapters.graph.client import GraphClient, connect
from shared.adapters.identity import TokenSource
from shared.core.contracts import ACTIVITIES, RunRequest
from shared.core.enrichment import Enrichment
from shared.core.periods import MICROSECONDS, to_us
from shared.core.shell import answering
from shared.services import Services, enrichments, runs
from shared.services.conditions import Condition
from tests.emulated import settings_for
from tests.fakes import FakeDurable, memory_storage
from tests.reruns.world import NAME, Time
from tests.workers.attempts import Attempt, stepwise
from tests.workers.scheduler import Workers

ORCHESTRATORS = {
    "enrichment_run": enrichment_run.run,
    "await_consent": await_consent.run,
    "extract_group": extract_group.run,
    "carry_out_erasure": carry_out_erasure.run,
}
_ACTIVITIES = {activity.name: activity for activity in ACTIVITIES}


@dataclass
class World:
    """hurried: seconds that pass with each look at the clock while a mailbox is read · meanwhile: what happens when the
    first activity of a name is about to begin.
    """

    emulator: Emulator
    time: Time
    told: Any
    storage: Any
    durable: FakeDurable
    workers: Workers = field(init=False)
    hurried: Callable[[], float] | None = None
    meanwhile: dict[str, Callable[[], None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.workers = Workers(self._attempt)

    @property
    def svc(self) -> Services:
        return self._services(lambda: None)

    def _services(self, step: Callable[[], None]) -> Services:
        tokens = TokenSource(self.told)
        pace = self.hurried() if self.hurried else 0.0
        elapsed = 0.0

        def clock() -> float:
            nonlocal elapsed
            elapsed += pace
            return self.time() + elapsed

        def graph() -> AbstractAsyncContextManager[GraphClient]:
            return connect(self.told, tokens, clock=clock, sleep=self.time.sleep)

        return Services(self.told, stepwise(self.storage, step), tokens, graph, self.time.now)

    def _attempt(self, name: str, order: dict[str, Any]) -> Attempt:
        self.meanwhile.pop(name, lambda: None)()
        activity, run = _ACTIVITIES[name], import_module(f"activities.{name}").run

        async def work(step: Callable[[], None]) -> Any:
            with answering(name) as answer:
                result = run(activity.request.from_wire(order), self._services(step))
                answer.wire = (await result if inspect.isawaitable(result) else result).to_wire()
            return answer.wire

        return Attempt(work)

    def configure(self, body: dict[str, Any], name: str = NAME) -> None:
        enrichments.save(self.svc, name, Enrichment.model_validate(body), [], None, Condition())

    async def run(self, name: str = NAME, as_of: datetime | None = None) -> str:
        """A run from its start to its end; its id."""
        as_of_us = to_us(as_of or self.time.now()) // MICROSECONDS * MICROSECONDS
        request = await runs.start(self.svc, self.durable, name, kind="manual", as_of_us=as_of_us)
        async with self.workers.at_work():
            self.durable.ended.add(await played(request, self.workers.activity, self.time.now()))
        return request.run_id

    def results(self) -> dict[str, bytes]:
        return results(self.storage)

    def locks(self) -> list[str]:
        """Blobs that keep others from running or reading."""
        config = self.storage.config
        return [entry.name for folder in ("active/", "reading/") for entry in config.entries(folder)]


async def played(request: RunRequest, activity: Callable[[str], Any], start: datetime) -> str:
    """The run's orchestration from its start to its end, which is good; its id. activity: who performs one, by name."""
    instance = f"{request.enrichment}-{request.run_id}"
    activities = {each.name: activity(each.name) for each in ACTIVITIES}
    tape = await play(ORCHESTRATORS, "enrichment_run", request.to_wire(), activities, instance_id=instance, start=start)
    assert tape.status == "Completed", tape.output
    assert tape.output["state"] in ("Succeeded", "SucceededWithWarnings"), tape.output
    return instance


def results(storage: Storage) -> dict[str, bytes]:
    """All that is published, by the blobs' names."""
    return {entry.name: storage.output.read(entry.name) or b"" for entry in storage.output.entries("")}


@asynccontextmanager
async def living(files: TenantFiles, at: datetime, r: Random | None = None) -> AsyncIterator[World]:
    """r: by whose word workers misbehave; None: there is one, which does not."""
    time = Time(at.timestamp())
    faults = [
        {"kind": "shortPages", "path": f"/users/*/{kind}", "times": None, "size": 3}
        for kind in ("messages", "calendarView")
    ]
    emulator, storage = Emulator(files, granted=True, clock=time, faults=faults), memory_storage()
    storage.input.write("contacts.csv", files.contacts_csv)
    storage.input.write("accounts.csv", files.accounts_csv)
    async with running(emulator) as served:
        told = settings_for(
            served,
            files.tenant["tenantId"],
            staging_retention=timedelta(days=8),
            first_run_delay=timedelta(0),
            consent_poll=timedelta(minutes=15),
            consent_timeout=timedelta(days=30),
            mailbox_patience=timedelta(days=10),
        )
        world = World(emulator, time, told, storage, FakeDurable())
        world.configure(files.enrichment)
        if r is not None:
            world.workers.r = r
            world.hurried = lambda: r.choice((0.0, 0.0, 10.0, 30.0))
        try:
            yield world
        finally:
            for late in world.workers.late:
                await late.kill()
