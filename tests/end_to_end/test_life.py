"""From preview to deletion by the whole path (interfaces §1): HTTP, host, emulator, Azurite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from localdev.world import Source
from tests.end_to_end.app import App, OpenWorld, await_that

PARTS = ("enrichment-config", "enrichment-staging", "enrichment-output")


@pytest.fixture(scope="module")
def app(open_world: OpenWorld, village_folder: Path) -> Iterator[App]:
    """The timer, which sweeps up too, looks every two seconds."""
    with open_world(Source(folder=village_folder), settings={"RERUN_TICK": "*/2 * * * * *"}) as app:
        yield app


def test_a_preview_counts_and_saves_nothing(app: App) -> None:
    answer = app.ask("POST", "preview", json=app.body())

    assert answer.status_code == 200, answer.text
    estimate = answer.json()["estimate"]
    assert estimate["mailboxes"] > 0
    assert estimate["requests"] > estimate["mailboxes"]
    assert app.names("enrichment-config") == []


def test_an_etag_of_blob_storage_is_good_for_one_edit(app: App) -> None:
    app.save()
    etag = app.ask("GET", "enrichments/sales").headers["ETag"]
    edited = app.ask("PUT", "enrichments/sales", json=app.body(displayName="New"), headers={"If-Match": etag})
    late = app.ask("PUT", "enrichments/sales", json=app.body(displayName="Late"), headers={"If-Match": etag})

    assert (edited.status_code, late.status_code) == (200, 412)
    assert app.ask("DELETE", "enrichments/sales", headers={"If-Match": etag}).status_code == 412
    assert app.enrichment()["displayName"] == "New"


def test_an_inactive_enrichment_starts_no_run_until_it_is_activated(app: App) -> None:
    app.save()
    assert app.ask("POST", "enrichments/sales/deactivate").json()["state"] == "inactive"
    assert app.ask("POST", "enrichments/sales/runs").status_code == 409

    assert app.ask("POST", "enrichments/sales/activate").json()["state"] == "active"
    app.succeed(app.start())


def test_asking_for_consent_that_is_there_is_409(app: App) -> None:
    app.save()

    assert app.ask("POST", "enrichments/sales/consent").status_code == 409


def test_deleting_while_a_run_reads_leaves_no_blob_in_the_end(app: App) -> None:
    """Also none of an activity that was under way when its orchestration was terminated."""
    app.save()
    app.succeed(app.start())
    app.faults({"kind": "slow", "path": "/users/*/messages", "seconds": 2, "times": None})
    app.await_task(app.start(), "extract")
    answer = app.ask("DELETE", "enrichments/sales?purge=true")

    assert (answer.status_code, answer.content) == (204, b"")
    assert app.ask("GET", "enrichments/sales").status_code == 404
    app.faults()
    await_that(lambda: [name for part in PARTS for name in app.names(part)], lambda left: left == [])
