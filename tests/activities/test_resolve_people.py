"""The activity that turns an enrichment into the plan of a run, or says what is wrong with it."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from activities.resolve_people import run
from shared.adapters.graph import directory, tenant
from shared.adapters.graph.directory import Resolution, ResolvedEntry
from shared.adapters.graph.refusals import TenantRefused
from shared.adapters.graph.tenant import Tenant
from shared.adapters.identity import NotConsented
from shared.adapters.plan_files import load_plan
from shared.core import blob_names
from shared.core.contracts import ResolveOrder
from shared.core.enrichment import judge
from shared.core.errors import GraphAway
from shared.core.facts import OURS, person_code
from shared.services import enrichments, runs, turns
from shared.services.conditions import Condition
from shared.services.enrichments import Entry
from tests.core.wire_items import wire_instant
from tests.fakes import fake_services

AS_OF = wire_instant("2026-06-30T12:00:00Z")
ORDER = ResolveOrder(enrichment="sales", run_id="20260630T120000Z", as_of_us=AS_OF)
ADDRESSES = ["team@own.example", "ada@own.example", "gone@own.example"]
BODY = {
    "addresses": ADDRESSES,
    "consentAgreed": True,
    "contacts": {"blob": "contacts.csv", "contactId": "Id", "customerId": "Account", "email": "Email"},
    "customers": {"blob": "accounts.csv", "customerId": "Account", "name": "Name", "parent": "Parent"},
    "internalDomains": ["Sister.Example"],
    "options": {"maxRecipients": 7},
    "timeZone": "Europe/Berlin",
}
CONTACTS = "Id,Account,Email\n1,A,kim@a.example\n2,A,x@sister.example\n3,B,lee\n"
CUSTOMERS = "Account,Name,Parent\nA,Acme,B\nB,Best,gone\n"
GOOD = Tenant("DE", ("own.example",), has_exchange=True)


def resolution(people: int = 2, guests: int = 1, unknown: bool = False) -> Resolution:
    entries = [
        ResolvedEntry("/addresses/0", ADDRESSES[0], "group", people, guests),
        ResolvedEntry("/addresses/1", ADDRESSES[1], "user", 1, 0),
        ResolvedEntry("/addresses/2", ADDRESSES[2], "unknown" if unknown else "user", int(not unknown), 0),
    ]
    found = {
        f"id-{number:04d}": frozenset([f"p{number}@own.example", f"p{number}@old.example"]) for number in range(people)
    }
    return Resolution(entries, found, frozenset(f"guest-{number}" for number in range(guests)))


@pytest.fixture
def world(monkeypatch):
    """(services, what Graph answers): the answers, by `tenant` and `people`, may be replaced by the test."""
    answers: dict[str, Any] = {"tenant": GOOD, "people": resolution()}

    async def answer(kind: str) -> Any:
        if isinstance(answers[kind], Exception):
            raise answers[kind]
        return answers[kind]

    async def resolve(graph: Any, addresses: Any) -> Any:
        assert list(addresses) == ADDRESSES
        return await answer("people")

    monkeypatch.setattr(directory, "resolve", resolve)
    monkeypatch.setattr(tenant, "read", lambda graph: answer("tenant"))

    @asynccontextmanager
    async def graph() -> Any:
        yield None

    svc = replace(fake_services(), graph=graph)
    svc.storage.input.write("contacts.csv", CONTACTS.encode())
    svc.storage.input.write("accounts.csv", CUSTOMERS.encode())
    return svc, answers


def save(svc: Any, *, resolved: bool = False) -> None:
    body, faults = judge("sales", BODY)
    assert body and not faults
    entries = [Entry(address, "user", 1, 0) if resolved else Entry(address) for address in ADDRESSES]
    enrichments.save(svc, "sales", body, entries, 3 if resolved else None, Condition())


def pointers(resolved: Any) -> list[str]:
    return [error.pointer for error in resolved.problem.errors]


async def test_the_plan_holds_people_in_the_order_of_their_ids(world):
    svc, _ = world
    save(svc)

    resolved = await run(ORDER, svc)
    plan = load_plan(svc.storage.staging, "sales", ORDER.run_id)
    reader = plan.book.reader(svc.settings.pseudonym_key)

    assert (resolved.people, resolved.warnings, resolved.problem) == (2, 0, None)
    assert plan.people == ["id-0000", "id-0001"]
    assert [reader["P1@own.example"], reader["p1@old.example"]] == [person_code(1)] * 2
    assert reader["anybody@sister.example"] == OURS
    assert (plan.window.as_of_us, plan.window.zone, plan.options.max_recipients) == (AS_OF, "Europe/Berlin", 7)
    assert (plan.contacts.accounts, plan.contacts.tops, plan.hierarchy) == (["A"], ["B"], True)


async def test_rows_of_data_and_guests_are_counted(world):
    """§6: scopes Contact, Guest, Hierarchy."""
    svc, _ = world
    save(svc)

    assert (await run(ORDER, svc)).counts == {
        "Contact": {"Used": 1, "OwnOrganisation": 1, "Incomplete": 1},
        "Guest": {"Skipped": 1},
        "Hierarchy": {"Used": 1, "MissingParent": 1},
    }


async def test_who_was_found_is_kept_with_the_enrichment(world):
    svc, _ = world
    save(svc)

    await run(ORDER, svc)

    stored = enrichments.load(svc, "sales")
    assert stored.ever_resolved and stored.people == 2
    assert stored.entries[0] == Entry(ADDRESSES[0], "group", 2, 1)


async def test_on_a_first_resolve_an_unknown_address_ends_the_run(world):
    """interfaces §2: what would have been a 400 then ends the run as Failed, pointing at each address."""
    svc, answers = world
    save(svc)
    answers["people"] = resolution(unknown=True)

    resolved = await run(ORDER, svc)

    assert pointers(resolved) == ["/addresses/2"]
    assert "own.example" not in resolved.model_dump_json()
    assert not enrichments.load(svc, "sales").ever_resolved
    assert not svc.storage.staging.blobs


async def test_later_an_address_that_has_gone_is_a_warning(world):
    """interfaces §2"""
    svc, answers = world
    save(svc, resolved=True)
    answers["people"] = resolution(unknown=True)

    resolved = await run(ORDER, svc)

    assert (resolved.problem, resolved.warnings, resolved.people) == (None, 1, 2)


@pytest.mark.parametrize(("people", "allowed"), [(1, False), (2, True), (2_500, True), (2_501, False)])
async def test_there_are_2_to_2500_listed_people(world, people, allowed):
    """§1, in later runs too."""
    svc, answers = world
    save(svc, resolved=True)
    answers["people"] = resolution(people=people)

    resolved = await run(ORDER, svc)

    assert (resolved.problem is None) is allowed
    assert allowed or pointers(resolved) == ["/addresses"]


async def test_every_fault_is_told_at_once(world):
    svc, answers = world
    save(svc)
    answers["people"] = resolution(people=1, unknown=True)
    svc.storage.input.write("contacts.csv", b"Id,Account,Mail\n1,2,3\n")
    svc.storage.input.delete("accounts.csv")

    assert pointers(await run(ORDER, svc)) == ["/addresses/2", "/addresses", "/contacts/email", "/customers/blob"]


async def test_a_problem_fits_the_custom_status_whatever_the_files_columns_are_called(world):
    """interfaces §4: the custom status has less than 16 KB; all faults are kept with the run."""
    svc, _ = world
    save(svc)
    svc.storage.config.write(blob_names.run("sales", ORDER.run_id), b"{}")
    header = ",".join("列" * 200 + str(number) for number in range(500))
    for name in ("contacts.csv", "accounts.csv"):
        svc.storage.input.write(name, f"{header}\n1,2,3\n".encode())

    problem: Any = (await run(ORDER, svc)).problem

    assert len(json.dumps(problem.to_wire())) < 14_000
    assert "6 faults" in problem.detail
    kept = json.loads(svc.storage.config.read(blob_names.run("sales", ORDER.run_id)))["faults"]
    assert len(kept) == 6
    assert kept[: len(problem.errors)] == [error.to_wire() for error in problem.errors]


async def test_contacts_without_a_usable_row_end_the_run(world):
    svc, _ = world
    save(svc)
    svc.storage.input.write("contacts.csv", b"Id,Account,Email\n1,A,ada@own.example\n")

    resolved: Any = await run(ORDER, svc)

    assert pointers(resolved) == ["/contacts/blob"]
    assert "OwnOrganisation 1" in resolved.problem.detail


@pytest.mark.parametrize("answer", [replace(GOOD, country="AQ"), replace(GOOD, has_exchange=False)])
async def test_a_tenant_that_is_not_supported_ends_the_run(world, answer):
    svc, answers = world
    save(svc)
    answers["tenant"] = answer

    assert (await run(ORDER, svc)).problem is not None


@pytest.mark.parametrize("refusal", [TenantRefused(403, "Authorization_RequestDenied"), NotConsented("no roles")])
async def test_a_tenant_that_refuses_has_withdrawn_its_consent(world, refusal):
    svc, answers = world
    save(svc)
    answers["people"] = refusal

    assert (await run(ORDER, svc)).consent_withdrawn


async def test_an_enrichment_that_has_gone_ends_the_run(world):
    svc, _ = world

    resolved: Any = await run(ORDER, svc)

    assert resolved.problem.title == "Enrichment not found"


async def test_a_graph_that_is_away_is_left_to_the_retry(world):
    svc, answers = world
    save(svc)
    answers["people"] = GraphAway("busy")

    with pytest.raises(GraphAway):
        await run(ORDER, svc)


async def test_an_attempt_that_comes_later_and_sees_other_data_answers_for_the_plan_that_is_there(world):
    """Facts are numbered by one plan: of attempts that overlap one counts, whichever answer is heard."""
    svc, answers = world
    save(svc)
    svc.storage.config.write(
        blob_names.run("sales", ORDER.run_id), b'{"phase": "active", "status": {"state": "Running"}}'
    )
    first = await run(ORDER, svc)
    before = load_plan(svc.storage.staging, "sales", ORDER.run_id)
    record = runs.record_of(svc, "sales", ORDER.run_id)

    answers["people"] = resolution(3)
    svc.storage.input.write("contacts.csv", CONTACTS.replace("1,A", "9,C").encode())
    assert await run(ORDER, svc) == first
    assert load_plan(svc.storage.staging, "sales", ORDER.run_id) is before
    assert runs.record_of(svc, "sales", ORDER.run_id) == record


async def test_an_attempt_that_comes_after_the_end_of_its_run_keeps_nobody_from_reading(world):
    svc, _ = world
    save(svc)
    svc.storage.config.write(blob_names.run("sales", ORDER.run_id), b'{"phase": "closed"}')

    assert (await run(ORDER, svc)).must_wait
    assert turns.holder(svc, "sales") is None
    assert list(svc.storage.staging.entries("")) == []
