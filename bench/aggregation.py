"""Copies → items → figures → published tables, through the activities themselves, one process per measurement.

`python -m bench aggregation [--millions 11.1 50] [--rounds 2]`: copies, nine of messages for each of a meeting; a third
of the items have two. The figures alone also by other means, bucket by bucket on one thread, whose rows have to be the
same.
"""

from __future__ import annotations

import argparse
import importlib
import json
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

from bench import frame
from bench.folder import storage
from bench.frame import Figure
from bench.fresh import Check, Stage, column, in_fresh_process
from shared.core.contracts import Spread

QUICK = ("--millions", "1", "--rounds", "2")
FULL_SIZE = 50_000_000  # copies: 45 million of messages and 5 million of meetings, what the limits are for
PEERS = {"duckdb": "bench.peers", "polars": "bench.peer_polars", "pandas": "bench.peers"}
STEPS = ("joins", "aggregates", "publishes")
EVERY, EVEN, ODD = slice(None), slice(0, None, 2), slice(1, None, 2)
PATIENCE = 12_000_000  # copies; beyond, pandas alone would take many minutes


class Whole(NamedTuple):
    """On two cores. together: MB of what runs at once · peaks: of the larger process of each step."""

    wall: float
    cpu: float
    together: float
    peaks: list[float]


def measure(arguments: list[str]) -> list[Figure]:
    parser = argparse.ArgumentParser(prog="python -m bench aggregation")
    parser.add_argument("--millions", type=float, nargs="+", default=[11.1, 50], help="copies, of each measurement")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument(
        "--folder", type=Path, help="where to leave the data of the last measurement, to profile a stage"
    )
    given = parser.parse_args(arguments)
    told, cost = [], []
    for millions in given.millions:
        with tempfile.TemporaryDirectory() as name:
            folder, copies = given.folder or Path(name), int(millions * 1_000_000)
            _write(folder, copies)
            _on_two_cores(folder)
            whole = [_on_two_cores(folder) for _ in range(given.rounds)]
            told += _of_the_whole(whole, millions) + _of_figures_alone(folder, copies, given.rounds)
        cost.append([one.cpu for one in whole])
    if len(cost) > 1:
        factor = given.millions[-1] / given.millions[0]
        growth = [last / first for first, last in zip(cost[0], cost[-1], strict=True)]
        name = f"aggregation: growth of CPU time for {factor:.1f} times the copies"
        told.append(frame.figure(name, frame.TIMES, "lower", growth, must=factor * 5 / 4.5, aim=factor * 4.6 / 4.5))
    return told


