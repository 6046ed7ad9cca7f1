"""The life of a run outside its orchestration (interfaces §3, §4)."""

from __future__ import annotations

import asyncio
import copy
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.core import blob_names
from shared.core.enrichment import Enrichment
from shared.core.errors import Conflict, Invalid, Missing, PlatformAway, StorageAway
from shared.core.periods import rfc3339, to_us
from shared.core.progress import pace
from shared.services import enrichments, life, runs
from shared.services.conditions import Condition
from tests.fakes import FakeDurable, fake_services
from tests.triggers.world import BODY

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def ready(now, **environment):
    """Services over memory that hold the enrichment `sales`."""
    svc = fake_services(now, **environment)
    body = Enrichment.model_validate(BODY, by_alias=True, by_name=False)
    enrichments.save(svc, "sales", body, [], None, Condition())
    return svc


def reserved(svc):
    return [entry.name for folder in ("runs/", "active/") for entry in svc.storage.config.entries(folder)]


async def start(svc, durable, **how):
    return await runs.start(svc, durable, "sales", kind="manual", **how)


def finished(request, state="Succeeded"):
    return {"runId": request.run_id, "enrichment": "sales", "state": state, "tasks": []}


async def test_a_runs_id_is_its_start_and_names_its_orchestration():
    svc, durable = ready(NOON), FakeDurable()

    request = await start(svc, durable)

    assert request.run_id == "20261124T120000Z"
    assert list(durable.started) == ["sales-20261124T120000Z"]


async def test_a_second_run_is_refused_while_one_is_active_and_leaves_nothing():
    svc, durable = ready(NOON), FakeDurable()
    await start(svc, durable)

    with pytest.raises(Conflict):
        await start(svc, durable)

    assert [entry.name for entry in svc.storage.config.entries("runs/")] == ["runs/sales/20261124T120000Z.json"]


async def test_of_two_starts_at_once_one_wins():
    svc, durable = ready(NOON), FakeDurable()

    results = await asyncio.gather(start(svc, durable), start(svc, durable), return_exceptions=True)

    assert sorted(type(result).__name__ for result in results) == ["Conflict", "RunRequest"]
    assert len(durable.started) == 1


async def test_where_an_id_is_taken_the_next_free_second_is():
    svc, durable = ready(NOON), FakeDurable()
    first = await start(svc, durable)
    runs.close(svc, "sales", first.run_id, finished(first))

    second = await start(svc, durable)

    assert second.run_id == "20261124T120001Z"


async def test_a_start_that_the_platform_refuses_leaves_nothing_reserved():
    svc, durable = ready(NOON), FakeDurable()
    durable.away = True

    with pytest.raises(PlatformAway):
        await start(svc, durable)

    assert reserved(svc) == []


async def test_a_storage_that_goes_away_between_the_two_writes_of_a_start_leaves_nothing_reserved(monkeypatch):
    svc, durable = ready(NOON), FakeDurable()
    create = svc.storage.config.create

    def away(name, data):
        if name == blob_names.active("sales"):
            raise StorageAway("away")
        return create(name, data)

    monkeypatch.setattr(svc.storage.config, "create", away)
    with pytest.raises(StorageAway):
        await start(svc, durable)

    assert reserved(svc) == []
    assert not durable.started


async def test_an_enrichment_that_was_removed_or_deactivated_meanwhile_has_no_run():
    """interfaces §1: `inactive`: no runs; whoever saw it active a moment ago may be wrong by now."""
    svc, durable = ready(NOON), FakeDurable()
    life.deactivate(svc, "sales", Condition())
    with pytest.raises(Conflict):
        await start(svc, durable)
    await life.remove(svc, durable, "sales", Condition(), purge=False)
    with pytest.raises(Missing):
        await start(svc, durable)

    assert reserved(svc) == []
    assert not durable.started


