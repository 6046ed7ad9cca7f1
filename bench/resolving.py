"""A million contacts, from the customer's CSV files to the plan in storage: what `resolve_people` does with the data.

`python -m bench resolving [--rounds 3]`: the directory's answers are given; time, imports included, and memory of a
process that does nothing else. Beside it pandas, reading the same files, normalising and dropping duplicates.
"""

from __future__ import annotations

import argparse
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from bench import frame
from bench.extraction_pages import AS_OF, CONTACTS, KEY, ME, contact
from bench.folder import storage
from bench.frame import Figure
from bench.fresh import Stage, column, in_fresh_process

if TYPE_CHECKING:
    from shared.core.enrichment import Enrichment

NAME = "bench"
QUICK = ("--rounds", "1")
PANDAS = "pandas"
CUSTOMERS = 200_000


def measure(arguments: list[str]) -> list[Figure]:
    parser = argparse.ArgumentParser(prog="python -m bench resolving")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        _write_data(Path(folder))
        variants = {stage: partial(in_fresh_process, "resolving", stage, Path(folder)) for stage in STAGES}
        measured = frame.interleaved(given.rounds, variants, warm_up=False)
    name = f"contacts data of {CONTACTS:,} rows, to the plan"
    told = []
    for what, title, unit, must, aim in (
        ("cpu", "CPU time", "CPU s", None, None),
        ("peak", "memory of the process at its peak", "MB", 400, 250),
    ):
        numbers = column(measured, what)
        peers = {PANDAS: numbers["pandas"]}
        told.append(frame.figure(f"{name}: {title}", unit, "lower", numbers["plan"], peers, must=must, aim=aim))
    return told


def _write_data(folder: Path) -> None:
    data = storage(folder).input
    rows = (f"contact-{number:07d},{_customer(number)},{contact(number)}\n" for number in range(CONTACTS))
    data.write("contacts.csv", ("Id,Account,Email\n" + "".join(rows)).encode())
    names = (f"{_customer(number)},Customer {number} Ltd\n" for number in range(CUSTOMERS))
    data.write("customers.csv", ("Account,Name\n" + "".join(names)).encode())


def _customer(number: int) -> str:
    return f"account-{number % CUSTOMERS:06d}"


def _enrichment() -> Enrichment:
    from shared.core.enrichment import Enrichment

    body: dict[str, Any] = {
        "displayName": NAME,
        "addresses": [ME, "ben@contoso.example"],
        "consentAgreed": True,
        "contacts": {"blob": "contacts.csv", "contactId": "Id", "customerId": "Account", "email": "Email"},
        "customers": {"blob": "customers.csv", "customerId": "Account", "name": "Name"},
    }
    return Enrichment.model_validate(body)


def _plan(folder: Path) -> None:
    from time import time_ns
    from types import SimpleNamespace

    from shared.adapters.graph.directory import Resolution
    from shared.adapters.plan_files import Provenance, write_plan
    from shared.core.periods import to_us
    from shared.services import planning

    svc, body = cast(Any, SimpleNamespace(storage=storage(folder))), _enrichment()
    people = {"ada": frozenset({ME}), "ben": frozenset({"ben@contoso.example"})}
    resolution = Resolution([], people, frozenset())
    data = planning.read_data(svc, body)
    planned = planning.make(KEY, body, data, resolution, ("contoso.example",), to_us(AS_OF))
    assert planned.counts["Contact"] == {"Used": CONTACTS}, planned.counts
    provenance = Provenance(counts=planned.counts, sources=planned.sources)
    assert write_plan(svc.storage.staging, NAME, f"r{time_ns()}", planned.plan, provenance)


def _by_pandas(folder: Path) -> None:
    import pandas as pd

    rows = pd.read_csv(folder / "input/contacts.csv", dtype=str, keep_default_na=False)
    rows["Email"] = rows.Email.str.strip().str.lower()
    rows = rows[rows.Email.str.contains("@") & (rows.Account != "") & ~rows.Email.str.endswith("@contoso.example")]
    rows = rows.drop_duplicates()
    names = pd.read_csv(folder / "input/customers.csv", dtype=str, keep_default_na=False).drop_duplicates("Account")
    assert len(rows) == CONTACTS
    rows.to_parquet(folder / "contacts.parquet", index=False)
    names.to_parquet(folder / "customers.parquet", index=False)


STAGES: dict[str, Stage] = {"plan": _plan, "pandas": _by_pandas}
