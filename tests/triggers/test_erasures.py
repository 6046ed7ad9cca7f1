"""The routes of erasures, and what other routes do meanwhile (interfaces §1, §3, semantics §8)."""

from __future__ import annotations

import base64
import json
import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared.core import blob_names
from shared.core.erasure import key_id
from shared.core.errors import StorageAway
from shared.core.periods import to_us
from shared.services import Services, enrichments, erasing, erasures, runs, snapshots, turns
from shared.services.conditions import Condition
from shared.services.documents import read
from shared.settings import Settings
from tests.fakes import ENVIRONMENT, FakeDurable, fake_services
from tests.services.erasure_stage import CARL, carry_out, close, erase, facts, published, reading, results, save
from tests.triggers.test_any_input import check_problem, spoiled
from tests.triggers.world import BODY, CONTACTS, NOW, TENANT_ID, faults, request, told, world
from triggers import enrichments as enrichment_routes
from triggers import erasures as routes
from triggers import health, http, preview, rerun_timer
from triggers import runs as run_routes
from triggers.http import Access

OTHER_KEY = base64.b64encode(b"\1" * 32).decode()
PATH = "/api/erasures"


@pytest.fixture
def svc(monkeypatch: pytest.MonkeyPatch) -> Services:
    made = fake_services(NOW)
    save(made)
    return serve(monkeypatch, made)


def serve(monkeypatch: pytest.MonkeyPatch, svc: Services) -> Services:
    monkeypatch.setattr(http, "services", lambda: svc)
    return svc


def under_another_key(svc: Services) -> Services:
    """The same app, started with another PSEUDONYM_KEY."""
    values = ENVIRONMENT | {
        "PSEUDONYM_KEY": OTHER_KEY,
        "TENANT_ID": TENANT_ID,
        "GRAPH_BASE_URL": svc.settings.graph_base_url,
        "ENTRA_LOOPBACK_URL": svc.settings.entra_loopback_url or "",
    }
    return replace(svc, settings=Settings.from_environ({name: value for name, value in values.items() if value}))


async def post(body: Any = None, durable: FakeDurable | None = None) -> Any:
    wanted = {"address": CARL} if body is None else body
    return await http.respond(
        request("POST", PATH, wanted), Access.WRITE, routes.request, durable if durable is not None else FakeDurable()
    )


async def listed(query: str = "") -> Any:
    return await http.respond(request("GET", PATH + query), Access.READ, routes.every)


async def one(id: str) -> Any:
    return await http.respond(request("GET", f"{PATH}/{id}", id=id), Access.READ, routes.one)


async def start(durable: FakeDurable | None = None) -> Any:
    req = request("POST", "/api/enrichments/sales/runs", name="sales")
    return await http.respond(req, Access.WRITE, run_routes.start, durable or FakeDurable())


async def cancel(run_id: str, durable: FakeDurable | None = None) -> Any:
    req = request("POST", f"/api/enrichments/sales/runs/{run_id}/cancel", name="sales", runId=run_id)
    return await http.respond(req, Access.WRITE, run_routes.cancel, durable or FakeDurable())


async def delete(durable: FakeDurable) -> Any:
    return await http.respond(request("DELETE", name="sales"), Access.WRITE, enrichment_routes.delete, durable)


async def pending(svc: Services) -> str:
    """An erasure of which no run has begun; the id of the erasure."""
    await published(svc)
    return (await erase(svc)).id


async def recomputing(svc: Services, durable: FakeDurable) -> str:
    """The id of an erasure's run that goes on."""
    erasure = await pending(svc)
    (run,) = erasing.begin(svc, erasure).runs
    durable.started[runs.instance_id("sales", run.run_id)] = run.to_wire()
    return run.run_id


def blobs(svc: Services) -> dict[str, bytes]:
    """All that the app keeps."""
    containers: Any = (svc.storage.config, svc.storage.staging, svc.storage.output)
    return {name: blob[0] for container in containers for name, blob in container.blobs.items()}


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


# The key is another one


async def test_under_an_unknown_key_no_run_starts_and_no_erasure(svc, monkeypatch):
    """§8: as long as its key is unknown no run starts (409)."""
    await post()
    before, durable = erasures.every(svc), FakeDurable()
    other = serve(monkeypatch, under_another_key(svc))
    for response in (await start(durable), await post(durable=durable)):
        assert response.status_code == 409
        assert before[0].tombstone.key in told(response)["detail"]

    assert (durable.started, erasures.every(other)) == ({}, before)
    assert read(other.storage.config, blob_names.active("sales")) is None
    serve(monkeypatch, svc)
    carry_out(svc, before[0])
    assert (await start()).status_code == 202


async def test_under_an_unknown_key_a_slot_starts_no_run(svc, monkeypatch):
    enrichments.change(
        svc, "sales", Condition(), lambda stored: replace(stored, saved_us=to_us(NOW - timedelta(days=9)))
    )
    carry_out(svc, await erase(svc))
    durable = FakeDurable()
    await rerun_timer.run(serve(monkeypatch, under_another_key(svc)), durable)

    assert durable.started == {}


async def test_under_an_unknown_key_health_is_503_and_names_it_and_saving_goes_on(monkeypatch):
    """§8: health answers 503, naming it."""
    async with world() as made:
        serve(monkeypatch, made.svc)
        assert told(await health.get(request(), made.svc))["checks"]["erasureKeys"] == "ok"
        await post()
        assert (await health.get(request(), made.svc)).status_code == 200
        other = serve(monkeypatch, under_another_key(made.svc))
        response = await health.get(request(), other)
        looked = await http.respond(request("POST", "/api/preview", BODY), Access.READ, preview.preview)
        put = await http.respond(
            request("PUT", body=BODY, name="sales"), Access.WRITE, enrichment_routes.put, FakeDurable()
        )

        assert response.status_code == 503
        assert key_id(made.svc.settings.pseudonym_key) in told(response)["checks"]["erasureKeys"]
        assert (looked.status_code, put.status_code) == (409, 201)


