"""The life of an enrichment (interfaces §1): activate, deactivate, remove, in every state and while a run is active.

What each pair does is written in `docs/life.md`; its table is played here cell by cell.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from shared.core import blob_names
from shared.core.errors import StorageAway
from shared.core.periods import to_us
from shared.services import Services, life, retention, runs
from shared.services import enrichments as kept
from shared.services.conditions import Condition
from shared.services.documents import dump
from shared.services.enrichments import Removal
from tests.conftest import ROOT
from tests.fakes import FakeDurable, memory_storage
from tests.triggers import world as w
from tests.triggers.world import BODY, faults, request, told, world
from triggers import enrichments, http, rerun_timer
from triggers import runs as run_routes
from triggers.http import Access

OPERATIONS = {
    "PUT": ("PUT", enrichments.put),
    "DELETE": ("DELETE", enrichments.delete),
    "activate": ("POST", enrichments.activate),
    "deactivate": ("POST", enrichments.deactivate),
    "POST runs": ("POST", run_routes.start),
}


@dataclass
class Stage:
    """The enrichment `sales`, saved a day ago, and whoever calls the routes."""

    svc: Services
    durable: FakeDurable
    run_id: str = ""

    async def call(self, operation: str, path: str = "/api/enrichments/sales", **headers: str):
        method, route = OPERATIONS[operation]
        body = BODY if method == "PUT" else None
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return await http.respond(request(method, path, body, named, name="sales"), Access.WRITE, route, self.durable)

    async def get(self):
        return await http.respond(request(name="sales"), Access.READ, enrichments.get, self.durable)

    async def run(self, publishing: bool = False) -> None:
        self.run_id = (await runs.start(self.svc, self.durable, "sales", kind="manual")).run_id
        if publishing:
            assert runs.begin_publishing(self.svc, "sales", self.run_id)

    @property
    def run_goes_on(self) -> bool:
        return not self.durable.ended and runs.active_run(self.svc, "sales") == self.run_id

    def blobs(self, container: str) -> list[str]:
        return [entry.name for entry in getattr(self.svc.storage, container).entries("")]


@asynccontextmanager
async def staged(monkeypatch, **body) -> AsyncIterator[Stage]:
    async with world() as made:
        yield await set_up(monkeypatch, made.svc, **body)


async def set_up(monkeypatch, svc: Services, **body) -> Stage:
    stage = Stage(replace(svc, storage=memory_storage()), FakeDurable())
    stage.svc.storage.input.write("contacts.csv", w.CONTACTS)
    monkeypatch.setattr(http, "services", lambda: stage.svc)
    yesterday = replace(stage.svc, now=lambda: w.NOW - timedelta(days=1))
    monkeypatch.setattr(http, "services", lambda: yesterday)
    saved = await http.respond(
        request("PUT", body=BODY | body, name="sales"), Access.WRITE, enrichments.put, stage.durable
    )
    assert saved.status_code == 201
    monkeypatch.setattr(http, "services", lambda: stage.svc)
    return stage


def table():
    """(state, run, operation, what the cell says)"""
    lines = (ROOT / "docs/life.md").read_text().split("## What each operation does")[1].split("\n\n")[2].splitlines()
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [(*row[:2], operation, cell) for row in rows for operation, cell in zip(head[2:], row[2:], strict=True)]


async def into(stage: Stage, state: str, run: str) -> None:
    if run != "none":
        await stage.run(publishing=run == "publishes")
    if state == "inactive":
        life.deactivate(stage.svc, "sales", Condition())
    if state == "being removed":
        kept.change(stage.svc, "sales", Condition(), lambda stored: replace(stored, removal=Removal(0, purge=False)))


async def test_each_operation_does_in_each_state_what_the_table_in_the_docs_says(monkeypatch):
    cells = table()
    assert len(cells) == 7 * 6
    async with world() as made:
        for state, run, operation, cell in cells:
            where = f"{state} / {run} / {operation}"
            stage = await set_up(monkeypatch, made.svc, schedule="daily")
            await into(stage, state, run)
            if operation == "schedule":
                await tick(stage)
                started = set(stage.durable.started) - {f"sales-{stage.run_id}"}
                assert bool(started) == (cell == "starts a run"), where
                continue
            response = await stage.call(operation)
            status, _, about_run = cell.partition(", run ")
            assert response.status_code == int(status), where
            if about_run == "goes on":
                assert stage.run_goes_on, where
            if about_run == "is cancelled":
                assert stage.durable.ended == {f"sales-{stage.run_id}"}, where


async def tick(stage: Stage) -> None:
    """The timer, looking for due enrichments; removals that are being made are not its business here."""
    for stored in kept.list_all(stage.svc):
        if stored.is_active:
            await rerun_timer._start_if_due(stage.svc, stage.durable, stored)


async def test_an_inactive_enrichment_says_so_and_has_no_next_run(monkeypatch):
    """interfaces §1: `inactive`: no runs, neither scheduled nor by hand."""
    async with staged(monkeypatch) as stage:
        answer = told(await stage.call("deactivate"))
        assert (answer["state"], answer["nextRunAt"]) == ("inactive", None)
        assert told(await stage.get())["state"] == "inactive"

        answer = told(await stage.call("activate"))
        assert (answer["state"], answer["nextRunAt"]) == ("active", "2026-11-30T02:00:00Z")


async def test_saving_keeps_an_enrichment_inactive(monkeypatch):
    async with staged(monkeypatch) as stage:
        await stage.call("deactivate")

        assert told(await stage.call("PUT"))["state"] == "inactive"


async def test_what_passed_while_inactive_was_no_slot(monkeypatch):
    """interfaces §2, Schedule: what passed before saving or while inactive was no slot."""
    async with staged(monkeypatch, schedule="daily") as stage:
        await stage.call("deactivate")
        await stage.call("activate")
        await rerun_timer.run(stage.svc, stage.durable)
        assert not stage.durable.started

        stage.svc = replace(stage.svc, now=lambda: w.NOW + timedelta(days=1))
        await rerun_timer.run(stage.svc, stage.durable)
        assert len(stage.durable.started) == 1


async def test_changing_nothing_keeps_the_etag_and_changing_the_state_changes_it(monkeypatch):
    async with staged(monkeypatch) as stage:
        before = (await stage.get()).headers["ETag"]
        assert (await stage.call("activate")).headers["ETag"] == before

        changed = (await stage.call("deactivate")).headers["ETag"]
        assert changed != before
        assert (await stage.get()).headers["ETag"] == changed


@pytest.mark.parametrize("operation", ["PUT", "DELETE", "activate", "deactivate"])
@pytest.mark.parametrize(
    ("tag", "status"),
    [
        ('"0"', 412),
        ("W/{etag}", 412),
        ('"0", "1"', 412),
        ("{bare}", 400),
        ("", 400),
        ('"', 400),
        ("{etag}, x", 400),
        ("*, {etag}", 400),
        ("{etag}", 200),
        ('"0" , {etag}', 200),
        ("*", 200),
    ],
)
async def test_if_match_holds_for_everything_that_changes_an_enrichment(monkeypatch, operation, tag, status):
    async with staged(monkeypatch) as stage:
        etag = (await stage.get()).headers["ETag"]
        tag = tag.format(etag=etag, bare=etag.strip('"'))
        response = await stage.call(operation, If_Match=tag)

        assert response.status_code == (204 if (operation, status) == ("DELETE", 200) else status)
        if status != 200:
            assert (await stage.get()).headers["ETag"] == etag
        if status == 400:
            assert faults(response) == {"If-Match"}


@pytest.mark.parametrize("operation", ["DELETE", "activate", "deactivate"])
async def test_what_is_gone_is_404_whatever_if_match_says(monkeypatch, operation):
    """interfaces §1: what is not there: 404, for DELETE too."""
    async with staged(monkeypatch) as stage:
        etag = (await stage.get()).headers["ETag"]
        assert (await stage.call("DELETE")).status_code == 204

        assert (await stage.call(operation)).status_code == 404
        assert (await stage.call(operation, If_Match=etag)).status_code == 404
        assert (await stage.call("PUT", If_Match=etag)).status_code == 412
        assert (await stage.get()).status_code == 404


async def published(stage: Stage, output: str = "Office") -> str:
    """A run that has published, with everything that such a run leaves behind."""
    await stage.run()
    config, staging, out = stage.svc.storage.config, stage.svc.storage.staging, stage.svc.storage.output
    staging.write(blob_names.plan("sales", stage.run_id, "run.json"), b"{}")
    out.write(blob_names.table(output, stage.run_id, output, "csv"), b"x")
    out.write(blob_names.table(output, stage.run_id, output, "parquet"), b"x")
    out.write(blob_names.current(output), dump({"runId": stage.run_id, "asOf": "2026-11-24T00:00:00Z", "tables": []}))
    for blob in blob_names.beside_enrichment("sales"):
        if config.read(blob) is None:
            config.write(blob, dump({"slotUs": 0, "runId": stage.run_id, "erasure": None}))
    runs.begin_publishing(stage.svc, "sales", stage.run_id)
    status = json.loads(config.read(blob_names.run("sales", stage.run_id)) or b"")["status"]
    runs.close(stage.svc, "sales", stage.run_id, status | {"state": "Succeeded"})
    return stage.run_id


async def test_deleting_leaves_the_published_tables_and_nothing_else(monkeypatch):
    """interfaces §1: published tables stay unless `?purge=true`."""
    async with staged(monkeypatch) as stage:
        run_id = await published(stage)
        response = await stage.call("DELETE")

        assert (response.status_code, response.get_body()) == (204, b"")
        assert stage.blobs("config") == stage.blobs("staging") == []
        assert stage.blobs("output") == [
            f"Office/{run_id}/Office.csv",
            f"Office/{run_id}/Office.parquet",
            "Office/current.json",
        ]


async def test_deleting_with_purge_leaves_nothing_under_any_name_that_the_output_had(monkeypatch):
    async with staged(monkeypatch) as stage:
        await published(stage)
        await http.respond(
            request("PUT", body=BODY | {"output": "Later"}, name="sales"), Access.WRITE, enrichments.put, stage.durable
        )
        await published(stage, "Later")
        stage.svc.storage.output.write("Office2/20200101T000000Z/Office2.csv", b"another enrichment's")
        response = await stage.call("DELETE", "/api/enrichments/sales?purge=true")

        assert response.status_code == 204
        assert stage.blobs("config") == stage.blobs("staging") == []
        assert stage.blobs("output") == ["Office2/20200101T000000Z/Office2.csv"]


async def test_purging_spares_what_another_enrichment_has_published_under_a_name_that_was_given_up(monkeypatch):
    async with staged(monkeypatch) as stage:
        await http.respond(
            request("PUT", body=BODY | {"output": "Later"}, name="sales"), Access.WRITE, enrichments.put, stage.durable
        )
        other = request("PUT", body=BODY, name="other")
        assert (await http.respond(other, Access.WRITE, enrichments.put, stage.durable)).status_code == 201
        theirs = (await runs.start(stage.svc, stage.durable, "other", kind="manual")).run_id
        ours = await published(stage, "Later")
        assert ours == theirs
        stage.svc.storage.output.write(blob_names.table("Office", theirs, "Office", "csv"), b"theirs")
        await stage.call("DELETE", "/api/enrichments/sales?purge=true")

        assert stage.blobs("output") == [f"Office/{theirs}/Office.csv"]
        assert kept.names(stage.svc) == ["other"]


@pytest.mark.parametrize("purge", ["", "1", "True", "yes"])
async def test_purge_is_true_or_false(monkeypatch, purge):
    async with staged(monkeypatch) as stage:
        assert (await stage.call("DELETE", f"/api/enrichments/sales?purge={purge}")).status_code == 400
        assert (await stage.get()).status_code == 200


async def test_a_deletion_while_a_run_publishes_changes_nothing(monkeypatch):
    async with staged(monkeypatch) as stage:
        await stage.run(publishing=True)
        etag = (await stage.get()).headers["ETag"]
        response = await stage.call("DELETE")

        assert response.status_code == 409
        assert "publishing" in told(response)["title"]
        assert told(await stage.get())["state"] == "active"
        assert (await stage.get()).headers["ETag"] == etag


async def test_a_cancelled_run_that_still_writes_is_swept_up(monkeypatch):
    """Terminating an orchestration does not stop an activity that is under way."""
    async with staged(monkeypatch) as stage:
        await stage.run()
        await stage.call("DELETE")
        stage.svc.storage.staging.write(blob_names.mailbox_part("sales", stage.run_id, 0, 0, "messages"), b"late")
        stage.svc.storage.config.write(blob_names.consent("sales"), b"{}")
        stage.svc.storage.config.write(blob_names.schedule("sales"), b"{}")
        retention.tidy(stage.svc)

        assert stage.blobs("config") == stage.blobs("staging") == []


async def test_what_belongs_to_a_run_is_not_swept_up(monkeypatch):
    async with staged(monkeypatch) as stage:
        await stage.run()
        stage.svc.storage.staging.write(blob_names.plan("sales", stage.run_id, "run.json"), b"{}")
        before = stage.blobs("config")
        retention.tidy(stage.svc)

        assert stage.blobs("staging") == [blob_names.plan("sales", stage.run_id, "run.json")]
        assert stage.blobs("config") == before


async def test_a_deletion_that_broke_off_is_finished_by_the_next_one(monkeypatch):
    async with staged(monkeypatch) as stage:
        await published(stage)
        break_off(monkeypatch, stage)
        assert (await stage.call("DELETE", "/api/enrichments/sales?purge=true")).status_code == 503
        assert told(await stage.get())["state"] == "inactive"
        monkeypatch.undo()
        monkeypatch.setattr(http, "services", lambda: stage.svc)

        assert (await stage.call("DELETE")).status_code == 204
        assert stage.blobs("config") == stage.blobs("staging") == stage.blobs("output") == []


async def test_a_deletion_that_broke_off_is_finished_by_the_timer(monkeypatch):
    async with staged(monkeypatch) as stage:
        await published(stage)
        break_off(monkeypatch, stage)
        await stage.call("DELETE")
        monkeypatch.undo()
        await rerun_timer.run(stage.svc, stage.durable)
        assert kept.names(stage.svc) == ["sales"]

        stage.svc = replace(stage.svc, now=lambda: w.NOW + timedelta(minutes=16))
        await rerun_timer.run(stage.svc, stage.durable)
        assert stage.blobs("config") == stage.blobs("staging") == []


def break_off(monkeypatch, stage: Stage) -> None:
    """The storage goes away in the middle of a removal."""

    def away(*_):
        raise StorageAway("away")

    monkeypatch.setattr(stage.svc.storage.staging, "delete_prefix", away)


async def test_an_output_is_free_once_its_enrichment_is_gone_and_old_tables_are_nobodys(monkeypatch):
    async with staged(monkeypatch) as stage:
        await published(stage)
        await stage.call("DELETE")
        again = await stage.call("PUT")

        assert again.status_code == 201
        assert told(again)["lastRun"] is None
        assert not runs.has_published(stage.svc, "sales")


async def test_a_used_consent_link_is_forgotten_once_it_has_expired(monkeypatch):
    async with staged(monkeypatch) as stage:
        config, now = stage.svc.storage.config, to_us(w.NOW) // 1_000_000
        config.write(blob_names.used_state("old"), dump({"expires": now}))
        config.write(blob_names.used_state("good"), dump({"expires": now + 1}))
        retention.tidy(stage.svc)

        assert config.read(blob_names.used_state("old")) is None
        assert config.read(blob_names.used_state("good")) is not None
