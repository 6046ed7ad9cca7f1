"""A tenant whose mailboxes live on between runs, and runs over it by the activities' own functions."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from activities import (
    aggregate_bucket,
    extract_mailbox,
    join_items,
    partition_copies,
    publish_results,
    resolve_people,
)
from localdev.graph.app import running
from localdev.graph.context import Emulator
from localdev.graph.tenant_files import TenantFiles
from shared.adapters.graph.client import GraphClient, connect
from shared.adapters.identity import TokenSource
from shared.core import blob_names
from shared.core.contracts import (
    BucketOrder,
    Counts,
    ExtractedPart,
    ExtractOrder,
    JoinOrder,
    PartitionOrder,
    PublishOrder,
    ResolveOrder,
    RunRequest,
    Spread,
)
from shared.core.enrichment import Enrichment
from shared.core.periods import MICROSECONDS, from_us, to_us
from shared.core.progress import add_counts
from shared.services import Services, enrichments, reruns, runs
from shared.services.conditions import Condition
from tests.emulated import following, settings_for
from tests.fakes import FakeDurable, memory_storage

NAME = "sales"
ONE = Spread(partitions=1, buckets=1, per_call=1)
MESSAGES = "GET /users/{user-id}/messages"


@dataclass(eq=False)
class Time:
    """The clock of the app and of Graph, on which waiting takes no time. seconds: since the epoch."""

    seconds: float

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def __call__(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        await asyncio.sleep(0)

    def passes(self, **time: float) -> None:
        self.seconds += timedelta(**time).total_seconds()


@dataclass
class Run:
    """A run that has ended. requests, transferred: of messages."""

    request: RunRequest
    parts: list[ExtractedPart]
    requests: int
    transferred: int
    tables: dict[str, bytes] = field(default_factory=dict)

    @property
    def as_of(self) -> datetime:
        return from_us(self.request.as_of_us or 0)


@dataclass
class World:
    emulator: Emulator
    time: Time
    told: Any
    storage: Any
    durable: FakeDurable

    @property
    def svc(self) -> Services:
        # Tokens age by the machine's clock; each run asks for its own.
        tokens = TokenSource(self.told)

        def graph() -> AbstractAsyncContextManager[GraphClient]:
            return connect(self.told, tokens, clock=self.time, sleep=self.time.sleep)

        return Services(self.told, self.storage, tokens, graph, self.time.now)

    def configure(self, body: dict[str, Any]) -> None:
        svc = self.svc
        enrichments.save(svc, NAME, Enrichment.model_validate(body), [], None, Condition())

    async def run(self, *, as_of: datetime | None = None, full: bool = False, retry: str | None = None) -> Run:
        """A run from its start to its published tables."""
        svc = self.svc
        as_of_us = to_us(as_of or self.time.now()) // MICROSECONDS * MICROSECONDS
        if retry:
            as_of_us = reruns.check_retry(svc, enrichments.load(svc, NAME), retry)
        kind: runs.Kind = "retry" if retry else "manual"
        request = await runs.start(svc, self.durable, NAME, kind=kind, as_of_us=as_of_us, full=full, retry=retry)
        self.emulator.reset()
        order = ResolveOrder(enrichment=NAME, run_id=request.run_id, as_of_us=as_of_us, full=full, retry=retry)
        resolved = await resolve_people.run(order, svc)
        if resolved.problem:
            self._close(svc, request, "Failed")
            raise AssertionError(resolved.problem.title)
        parts = [await self._extract(svc, request, number) for number in range(resolved.people)]
        run = Run(request, parts, self.emulator.stats.requests[MESSAGES], self.emulator.stats.messages_given)
        if any(part.outcome == "Read" for part in parts):
            self._fold(svc, run, resolved.counts)
        self._close(svc, request, "Succeeded" if run.tables else "Failed")
        return run

    async def _extract(self, svc: Services, request: RunRequest, number: int) -> ExtractedPart:
        order = ExtractOrder(enrichment=NAME, run_id=request.run_id, mailbox=number, patience=600)
        part = await extract_mailbox.run(order, svc)
        while part.outcome == "More":
            self.time.passes(seconds=part.wait)
            part = await extract_mailbox.run(following(order, part), svc)
        return part

    def _fold(self, svc: Services, run: Run, counts: Counts) -> None:
        key = {"enrichment": NAME, "run_id": run.request.run_id}
        as_of_us = run.request.as_of_us or 0
        not_read = [part.mailbox for part in run.parts if part.outcome != "Read"]
        many = {part.mailbox: part.parts for part in run.parts}
        for part in run.parts:
            counts = add_counts(counts, {"Mailbox": {part.outcome: 1}})
        split = PartitionOrder(**key, group=0, first=0, count=len(run.parts), not_read=not_read, many=many, spread=ONE)
        counts = add_counts(counts, partition_copies.run(split, svc).counts)
        joined = join_items.run(JoinOrder(**key, as_of_us=as_of_us, call=0, groups=1, spread=ONE), svc)
        counts = add_counts(counts, joined.counts)
        aggregate_bucket.run(BucketOrder(**key, as_of_us=as_of_us, call=0, spread=ONE), svc)
        days = int(joined.days, 16).bit_count()
        publish = PublishOrder(**key, as_of_us=as_of_us, parts=1, counts=counts, days_with_items=days)
        publish_results.run(publish, svc)
        run.tables = self._tables(run.request.run_id)

    def _tables(self, run_id: str) -> dict[str, bytes]:
        """The published files of a run, but for its id in the coverage."""
        prefix = f"Office/{run_id}/"
        files = {
            entry.name.removeprefix(prefix): self.storage.output.read(entry.name) or b""
            for entry in self.storage.output.entries(prefix)
            if entry.name.endswith((".csv", ".parquet")) and "/index/" not in entry.name
        }
        del files["Office_Coverage.parquet"]  # the same rows as in the CSV, with the run's id in compressed pages
        return {name: data.replace(run_id.encode(), b"the run") for name, data in files.items()}

    def _close(self, svc: Services, request: RunRequest, state: str) -> None:
        status: dict[str, Any] = {
            "runId": request.run_id,
            "enrichment": NAME,
            "state": state,
            "tasks": [],
            "problem": None,
        }
        runs.close(svc, NAME, request.run_id, status)

    def forget(self, run: Run) -> None:
        """The run's facts are kept no longer."""
        self.storage.staging.delete_prefix(blob_names.staging(NAME, run.request.run_id))

    def coverage(self, run: Run) -> dict[tuple[str, str], int]:
        rows = csv.DictReader(io.StringIO(run.tables["Office_Coverage.csv"].decode()))
        return {(row["Scope"], row["Reason"]): int(row["Count"]) for row in rows}


def base_of(world: World, run: Run) -> str | None:
    """The run whose facts this one builds on."""
    data = world.storage.staging.read(blob_names.plan(NAME, run.request.run_id, "run.json"))
    found: str | None = json.loads(data)["base"]
    return found


@asynccontextmanager
async def living(files: TenantFiles, time: Time) -> AsyncIterator[World]:
    emulator, storage = Emulator(files, granted=True, clock=time), memory_storage()
    storage.input.write("contacts.csv", files.contacts_csv)
    storage.input.write("accounts.csv", files.accounts_csv)
    async with running(emulator) as served:
        told = settings_for(
            served,
            files.tenant["tenantId"],
            staging_retention=timedelta(days=8),
            consent_poll=timedelta(minutes=15),
            consent_timeout=timedelta(days=30),
            mailbox_patience=timedelta(minutes=10),
        )
        world = World(emulator, time, told, storage, FakeDurable())
        world.configure(files.enrichment)
        yield world
