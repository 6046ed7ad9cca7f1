"""Extraction: prebuilt pages of messages from a server on one core → facts, by the product's own activity on another.

`python -m bench extraction [--mailboxes 3] [--rounds 5] [--alone]` prints medians of CPU time: messages per second and
core, folders, calendar, plan and Parquet included; beside it a plain loop over requests and json, with the same rows.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any, cast

from activities import extract_mailbox
from bench import extraction_pages, extraction_peer
from bench.extraction_pages import MESSAGES, pin
from bench.folder import storage
from shared.adapters.graph.client import connect
from shared.adapters.plan_files import write_plan
from shared.core.contracts import ExtractOrder
from shared.services import Services

NAME, RUN = "bench", "r1"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench extraction")
    parser.add_argument("--mailboxes", type=int, default=3, help="of one round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--alone", action="store_true", help="without the loop over requests and json")
    parser.add_argument("--profile", type=Path, help="where to write a profile of one round")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, _server() as url:
        pin(1)
        print(f"{MESSAGES:,} messages a mailbox, {given.mailboxes} mailboxes a round, n = {given.rounds}")
        asyncio.run(_measure(Path(folder), url, given))
    return 0


async def _measure(folder: Path, url: str, given: argparse.Namespace) -> None:
    """Rounds of ours and of the peer in turn, so that a noisy stretch of the machine strikes both."""
    svc = _services(folder, url)
    ours: list[float] = []
    theirs: list[float] = []
    await _extract(svc, given.mailboxes)  # the server makes its pages when they are asked for the first time
    if given.profile:
        with cProfile.Profile() as profile:
            await _extract(svc, given.mailboxes)
        profile.dump_stats(given.profile)
    for _ in range(given.rounds):
        seconds, copies = await _extract(svc, given.mailboxes)
        ours.append(seconds)
        if not given.alone:
            seconds, rows = extraction_peer.measure(url)
            assert rows == copies, (rows, copies)
            theirs.append(seconds)
    _tell("the activity", ours)
    if theirs:
        _tell("requests + json", theirs)
        print(
            f"{median(there / here for here, there in zip(ours, theirs, strict=True)):.1f} times the CPU time of ours"
        )


async def _extract(svc: Services, mailboxes: int) -> tuple[float, int]:
    """CPU seconds for one mailbox, and the rows of facts that it gave."""
    order = ExtractOrder(enrichment=NAME, run_id=RUN, mailbox=0, patience=3600)
    copies = 0
    began = time.process_time()
    for _ in range(mailboxes):
        part = await extract_mailbox.run(order, svc)
        assert part.outcome == "Read", part.outcome
        copies = part.copies
    return (time.process_time() - began) / mailboxes, copies


def _tell(who: str, seconds: list[float]) -> None:
    """seconds: CPU time for one mailbox, of each round."""
    middle = median(seconds)
    print(f"{who:<18}{1000 * middle / (MESSAGES / 1000):>8.2f} CPU ms/page{MESSAGES / middle:>12,.0f} messages/s/core")


def _services(folder: Path, url: str) -> Services:
    told = cast(Any, SimpleNamespace(graph_base_url=f"{url}/v1.0", pseudonym_key=extraction_pages.KEY))
    svc = Services(told, storage(folder), cast(Any, _Tokens()), lambda: connect(told, _Tokens()))
    write_plan(svc.storage.staging, NAME, RUN, extraction_pages.plan())
    return svc


class _Tokens:
    async def token(self) -> str:
        return "x" * 1500

    async def fresh(self) -> str:
        return await self.token()


@contextmanager
def _server() -> Iterator[str]:
    """A server of pages in a process of its own; its address."""
    command = [sys.executable, "-m", "bench.extraction_pages"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
