"""A run's plan at rest: what is written is what is read, once per worker, and no address is in it."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.adapters.plan_files import load_mailbox_plan, load_plan, write_plan
from shared.core import blob_names, hierarchy
from shared.core.addresses import AddressBook, people_index
from shared.core.contacts import ContactRows, read
from shared.core.enrichment import Options
from shared.core.errors import FactsGone
from shared.core.facts import person_code
from shared.core.plan import Plan
from tests.core.wire_items import KEY, window
from tests.fakes import MemoryContainer

DOMAINS = frozenset({"own.example", "xn--bcher-kva.example"})
ROWS = [
    ("K1", "leaf", "kim@a.example"),
    ("", "B", "lee@b.example"),
    ("K1", "B", "kim@a.example"),
    ("K2", "B", "kim@a.example"),
]


def plan(people: tuple[str, ...] = ("id-ada", "id-bob")) -> Plan:
    hashes, person = people_index([(0, ["ada@own.example"]), (1, ["bob@oldbrand.example"])], DOMAINS, KEY)
    own = AddressBook(hashes, person, np.array([], np.uint64), DOMAINS)
    columns = [pa.chunked_array([list(column)], pa.string()) for column in zip(*ROWS, strict=True)]
    found = read(ContactRows(*columns), own, KEY, hierarchy.build([("leaf", "top"), ("top", "")]))
    options = Options.model_validate({"maxRecipients": 7, "score": {"percentile": Decimal("0.9")}})
    return Plan(
        people=list(people),
        book=found.book,
        contacts=found.contacts,
        window=window("2026-06-30T12:00:00.5Z", "Europe/Berlin"),
        options=options,
        hierarchy=True,
    )


def test_what_is_written_is_what_is_read():
    staging, written = MemoryContainer(), plan()
    write_plan(staging, "sales", "run", written)
    found = load_plan(staging, "sales", "run")

    assert (found.people, found.window, found.options, found.hierarchy) == (
        written.people,
        written.window,
        written.options,
        True,
    )
    assert found.book.domains == DOMAINS
    for part in ("book", "contacts"):
        for field in dataclasses.fields(getattr(written, part)):
            one, other = (getattr(getattr(side, part), field.name) for side in (written, found))
            assert list(one) == list(other)
            assert getattr(one, "dtype", None) == getattr(other, "dtype", None)
    for raw in (
        "ADA@own.example",
        "bob+x@oldbrand.example",
        "kim@a.example",
        "lee@b.example",
        "zoe@x",
        "x@own.example",
    ):
        assert found.book.reader(KEY)[raw] == written.book.reader(KEY)[raw]


def test_an_address_book_without_contacts_can_be_kept():
    staging = MemoryContainer()
    empty = read(ContactRows(*[pa.chunked_array([], pa.string())] * 3), plan().book, KEY)
    write_plan(staging, "sales", "empty", dataclasses.replace(plan(), book=empty.book, contacts=empty.contacts))

    assert load_plan(staging, "sales", "empty").contacts.pair_offsets.tolist() == [0]


def test_no_address_lies_in_staging():
    """§8: keyed hashes; where an address stands for a contact id, it is not kept either."""
    staging = MemoryContainer()
    write_plan(staging, "sales", "run", plan())

    texts = [staging.blobs.pop(blob_names.plan("sales", "run", "run.json"))[0].decode()]
    for data, _, _ in staging.blobs.values():
        texts.append(str(pq.read_table(pa.BufferReader(data)).to_pydict()))
    assert "leaf" in "".join(texts)
    assert not [name for name in ("kim", "lee", "oldbrand", "@") if name in "".join(texts)]


def test_a_worker_reads_a_plan_once():
    staging = MemoryContainer()
    write_plan(staging, "sales", "once", plan())

    assert load_plan(staging, "sales", "once") is load_plan(staging, "sales", "once")


def test_of_two_attempts_the_first_plan_counts_and_the_second_changes_nothing_in_it():
    """`resolve_people` may run twice, and see the data otherwise: facts are numbered by one plan."""
    staging = MemoryContainer()

    assert write_plan(staging, "sales", "again", plan())
    before = dict(staging.blobs)
    other = dataclasses.replace(plan(("id-ada", "id-cem")), customers={"leaf": "Leaf"})
    assert not write_plan(staging, "sales", "again", other)

    assert load_plan(staging, "sales", "again").people == plan().people
    assert {name: staging.blobs[name] for name in before} == before


def test_a_worker_keeps_few_plans():
    from shared.adapters import plan_files

    staging = MemoryContainer()
    for run in ("a", "b", "c"):
        write_plan(staging, "few", run, plan())
        load_plan(staging, "few", run)

    assert len(plan_files._plans) == len(plan_files._mailbox_plans) == 2


def test_who_reads_mailboxes_does_not_read_whose_contacts_the_addresses_are():
    """There may be a million, and a worker has little memory."""
    staging = MemoryContainer()
    write_plan(staging, "sales", "mailboxes", plan())
    for table in ("pairs", "accounts", "customers"):
        staging.delete(blob_names.plan("sales", "mailboxes", f"{table}.parquet"))
    found = load_mailbox_plan(staging, "sales", "mailboxes")

    assert found.book.contacts.tolist() == plan().book.contacts.tolist()
    assert found.book.reader(KEY)["bob@oldbrand.example"] == person_code(1)


def test_the_hashes_of_addresses_lie_in_memory_once():
    staging = MemoryContainer()
    write_plan(staging, "sales", "both", plan())

    assert load_mailbox_plan(staging, "sales", "both").book is load_plan(staging, "sales", "both").book


def test_without_a_hierarchy_each_account_is_its_own_top():
    staging, alone = MemoryContainer(), plan()
    accounts = alone.contacts.accounts
    contacts = dataclasses.replace(alone.contacts, top=np.arange(len(accounts), dtype=np.int32), tops=accounts)
    write_plan(staging, "sales", "alone", dataclasses.replace(alone, contacts=contacts, hierarchy=False))
    found = load_plan(staging, "sales", "alone").contacts

    assert (found.tops, found.top.tolist()) == (accounts, list(range(len(accounts))))


@pytest.mark.parametrize("customers", [None, {}, {"b": "B GmbH", "a": None}])
def test_the_names_of_customers_are_kept_or_that_there_are_none(customers):
    staging = MemoryContainer()
    write_plan(staging, "sales", f"{customers}", dataclasses.replace(plan(), customers=customers))

    assert load_plan(staging, "sales", f"{customers}").customers == customers


@pytest.mark.parametrize("lost", ["run.json", "pairs.parquet"])
def test_a_plan_that_is_not_there_or_not_whole_is_gone(lost):
    staging = MemoryContainer()
    write_plan(staging, "sales", f"lost-{lost}", plan())
    (found,) = [name for name in staging.blobs if name.endswith(f"/{lost}")]
    staging.delete(found)

    with pytest.raises(FactsGone):
        load_plan(staging, "sales", f"lost-{lost}")