async def test_a_storage_that_goes_away_while_health_looks_at_keys_is_not_healthy(monkeypatch):
    def away(*_):
        raise StorageAway("away")

    async with world() as made:
        monkeypatch.setattr(erasures, "unknown_keys", away)
        response = await health.get(request(), made.svc)

    assert response.status_code == 503
    assert told(response)["checks"]["erasureKeys"] == "Blob Storage does not answer."


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


# Runs meanwhile


async def test_no_run_starts_while_an_erasure_has_yet_to_recompute_and_then_it_does(svc):
    """interfaces §3: while one recomputes, POST: 409."""
    id = await pending(svc)
    before = blobs(svc)
    waiting = await start()
    assert waiting.status_code == 409
    assert blobs(svc) == before
    (run,) = erasing.begin(svc, id).runs
    durable = FakeDurable()
    durable.started[runs.instance_id("sales", run.run_id)] = run.to_wire()
    assert (await start(durable)).status_code == 409

    carry_out(svc, erasures.find(svc, id))
    assert (await start()).status_code == 202


async def test_an_enrichment_without_a_result_runs_meanwhile(svc):
    """It has no tables to be recomputed, and its run knows of the erasure."""
    await post()

    assert (await start()).status_code == 202


async def test_a_due_slot_waits_for_the_erasure(svc):
    enrichments.change(
        svc, "sales", Condition(), lambda stored: replace(stored, saved_us=to_us(NOW - timedelta(days=9)))
    )
    durable = FakeDurable()
    await recomputing(svc, durable)
    erasure = erasures.every(svc)[0]
    durable.started[erasing.orchestration_id(erasure.id)] = None
    before = dict(durable.started)
    await rerun_timer.run(svc, durable)
    assert durable.started == before

    carry_out(svc, erasure)
    await rerun_timer.run(svc, durable)
    (scheduled,) = durable.started.keys() - before.keys()
    assert durable.started[scheduled]["kind"] == "scheduled"


async def test_the_tick_begins_an_erasure_again_that_has_died(svc, monkeypatch):
    id, durable = await pending(svc), FakeDurable()
    await rerun_timer.run(replace(svc, now=lambda: NOW + timedelta(minutes=15)), durable)

    assert list(durable.started) == [f"erasure:{id}"]


async def test_an_erasures_run_cannot_be_cancelled(svc):
    durable = FakeDurable()
    run_id = await recomputing(svc, durable)
    response = await cancel(run_id, durable)

    assert response.status_code == 409
    assert durable.ended == set()
    assert turns.reader(svc, "sales") == run_id


async def test_a_run_that_an_erasure_keeps_waiting_can_be_cancelled(svc):
    await published(svc)
    durable = FakeDurable()
    waiting = told(await start(durable))["runId"]
    (run,) = erasing.begin(svc, (await erase(svc)).id).runs

    assert (await cancel(waiting, durable)).status_code == 202
    assert turns.reader(svc, "sales") == run.run_id


async def test_an_erasures_run_is_followed_like_any_other(svc):
    durable = FakeDurable()
    run_id = await recomputing(svc, durable)
    req = request(path=f"/api/enrichments/sales/runs/{run_id}", name="sales", runId=run_id)
    response = await http.respond(req, Access.READ, run_routes.one, durable)

    assert (told(response)["kind"], told(response)["state"]) == ("erasure", "Running")


async def test_deleting_an_enrichment_stops_the_erasures_run_and_leaves_nothing_to_do(svc):
    durable = FakeDurable()
    run_id = await recomputing(svc, durable)
    response = await delete(durable)

    assert response.status_code == 204
    assert durable.ended == {runs.instance_id("sales", run_id)}
    erasure = erasures.every(svc)[0]
    carry_out(svc, erasure)
    assert told(await one(erasure.id))["state"] == "done"
    assert [*results(svc), *facts(svc), *snapshots.outputs(svc.storage.output)] == []


async def test_deleting_an_enrichment_whose_erasure_publishes_changes_nothing(svc):
    durable = FakeDurable()
    run_id = await recomputing(svc, durable)
    assert runs.begin_publishing(svc, "sales", run_id)

    assert (await delete(durable)).status_code == 409
    assert enrichments.load(svc, "sales").removal is None


async def test_deleting_stops_a_run_that_waits_and_the_erasures_beside_it(svc):
    await published(svc)
    durable = FakeDurable()
    waiting = told(await start(durable))["runId"]
    (run,) = erasing.begin(svc, (await erase(svc)).id).runs
    durable.started[runs.instance_id("sales", run.run_id)] = run.to_wire()

    assert (await delete(durable)).status_code == 204
    assert durable.ended == {runs.instance_id("sales", each) for each in (waiting, run.run_id)}


async def test_asking_lets_go_of_a_run_that_died_with_its_turn(svc):
    await published(svc)
    run = await reading(svc)
    durable = FakeDurable()
    durable.started[runs.instance_id("sales", run.run_id)] = None
    durable.ended.add(runs.instance_id("sales", run.run_id))
    answer = told(await post(durable=durable))

    assert len(erasing.begin(svc, answer["id"]).runs) == 1


async def test_a_failed_erasure_keeps_no_run_away(svc):
    id = await pending(svc)
    (run,) = erasing.begin(svc, id).runs
    close(svc, run, "Failed")
    erasing.end(svc, id)

    assert told(await one(id))["state"] == "failed"
    assert (await start()).status_code == 202
