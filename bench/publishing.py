"""Publishing a large result in both formats, by the product's own activity, one process per measurement.

`python -m bench publishing [--customers 10000] [--rounds 5]`: imports included, storage is a folder. Beside it the same
rows, the published ones, written again by pandas, as a user would: `to_parquet` and `to_csv`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from bench import frame
from bench.aggregation import services_of
from bench.frame import Figure
from bench.fresh import Stage, column, in_fresh_process

QUICK = ("--rounds", "3")
PANDAS = "pandas, the main table alone"


def measure(arguments: list[str]) -> list[Figure]:
    parser = argparse.ArgumentParser(prog="python -m bench publishing")
    parser.add_argument("--customers", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        return _run(Path(folder), given.customers, given.rounds)


def _run(folder: Path, customers: int, rounds: int) -> list[Figure]:
    from bench.result import unpublished
    from bench.synthetic import RUN

    order, rows = unpublished(services_of(folder), RUN, customers, seed=1)
    (folder / "order.json").write_text(json.dumps(order.to_wire()))
    in_fresh_process("publishing", "publish", folder)  # the peer reads what it left
    variants = {stage: partial(in_fresh_process, "publishing", stage, folder) for stage in STAGES}
    measured = frame.interleaved(rounds, variants)
    told = []
    for what, unit, must, aim in (("wall", "s", 10, 5), ("cpu", "CPU s", None, None), ("peak", "MB", 400, 250)):
        numbers = column(measured, what)
        name = f"publishing {rows:,} rows, Parquet and CSV: {_TITLES[what]}"
        peers = {PANDAS: numbers["pandas"]}
        told.append(frame.figure(name, unit, "lower", numbers["publish"], peers, must=must, aim=aim))
    return told


_TITLES = {"wall": "wall time", "cpu": "CPU time", "peak": "peak of memory"}


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


STAGES: dict[str, Stage] = {"publish": _publish, "pandas": _by_pandas}
