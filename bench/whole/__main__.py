"""The whole size, once: `python -m bench.whole [--mailboxes 2500] [--messages 2000] [--meetings 200] [--latency 0]`.

Prints what it took, what follows for a year of 75 million messages and what a month costs. At its usual size it
stores that in bench/whole.json and fills docs/performance.md. `--tell` measures nothing, and fills the page from it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import frame, machine, report
from bench.whole import told
from bench.whole.organisation import Size
from localdev.caller import NotDone
from localdev.processes import Interrupted, WorldBroken, tidy_signals

FOLDER = report.ROOT / ".local" / "whole"
KEPT = report.ROOT / "bench" / "whole.json"
SMALL = 50  # mailboxes, of which a second run is made, too: there the emulator has to judge pages


def main(argv: Sequence[str]) -> int:
    """0 when it is measured and all is as it must be, 1 where it is not, 130 when it was interrupted."""
    arguments = _parser().parse_args(argv)
    size = Size(arguments.mailboxes, arguments.messages, arguments.meetings)
    if arguments.tell:
        tell(json.loads(KEPT.read_text()), keep=True)
        return 0
    try:
        with tidy_signals():
            measured = measure(size, arguments.folder, arguments.latency)
    except Interrupted:
        return 130
    except (WorldBroken, NotDone) as failure:
        print(f"\n{failure}\nLogs: {arguments.folder / 'world' / 'logs'}", file=sys.stderr)
        return 1
    usual = size == Size() and not arguments.latency
    if usual:
        KEPT.write_text(json.dumps(measured, indent=1) + "\n")
    tell(measured, keep=usual)
    return 0


def measure(size: Size, folder: Path, latency: float) -> dict[str, Any]:
    from bench.whole import large, run

    folder.mkdir(parents=True, exist_ok=True)
    small = run.measure(Size(SMALL, size.messages, size.meetings), folder, again=True)
    return {
        "day": datetime.now(UTC).date().isoformat(),
        "machine": machine.described(),
        **run.measure(size, folder, latency=latency),
        "small": small,
        "mailbox": large.measure(),
        "load": round(os.getloadavg()[2], 1),
    }


def tell(whole: dict[str, Any], keep: bool) -> None:
    """Print all tables; keep: put them into the page as well."""
    rates = {name: one.ours for name, one in frame.load(report.RESULTS).items()}
    sections = {
        "whole": [*told.measured(whole), *told.projections(whole, rates)],
        "month": told.months(whole, rates),
    }
    load = f"load in the last quarter of an hour {whole['load']}, of which two or three are its own"
    head = f"Last measured on {whole['day']}: {whole['machine']}; {load}."
    print(head)
    page = report.PAGE.read_text()
    for mark, tables in sections.items():
        for table in tables:
            print(f"\n{table.text()}")
        marks = f"<!-- {mark}: begin -->", f"<!-- {mark}: end -->"
        page = report.filled(page, "\n\n".join([head, *(table.markdown() for table in tables)]), marks)
    if keep:
        report.PAGE.write_text(page)


def _parser() -> argparse.ArgumentParser:
    usual = Size()
    parser = argparse.ArgumentParser(prog="python -m bench.whole", description=__doc__)
    parser.add_argument("--mailboxes", type=int, default=usual.mailboxes, help="a multiple of ten")
    parser.add_argument("--messages", type=int, default=usual.messages, help="in each mailbox")
    parser.add_argument("--meetings", type=int, default=usual.meetings, help="in each mailbox")
    parser.add_argument(
        "--latency", type=float, default=0.0, metavar="SECONDS", help="how long each call to Graph takes"
    )
    parser.add_argument("--folder", type=Path, default=FOLDER, metavar="DIR", help="where prebuilt pages are kept")
    parser.add_argument("--tell", action="store_true", help="measure nothing: tell what is stored")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
