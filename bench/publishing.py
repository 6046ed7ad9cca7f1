"""Publishing a large result in both formats, by the product's own activity, one process per measurement.

`python -m bench publishing [--customers 10000] [--rounds 5]` prints medians; imports included, storage is a folder.
Beside it the same rows, the published ones, written again by pandas, as a user would: `to_parquet` and `to_csv`.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from bench.aggregation import services_of

STAGES = ("publish", "pandas")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench publishing")
    parser.add_argument("--customers", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--stage", choices=STAGES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.stage:
        print(json.dumps(_measure(given.stage, given.folder)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        _run(Path(folder), given.customers, given.rounds)
    return 0


def _run(folder: Path, customers: int, rounds: int) -> None:
    from bench.result import unpublished
    from bench.synthetic import RUN

    order, rows = unpublished(services_of(folder), RUN, customers, seed=1)
    (folder / "order.json").write_text(json.dumps(order.to_wire()))
    told: dict[str, list[list[float]]] = {stage: [] for stage in STAGES}
    for _ in range(rounds):
        for stage in STAGES:
            told[stage].append(_in_fresh_process(stage, folder))
    print(f"{customers:,} customers, {rows:,} rows, Parquet and CSV; n = {rounds}")
    print(f"{'':<36}{'wall s':>8}{'CPU s':>8}{'peak MB':>9}")
    for title, stage in (("scores, tables, index", "publish"), ("… the same table by pandas alone", "pandas")):
        wall, cpu, peak = (median(one[column] for one in told[stage]) for column in range(3))
        print(f"{title:<36}{wall:>8.2f}{cpu:>8.2f}{peak:>9.0f}")


def _in_fresh_process(stage: str, folder: Path) -> list[float]:
    command = [sys.executable, "-m", "bench", "publishing", "--stage", stage, "--folder", str(folder)]
    told: list[float] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return told


def _measure(stage: str, folder: Path) -> list[float]:
    """Wall and CPU seconds, and the peak of memory in MB."""
    began = time.perf_counter()
    _publish(folder) if stage == "publish" else _by_pandas(folder)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return [time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]


def _publish(folder: Path) -> None:
    from activities import publish_results
    from shared.core.contracts import PublishOrder

    order = PublishOrder.from_wire(json.loads((folder / "order.json").read_text()))
    assert publish_results.run(order, services_of(folder)).current


def _by_pandas(folder: Path) -> None:
    import pandas as pd

    table: Any = pd.read_parquet(_largest(folder, "parquet"))
    table.to_parquet(folder / "again.parquet")
    table.to_csv(folder / "again.csv", index=False)


def _largest(folder: Path, extension: str) -> Path:
    return max((folder / "output").rglob(f"*.{extension}"), key=lambda path: path.stat().st_size)
