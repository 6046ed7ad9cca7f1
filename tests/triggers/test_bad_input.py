"""Bad input: what each gets for an answer, and that a refusal leaves everything stored as it was (interfaces §1, §2).

The files below are in `tests/`; names without a file are tests of this one, `test_` left out.

bodies
    JSON that is none, 10 MB            a_refused_save_changes_nothing, a_body_over_1_mb_is_413_on_every_route;
                                        core/test_bodies.py
    unknown fields, wrong types         a_refused_save_changes_nothing; core/test_enrichment.py
    any body at all, of any route       triggers/test_any_input.py, end_to_end/test_any_call.py
    names with slashes, upper case      triggers/test_enrichments.py (…a_name_is_lower_case…),
                                        end_to_end/test_refusals.py
    consentAgreed false                 a_refused_save_changes_nothing; core/test_enrichment.py
people
    1 and 2,501, unknown, nobody        triggers/test_enrichments.py (…people_that_cannot_be_read…), and after consent
                                        activities/test_resolve_people.py
    twice                               an_address_given_twice_is_one_person; adapters/test_directory.py
    groups in a circle                  triggers/test_enrichments.py (…groups_in_a_circle…)
tenant
    country not supported, not given    a_tenant_that_cannot_be_read_is_409_and_nothing_is_stored
    no Exchange plan                    the same; adapters/test_tenant.py
    consent declined, withdrawn         triggers/test_consent.py, orchestrators/test_enrichment_run.py,
                                        end_to_end/test_bad_days.py
    forged, expired, used, foreign      triggers/test_consent.py, end_to_end/test_refusals.py
data
    missing, empty, header only,        contacts_that_cannot_be_used_are_refused; adapters/test_datafiles.py
    no column, not UTF-8, no header
    mark, quotes, line breaks, `;`,     contacts_may_be_written_in_many_ways; adapters/test_datafiles.py
    tab, Parquet
    007, NA, 1E5, null, blank           ids_stay_as_they_are_written; core/test_contacts.py
    one address under two customers     ids_stay_as_they_are_written; core/test_contacts.py
    an address of our own               ids_stay_as_they_are_written; core/test_contacts.py
    a million rows                      a_million_rows_are_read_in_bounded_memory
mailboxes
    refused, absent, throttled for an   activities/test_extract_mailbox.py, orchestrators/test_enrichment_run.py,
    hour, unavailable; all refused      end_to_end/test_bad_days.py
    HTML, half a JSON, wrong shape,     adapters/test_graph_client.py (…a_page_that_is_none…), adapters/test_wire.py,
    one bad message                     end_to_end/test_bad_days.py
storage
    away at start                       end_to_end/test_refusals.py, end_to_end/test_bad_days.py
    away in the middle                  triggers/test_storage_half_way.py; of a run: end_to_end/test_bad_days.py
settings
    missing, wrong, secret              core/test_settings.py, triggers/test_http.py, end_to_end/test_refusals.py
    entra without authentication        triggers/test_http.py, end_to_end/test_refusals.py
    roles                               triggers/test_http.py, end_to_end/test_refusals.py
runs
    asOf in the future, no offset, 1970 triggers/test_runs.py, a_run_as_of_1970_has_a_plan
    while one runs, two at once         triggers/test_runs.py, services/test_runs.py, end_to_end/test_bad_days.py
    retry of one that is unknown,       triggers/test_retry.py; end_to_end/test_reruns.py
    running, older than the retention
    facts removed while it goes on      activities/test_facts_gone.py, orchestrators/test_enrichment_run.py
edits
    If-Match stale, malformed, gone     triggers/test_life.py (…if_match…, …what_is_gone…)
readers
    before a result, deleted by hand    triggers/test_results.py, triggers/test_customers.py,
                                        triggers/test_segment_filters.py
    customerId with a slash, quotes,    triggers/test_customers.py (…an_id_may_hold_anything…), triggers/test_results.py
    spaces, 2,000 characters
    top=-1                              a_page_that_cannot_be…, triggers/test_results.py, triggers/test_customers.py,
                                        triggers/test_segment_filters.py
segments
    unknown                             triggers/test_segment_filters.py
    nested 1,000 deep, column of        triggers/test_segment_filters.py; core/test_any_filter.py
    another table, any filter at all
erasures
    no address, any body at all         triggers/test_erasures.py (…a_body_with_faults…, any_body_begins…)
    the key has changed                 triggers/test_while_erasing.py (under_an_unknown_key…)
routes
    unknown, HEAD, OPTIONS              end_to_end/test_refusals.py
"""

from __future__ import annotations

