"""The machine on which it is measured: what it is, and how much its speed wavers, told by a fixed loop."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from statistics import median

from bench.frame import Figure, figure, spread

_TURNS = 5


class FixedLoop:
    """The same work again and again, between the benches: whatever its times differ by is the machine's."""

    def __init__(self) -> None:
        self._cpu: list[float] = []
        self._wall: list[float] = []

    def run(self) -> None:
        for _ in range(_TURNS):
            wall, cpu = time.perf_counter(), time.process_time()
            _work()
            self._cpu.append(1_000 * (time.process_time() - cpu))
            self._wall.append(1_000 * (time.perf_counter() - wall))

    def figures(self) -> list[Figure]:
        return [
            figure("machine: a fixed loop, CPU time", "ms", "lower", self._cpu),
            figure("machine: the same, wall time", "ms", "lower", self._wall),
        ]

    def told(self) -> str:
        cpu, wall = (f"{median(each):.0f} ms (spread {spread(each) or 0:.0%})" for each in (self._cpu, self._wall))
        return f"A fixed loop, n = {len(self._cpu)}: {cpu} of CPU time, {wall} of wall time."


def described() -> str:
    """Processor, cores, memory, system, Python."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    python = f"Python {platform.python_version()}"
    return f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, {python}"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def _work() -> int:
    """What the benches are made of: bytes code, dictionaries, texts."""
    known = {f"contact{number}": number for number in range(40_000)}
    return sum(known[text.lower()] for text in list(known) for _ in range(3))
