"""Cold start: importing the app in a fresh process, then the first mailbox that it reads, beside the SDKs' own import.

`python -m bench cold_start [--rounds 15]`: CPU time, imports included and a bare interpreter's taken off. The mailbox
is one of the sample company's; the emulator gives it and the token, Azurite the plan: nothing that the activity loads
in Azure is left out.
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

from bench import frame
from bench.frame import Figure

QUICK = ("--rounds", "5")
NAME, RUN = "bench", "r1"
BARE, SDKS, APP = "pass", "import azure.functions, azure.durable_functions", "import function_app"
EXTRACTION = f"""
import time
import function_app
before = time.process_time()
import asyncio, json
from activities.extract_mailbox import run
from shared.core.contracts import ExtractOrder
from shared.services import services
order = ExtractOrder(enrichment={NAME!r}, run_id={RUN!r}, mailbox=0, patience=3600)
part = asyncio.run(run(order, services()))
print(json.dumps([time.process_time() - before, part.outcome]))
"""


def measure(arguments: list[str]) -> list[Figure]:
    parser = argparse.ArgumentParser(prog="python -m bench cold_start")
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(Path(folder), given.rounds))


async def _measure(folder: Path, rounds: int) -> list[Figure]:
    """Rounds of all in turn, so that a noisy stretch of the machine strikes each."""
    imports: dict[str, list[float]] = {BARE: [], SDKS: [], APP: []}
    first: list[float] = []
    async with _world(folder) as environment:
        for number in range(rounds + 1):
            took = {program: await asyncio.to_thread(_import, program, environment) for program in imports}
            cpu, outcome = await asyncio.to_thread(_extraction, environment)
            assert outcome == "Read", outcome
            if number:  # the first fills the page cache
                first.append(cpu)
                for program, seconds in took.items():
                    imports[program].append(seconds)
    bare = median(imports[BARE])
    app, sdks = ([each - bare for each in imports[program]] for program in (APP, SDKS))
    name, peers = "cold start: import of function_app", {"azure.functions and azure.durable_functions alone": sdks}
    return [
        frame.figure(name, "CPU s", "lower", app, peers, must=0.4, aim=0.3),
        frame.figure("cold start: first extraction after it", "CPU s", "lower", first, must=0.8, aim=0.5),
    ]


def _import(program: str, environment: dict[str, str]) -> float:
    """CPU seconds of a process that runs the program."""
    process = subprocess.Popen([sys.executable, "-c", program], env=environment)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return used.ru_utime + used.ru_stime


def _extraction(environment: dict[str, str]) -> Any:
    """CPU seconds of the activity alone, and the mailbox's outcome."""
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
    window = Window(to_us(as_of), "UTC")
    plan = Plan(people=[person], book=book, contacts=contacts, window=window, options=Options(), hierarchy=False)
    write_plan(connect(connection_string, None).staging, NAME, RUN, plan)
