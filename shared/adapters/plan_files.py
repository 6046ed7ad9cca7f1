"""The plan of a run in staging: written once by `resolve_people`, read by every activity after it.

Its tables lie in a folder of the attempt that made them. `run.json` names the folder and is created last, under the
condition that there is none: of attempts that saw the data or the directory otherwise one counts, and none exchanges a
file of it.
"""

from __future__ import annotations

import io
import json
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from shared.adapters.arrays import texts_to_arrow, to_arrow, to_numpy
from shared.adapters.blobs import Container
from shared.core import blob_names
from shared.core.addresses import AddressBook
from shared.core.contacts import Sources, UnusableRows
from shared.core.enrichment import Options
from shared.core.errors import FactsGone
from shared.core.facts import Contacts
from shared.core.periods import Window
from shared.core.plan import MailboxPlan, Plan, fingerprint
from shared.core.recoding import Recoding

if TYPE_CHECKING:
    from shared.core.contracts import Counts

_RUN = "run.json"
_KEPT = 2

_Part = TypeVar("_Part")


class _Memory(Generic[_Part]):
    """The plans that this worker has read last, or what it has read of them, by name and etag."""

    def __init__(self) -> None:
        self._parts: OrderedDict[tuple[str, str], _Part] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._parts)

    def get(self, key: tuple[str, str], read: Callable[[], _Part]) -> _Part:
        # One thread reads, the others wait for it: a plan may hold a million contacts.
        with self._lock:
            if key not in self._parts:
                self._parts[key] = read()
            self._parts.move_to_end(key)
            while len(self._parts) > _KEPT:
                self._parts.popitem(last=False)
            return self._parts[key]


_mailbox_plans: _Memory[MailboxPlan] = _Memory()
_plans: _Memory[Plan] = _Memory()


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a plan comes from, as far as later runs must know.

    configuration: a hash of what the enrichment says of the facts · key: id of the key of the hashes · counts: coverage
    of the data's rows, of guests and of the hierarchy · sources: of its contacts; None where nobody will ask ·
    recoding: how codes of the plan's base are to be exchanged · record: what is kept of it with the run · warnings: how
    many addresses have gone.
    """

    configuration: str = ""
    key: str = ""
    counts: Counts = field(default_factory=dict)
    sources: Sources | None = None
    recoding: Recoding | None = None
    record: dict[str, Any] = field(default_factory=dict)
    warnings: int = 0


@dataclass(frozen=True, slots=True)
class Settled:
    """What resolving has come to; counts, record, warnings: as in `Provenance`."""

    people: int
    counts: Counts
    record: dict[str, Any]
    warnings: int


@dataclass(frozen=True, slots=True)
class Origin:
    """Under what the facts of a run were read; configuration, key, counts: as in `Provenance`."""

    as_of_us: int
    fingerprint: str
    configuration: str
    key: str = ""
    counts: Counts = field(default_factory=dict)


def read_settled(staging: Container, enrichment: str, run_id: str) -> Settled | None:
    """None as long as the run has no plan."""
    run = _run(staging, enrichment, run_id)
    return Settled(len(run["people"]), run["counts"], run["record"], run["warnings"]) if "tables" in run else None


def read_origin(staging: Container, enrichment: str, run_id: str) -> Origin | None:
    """None where the run's facts are kept no longer."""
    run = _run(staging, enrichment, run_id)
    if "fingerprint" not in run:
        return None
    return Origin(run["asOfUs"], run["fingerprint"], run["configuration"], run.get("key", ""), run.get("counts", {}))


def read_sources(staging: Container, enrichment: str, run_id: str) -> Sources | None:
    """The sources of the plan's contacts; None where they were not kept."""
    tables = _some_columns(staging, enrichment, run_id, "untagged", "contacts", "unusable")
    if tables is None:
        return None
    untagged, contacts, unusable = tables
    return Sources(
        to_numpy(untagged("hash")),
        to_numpy(contacts("hash")),
        to_numpy(contacts("used")),
        to_numpy(contacts("repeated")),
        UnusableRows(*(to_numpy(unusable(name)) for name in ("address", "contact", "reason"))),
    )