async def test_as_of_in_the_future_is_refused():
    svc = ready(NOON)

    with pytest.raises(Invalid):
        await start(svc, FakeDurable(), as_of_us=to_us(NOON + timedelta(seconds=1)))


async def test_a_run_whose_orchestration_is_gone_does_not_block_the_next():
    svc, durable = ready(NOON), FakeDurable()
    first = await start(svc, durable)
    durable.ended.add("sales-" + first.run_id)

    second = await start(svc, durable)

    assert second.run_id != first.run_id
    assert (await runs.follow(svc, durable, "sales", first.run_id))["state"] == "Failed"


async def test_a_cancelled_run_cannot_publish_and_one_that_publishes_cannot_be_cancelled():
    svc, durable = ready(NOON), FakeDurable()
    first = await start(svc, durable)
    await runs.cancel(svc, durable, "sales", first.run_id)
    assert not runs.begin_publishing(svc, "sales", first.run_id)
    second = await start(svc, durable)
    assert runs.begin_publishing(svc, "sales", second.run_id)

    with pytest.raises(Conflict):
        await runs.cancel(svc, durable, "sales", second.run_id)


async def test_publishing_may_begin_twice_because_activities_may_run_twice():
    svc, durable = ready(NOON), FakeDurable()
    request = await start(svc, durable)

    assert [runs.begin_publishing(svc, "sales", request.run_id) for _ in range(2)] == [True, True]


async def test_cancelling_ends_the_orchestration_with_its_children_and_lets_the_next_run_start():
    svc, durable = ready(NOON), FakeDurable()
    request = await start(svc, durable)
    instance = f"sales-{request.run_id}"
    durable.started |= {f"{instance}:0": None, f"{instance}:1": None}
    status = svc.storage.config.read(blob_names.run("sales", request.run_id))
    assert status is not None
    told = (await runs.follow(svc, durable, "sales", request.run_id)) | {"state": "Running"}
    told["counts"]["mailboxes"]["selected"] = 4
    durable.statuses[instance] = told

    await runs.cancel(svc, durable, "sales", request.run_id)

    assert durable.ended == {instance, f"{instance}:0", f"{instance}:1"}
    assert (await runs.follow(svc, durable, "sales", request.run_id))["state"] == "Canceled"
    assert runs.active_run(svc, "sales") is None


async def test_an_unknown_run_is_missing():
    svc = ready(NOON)

    with pytest.raises(Missing):
        await runs.follow(svc, FakeDurable(), "sales", "20260101T000000Z")


async def extracting(svc, durable, total, *markers):
    """The id of a run that reads mailboxes since now; markers: outcome and messages of those that left one."""
    request = await start(svc, durable)
    told = await runs.follow(svc, durable, "sales", request.run_id)
    told["tasks"][3] |= {"state": "running", "total": total, "startedAt": rfc3339(to_us(svc.now()))}
    durable.statuses[f"sales-{request.run_id}"] = told
    for number, (outcome, messages) in enumerate(markers):
        name = blob_names.mailbox_progress("sales", request.run_id, number)
        svc.storage.staging.write(name, b"", {"outcome": outcome, "messages": str(messages), "meetings": "0"})
    return request.run_id


async def test_while_mailboxes_are_read_their_markers_make_progress_finer():
    """interfaces §4: GET adds what is finer from markers that finished mailboxes leave in staging."""
    svc, durable = ready(NOON), FakeDurable()
    run_id = await extracting(svc, durable, 3, ("Read", 7), ("AccessDenied", 0), ("More", 5))

    followed = await runs.follow(svc, durable, "sales", run_id)

    assert followed["tasks"][3]["done"] == 2
    assert followed["counts"]["mailboxes"] == {"selected": 0, "read": 1, "refused": 1}
    assert followed["counts"]["messages"]["read"] == 12


