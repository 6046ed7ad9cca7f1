"""Cold start: importing the app in a fresh process, then the first mailbox that it reads, beside the SDKs' own import.

`python -m bench cold_start [--rounds 15]` prints medians of CPU time, imports included and a bare interpreter's taken
off. The mailbox is one of the sample company's; the emulator gives it and the token, Azurite the plan: nothing that the
activity loads in Azure is left out.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

NAME, RUN = "bench", "r1"
BARE, SDKS, APP = "pass", "import azure.functions, azure.durable_functions", "import function_app"
EXTRACTION = f"""
import time, resource
def spent():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime, time.perf_counter()
import function_app
before = spent()
import asyncio, json
from activities.extract_mailbox import run
from shared.core.contracts import ExtractOrder
from shared.services import services
order = ExtractOrder(enrichment={NAME!r}, run_id={RUN!r}, mailbox=0, patience=3600)
part = asyncio.run(run(order, services()))
cpu, wall = (after - at for at, after in zip(before, spent()))
print(json.dumps([cpu, wall, part.outcome]))
"""


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench cold_start")
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_measure(Path(folder), given.rounds))
    return 0


async def _measure(folder: Path, rounds: int) -> None:
    """Rounds of all in turn, so that a noisy stretch of the machine strikes each."""
    imports: dict[str, list[float]] = {BARE: [], SDKS: [], APP: []}
    first: list[list[float]] = []
    async with _world(folder) as environment:
        for number in range(rounds + 1):
            took = {program: await asyncio.to_thread(_import, program, environment) for program in imports}
            cpu, wall, outcome = await asyncio.to_thread(_extraction, environment)
            assert outcome == "Read", outcome
            if number:  # the first fills the page cache
                first.append([cpu, wall])
                for program, seconds in took.items():
                    imports[program].append(seconds)
    bare = median(imports[BARE])
    print(f"n = {rounds}; a bare interpreter takes {bare:.2f} s, which is taken off")
    print(f"{'':<56}{'CPU s':>8}{'least':>8}{'wall s':>8}")
    _tell("import of azure.functions and azure.durable_functions", [each - bare for each in imports[SDKS]])
    _tell("import of function_app, these included", [each - bare for each in imports[APP]])
    _tell("first extraction after it", [cpu for cpu, _ in first], median(wall for _, wall in first))


def _tell(what: str, seconds: list[float], wall: float | None = None) -> None:
    print(f"{what:<56}{median(seconds):>8.2f}{min(seconds):>8.2f}" + ("" if wall is None else f"{wall:>8.2f}"))


def _import(program: str, environment: dict[str, str]) -> float:
    """CPU seconds of a process that runs the program."""
    process = subprocess.Popen([sys.executable, "-c", program], env=environment)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return used.ru_utime + used.ru_stime


def _extraction(environment: dict[str, str]) -> Any:
    """CPU and wall seconds of the activity alone, and the mailbox's outcome."""
    command = [sys.executable, "-c", EXTRACTION]
    return json.loads(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)


@asynccontextmanager
async def _world(folder: Path) -> AsyncIterator[dict[str, str]]:
    """Azurite, the emulator with the sample tenant, and the plan of a run; the environment of a worker there."""
    from localdev import azurite
    from localdev.graph import sample
    from localdev.graph.app import running
    from localdev.graph.context import Emulator
    from localdev.world import World

    as_of = datetime.now(UTC).replace(microsecond=0)
    tenant = sample.build(as_of)
    with azurite.running(folder) as storage:
        async with running(Emulator(tenant, granted=True)) as served:
            person = next(user["id"] for user in tenant.users if user["mailbox"] == "ok")
            _write_plan(storage.connection_string, person, as_of)
            yield World(folder, tenant, graph_url=served.url, blob_url=storage.address).environment()


def _write_plan(connection_string: str, person: str, as_of: datetime) -> None:
    """One person, and one contact whom nobody has written to."""
    import numpy as np

    from shared.adapters.blobs import connect
    from shared.adapters.plan_files import write_plan
    from shared.core.addresses import AddressBook
    from shared.core.enrichment import Options
    from shared.core.facts import Contacts
    from shared.core.periods import Window, to_us
    from shared.core.plan import Plan

    none, one = np.zeros(0, np.uint64), np.zeros(1, np.int32)
    book = AddressBook(none, np.zeros(0, np.int32), np.ones(1, np.uint64), frozenset())
    contacts = Contacts(np.arange(2), one, one, ["account"], one, ["account"])
    plan = Plan([person], book, contacts, Window(to_us(as_of), "UTC"), Options(), False)
    write_plan(connect(connection_string, None).staging, NAME, RUN, plan)
