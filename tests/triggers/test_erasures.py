"""The routes of erasures, and what saving and previewing make of the erased (interfaces §1, semantics §8)."""

from __future__ import annotations

import json
import logging

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared.core import blob_names
from shared.core.erasure import key_id
from shared.core.errors import StorageAway
from shared.services import Services, erasures, runs
from tests.fakes import FakeDurable, fake_services
from tests.services.erasure_stage import CARL, carry_out, published, save
from tests.triggers.erasure_calls import (
    blobs,
    listed,
    one,
    pending,
    post,
    serve,
    start,
)
from tests.triggers.test_any_input import check_problem, spoiled
from tests.triggers.world import BODY, CONTACTS, NOW, faults, request, told, world
from triggers import enrichments as enrichment_routes
from triggers import http, preview
from triggers.http import Access


@pytest.fixture
def svc(monkeypatch: pytest.MonkeyPatch) -> Services:
    made = fake_services(NOW)
    save(made)
    return serve(monkeypatch, made)


# Asking


async def test_asking_answers_202_with_the_place_of_the_erasure_and_when_to_look(svc):
    """interfaces §1: 202 + `Location`; `{id, state, requestedAt, endedAt, enrichments}`, never the address."""
    durable = FakeDurable()
    response = await post(durable=durable)

    answer = told(response)
    assert response.status_code == 202
    assert response.headers["Location"] == f"https://app.example/api/erasures/{answer['id']}"
    assert int(response.headers["Retry-After"]) > 0
    assert answer == {
        "id": answer["id"],
        "state": "waiting",
        "requestedAt": "2026-11-24T12:00:00Z",
        "endedAt": None,
        "enrichments": [],
    }
    assert list(durable.started) == [f"erasure:{answer['id']}"]


@pytest.mark.parametrize(
    "address",
    [
        CARL,
        "SMTP:Carl@Customer.Example",
        "Carl <carl@customer.example>",
        "carl+tag@customer.example",
        "ünï@bücher.example",
    ],
)
async def test_an_address_may_be_spelled_in_any_way(svc, address):
    """semantics §2"""
    assert (await post({"address": address})).status_code == 202


async def test_somebody_whom_no_data_knows_is_erased_as_well(svc):
    """They may be in what was read before, and later runs are not to find them either."""
    assert (await post({"address": "nobody@nowhere.example"})).status_code == 202


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, {"/address"}),
        ({"address": None}, {"/address"}),
        ({"address": 5}, {"/address"}),
        ({"address": [CARL]}, {"/address"}),
        ({"address": ""}, {"/address"}),
        ({"address": "carl"}, {"/address"}),
        ({"address": "carl@"}, {"/address"}),
        ({"address": "a" * 2_000 + "@customer.example"}, {"/address"}),
        ({"address": CARL, "reason": "asked"}, {"/reason"}),
        ({"Address": CARL}, {"/address", "/Address"}),
        (b"", {""}),
        (b"{", {""}),
        (b'["carl@customer.example"]', {""}),
        (b'{"address":"carl@customer.example","address":"dora@customer.example"}', {"/address"}),
    ],
)
async def test_a_body_with_faults_is_refused_by_its_places_and_stores_and_starts_nothing(svc, body, pointers):
    before, durable = blobs(svc), FakeDurable()
    response = await post(body, durable)

    assert (response.status_code, faults(response)) == (400, pointers)
    assert b"customer.example" not in response.get_body()
    assert (blobs(svc), durable.started) == (before, {})


async def test_a_body_over_1_mb_is_413(svc):
    before = blobs(svc)
    response = await post(b'{"address":"' + b"a" * 1_048_576 + b'@customer.example"}')

    assert response.status_code == 413
    assert blobs(svc) == before


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=spoiled({"address": "zoe@secret.example"}) | st.binary(max_size=100))
@example(raw=b'{"address":"zoe@secret.example\\u0000"}')
@example(raw=b'{"address":"\\ud800@secret.example"}')
async def test_any_body_begins_an_erasure_or_is_refused(svc, raw):
    svc.storage.config.delete_prefix("")
    durable = FakeDurable()
    response = await post(raw, durable)

    check_problem(response, raw)
    assert response.status_code in (202, 400)
    assert len(durable.started) == len(erasures.every(svc)) == (response.status_code == 202)
    assert b"secret" not in response.get_body()
    assert not any(b"secret" in data for data in blobs(svc).values())


async def test_where_the_platform_is_away_nothing_is_kept(svc):
    durable = FakeDurable()
    durable.away = True
    response = await post(durable=durable)

    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert told(await listed()) == {"value": [], "nextLink": None}


@pytest.mark.parametrize("verb", ["read", "create", "replace"])
async def test_where_storage_is_away_nothing_is_kept(svc, monkeypatch, verb):
    def away(*_):
        raise StorageAway("away")

    with monkeypatch.context() as patch:
        patch.setattr(svc.storage.config, verb, away)
        response = await post()

    assert response.status_code == 503
    assert erasures.every(svc) == []