import inspect
import io
import json
import subprocess
import sys
from contextlib import asynccontextmanager
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from activities import resolve_people
from shared.adapters.plan_files import load_plan
from shared.core.contracts import ResolveOrder
from shared.core.periods import to_us
from shared.services import Services
from tests.conftest import ROOT
from tests.described import behind, routes
from tests.fakes import FakeDurable
from tests.triggers import world as w
from tests.triggers.world import BODY, faults, request, told, world
from triggers import enrichments, http, runs
from triggers.http import Access

HEADER = "Id,Account,Email\n"
RUN_ID = "20261124T120000Z"


@asynccontextmanager
async def app(monkeypatch, *args, **how):
    async with world(*args, **how) as made:
        monkeypatch.setattr(http, "services", lambda: made.svc)
        yield made


async def put(body: Any = BODY, name: str = "sales"):
    req = request("PUT", f"/api/enrichments/{name}", body, name=name)
    return await http.respond(req, Access.WRITE, enrichments.put, FakeDurable())


async def get():
    return await http.respond(request(name="sales"), Access.READ, enrichments.get, FakeDurable())


async def start(durable: FakeDurable, body: Any = None):
    req = request("POST", "/api/enrichments/sales/runs", body, name="sales")
    return await http.respond(req, Access.WRITE, runs.start, durable)


def stored(svc: Services) -> list[dict[str, Any]]:
    """Every blob with its etag, of all containers."""
    storage: Any = svc.storage
    return [dict(each.blobs) for each in (storage.input, storage.config, storage.staging, storage.output)]