def read_recoding(staging: Container, enrichment: str, run_id: str) -> Recoding:
    """How codes of the plan's base are to be exchanged. Raises `FactsGone` where it is not there."""
    tables = _some_columns(staging, enrichment, run_id, "recoded_people", "recoded_addresses")
    if tables is None:
        raise FactsGone
    return Recoding(to_numpy(tables[0]("number")), to_numpy(tables[1]("code")))


def write_plan(
    staging: Container, enrichment: str, run_id: str, plan: Plan, provenance: Provenance | None = None
) -> bool:
    """Whether this is the run's plan now; False where it has another one, which stays."""
    told = provenance or Provenance()
    folder = secrets.token_hex(4)
    tables = _tables(plan) | _tables_of_sources(told.sources) | _tables_of_recoding(told.recoding)
    for name, table in tables.items():
        staging.write(_table(enrichment, run_id, folder, name), _to_parquet(table))
    run = {
        "tables": folder,
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
        "record": told.record,
        "warnings": told.warnings,
    }
    return staging.create(blob_names.plan(enrichment, run_id, _RUN), json.dumps(run).encode()) is not None


def load_plan(staging: Container, enrichment: str, run_id: str) -> Plan:
    """The plan, from this worker's memory if it is the one that is stored. Raises `FactsGone` where there is none."""
    stored = _Stored.find(staging, enrichment, run_id)
    return _plans.get(stored.key, lambda: _whole(stored, _mailbox_plans.get(stored.key, stored.mailbox_plan)))


def load_mailbox_plan(staging: Container, enrichment: str, run_id: str) -> MailboxPlan:
    """Of the plan what is small: customers and contacts, of whom there may be a million, are not read, but for the
    hashes of their addresses. Raises `FactsGone`.
    """
    stored = _Stored.find(staging, enrichment, run_id)
    return _mailbox_plans.get(stored.key, stored.mailbox_plan)


def _tables(plan: Plan) -> dict[str, dict[str, Any]]:
    book, contacts, customers = plan.book, plan.contacts, plan.customers or {}
    ids = texts_to_arrow(contacts.accounts)
    own = contacts.tops == contacts.accounts and bool((contacts.top == np.arange(len(contacts.top))).all())
    return {
        "own": {"hash": book.people, "person": book.person},
        "addresses": {"hash": book.contacts, "pairs": np.diff(contacts.pair_offsets)},
        "pairs": {"account": contacts.account, "contact": contacts.contact},
        "accounts": {
            "id": ids,
            "top": ids if own else texts_to_arrow([contacts.tops[top] for top in contacts.top.tolist()]),
        },
        "customers": {"id": texts_to_arrow(list(customers)), "name": texts_to_arrow(list(customers.values()))},
    }


def _tables_of_sources(sources: Sources | None) -> dict[str, dict[str, Any]]:
    if sources is None:
        return {}
    contacts = {"hash": sources.contact, "used": sources.used, "repeated": sources.repeated}
    other = sources.unusable
    unusable = {"address": other.address, "contact": other.contact, "reason": other.reason}
    return {"untagged": {"hash": sources.untagged}, "contacts": contacts, "unusable": unusable}


def _tables_of_recoding(recoding: Recoding | None) -> dict[str, dict[str, Any]]:
    if recoding is None:
        return {}
    return {"recoded_people": {"number": recoding.person}, "recoded_addresses": {"code": recoding.address}}


def _to_parquet(columns: dict[str, Any]) -> bytes:
    sink = io.BytesIO()
    arrays = [to_arrow(column) if isinstance(column, np.ndarray) else column for column in columns.values()]
    table = pa.Table.from_arrays(arrays, list(columns))
    # Nothing makes hashes smaller, and as they are they are read without a second copy.
    compression: Any = {column.name: "none" if column.type == pa.uint64() else "zstd" for column in table.schema}
    pq.write_table(table, sink, compression=compression, use_dictionary=False, write_statistics=False)
    pa.default_memory_pool().release_unused()
    return sink.getvalue()