async def test_rate_and_remaining_time_are_told_while_mailboxes_are_read_and_only_then():
    svc, durable = ready(NOON), FakeDurable()
    run_id = await extracting(svc, durable, 10, ("Read", 7), ("AccessDenied", 0), ("Read", 1), ("More", 5))
    custom = copy.deepcopy(durable.statuses[f"sales-{run_id}"])
    later = replace(svc, now=lambda: NOON + timedelta(minutes=2))

    followed = await runs.follow(later, durable, "sales", run_id)

    paced = {task["name"]: (task["rate"], task["remainingSeconds"]) for task in followed["tasks"] if "rate" in task}
    assert paced == {"extract": (1.5, 280)}
    assert durable.statuses[f"sales-{run_id}"] == custom
    runs.close(svc, "sales", run_id, custom | {"state": "Failed"})
    assert "rate" not in json.dumps(await runs.follow(later, durable, "sales", run_id))


@pytest.mark.parametrize(
    ("done", "total", "seconds", "rate", "remaining"),
    [
        (0, 10, 60, None, None),
        (1, 10, 0, None, None),
        (1, 10, -5, None, None),
        (9, 100, 60, 9.0, None),
        (10, 100, 60, 10.0, 540),
        (1, 3, 10_000, 0.006, 20_000),
        (10, 10, 60, 10.0, 0),
        (11, 10, 60, 11.0, 0),
    ],
    ids=["none yet", "at once", "clocks differ", "too few", "a tenth", "slow", "all", "more than all"],
)
def test_a_pace_is_told_once_it_can_be_known(done, total, seconds, rate, remaining):
    assert pace(done, total, seconds * 1_000_000) == {"rate": rate, "remainingSeconds": remaining}


async def test_facts_do_not_outlive_the_run_where_the_retention_is_zero():
    svc, durable = ready(NOON, STAGING_RETENTION="PT0S"), FakeDurable()
    request = await start(svc, durable)
    svc.storage.staging.write(blob_names.plan("sales", request.run_id, "run.json"), b"{}")

    runs.close(svc, "sales", request.run_id, finished(request))

    assert list(svc.storage.staging.entries("")) == []


async def test_of_a_run_that_has_ended_the_facts_of_its_mailboxes_stay_and_no_more():
    svc, durable = ready(NOON), FakeDurable()
    request = await start(svc, durable)
    place = ("sales", request.run_id)
    kept = {blob_names.plan(*place, "run.json"), blob_names.mailbox_part(*place, 0, 0, "messages")}
    between = {
        blob_names.partitions(*place, 0, 0, "messages"),
        blob_names.buckets(*place, 0, 0, "meetings"),
        blob_names.figures(*place, 0, "accounts"),
    }
    for name in kept | between:
        svc.storage.staging.write(name, b"facts")

    runs.close(svc, "sales", request.run_id, finished(request))

    assert {entry.name for entry in svc.storage.staging.entries("")} == kept


async def test_closing_twice_is_closing_once():
    svc, durable = ready(NOON), FakeDurable()
    first = await start(svc, durable)
    runs.close(svc, "sales", first.run_id, finished(first))
    second = await start(svc, durable)

    runs.close(svc, "sales", first.run_id, finished(first))

    assert runs.active_run(svc, "sales") == second.run_id
    assert runs.has_published(svc, "sales")


async def test_a_problem_with_many_faults_is_told_in_full_though_few_pass_through_the_orchestration():
    svc, durable = ready(NOON), FakeDurable()
    request = await start(svc, durable)
    faults = [{"pointer": f"/addresses/{place}", "detail": "is unknown"} for place in range(2_500)]
    runs.keep_faults(svc, "sales", request.run_id, "The enrichment cannot be run", faults)
    problem = {"title": "The enrichment cannot be run", "detail": "…", "errors": faults[:40]}

    runs.close(svc, "sales", request.run_id, finished(request, "Failed") | {"problem": problem})

    assert (await runs.follow(svc, durable, "sales", request.run_id))["problem"]["errors"] == faults