def parquet(rows: list[tuple[Any, Any, Any]]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(
        pa.table(dict(zip(("Id", "Account", "Email"), map(list, zip(*rows, strict=True)), strict=True))), sink
    )
    return sink.getvalue()


# Bodies


@pytest.mark.parametrize(
    ("body", "status", "pointers"),
    [
        (b"", 400, {""}),
        (b"{", 400, {""}),
        (b"<html></html>", 400, {""}),
        (b"null", 400, {""}),
        (b"\xff\xfe{\x00}\x00", 400, {""}),
        (b"[" * 100_000, 400, {""}),
        (json.dumps(BODY).encode()[:-1], 400, {""}),
        (b'{"a":' + b"1" * 10_000_000 + b"}", 413, None),
        ({}, 400, {"/addresses", "/consentAgreed", "/contacts"}),
        (BODY | {"state": "inactive", "colour": {"deep": 1}}, 400, {"/state", "/colour"}),
        (BODY | {"addresses": "ada@contoso.example"}, 400, {"/addresses"}),
        (BODY | {"options": {"minPeople": "3", "score": {"weights": []}}}, 400,
         {"/options/minPeople", "/options/score/weights"}),
        (BODY | {"consentAgreed": False}, 400, {"/consentAgreed"}),
        (BODY | {"consentAgreed": "true"}, 400, {"/consentAgreed"}),
        (BODY | {"addresses": ["ada@contoso.example", "who@contoso.example"], "output": "Changed"}, 400,
         {"/addresses", "/addresses/1"}),
        (BODY | {"contacts": BODY["contacts"] | {"blob": "none.csv"}, "output": "Changed"}, 400, {"/contacts/blob"}),
    ],
    ids=["nothing", "half", "HTML", "null", "UTF-16", "deep", "cut", "10 MB", "empty", "unknown fields",
         "text for a list", "wrong types", "not agreed", "agreed in words", "unknown address", "no such blob"],
)  # fmt: skip
async def test_a_refused_save_changes_nothing(monkeypatch, body, status, pointers):
    """interfaces §1: nothing is stored by a refused call; of a new enrichment as of one that is there."""
    async with app(monkeypatch) as made:
        new = stored(made.svc)
        assert (await put(body)).status_code == status
        assert stored(made.svc) == new

        await put()
        before = stored(made.svc)
        response = await put(body)

        assert stored(made.svc) == before
        assert response.mimetype == "application/problem+json"
        assert told(response)["status"] == response.status_code == status
        assert pointers is None or faults(response) == pointers
        assert b"@" not in response.get_body()


async def test_a_body_over_1_mb_is_413_on_every_route(monkeypatch, registered):
    body = b" " * 10_000_000
    async with app(monkeypatch) as made:
        await put()
        before = stored(made.svc)
        for name, function in routes(registered).items():
            access, run = behind(function)
            durable = [FakeDurable()] if len(inspect.signature(run).parameters) > 2 else []
            req = request("POST", body=body, name="sales", runId=RUN_ID, customerId="A1", segment="stale")
            response = await http.respond(req, access, run, *durable)

            assert (response.status_code, told(response)["status"]) == (413, 413), name
        assert stored(made.svc) == before


# Pages


@pytest.mark.parametrize("route", [enrichments.list_all, runs.history], ids=["enrichments", "runs"])
@pytest.mark.parametrize("query", ["top=-1", "top=0", "top=1001", "top=1e2", "top=", "skip=-1", "skip=x"])
async def test_a_page_that_cannot_be_is_400_and_names_the_parameter(monkeypatch, route, query):
    """interfaces §1: `top` (default 100, at most 1,000)."""
    async with app(monkeypatch):
        await put()
        req = request(path=f"/api/enrichments/sales/runs?{query}", name="sales")
        response = await http.respond(req, Access.READ, route, FakeDurable())

    assert response.status_code == 400
    assert faults(response) == {query.partition("=")[0]}


# People and tenant


async def test_an_address_given_twice_is_one_person(monkeypatch):
    """interfaces §2: an address given twice counts once; fewer than 2 people: 400."""
    async with app(monkeypatch) as made:
        response = await put(BODY | {"addresses": ["ada@contoso.example", "Ada <ADA@contoso.example>"]})

        assert response.status_code == 400
        assert faults(response) == {"/addresses"}
        assert "1 people" in told(response)["errors"][0]["detail"]
        assert not stored(made.svc)[1]


@pytest.mark.parametrize(
    ("about", "word"),
    [
        ({"countryLetterCode": "BR"}, "BR"),
        ({"countryLetterCode": None}, "country"),
        ({"subscribedSkus": []}, "Exchange"),
    ],
    ids=["another country", "no country", "no Exchange plan"],
)
async def test_a_tenant_that_cannot_be_read_is_409_and_nothing_is_stored(monkeypatch, about, word):
    async with app(monkeypatch, w.tenant(**about)) as made:
        before = stored(made.svc)
        response = await put()

        assert response.status_code == 409
        assert word in told(response)["detail"]
        assert stored(made.svc) == before


async def test_faults_of_the_body_go_before_the_tenants(monkeypatch):
    """Who corrects a body and sends it again must not learn only then that there was more to correct."""
    async with app(monkeypatch, w.tenant(countryLetterCode="BR")):
        response = await put(BODY | {"addresses": ["ada@contoso.example"], "schedule": "hourly"})

    assert response.status_code == 400
    assert faults(response) == {"/addresses", "/schedule"}


# Data


@pytest.mark.parametrize(
    ("data", "pointers", "words"),
    [
        (None, {"/contacts/blob"}, "no blob “contacts.csv”"),
        (b"", {"/contacts/blob"}, "is empty"),
        (b"\xef\xbb\xbf", {"/contacts/blob"}, "is empty"),
        (HEADER.encode(), {"/contacts/blob"}, "no rows"),
        (b"Id,Account\n1,A\n", {"/contacts/email"}, "no column “Email”"),
        (b"1,A,c@c.example\n", {"/contacts/contactId", "/contacts/customerId", "/contacts/email"}, "first row"),
        (HEADER.encode() + b"1,A,\xe9@customer.example\n", {"/contacts/blob"}, "UTF-8"),
        (HEADER.encode("utf-16"), {"/contacts/blob"}, "UTF-8"),
        (HEADER.encode() + b"1,A,carl\n2,,dora@customer.example\n", {"/contacts/blob"}, "Incomplete 2"),
        (HEADER.encode() + b"1,A,ada@contoso.example\n", {"/contacts/blob"}, "OwnOrganisation 1"),
        (HEADER.encode() + b'1,A,"carl@customer.example\n', {"/contacts/blob"}, "quote"),
        (b"PAR1PAR1", {"/contacts/blob"}, "Parquet"),
        (parquet([("1", "A", "c@c.example")])[:-20], {"/contacts/blob"}, "Parquet"),
    ],
    ids=["missing", "empty", "a mark only", "header only", "without the column", "without a header", "Latin-1",
         "UTF-16", "incomplete rows", "our own only", "an open quote", "no Parquet", "half a Parquet"],
)  # fmt: skip
async def test_contacts_that_cannot_be_used_are_refused(monkeypatch, data, pointers, words):
    """interfaces §2: not UTF-8, a missing blob, a missing column, no usable row: 400, naming it."""
    async with app(monkeypatch) as made:
        made.svc.storage.input.delete("contacts.csv")
        if data is not None:
            made.svc.storage.input.write("contacts.csv", data)
        before = stored(made.svc)
        response = await put()

        assert response.status_code == 400
        assert faults(response) == pointers
        assert all(words in fault["detail"] for fault in told(response)["errors"])
        assert b"@" not in response.get_body()
        assert stored(made.svc) == before


async def plan_of(made: w.World, data: bytes) -> tuple[Any, dict[str, int]]:
    """What a run makes of the contacts data: its plan, and the rows by reason."""
    made.svc.storage.input.write("contacts.csv", data)
    response = await put()
    assert response.status_code in (200, 201), response.get_body()
    assert (await start(FakeDurable())).status_code == 202
    order = ResolveOrder(enrichment="sales", run_id=RUN_ID, as_of_us=to_us(w.NOW))
    resolved = await resolve_people.run(order, made.svc)
    assert resolved.problem is None
    return load_plan(made.svc.storage.staging, "sales", RUN_ID), resolved.counts["Contact"]


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbfId,Account,Email\n1,A,carl@customer.example\n2,B,dora@customer.example\n",
        b"Id;Account;Email\r\n1;A;carl@customer.example\r\n2;B;dora@customer.example\r\n",
        b"Id\tAccount\tEmail\n1\tA\tcarl@customer.example\n2\tB\tdora@customer.example\n",
        b'Id,Account,Email,Note\n1,A,carl@customer.example,"a, ""b""\nc"\n"2","B","dora@customer.example",\n',
        parquet([(1, "A", "carl@customer.example"), (2, "B", "dora@customer.example")]),
    ],
    ids=["with a mark", "semicolons", "tabs", "quotes and line breaks", "Parquet"],
)
async def test_contacts_may_be_written_in_many_ways(monkeypatch, data):
    async with app(monkeypatch) as made:
        plan, counts = await plan_of(made, data)

    assert plan.contacts.accounts == ["A", "B"]
    assert counts == {"Used": 2}


