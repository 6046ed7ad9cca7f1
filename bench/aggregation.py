"""Copies → items → figures → published tables, through the activities themselves, one process per measurement.

`python -m bench aggregation [--millions 11.1 50] [--rounds 2] [--flat]`: items, nine messages for each meeting. The
figures alone also by other means, bucket by bucket on one thread, whose rows have to be the same.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

from bench import frame
from bench.folder import storage
from bench.frame import Figure
from bench.fresh import Check, Measured, Stage, column, in_fresh_process

QUICK = ("--millions", "1", "--rounds", "2")
FULL_SIZE = 50_000_000  # 45 million messages and 5 million meetings: what the limits are for
PEERS = ("duckdb", "pandas")


class _Limits(NamedTuple):
    """must, aim: for the size that was measured."""

    must: float | None = None
    aim: float | None = None


def measure(arguments: list[str]) -> list[Figure]:
    parser = argparse.ArgumentParser(prog="python -m bench aggregation")
    parser.add_argument("--millions", type=float, nargs="+", default=[11.1, 50], help="items, of each measurement")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument(
        "--folder", type=Path, help="where to leave the data of the last measurement, to profile a stage"
    )
    parser.add_argument("--flat", action="store_true", help="each customer for itself, without a hierarchy")
    given = parser.parse_args(arguments)
    told, cost = [], []
    for millions in given.millions:
        with tempfile.TemporaryDirectory() as name:
            measured = _run(given.folder or Path(name), int(millions * 1_000_000), given.rounds, given.flat)
        told += _figures(measured, millions)
        cost.append([sum(pair) for pair in zip(*_both(measured, "cpu"), strict=True)])
    if len(cost) > 1:
        factor = given.millions[-1] / given.millions[0]
        growth = [last / first for first, last in zip(cost[0], cost[-1], strict=True)]
        name = f"aggregation: growth of CPU time for {factor:.1f} times the items"
        told.append(frame.figure(name, frame.TIMES, "lower", growth, must=factor * 5 / 4.5, aim=factor * 4.6 / 4.5))
    return told


def _run(folder: Path, items: int, rounds: int, flat: bool) -> dict[str, list[Measured]]:
    """The stages in the order in which they need each other, and again; all are in fresh processes."""
    from bench import synthetic
    from orchestrators.enrichment_run import COPIES_PER_PARTITION, MOST_PARTITIONS

    copies = items + items // 3
    # About one published row for ten items, as life has it: few accounts have much, most have little.
    size = synthetic.Size(
        messages=items * 9 // 10,
        meetings=items // 10,
        accounts=max(10, items // 600),
        partitions=max(1, min(-(-copies // COPIES_PER_PARTITION), MOST_PARTITIONS)),
    )
    svc = services_of(folder)
    synthetic.write_everything(svc, size)
    if flat:
        synthetic.flatten(svc)
    (folder / "size.json").write_text(json.dumps({"partitions": size.partitions}))
    in_fresh_process("aggregation", "join", folder)  # its output is what the peers read from the first round on
    variants = {stage: partial(in_fresh_process, "aggregation", stage, folder) for stage in ("join", "fold")}
    variants |= {stage: partial(in_fresh_process, "aggregation", stage, folder) for stage in ("aggregate", *PEERS)}
    in_fresh_process("aggregation", "aggregate", folder)  # what the peers' rows are compared with
    return frame.interleaved(rounds, variants, warm_up=False)


def _both(measured: dict[str, list[Measured]], what: str) -> list[list[float]]:
    numbers = column(measured, what)
    return [numbers["join"], numbers["fold"]]


def _figures(measured: dict[str, list[Measured]], millions: float) -> list[Figure]:
    of, full = f"of {millions:g} M", millions * 1_000_000 >= FULL_SIZE
    cpu, wall = column(measured, "cpu"), column(measured, "wall")
    ours, peers = cpu["aggregate"], {who: cpu[who] for who in PEERS}
    whole, busy = ([sum(pair) for pair in zip(*_both(measured, what), strict=True)] for what in ("wall", "cpu"))
    peak = [max(pair) for pair in zip(*_both(measured, "peak"), strict=True)]

    def told(what: str, unit: str, rounds: list[float], limits: _Limits, **more: Any) -> Figure:
        must, aim = limits if full else (None, None)
        return frame.figure(f"aggregation {of}: {what}", unit, "lower", rounds, must=must, aim=aim, **more)

    return [
        told("copies to tables, one process", "s", whole, _Limits(60)),
        told("copies to tables, CPU time", "CPU s", busy, _Limits(aim=40)),
        told("largest activity", "MB", peak, _Limits(400, 250)),
        told("figures alone", "CPU s", ours, _Limits(30, 15), peers=peers),
        frame.multiple(f"aggregation {of}: figures alone, by pandas", ours, peers["pandas"], "lower", must=2.5, aim=4),
        frame.multiple(
            f"aggregation {of}: figures alone, by DuckDB", wall["aggregate"], wall["duckdb"], "lower", must=1
        ),
    ]


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


def _stage(of: Callable[[Any, int], None]) -> Stage:
    def run(folder: Path) -> None:
        of(services_of(folder), _partitions(folder))

    return run


def _partitions(folder: Path) -> int:
    return int(json.loads((folder / "size.json").read_text())["partitions"])


def _peer(name: str) -> Stage:
    """Its figures, which it writes too, as the product does."""

    def run(folder: Path) -> Any:
        from bench import peers

        figures = getattr(peers, f"by_{name}")(folder)
        figures.to_parquet(folder / f"{name}.parquet", index=False)
        return figures

    return run


def _check(folder: Path, figures: Any) -> None:
    from bench import peers

    peers.check(services_of(folder), figures, _partitions(folder))


STAGES: dict[str, Stage] = {
    "join": _stage(join),
    "aggregate": _stage(aggregate),
    "fold": _stage(_fold),
    **{name: _peer(name) for name in PEERS},
}
CHECKS: dict[str, Check] = dict.fromkeys(PEERS, _check)
