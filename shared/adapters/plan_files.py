"""The plan of a run in staging: written once by `resolve_people`, read by every activity after it."""

from __future__ import annotations

import io
import json
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from shared.adapters.blobs import Container
from shared.core import blob_names
from shared.core.addresses import AddressBook
from shared.core.contacts import Sources, UnusableRows
from shared.core.enrichment import Options
from shared.core.errors import FactsGone
from shared.core.facts import Contacts
from shared.core.periods import Window
from shared.core.plan import Plan, fingerprint
from shared.core.recoding import Recoding

if TYPE_CHECKING:
    from shared.core.contracts import Counts

_RUN = "run.json"
_KEPT = 2

_plans: OrderedDict[tuple[str, str], Plan] = OrderedDict()
_plans_lock = Lock()


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a plan comes from, as far as later runs must know.

    configuration: a hash of what the enrichment says of the facts · key: id of the key of the hashes · counts: coverage
    of the data's rows, of guests and of the hierarchy · sources: of its contacts; None where nobody will ask.
    """

    configuration: str = ""
    key: str = ""
    counts: Counts = field(default_factory=dict)
    sources: Sources | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Under what the facts of a run were read; configuration, key, counts: as in `Provenance`."""

    as_of_us: int
    fingerprint: str
    configuration: str
    key: str = ""
    counts: Counts = field(default_factory=dict)


def read_origin(staging: Container, enrichment: str, run_id: str) -> Origin | None:
    """None where the run's facts are kept no longer."""
    data = staging.read(blob_names.plan(enrichment, run_id, _RUN))
    run = json.loads(data) if data else {}
    if "fingerprint" not in run:
        return None
    return Origin(run["asOfUs"], run["fingerprint"], run["configuration"], run.get("key", ""), run.get("counts", {}))


def read_sources(staging: Container, enrichment: str, run_id: str) -> Sources | None:
    """The sources of the plan's contacts; None where they were not kept."""
    names = ("untagged", "contacts", "unusable")
    tables = [_columns(staging, blob_names.plan(enrichment, run_id, f"{name}.parquet")) for name in names]
    if any(table is None for table in tables):
        return None
    untagged, contacts, unusable = tables
    return Sources(
        untagged("hash").to_numpy(),
        contacts("hash").to_numpy(),
        contacts("used").to_numpy(),
        contacts("repeated").to_numpy(),
        UnusableRows(*(unusable(name).to_numpy() for name in ("address", "contact", "reason"))),
    )


def read_recoding(staging: Container, enrichment: str, run_id: str) -> Recoding:
    """How codes of the plan's base are to be exchanged. Raises `FactsGone` where it is not there."""
    tables = [
        _columns(staging, blob_names.plan(enrichment, run_id, f"{name}.parquet"))
        for name in ("recoded_people", "recoded_addresses")
    ]
    if tables[0] is None or tables[1] is None:
        raise FactsGone
    return Recoding(tables[0]("number").to_numpy(), tables[1]("code").to_numpy())


def write_recoding(staging: Container, enrichment: str, run_id: str, recoding: Recoding) -> None:
    """To be written before the plan that needs it."""
    for name, column in (
        ("recoded_people", {"number": recoding.person}),
        ("recoded_addresses", {"code": recoding.address}),
    ):
        staging.write(blob_names.plan(enrichment, run_id, f"{name}.parquet"), _to_parquet(column))


def write_plan(
    staging: Container, enrichment: str, run_id: str, plan: Plan, provenance: Provenance | None = None
) -> None:
    """Overwrites what an earlier attempt left; `run.json` comes last, so that a plan that can be found is whole."""
    told = provenance or Provenance()
    for name, table in (_tables(plan) | _tables_of_sources(told.sources)).items():
        staging.write(blob_names.plan(enrichment, run_id, f"{name}.parquet"), _to_parquet(table))
    run = {
        "people": plan.people,
        "asOfUs": plan.window.as_of_us,
        "timeZone": plan.window.zone,
        "domains": sorted(plan.book.domains),
        "hierarchy": plan.hierarchy,
        "customers": plan.customers is not None,
        "options": plan.options.model_dump(mode="json", by_alias=True),
        "base": plan.base,
        "asIs": plan.as_is,
        "recoded": plan.recoded,
        "fingerprint": fingerprint(plan),
        "configuration": told.configuration,
        "key": told.key,
        "counts": told.counts,
    }
    staging.write(blob_names.plan(enrichment, run_id, _RUN), json.dumps(run).encode())


