"""The index of contacts that each extraction needs: from the plan in storage until it answers, in a fresh process.

`python -m bench contacts [--rounds 7]`: time, and memory as the growth of the resident set, the imports of Parquet and
numpy included. Beside it a dictionary from address to contact, read from a CSV file.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from functools import partial
from pathlib import Path

from bench import extraction_pages, frame
from bench.extraction_pages import CONTACTS, contact
from bench.folder import storage
from bench.frame import Figure
from bench.fresh import Stage, column, in_fresh_process

NAME, RUN = "bench", "r1"
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
    with (folder / "contacts.csv").open("w", newline="") as file:
        csv.writer(file).writerows((contact(number), number) for number in range(CONTACTS))
    measured = frame.interleaved(
        rounds, {stage: partial(in_fresh_process, "contacts", stage, folder) for stage in STAGES}
    )
    told = []
    for what, title, unit, must, aim in (
        ("wall", "until it answers", "s", 1.5, None),
        ("kept", "memory that stays", "MB", 250, 40),
        ("grown", "memory at its peak", "MB", 250, 40),
    ):
        numbers = column(measured, what)
        name, peers = f"index of {CONTACTS:,} contacts: {title}", {DICTIONARY: numbers["dictionary"]}
        told.append(frame.figure(name, unit, "lower", numbers["index"], peers, must=must, aim=aim))
    return told


def _index(folder: Path) -> object:
    from shared.adapters.plan_files import load_plan
    from shared.core.facts import THIRD_PARTY

    plan = load_plan(storage(folder).staging, NAME, RUN)
    reader = plan.book.reader(extraction_pages.KEY)
    assert reader[contact(CONTACTS // 2)] != THIRD_PARTY
    return plan, reader


def _dictionary(folder: Path) -> object:
    with (folder / "contacts.csv").open(newline="") as file:
        known = {address.lower(): int(number) for address, number in csv.reader(file)}
    assert len(known) == CONTACTS
    return known


STAGES: dict[str, Stage] = {"index": _index, "dictionary": _dictionary}
