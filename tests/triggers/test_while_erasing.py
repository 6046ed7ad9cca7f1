"""What runs, slots, health and deletions do while somebody is erased, or under another key (semantics §8)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.core import blob_names
from shared.core.erasure import key_id
from shared.core.errors import StorageAway
from shared.core.periods import to_us
from shared.services import Services, enrichments, erasing, erasures, runs, snapshots, turns
from shared.services.conditions import Condition
from shared.services.documents import read
from tests.fakes import FakeDurable, fake_services
from tests.services.erasure_stage import carry_out, close, erase, facts, published, reading, results, save
from tests.triggers.erasure_calls import (
    blobs,
    cancel,
    delete,
    one,
    pending,
    post,
    recomputing,
    serve,
    start,
    under_another_key,
)
from tests.triggers.world import BODY, NOW, request, told, world
from triggers import enrichments as enrichment_routes
from triggers import health, http, preview, rerun_timer
from triggers import runs as run_routes
from triggers.http import Access


@pytest.fixture
def svc(monkeypatch: pytest.MonkeyPatch) -> Services:
    made = fake_services(NOW)
    save(made)
    return serve(monkeypatch, made)


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
