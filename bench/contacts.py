"""The index of contacts that each extraction needs: from the plan in storage until it answers, in a fresh process.

`python -m bench contacts [--rounds 7]`: time, and memory as the growth of the resident set, with the imports of Parquet
and numpy and without them. Beside it a dictionary from address to contact, read from a CSV file; and the whole plan, as
the stages after extraction read it.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from functools import partial
from pathlib import Path
from statistics import median

from bench import extraction_pages, frame
from bench.extraction_pages import CONTACTS, contact
from bench.folder import storage
from bench.frame import Figure
from bench.fresh import Measured, Stage, column, in_fresh_process

NAME, RUN, EMPTY = "bench", "r1", "r0"
QUICK = ("--rounds", "3")
DICTIONARY = "a dictionary of addresses"


def measure(arguments: list[str]) -> list[Figure]:
    parser = argparse.ArgumentParser(prog="python -m bench contacts")
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        return _run(Path(folder), given.rounds)


def _run(folder: Path, rounds: int) -> list[Figure]:
    from shared.adapters.plan_files import write_plan

    write_plan(storage(folder).staging, NAME, RUN, extraction_pages.plan())
    write_plan(storage(folder).staging, NAME, EMPTY, extraction_pages.plan(contacts=0))
    with (folder / "contacts.csv").open("w", newline="") as file:
        csv.writer(file).writerows((contact(number), number) for number in range(CONTACTS))
    variants = {stage: partial(in_fresh_process, "contacts", stage, folder) for stage in STAGES}
    measured = frame.interleaved(rounds, variants)
    return [
        _told("until it answers", "s", column(measured, "wall"), must=1.5),
        _told("memory that stays, imports aside", "MB", _grown(measured, "kept"), must=250, aim=40),
        _told("memory at its peak, imports aside", "MB", _grown(measured, "grown"), must=250, aim=40),
        _told("memory that stays, with numpy and Parquet", "MB", column(measured, "kept"), must=250),
        _told("the whole plan: memory at its peak, imports aside", "MB", {"index": _grown(measured, "grown")["plan"]}),
    ]


def _told(title: str, unit: str, numbers: dict[str, list[float]], **limits: float) -> Figure:
    peers = {DICTIONARY: numbers["dictionary"]} if "dictionary" in numbers else None
    return frame.figure(f"index of {CONTACTS:,} contacts: {title}", unit, "lower", numbers["index"], peers, **limits)


def _grown(measured: dict[str, list[Measured]], what: str) -> dict[str, list[float]]:
    """Without what the same modules take for a plan without contacts."""
    numbers = column(measured, what)
    imports = median(numbers["imports"])
    less = {stage: [each - imports for each in numbers[stage]] for stage in ("index", "plan")}
    return less | {"dictionary": numbers["dictionary"]}


def _index(folder: Path) -> object:
    from shared.adapters.plan_files import load_mailbox_plan
    from shared.core.facts import THIRD_PARTY

    plan = load_mailbox_plan(storage(folder).staging, NAME, RUN)
    reader = plan.book.reader(extraction_pages.KEY)
    assert reader[contact(CONTACTS // 2)] != THIRD_PARTY
    return plan, reader


def _imports(folder: Path) -> object:
    from shared.adapters.plan_files import load_mailbox_plan

    plan = load_mailbox_plan(storage(folder).staging, NAME, EMPTY)
    return plan, plan.book.reader(extraction_pages.KEY)["nobody@nowhere.example"]


def _plan(folder: Path) -> object:
    from shared.adapters.plan_files import load_plan

    return load_plan(storage(folder).staging, NAME, RUN)


def _dictionary(folder: Path) -> object:
    with (folder / "contacts.csv").open(newline="") as file:
        known = {address.lower(): int(number) for address, number in csv.reader(file)}
    assert len(known) == CONTACTS
    return known


STAGES: dict[str, Stage] = {"index": _index, "imports": _imports, "plan": _plan, "dictionary": _dictionary}
