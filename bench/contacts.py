"""The index of contacts that each extraction needs: from the plan in storage until it answers, in a fresh process.

`python -m bench contacts [--rounds 7]` prints medians of time and of memory (the resident set's growth), the imports
of Parquet and numpy included. Beside it a dictionary from address to contact, read from a CSV file.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from bench import extraction_pages
from bench.extraction_pages import CONTACTS, contact
from bench.folder import storage

NAME, RUN = "bench", "r1"
STAGES = ("index", "dictionary")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench contacts")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--stage", choices=STAGES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.stage:
        print(json.dumps(_index(given.folder) if given.stage == "index" else _dictionary(given.folder)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        _run(Path(folder), given.rounds)
    return 0


def _run(folder: Path, rounds: int) -> None:
    from shared.adapters.plan_files import write_plan

    write_plan(storage(folder).staging, NAME, RUN, extraction_pages.plan())
    with (folder / "contacts.csv").open("w", newline="") as file:
        csv.writer(file).writerows((contact(number), number) for number in range(CONTACTS))
    told: dict[str, list[list[float]]] = {stage: [] for stage in STAGES}
    for _ in range(rounds):
        for stage in STAGES:
            told[stage].append(_in_fresh_process(stage, folder))
    print(f"{CONTACTS:,} contacts; n = {rounds}")
    print(f"{'':<36}{'wall s':>8}{'CPU s':>8}{'peak MB':>9}{'kept MB':>9}")
    for title, stage in (("the plan, until it answers", "index"), ("a dictionary of addresses", "dictionary")):
        wall, cpu, peak, kept = (median(one[column] for one in told[stage]) for column in range(4))
        print(f"{title:<36}{wall:>8.2f}{cpu:>8.2f}{peak:>9.0f}{kept:>9.0f}")


def _in_fresh_process(stage: str, folder: Path) -> list[float]:
    command = [sys.executable, "-m", "bench", "contacts", "--stage", stage, "--folder", str(folder)]
    told: list[float] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return told


class _Since:
    """Wall and CPU seconds, and MB of memory at its peak and now, since this was made."""

    def __init__(self) -> None:
        self._memory = _resident()[1]
        self._began = time.perf_counter(), time.process_time()

    def told(self) -> list[float]:
        wall, cpu = time.perf_counter() - self._began[0], time.process_time() - self._began[1]
        peak, now = _resident()
        return [wall, cpu, peak - self._memory, now - self._memory]


def _resident() -> tuple[float, float]:
    """MB of this process at its peak, and now."""
    lines = Path("/proc/self/status").read_text().splitlines()
    known = dict(line.split(":", 1) for line in lines)
    return int(known["VmHWM"].split()[0]) / 1024, int(known["VmRSS"].split()[0]) / 1024


def _index(folder: Path) -> list[float]:
    since = _Since()
    from shared.adapters.plan_files import load_plan
    from shared.core.facts import THIRD_PARTY

    staging = storage(folder).staging
    plan = load_plan(staging, NAME, RUN)
    found = plan.book.reader(extraction_pages.KEY)[contact(CONTACTS // 2)]
    told = since.told()
    assert found != THIRD_PARTY
    return told


def _dictionary(folder: Path) -> list[float]:
    since = _Since()
    with (folder / "contacts.csv").open(newline="") as file:
        known = {address.lower(): int(number) for address, number in csv.reader(file)}
    told = since.told()
    assert len(known) == CONTACTS
    return told
