"""The product itself, measured: `python -m bench [--quick] [name …]`, names out of `NAMES`; without one, all of them.

Prints one table, stores `bench/results.json` and fills docs/performance.md. What follows one name is its own.
"""

from __future__ import annotations

import sys
import time
from typing import NamedTuple

from bench import frame, fresh, machine, report
from bench.frame import Figure

NAMES = (
    "extraction",
    "aggregation",
    "orchestration",
    "publishing",
    "readers",
    "contacts",
    "resolving",
    "big_ones",
    "cold_start",
    "pace",
)


class Chosen(NamedTuple):
    names: tuple[str, ...]
    quick: bool
    own: list[str]  # arguments of a single bench


def main(arguments: list[str]) -> int:
    chosen = _chosen(arguments)
    if chosen is None:
        print(f"usage: python -m bench [--quick] [{' | '.join(NAMES)}] …", file=sys.stderr)
        return 2
    loop = machine.FixedLoop()
    loop.run()
    measured: list[Figure] = []
    for name in chosen.names:
        began = time.perf_counter()
        measured += fresh.figures_of(name, chosen.quick, chosen.own)
        print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
        loop.run()
    measured += loop.figures()
    print(f"{machine.described()}. {loop.told()}\n")
    print(frame.text(measured, frame.load(report.RESULTS)))
    if not chosen.own:
        report.keep(measured, loop.told(), whole=not chosen.quick and chosen.names == NAMES)
    return 0


def _chosen(arguments: list[str]) -> Chosen | None:
    quick = arguments[:1] == ["--quick"]
    rest = arguments[quick:]
    names = tuple(name for name in NAMES if name in rest)
    if not rest:
        return Chosen(NAMES, quick, [])
    if set(rest) == set(names):
        return Chosen(names, quick, [])
    return Chosen((rest[0],), quick, rest[1:]) if rest[0] in NAMES else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