def _write(folder: Path, copies: int) -> None:
    from bench import synthetic
    from orchestrators.enrichment_run import spread_of

    spread, items = spread_of(copies), copies * 3 // 4
    # About one published row for ten items, as life has it: few accounts have much, most have little.
    size = synthetic.Size(
        messages=items * 9 // 10,
        meetings=items // 10,
        accounts=max(10, items // 600),
        spread=spread,
    )
    synthetic.write_everything(services_of(folder), size)
    (folder / "spread.json").write_text(json.dumps(spread.to_wire()))


def _on_two_cores(folder: Path) -> Whole:
    """Two processes side by side, each with every other partition, then each with every other bucket; then tables."""
    began = time.perf_counter()
    run = partial(in_fresh_process, "aggregation", folder=folder)
    with ThreadPoolExecutor(2) as two:
        steps = [list(two.map(run, pair)) for pair in (("join_even", "join_odd"), ("aggregate_even", "aggregate_odd"))]
    steps.append([run("publish")])
    wall = time.perf_counter() - began
    peaks = [[one.peak for one in step] for step in steps]
    return Whole(
        wall, sum(one.cpu for step in steps for one in step), max(map(sum, peaks)), [max(step) for step in peaks]
    )


def _of_the_whole(whole: list[Whole], millions: float) -> list[Figure]:
    full = millions * 1_000_000 >= FULL_SIZE

    def told(what: str, unit: str, rounds: list[float], must: float | None, aim: float | None) -> Figure:
        name = f"aggregation of {millions:g} M: copies to tables, {what}"
        return frame.figure(name, unit, "lower", rounds, must=must if full else None, aim=aim if full else None)

    return [
        told("two processes", "s", [one.wall for one in whole], 60, None),
        told("CPU time", "CPU s", [one.cpu for one in whole], None, 40),
        told("memory of both processes", "MB", [one.together for one in whole], 1_000, 600),
        *(
            told(f"memory of a process that {does}", "MB", [one.peaks[step] for one in whole], 400, 250)
            for step, does in enumerate(STEPS)
        ),
    ]


def _of_figures_alone(folder: Path, copies: int, rounds: int) -> list[Figure]:
    """Each customer for itself: the peers know no hierarchy."""
    from bench import synthetic

    synthetic.flatten(services_of(folder))
    run = partial(in_fresh_process, "aggregation", folder=folder)
    for stage in ("join", "aggregate"):  # what the peers read, and what their rows are compared with
        run(stage)
    peers = [who for who in PEERS if copies <= PATIENCE or who != "pandas"]
    measured = frame.interleaved(rounds, {stage: partial(run, stage) for stage in ("aggregate", *peers)}, warm_up=False)
    cpu, wall = column(measured, "cpu"), column(measured, "wall")
    name, ours = f"aggregation of {copies / 1e6:g} M: figures alone", cpu["aggregate"]
    must, aim = (30, 15) if copies >= FULL_SIZE else (None, None)
    told = [frame.figure(name, "CPU s", "lower", ours, {who: cpu[who] for who in peers}, must=must, aim=aim)]
    told.append(frame.multiple(f"{name}, beside DuckDB", wall["aggregate"], wall["duckdb"], "lower", must=1))
    if "pandas" in peers:
        told.append(frame.multiple(f"{name}, beside pandas", ours, cpu["pandas"], "lower", must=2.5, aim=4))
    return told


def services_of(folder: Path) -> Any:
    return cast("Any", SimpleNamespace(storage=storage(folder), folder=folder, now=_now))


def _now() -> Any:
    from bench.synthetic import AS_OF_US
    from shared.core.periods import from_us

    return from_us(AS_OF_US)


def join(svc: Any, spread: Spread, some: slice = EVERY) -> None:
    from activities import join_items
    from shared.core.contracts import JoinOrder

    for call in range(spread.joins)[some]:
        join_items.run(JoinOrder(**_key(), call=call, groups=1, spread=spread), svc)


def aggregate(svc: Any, spread: Spread, some: slice = EVERY) -> None:
    from activities import aggregate_bucket
    from shared.core.contracts import BucketOrder

    for call in range(spread.aggregations)[some]:
        aggregate_bucket.run(BucketOrder(**_key(), call=call, spread=spread), svc)


def _publish(svc: Any, spread: Spread) -> None:
    from activities import publish_results
    from shared.core.contracts import PublishOrder

    publish_results.run(PublishOrder(**_key(), parts=spread.aggregations, days_with_items=365), svc)


def _key() -> dict[str, Any]:
    from bench import synthetic

    return {"enrichment": synthetic.NAME, "run_id": synthetic.RUN, "as_of_us": synthetic.AS_OF_US}


def _stage(of: Callable[[Any, Spread], None]) -> Stage:
    def run(folder: Path) -> None:
        of(services_of(folder), _spread(folder))

    return run


def _spread(folder: Path) -> Spread:
    return Spread.from_wire(json.loads((folder / "spread.json").read_text()))


def _peer(name: str) -> Stage:
    """Its figures, which it writes too, as the product does."""

    def run(folder: Path) -> Any:
        figures = getattr(importlib.import_module(PEERS[name]), f"by_{name}")(folder)
        written = folder / f"{name}.parquet"
        if name == "polars":
            figures.write_parquet(written)
        else:
            figures.to_parquet(written, index=False)
        return figures

    return run


def _check(folder: Path, figures: Any) -> None:
    from bench import peers

    theirs = figures.to_pandas() if hasattr(figures, "to_pandas") else figures
    peers.check(services_of(folder), theirs, _spread(folder))


STAGES: dict[str, Stage] = {
    "join": _stage(join),
    "join_even": _stage(partial(join, some=EVEN)),
    "join_odd": _stage(partial(join, some=ODD)),
    "aggregate": _stage(aggregate),
    "aggregate_even": _stage(partial(aggregate, some=EVEN)),
    "aggregate_odd": _stage(partial(aggregate, some=ODD)),
    "publish": _stage(_publish),
    **{name: _peer(name) for name in PEERS},
}
CHECKS: dict[str, Check] = dict.fromkeys(PEERS, _check)
