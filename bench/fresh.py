"""Benches, and single stages of them, in processes of their own: what one loads or pins to a core is nothing to others.

`python -m bench.fresh <bench> <stage> <folder>` prints what the stage took. A stage is a function in the bench's
`STAGES`; it takes the folder, and gives back what is kept while memory is told. What the bench's `CHECKS` say of that
is asked afterwards, and costs the stage nothing.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from bench.frame import Figure

Stage = Callable[[Path], object]
Check = Callable[[Path, Any], None]


class Measured(NamedTuple):
    """Wall and CPU seconds, the stage's imports included; MB of the process at its peak, and by how much it grew: at
    its peak, and in what it keeps.
    """

    wall: float
    cpu: float
    peak: float
    grown: float
    kept: float


def figures_of(bench: str, quick: bool, own: Sequence[str]) -> list[Figure]:
    """own: arguments that only this bench knows."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(_figures, bench, quick, own).result()


def _figures(name: str, quick: bool, own: Sequence[str]) -> list[Figure]:
    bench = importlib.import_module(f"bench.{name}")
    told: list[Figure] = bench.measure([*(bench.QUICK if quick else ()), *own])
    return told


def in_fresh_process(bench: str, stage: str, folder: Path) -> Measured:
    command = [sys.executable, "-m", "bench.fresh", bench, stage, str(folder)]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return Measured(*json.loads(told))


def column(measured: dict[str, list[Measured]], name: str) -> dict[str, list[float]]:
    """Of each stage one of the measured numbers, round by round."""
    return {stage: [getattr(one, name) for one in rounds] for stage, rounds in measured.items()}


def _measure(stage: Stage, check: Check | None, folder: Path) -> Measured:
    before = _resident()[1]
    wall, cpu = time.perf_counter(), time.process_time()
    kept = stage(folder)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak, now = _resident()
    if check:
        check(folder, kept)
    return Measured(wall, cpu, peak, peak - before, now - before)


def _resident() -> tuple[float, float]:
    """MB of this process at its peak, and now. The peak that `getrusage` tells may be the parent's."""
    lines = Path("/proc/self/status").read_text().splitlines()
    known = dict(line.split(":", 1) for line in lines)
    return int(known["VmHWM"].split()[0]) / 1024, int(known["VmRSS"].split()[0]) / 1024


if __name__ == "__main__":
    _, name, stage, folder = sys.argv
    bench = importlib.import_module(f"bench.{name}")
    print(json.dumps(_measure(bench.STAGES[stage], getattr(bench, "CHECKS", {}).get(stage), Path(folder))))