async def test_ids_stay_as_they_are_written(monkeypatch):
    """§1: `007`, `NA`, `1E5` stay text; where the contact id is blank the address stands for it. §6: reasons."""
    rows = [
        "007,007,a@customer.example",
        "NA,NA,b@customer.example",
        "1E5,1E5,c@customer.example",
        "null,null,d@customer.example",
        ",None,e@customer.example",
        "1, ,f@customer.example",
        "2,7,g@customer.example",
        "2,100000,g@customer.example",
        "3,A,Bob+tag@CONTOSO.example",
    ]
    async with app(monkeypatch) as made:
        plan, counts = await plan_of(made, (HEADER + "\n".join(rows)).encode())

    assert plan.contacts.accounts == ["007", "100000", "1E5", "7", "NA", "None", "null"]
    assert counts == {"Used": 7, "Incomplete": 1, "OwnOrganisation": 1}


MILLION = """
import resource, sys
import numpy as np
from shared.adapters.datafiles import read_contacts
from shared.core import contacts
from shared.core.addresses import AddressBook
from shared.core.enrichment import ContactsData
from tests.fakes import MemoryContainer

def megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

before = megabytes()
kept = MemoryContainer()
lines = (f"C{n},A{n % 50_000:05d},contact{n}@c{n % 50_000}.example\\n" for n in range(1_000_000))
kept.write("contacts.csv", ("Id,Account,Email\\n" + "".join(lines)).encode())
own = AddressBook(np.zeros(0, np.uint64), np.zeros(0, np.int32), np.zeros(0, np.uint64), frozenset({"own.example"}))
source = ContactsData(blob="contacts.csv", contact_id="Id", customer_id="Account", email="Email")
read = contacts.read(read_contacts(kept, source), own, bytes(32))
print(read.counts["Used"], len(read.contacts.accounts), megabytes() - before)
"""


def test_a_million_rows_are_read_in_bounded_memory(record_property):
    """A file of 40 MB; what reading and sorting it takes is a small multiple of that."""
    ran = subprocess.run([sys.executable, "-c", MILLION], cwd=ROOT, capture_output=True, text=True, check=True)
    used, accounts, megabytes = map(int, ran.stdout.split())

    record_property("told", f"a million contacts: {megabytes} MB more")
    assert (used, accounts) == (1_000_000, 50_000)
    assert megabytes < 700


# Runs


async def test_a_run_as_of_1970_has_a_plan(monkeypatch):
    """Its window begins before the epoch, and nobody has mail from then; it is a run like any other."""
    async with app(monkeypatch) as made:
        await put()
        durable = FakeDurable()
        run_id = told(await start(durable, {"asOf": "1970-01-01T00:00:00Z"}))["runId"]
        order = ResolveOrder(enrichment="sales", run_id=run_id, as_of_us=0)
        resolved = await resolve_people.run(order, made.svc)
        window = load_plan(made.svc.storage.staging, "sales", run_id).window

    assert resolved.problem is None
    assert (f"{window.first}", f"{window.last}") == ("1969-01-02", "1970-01-01")