# Looking


async def test_one_erasure_is_shown_as_it_was_answered(svc):
    answer = told(await post())
    response = await one(answer["id"])

    assert (response.status_code, told(response)) == (200, answer)


@pytest.mark.parametrize("id", ["x", "", "../enrichments/sales", "20261124T120000Z-00000000", "é" * 2_000])
async def test_an_unknown_erasure_is_404(svc, id):
    await post()

    assert (await one(id)).status_code == 404


async def test_all_are_listed_the_newest_first_page_by_page(svc):
    ids = [told(await post({"address": f"{name}@customer.example"}))["id"] for name in ("carl", "dora", "emil")]
    page = told(await listed("?top=2"))
    rest = told(await listed(page["nextLink"].partition("/api/erasures")[2]))

    assert [each["id"] for each in page["value"] + rest["value"]] == ids[::-1]
    assert page["nextLink"] == "https://app.example/api/erasures?top=2&skip=2"
    assert rest["nextLink"] is None


@pytest.mark.parametrize("query", ["?top=0", "?top=-1", "?top=1001", "?skip=-1", "?top=x"])
async def test_a_page_that_cannot_be_is_400(svc, query):
    assert (await listed(query)).status_code == 400


async def test_before_the_first_erasure_the_list_is_empty(svc):
    assert told(await listed()) == {"value": [], "nextLink": None}


async def test_an_erasure_shows_its_runs_and_its_end(svc):
    id = await pending(svc)
    carry_out(svc, erasures.find(svc, id))
    answer = told(await one(id))

    run = answer["enrichments"][0]["runId"]
    assert (answer["state"], answer["endedAt"]) == ("done", "2026-11-24T12:00:00Z")
    assert answer["enrichments"] == [{"name": "sales", "runId": run}]
    assert runs.record_of(svc, "sales", run)["request"]["kind"] == "erasure"


@pytest.mark.parametrize("address", [CARL, "carl+tag@customer.example"])
async def test_the_address_is_in_no_blob_no_answer_and_no_log(svc, caplog, address):
    """§8: a tombstone holds keyed hashes."""
    caplog.set_level(logging.DEBUG)
    await published(svc)
    durable = FakeDurable()
    answer = await post({"address": address}, durable)
    id = told(answer)["id"]
    carry_out(svc, erasures.find(svc, id))
    said = [answer, await one(id), await listed(), await start(), await post({"address": address, "x": 1})]

    for text in (*(each.get_body() for each in said), *blobs(svc).values(), caplog.text.encode()):
        assert b"carl" not in text.lower()
    assert "carl" not in json.dumps(durable.started)


async def test_a_tombstone_holds_hashes_and_the_id_of_their_key(svc):
    """§8: … of the address, of its untagged form, …, and the id of the key."""
    await post({"address": "carl+tag@customer.example"})
    await post()
    (tagged, plain) = json.loads(svc.storage.config.read(blob_names.ERASURES))["erasures"]

    assert tagged["key"] == plain["key"] == key_id(svc.settings.pseudonym_key)
    assert tagged["untagged"] == plain["address"] == plain["untagged"] != tagged["address"]
    assert len(plain["address"]) == 16


# Saving and previewing without those who are erased


async def test_contacts_data_of_erased_people_alone_cannot_be_used(monkeypatch):
    """§8: every contact with a row at this address, with all its rows, does not exist."""
    async with world() as made:
        serve(monkeypatch, made.svc)
        assert (await post()).status_code == 202
        refused = await http.respond(
            request("PUT", body=BODY, name="sales"), Access.WRITE, enrichment_routes.put, FakeDurable()
        )
        made.svc.storage.input.write("contacts.csv", CONTACTS + b"2,A1,dora@customer.example\n")
        looked = await http.respond(request("POST", "/api/preview", BODY), Access.READ, preview.preview)

    assert refused.status_code == 400
    assert told(looked)["contacts"]["used"] == 1


async def test_contacts_data_without_rows_are_refused_as_ever_once_somebody_was_erased(monkeypatch):
    async with world() as made:
        serve(monkeypatch, made.svc)
        await post()
        made.svc.storage.input.write("contacts.csv", b"Id,Account,Email\n")
        refused = await http.respond(
            request("PUT", body=BODY, name="sales"), Access.WRITE, enrichment_routes.put, FakeDurable()
        )

    assert refused.status_code == 400


async def test_the_mailbox_of_an_erased_person_is_not_counted_beforehand_and_the_address_is_no_fault(monkeypatch):
    """§8: the bounds 2 to 2,500 are judged before erased people are taken out."""
    async with world() as made:
        serve(monkeypatch, made.svc)
        await post({"address": "bob@contoso.example"})
        looked = await http.respond(request("POST", "/api/preview", BODY), Access.READ, preview.preview)

    answer = told(looked)
    assert looked.status_code == 200
    assert (answer["addresses"]["people"], answer["estimate"]["mailboxes"]) == (2, 1)
