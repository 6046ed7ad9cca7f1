"""Orchestration of 2,500 mailboxes: the app's orchestrators on the local host, with activities that answer at once.

`python -m bench orchestration [--rounds 2]`: CPU seconds of replaying, and how large histories, payloads and the custom
status get, with as many partitions as there can be. Beside it one orchestrator that calls for each mailbox itself.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import tempfile
import time
from contextlib import nullcontext
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from bench import frame
from bench.frame import Figure
from bench.fresh import Stage, in_fresh_process
from bench.instant_activities import FLAT, PEOPLE, app
from bench.observed_host import Observed, ObservedHost
from bench.synthetic import AS_OF_US
from localdev.host import server
from localdev.host.index import read_host_json
from shared.core.contracts import RunRequest

QUICK = ("--rounds", "1")
PEER = "one flat fan of the mailboxes"
LARGEST_PAYLOAD = 45_000  # bytes; larger ones the AzureStorage provider moves to blobs, and others refuse
LARGEST_STATUS = 16_384  # bytes of UTF-16, by the platform
_APP = Path(__file__).parent.parent


def measure(arguments: list[str]) -> list[Figure]:
    parser = argparse.ArgumentParser(prog="python -m bench orchestration")
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        variants = {stage: partial(_observed, stage, Path(folder)) for stage in STAGES}
        seen = frame.interleaved(given.rounds, variants, warm_up=False)
    calls = {one.mailboxes for rounds in seen.values() for one in rounds}
    assert len(calls) == 1, calls
    return _figures(seen)


def _observed(stage: str, folder: Path) -> Observed:
    in_fresh_process("orchestration", stage, folder)
    return Observed(**json.loads((folder / f"{stage}.json").read_text()))


def _figures(seen: dict[str, list[Observed]]) -> list[Figure]:
    name = f"orchestration of {PEOPLE:,} mailboxes"

    def told(title: str, unit: str, stage: str, what: str, peer: str | None = None, **limits: float) -> Figure:
        rounds = {one: [float(getattr(each, what)) for each in seen[one]] for one in (stage, peer) if one}
        peers = {PEER: rounds[peer]} if peer else None
        return frame.figure(f"{name}: {title}", unit, "lower", rounds[stage], peers, **limits)

    return [
        told("replays", "CPU s", "run", "replay", "flat", must=20, aim=10),
        told("replays, one message at a time", "CPU s", "single", "replay", must=20),
        told("replays, by the SDK's own reading of timestamps", "CPU s", "slow", "replay"),
        told("the whole local host", "CPU s", "run", "host", "flat"),
        told("replays, one message at a time: how many", "turns", "single", "turns"),
        told("longest history", "events", "single", "rows", "flat"),
        told("largest history", "bytes", "single", "history", "flat"),
        told("largest payload", "bytes", "single", "payload", must=LARGEST_PAYLOAD),
        told("largest custom status", "bytes", "single", "status", must=LARGEST_STATUS),
    ]


def _stage(name: str, orchestrator: str = "enrichment_run", batch: bool = True, speed_up: bool = True) -> Stage:
    """batch: a replay takes the messages that wait, up to 32 · speed_up: as the local host does, not as Azure."""

    def run(folder: Path) -> None:
        logging.disable(logging.WARNING)  # the app remarks that it has no route
        with nullcontext() if speed_up else patch.object(server, "speed_up"):
            seen = asyncio.run(_run(folder / f"{name}-{time.time_ns()}", orchestrator, batch))
        (folder / f"{name}.json").write_text(json.dumps(asdict(seen)))

    return run


async def _run(state: Path, orchestrator: str, batch: bool) -> Observed:
    async with ObservedHost(app(), state, host_json=read_host_json(_APP), batch=batch) as host:
        await host.run(orchestrator, _request())
    return host.seen


def _request() -> dict[str, Any]:
    """As a run is started that reads everything."""
    request = RunRequest(
        enrichment="a-name-as-long-as-an-enrichment-may-have-one-that-its-owner-gave-it",
        run_id="20261120T160000Z",
        started_us=AS_OF_US,
        consent_poll=900,
        consent_timeout=30 * 86_400,
        mailbox_patience=7_200,
    )
    return request.to_wire()


STAGES: dict[str, Stage] = {
    "run": _stage("run"),
    "flat": _stage("flat", FLAT),
    "single": _stage("single", batch=False),
    "slow": _stage("slow", speed_up=False),
}
