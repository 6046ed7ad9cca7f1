"""Copies → items → figures → published tables, through the activities themselves, one process per measurement.

`python -m bench aggregation [--millions 5] [--rounds 3]` prints medians of wall time, CPU time and peak memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

from bench.folder import storage


class Measured(NamedTuple):
    """Wall and CPU seconds, and the peak of memory in MB."""

    wall: float
    cpu: float
    peak: float


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench aggregation")
    parser.add_argument("--millions", type=float, default=5, help="items: nine messages for each meeting")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--stage", choices=sorted(_STAGES), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.stage:
        print(json.dumps(_measure(given.stage, given.folder)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        _run(Path(folder), int(given.millions * 1_000_000), given.rounds)
    return 0


def _run(folder: Path, items: int, rounds: int) -> None:
    from bench import synthetic

    # About one published row for ten items, as life has it: few accounts have much, most have little.
    size = synthetic.Size(
        messages=items * 9 // 10,
        meetings=items // 10,
        accounts=max(10, items // 600),
        partitions=max(1, -(-items // 1_000_000)),
    )
    svc = services_of(folder)
    synthetic.write_everything(svc, size)
    (folder / "size.json").write_text(json.dumps({"partitions": size.partitions}))
    print(f"{items:,} items, a third of them in two copies; {size.partitions} partitions and buckets; n = {rounds}")
    print(f"{'':<36}{'wall s':>8}{'CPU s':>8}{'peak MB':>9}")
    for title in ("with a hierarchy of customers", "each customer for itself"):
        print(title)
        _print("join copies into items", [_in_fresh_process("join", folder) for _ in range(rounds)])
        _print("figures, scores, tables", [_in_fresh_process("fold", folder) for _ in range(rounds)])
        synthetic.flatten(svc)
    rows = json.loads((folder / "output/Office/current.json").read_text())["tables"][0]["rows"]
    print(f"{rows:,} rows in the main table. The figures alone, and by other means (one thread, equal rows):")
    stages = ("aggregate", "duckdb", "pandas")
    told: dict[str, list[Measured]] = {stage: [] for stage in stages}
    for _ in range(rounds):
        for stage in stages:
            told[stage].append(_in_fresh_process(stage, folder))
    for stage in stages:
        _print("figures" if stage == "aggregate" else f"… {stage}", told[stage])
    for stage in stages[1:]:
        ratio = median(peer.cpu / own.cpu for own, peer in zip(told["aggregate"], told[stage], strict=True))
        print(f"{stage} takes {ratio:.1f} times the CPU time")


def _print(title: str, measured: list[Measured]) -> None:
    wall, cpu, peak = (median(one[column] for one in measured) for column in range(3))
    print(f"{title:<36}{wall:>8.2f}{cpu:>8.2f}{peak:>9.0f}", flush=True)


def _in_fresh_process(stage: str, folder: Path) -> Measured:
    """Imports included."""
    command = [sys.executable, "-m", "bench", "aggregation", "--stage", stage, "--folder", str(folder)]
    told = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return Measured(told["wall"], told["cpu"], told["peak"])


def _measure(stage: str, folder: Path) -> dict[str, float]:
    began = time.perf_counter()
    partitions = json.loads((folder / "size.json").read_text())["partitions"]
    _STAGES[stage](services_of(folder), partitions)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "wall": time.perf_counter() - began,
        "cpu": used.ru_utime + used.ru_stime,
        "peak": used.ru_maxrss / 1024,
    }


def services_of(folder: Path) -> Any:
    return cast("Any", SimpleNamespace(storage=storage(folder), folder=folder, now=_now))


def _now() -> Any:
    from bench.synthetic import AS_OF_US
    from shared.core.periods import from_us

    return from_us(AS_OF_US)


def join(svc: Any, partitions: int) -> None:
    from activities import join_items
    from shared.core.contracts import JoinOrder

    for number in range(partitions):
        join_items.run(JoinOrder(**_key(), partition=number, groups=1, buckets=partitions), svc)


def aggregate(svc: Any, partitions: int) -> None:
    from activities import aggregate_bucket
    from shared.core.contracts import BucketOrder

    for number in range(partitions):
        aggregate_bucket.run(BucketOrder(**_key(), bucket=number, partitions=partitions), svc)


def _publish(svc: Any, partitions: int) -> None:
    from activities import publish_results
    from shared.core.contracts import PublishOrder

    publish_results.run(PublishOrder(**_key(), buckets=partitions, days_with_items=365), svc)


def _fold(svc: Any, partitions: int) -> None:
    aggregate(svc, partitions)
    _publish(svc, partitions)


def _key() -> dict[str, Any]:
    from bench import synthetic

    return {"enrichment": synthetic.NAME, "run_id": synthetic.RUN, "as_of_us": synthetic.AS_OF_US}


def _peer(name: str) -> Callable[[Any, int], None]:
    def run(svc: Any, partitions: int) -> None:
        from bench import peers

        peers.check(svc, getattr(peers, f"by_{name}")(svc.folder), partitions)

    return run


_STAGES: dict[str, Callable[[Any, int], None]] = {
    "join": join,
    "aggregate": aggregate,
    "fold": _fold,
    "duckdb": _peer("duckdb"),
    "pandas": _peer("pandas"),
}
