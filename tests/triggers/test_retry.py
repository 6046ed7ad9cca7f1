"""Starting a run that reads only what another could not read (interfaces §1)."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.core import blob_names
from shared.core.enrichment import Enrichment, facts_hash
from shared.core.periods import to_us
from shared.services import Services, enrichments, runs
from shared.services.conditions import Condition
from tests.fakes import FakeDurable, fake_services
from tests.triggers.test_runs import BODY, NOON, post
from triggers import http

AS_OF = "2026-11-24T12:00:00Z"


@pytest.fixture
def svc(monkeypatch):
    return serve(monkeypatch)


def serve(monkeypatch: pytest.MonkeyPatch, **environment: str) -> Services:
    """An app with one enrichment."""
    made = fake_services(NOON, **environment)
    monkeypatch.setattr(http, "services", lambda: made)
    body = Enrichment.model_validate(BODY, by_alias=True, by_name=False)
    enrichments.save(made, "sales", body, [], None, Condition())
    return made


async def ended(svc: Any, durable: FakeDurable, state: str = "SucceededWithWarnings") -> str:
    """The id of a run that has ended, with its facts."""
    request = await runs.start(svc, durable, "sales", kind="manual")
    configuration = facts_hash(enrichments.load(svc, "sales").body)
    plan = {"asOfUs": to_us(NOON), "fingerprint": "f", "configuration": configuration}
    svc.storage.staging.write(blob_names.plan("sales", request.run_id, "run.json"), json.dumps(plan).encode())
    status = {"runId": request.run_id, "enrichment": "sales", "state": state, "asOf": AS_OF, "tasks": []}
    runs.close(svc, "sales", request.run_id, status)
    return request.run_id


def body_of(response: Any) -> Any:
    return json.loads(response.get_body())


@pytest.mark.parametrize("state", ["SucceededWithWarnings", "Succeeded", "Failed", "Canceled"])
async def test_a_run_that_has_ended_can_be_retried_with_its_as_of(svc, state):
    durable = FakeDurable()
    run_id = await ended(svc, durable, state)
    response = await post(durable, {"retry": run_id})

    told = body_of(response)
    assert response.status_code == 202
    assert (told["kind"], told["asOf"]) == ("retry", AS_OF)
    started = durable.started[f"sales-{told['runId']}"]
    assert (started["kind"], started["retry"], started["as_of_us"]) == ("retry", run_id, to_us(NOON))


@pytest.mark.parametrize("run_id", ["20200101T000000Z", "", "../enrichments/sales", "x" * 2_000, "20261124t120000z"])
async def test_an_unknown_run_to_retry_is_a_fault_of_the_body(svc, run_id):
    response = await post(FakeDurable(), {"retry": run_id})

    assert response.status_code == 400
    assert [fault["pointer"] for fault in body_of(response)["errors"]] == ["/retry"]


@pytest.mark.parametrize("wrong", [7, True, [], {}, 1.5])
async def test_what_is_no_text_names_no_run(svc, wrong):
    assert (await post(FakeDurable(), {"retry": wrong})).status_code == 400


@pytest.mark.parametrize("more", [{"asOf": AS_OF}, {"full": True}, {"full": False}, {"asOf": AS_OF, "full": True}])
async def test_retry_stands_alone(svc, more):
    durable = FakeDurable()
    run_id = await ended(svc, durable)
    before = dict(durable.started)

    assert (await post(durable, {"retry": run_id} | more)).status_code == 400
    assert durable.started == before


async def test_a_run_that_has_not_ended_cannot_be_retried(svc):
    durable = FakeDurable()
    running = await runs.start(svc, durable, "sales", kind="manual")

    assert (await post(durable, {"retry": running.run_id})).status_code == 409


async def test_facts_that_are_kept_no_longer_are_a_conflict(svc):
    durable = FakeDurable()
    run_id = await ended(svc, durable)
    svc.storage.staging.delete_prefix(blob_names.staging("sales", run_id))

    assert (await post(durable, {"retry": run_id})).status_code == 409


async def test_facts_that_are_older_than_the_retention_are_a_conflict_though_the_timer_has_not_removed_them(
    svc, monkeypatch
):
    """Interfaces §5: `STAGING_RETENTION` `P8D`."""
    durable = FakeDurable()
    run_id = await ended(svc, durable)
    later = replace(svc, now=lambda: NOON + timedelta(days=8, seconds=1))
    monkeypatch.setattr(http, "services", lambda: later)
    response = await post(durable, {"retry": run_id})

    assert svc.storage.staging.read(blob_names.plan("sales", run_id, "run.json")) is not None
    assert response.status_code == 409
    assert "STAGING_RETENTION" in body_of(response)["detail"]


async def test_facts_do_not_outlive_their_run_where_the_retention_is_zero(monkeypatch):
    """Interfaces §5: `PT0S`: not beyond the run."""
    svc = serve(monkeypatch, STAGING_RETENTION="PT0S")
    durable = FakeDurable()
    run_id = await ended(svc, durable)

    assert (await post(durable, {"retry": run_id})).status_code == 409


async def test_facts_that_no_longer_fit_the_configuration_are_a_conflict(svc):
    durable = FakeDurable()
    run_id = await ended(svc, durable)
    stored = enrichments.load(svc, "sales")
    other = stored.body.model_copy(update={"time_zone": "Europe/Berlin"})
    enrichments.save(svc, "sales", other, [], None, Condition())

    assert (await post(durable, {"retry": run_id})).status_code == 409