def load_plan(staging: Container, enrichment: str, run_id: str) -> Plan:
    """The plan, from this worker's memory if it is the one that is stored. Raises `FactsGone` where there is none."""
    name = blob_names.plan(enrichment, run_id, _RUN)
    tagged = staging.read_tagged(name)
    if tagged is None:
        raise FactsGone
    key = (name, tagged[1])
    # One thread reads, the others wait for it: a plan may hold a million contacts.
    with _plans_lock:
        plan = _plans.get(key)
        if plan is None:
            plan = _plans[key] = _read(staging, enrichment, run_id, json.loads(tagged[0]))
        _plans.move_to_end(key)
        while len(_plans) > _KEPT:
            _plans.popitem(last=False)
    return plan


def _tables(plan: Plan) -> dict[str, dict[str, Any]]:
    book, contacts = plan.book, plan.contacts
    return {
        "own": {"hash": book.people, "person": book.person},
        "addresses": {"hash": book.contacts, "pairs": np.diff(contacts.pair_offsets)},
        "pairs": {"account": contacts.account, "contact": contacts.contact},
        "accounts": {
            "id": pa.array(contacts.accounts, pa.string()),
            "top": pa.array([contacts.tops[top] for top in contacts.top.tolist()], pa.string()),
        },
        "customers": {
            "id": pa.array(list(plan.customers or {}), pa.string()),
            "name": pa.array(list((plan.customers or {}).values()), pa.string()),
        },
    }


def _tables_of_sources(sources: Sources | None) -> dict[str, dict[str, Any]]:
    if sources is None:
        return {}
    contacts = {"hash": sources.contact, "used": sources.used, "repeated": sources.repeated}
    other = sources.unusable
    unusable = {"address": other.address, "contact": other.contact, "reason": other.reason}
    return {"untagged": {"hash": sources.untagged}, "contacts": contacts, "unusable": unusable}


def _to_parquet(columns: dict[str, Any]) -> bytes:
    sink = io.BytesIO()
    table = pa.table(columns)
    pq.write_table(table, sink, compression="zstd", compression_level=1, use_dictionary=False, write_statistics=False)
    return sink.getvalue()


def _read(staging: Container, enrichment: str, run_id: str, run: dict[str, Any]) -> Plan:
    def column(table: str) -> Any:
        columns = _columns(staging, blob_names.plan(enrichment, run_id, f"{table}.parquet"))
        if columns is None:
            raise FactsGone
        return columns

    own, addresses, pairs, accounts = (column(table) for table in ("own", "addresses", "pairs", "accounts"))
    top_ids = accounts("top").to_pylist()
    tops = sorted(set(top_ids))
    number = {top: position for position, top in enumerate(tops)}
    return Plan(
        people=run["people"],
        book=AddressBook(
            people=own("hash").to_numpy(),
            person=own("person").to_numpy(),
            contacts=addresses("hash").to_numpy(),
            domains=frozenset(run["domains"]),
        ),
        contacts=Contacts(
            pair_offsets=np.concatenate([[0], np.cumsum(addresses("pairs").to_numpy())]).astype(np.int64),
            account=pairs("account").to_numpy(),
            contact=pairs("contact").to_numpy(),
            accounts=accounts("id").to_pylist(),
            top=np.array([number[top] for top in top_ids], np.int32),
            tops=tops,
        ),
        window=Window(run["asOfUs"], run["timeZone"]),
        options=Options.model_validate(run["options"]),
        hierarchy=run["hierarchy"],
        base=run.get("base"),
        as_is=run.get("asIs", False),
        recoded=run.get("recoded", False),
        customers=_customers(column("customers")) if run.get("customers") else None,
    )


def _columns(staging: Container, name: str) -> Any:
    """A function from a column's name to the column; None where there is no such file."""
    data = staging.read(name)
    return None if data is None else pq.ParquetFile(pa.BufferReader(data)).read(use_threads=False).column


def _customers(column: Any) -> dict[str, str | None]:
    return dict(zip(column("id").to_pylist(), column("name").to_pylist(), strict=True))
