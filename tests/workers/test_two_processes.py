"""Two worker processes on one storage, of which one is killed now and then, do the activities of two runs (issue 6)."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from localdev import azurite
from localdev.graph.app import Served, running
from localdev.graph.context import Emulator
from localdev.graph.tenant_files import TenantFiles
from localdev.host.play import WorkerDied
from shared.adapters.blobs import Storage, connect
from shared.core.enrichment import Enrichment
from shared.services import enrichments, runs
from shared.services.conditions import Condition
from tests.conftest import ROOT
from tests.emulated import settings_for
from tests.fakes import FakeDurable, fake_services
from tests.reruns.histories import ROWS, configuration, tenant
from tests.workers.world import living, played, results

pytestmark = pytest.mark.azurite

OTHERS = ("X1,X,k1@a.example", "Y1,Y,m1@c.example")  # the same addresses are other contacts in other data
NAMES = ("sales", "support")


@dataclass
class Worker:
    """A process that performs activities, several at once."""

    process: asyncio.subprocess.Process
    asked: dict[int, asyncio.Future[Any]] = field(default_factory=dict)
    answers: int = 0
    gone: bool = False
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    def ask(self, name: str, order: dict[str, Any]) -> asyncio.Future[Any]:
        number = next(self._numbers)
        self.asked[number] = asyncio.get_running_loop().create_future()
        if self.gone:
            self.asked[number].set_exception(WorkerDied())
            return self.asked[number]
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"number": number, "name": name, "order": order}).encode() + b"\n")
        return self.asked[number]

    async def listen(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            told = json.loads(line)
            waiting = self.asked.pop(told["number"])
            if "error" in told:
                waiting.set_exception(AssertionError(told["error"]))
            else:
                waiting.set_result(told["answer"])
                self.answers += 1
        self.gone = True
        for waiting in self.asked.values():
            waiting.set_exception(WorkerDied())


@dataclass
class Workers:
    """Two of them; one that dies is replaced."""

    environment: dict[str, str]
    r: Random
    deaths: int = 1
    there: list[Worker] = field(default_factory=list)
    late: list[asyncio.Future[Any]] = field(default_factory=list)
    listening: list[asyncio.Task[None]] = field(default_factory=list)

    async def begin(self) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.workers.worker",
            cwd=ROOT,
            env=self.environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self.there.append(Worker(process))
        self.listening.append(asyncio.create_task(self.there[-1].listen()))

    def activity(self, name: str) -> Any:
        async def perform(order: dict[str, Any]) -> Any:
            how = self.r.choice(("once", "twice at once", "once more later"))
            one, other = self.r.sample(self.there, 2)
            answer = one.ask(name, order)
            if name == "partition_copies" and self.deaths:
                self.deaths -= 1
                self.there.remove(one)
                await self.begin()
                one.process.kill()
            if how == "twice at once":
                both = (answer, other.ask(name, order))
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                answer, late = sorted(both, key=lambda each: not each.done())
                self.late.append(late)
            told = await answer
            if how == "once more later":
                self.late.append(other.ask(name, order))
            return told

        return perform

    async def end(self) -> None:
        """What nobody waits for any more may fail, since what it needs may be gone by then."""
        await asyncio.gather(*self.late, return_exceptions=True)
        for worker in self.there:
            assert worker.process.stdin is not None
            worker.process.stdin.close()
            await worker.process.wait()
        await asyncio.gather(*self.listening)


@asynccontextmanager
async def workers(served: Served, files: TenantFiles, connection: str, r: Random) -> AsyncIterator[Workers]:
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "AUTH_MODE": "keys",
        "AzureWebJobsStorage": connection,
        "TENANT_ID": files.tenant["tenantId"],
        "CLIENT_ID": "c1",
        "CLIENT_SECRET": "any",
        "PSEUDONYM_KEY": base64.b64encode(bytes(range(32))).decode(),
        "GRAPH_BASE_URL": served.graph_url,
        "ENTRA_LOOPBACK_URL": served.url,
        "SUPPORTED_COUNTRIES": "DE",
        "FIRST_RUN_DELAY": "PT0S",
    }
    two = Workers(environment, r)
    try:
        await asyncio.gather(two.begin(), two.begin())
        yield two
    finally:
        await two.end()


def data(name: str, files: TenantFiles) -> tuple[dict[str, Any], dict[str, bytes]]:
    """An enrichment's body, and the blobs that it names."""
    body = configuration() | {"output": name.title()}
    contacts = body["contacts"] | {"blob": f"{name}.csv"}
    rows = ROWS[:4] if name == "sales" else OTHERS
    written = "\n".join(["ContactId,AccountId,Email", *rows, ""]).encode()
    return body | {"contacts": contacts}, {f"{name}.csv": written, "accounts.csv": files.accounts_csv}


def configure(storage: Storage, files: TenantFiles) -> None:
    svc = replace(fake_services(), storage=storage)
    for name in NAMES:
        body, blobs = data(name, files)
        enrichments.save(svc, name, Enrichment.model_validate(body), [], None, Condition())
        for blob, written in blobs.items():
            storage.input.write(blob, written)


async def test_two_runs_at_once_in_two_processes_publish_what_one_alone_publishes(tmp_path: Path) -> None:
    """What a worker keeps in memory is of one run: the same addresses are other contacts in the other's data."""
    if not azurite.PROGRAM.exists():
        pytest.skip("Azurite is not installed: python3 -m localdev.setup node")
    as_of = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    files = tenant(Random(3), as_of)
    begun: dict[str, str] = {}
    with azurite.running(tmp_path) as blobs:
        storage = connect(blobs.connection_string, None)
        configure(storage, files)
        async with running(Emulator(files, granted=True)) as served:
            told = settings_for(
                served,
                files.tenant["tenantId"],
                consent_poll=timedelta(minutes=15),
                consent_timeout=timedelta(days=30),
                mailbox_patience=timedelta(days=10),
            )
            svc = replace(fake_services(), settings=told, storage=storage, now=lambda: datetime.now(UTC))
            async with workers(served, files, blobs.connection_string, Random(3)) as two:

                async def run(name: str) -> None:
                    as_of_us = int(as_of.timestamp()) * 1_000_000
                    request = await runs.start(svc, FakeDurable(), name, kind="manual", as_of_us=as_of_us)
                    begun[name] = request.run_id
                    await played(request, two.activity, svc.now())

                await asyncio.gather(*map(run, NAMES))
                assert min(worker.answers for worker in two.there) > 3
        found = results(storage)

    async with living(files, as_of) as alone:
        for name in NAMES:
            started = datetime.strptime(begun[name], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            alone.time.seconds = started.timestamp()
            configure(alone.storage, files)
            assert await alone.run(name, as_of) == begun[name]
        assert {name for name, written in alone.results().items() if found.get(name) != written} == set()
        assert alone.results().keys() == found.keys()