@dataclass(frozen=True, slots=True)
class _Stored:
    """A plan in staging. key: of this very one · run: what `run.json` says."""

    staging: Container
    enrichment: str
    run_id: str
    key: tuple[str, str]
    run: dict[str, Any]

    @classmethod
    def find(cls, staging: Container, enrichment: str, run_id: str) -> _Stored:
        name = blob_names.plan(enrichment, run_id, _RUN)
        tagged = staging.read_tagged(name)
        if tagged is None:
            raise FactsGone
        return cls(staging, enrichment, run_id, (name, tagged[1]), json.loads(tagged[0]))

    def columns(self, table: str, *names: str) -> list[Any]:
        place = _table(self.enrichment, self.run_id, self.run.get("tables", ""), table)
        found = _columns(self.staging, place, list(names))
        if found is None:
            raise FactsGone
        return [found(name) for name in names]

    def mailbox_plan(self) -> MailboxPlan:
        people, person = self.columns("own", "hash", "person")
        (contacts,) = self.columns("addresses", "hash")
        return MailboxPlan(
            people=self.run["people"],
            book=AddressBook(
                people=to_numpy(people),
                person=to_numpy(person),
                contacts=to_numpy(contacts),
                domains=frozenset(self.run["domains"]),
            ),
            window=Window(self.run["asOfUs"], self.run["timeZone"]),
            options=Options.model_validate(self.run["options"]),
            base=self.run.get("base"),
            as_is=self.run.get("asIs", False),
            recoded=self.run.get("recoded", False),
        )

    def contacts(self) -> Contacts:
        (pairs,) = self.columns("addresses", "pairs")
        account, contact = self.columns("pairs", "account", "contact")
        ids, top_ids = self.columns("accounts", "id", "top")
        accounts = ids.to_pylist()
        # Without a hierarchy each is its own; a hundred thousand texts need not be there twice.
        own = ids.equals(top_ids)
        tops, top = (accounts, np.arange(len(accounts), dtype=np.int32)) if own else _numbered(top_ids)
        return Contacts(
            pair_offsets=np.concatenate([[0], np.cumsum(to_numpy(pairs))]).astype(np.int64),
            account=to_numpy(account),
            contact=to_numpy(contact),
            accounts=accounts,
            top=top,
            tops=tops,
        )

    def customers(self) -> dict[str, str | None] | None:
        if not self.run.get("customers"):
            return None
        ids, names = self.columns("customers", "id", "name")
        return dict(zip(ids.to_pylist(), names.to_pylist(), strict=True))


def _numbered(texts: Any) -> tuple[list[str], NDArray[np.int32]]:
    """The distinct texts, sorted by code point, and for each text its place among them."""
    encoded: Any = texts.combine_chunks().dictionary_encode()
    names = encoded.dictionary.to_pylist()
    order = sorted(range(len(names)), key=names.__getitem__)
    place = np.empty(len(names), np.int32)
    place[order] = np.arange(len(names), dtype=np.int32)
    return [names[number] for number in order], place[to_numpy(encoded.indices)]


def _whole(stored: _Stored, plan: MailboxPlan) -> Plan:
    return Plan(
        **{part.name: getattr(plan, part.name) for part in fields(plan)},
        contacts=stored.contacts(),
        hierarchy=stored.run["hierarchy"],
        customers=stored.customers(),
    )


def _run(staging: Container, enrichment: str, run_id: str) -> dict[str, Any]:
    data = staging.read(blob_names.plan(enrichment, run_id, _RUN))
    run: dict[str, Any] = json.loads(data) if data else {}
    return run


def _table(enrichment: str, run_id: str, folder: str, name: str) -> str:
    return blob_names.plan(enrichment, run_id, f"{folder}/{name}.parquet")


def _some_columns(staging: Container, enrichment: str, run_id: str, *names: str) -> list[Any] | None:
    """`_columns` of each table; None where one is not there."""
    folder = _run(staging, enrichment, run_id).get("tables", "")
    tables = [_columns(staging, _table(enrichment, run_id, folder, name)) for name in names]
    return None if any(table is None for table in tables) else tables


def _columns(staging: Container, name: str, wanted: list[str] | None = None) -> Any:
    """A function from a column's name to the column; None where there is no such file. wanted: all, where it is None"""
    data = staging.read(name)
    if data is None:
        return None
    table = pq.ParquetFile(pa.BufferReader(data)).read(columns=wanted, use_threads=False)
    pa.default_memory_pool().release_unused()  # Arrow would keep what decoding took until the next file

    return table.column
