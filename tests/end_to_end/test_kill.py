"""The host is killed in every stage of a run, again and again: the tables are those of an undisturbed run.

A gate before the storage stops a write of each stage, before or after it is carried out; then the host gets a SIGKILL.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from localdev.world import Source
from tests.end_to_end.app import GOOD, App, OpenWorld, Tell
from tests.end_to_end.gate import Gate, gated

pytestmark = [pytest.mark.whole, pytest.mark.azurite]

CONFIG, STAGING, OUTPUT = "/enrichment-config", "/enrichment-staging", "/enrichment-output"


@dataclass(frozen=True)
class Moment:
    """When to kill: while a request of this activity is stopped; `done`: carried out, but not yet answered."""

    activity: str
    request: str
    done: bool = False


MOMENTS = (
    Moment("resolve_people", f"PUT {STAGING}/.*/plan/run.json"),
    Moment("extract_mailbox", f"PUT {STAGING}/.*/mailboxes/.*messages", done=True),
    Moment("extract_mailbox", f"PUT {STAGING}/.*/progress/0004"),
    Moment("partition_copies", f"PUT {STAGING}/.*/partitions/", done=True),
    Moment("join_items", f"PUT {STAGING}/.*/buckets/"),
    Moment("aggregate_bucket", f"PUT {STAGING}/.*/figures/", done=True),
    Moment("publish_results", f"PUT {CONFIG}/runs/", done=True),
    Moment("publish_results", f"PUT {OUTPUT}/.*/.*Coverage.csv", done=True),
    Moment("publish_results", f"PUT {OUTPUT}/.*/current.json", done=True),
    Moment("close_run", f"PUT {CONFIG}/published/"),
    Moment("close_run", f"DELETE {CONFIG}/active/", done=True),
)
MORE_MOMENTS = (
    Moment("resolve_people", f"PUT {STAGING}/.*/plan/"),
    Moment("resolve_people", f"PUT {STAGING}/.*/plan/run.json"),
    Moment("resolve_people", f"PUT {STAGING}/.*/plan/run.json", done=True),
    Moment("extract_mailbox", f"PUT {STAGING}/.*/mailboxes/"),
    Moment("extract_mailbox", f"PUT {STAGING}/.*/mailboxes/.*messages", done=True),
    Moment("extract_mailbox", f"PUT {STAGING}/.*/progress/0004"),
    Moment("extract_mailbox", f"PUT {STAGING}/.*/progress/0003", done=True),
    Moment("partition_copies", f"PUT {STAGING}/.*/partitions/"),
    Moment("partition_copies", f"PUT {STAGING}/.*/partitions/", done=True),
    Moment("join_items", f"PUT {STAGING}/.*/buckets/"),
    Moment("join_items", f"PUT {STAGING}/.*/buckets/", done=True),
    Moment("aggregate_bucket", f"PUT {STAGING}/.*/figures/"),
    Moment("aggregate_bucket", f"PUT {STAGING}/.*/figures/", done=True),
    Moment("publish_results", f"PUT {CONFIG}/runs/"),
    Moment("publish_results", f"PUT {CONFIG}/runs/", done=True),
    Moment("publish_results", f"PUT {OUTPUT}/.*/.*csv"),
    Moment("publish_results", f"PUT {OUTPUT}/.*/.*Coverage.csv", done=True),
    Moment("publish_results", f"PUT {OUTPUT}/.*/current.json"),
    Moment("publish_results", f"PUT {OUTPUT}/.*/current.json", done=True),
    Moment("close_run", f"PUT {CONFIG}/published/"),
    Moment("close_run", f"PUT {CONFIG}/runs/"),
    Moment("close_run", f"DELETE {CONFIG}/active/"),
    Moment("close_run", f"DELETE {CONFIG}/active/", done=True),
)

# With WHOLE=1 the run of `make demo` is killed too, at more moments; that takes some minutes.
TENANTS = {"village": MOMENTS, **({"sample": MORE_MOMENTS} if os.environ.get("WHOLE") else {})}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("tenant", TENANTS)
def test_a_run_that_is_killed_in_every_stage_publishes_the_same_bytes(
    tenant: str, village_folder: Path, open_world: OpenWorld, record_property: Tell
) -> None:
    """Interfaces §3: the same facts, configuration and `asOf` give the same bytes, but for `RunId` in the coverage."""
    source = Source(folder=village_folder) if tenant == "village" else Source()
    settings = {"FIRST_RUN_DELAY": "PT6S"}
    with open_world(source, granted=False, settings=settings) as app, gated(app) as guard:
        app.save()
        run = app.start()
        _kill_in_state(app, run, "WaitingForConsent", while_down=app.grant)
        _kill_in_state(app, run, "Delayed")
        kills = 2
        for moment in TENANTS[tenant]:
            guard.hold(moment.request, done=moment.done)
            app.start_host()
            guard.await_held()
            at_work = _activities_at_work(app)
            app.kill_host()
            assert moment.activity in at_work, moment
            kills += 1
        guard.release()
        app.start_host()
        status = app.succeed(run)

        published = app.tables()
        run_id = status["runId"]
        assert app.current()["runId"] == run_id
        _assert_it_was_the_only_run(app, run_id)
        left = _blobs(app)
        calm = app.another("calm")
        calm.save()
        calm.succeed(calm.start())
        assert published == calm.tables()
        assert left == _blobs(calm)
        again = app.succeed(app.start())
        assert again["runId"] != run_id
        assert app.tables() == published
    sizes = sum(len(text) for text in published.values())
    record_property("told", f"{tenant}: {kills} kills of the host in one run, {sizes:,} bytes of CSV the same")


def _kill_in_state(app: App, run: str, state: str, while_down: Callable[[], None] = lambda: None) -> None:
    """Kill the host in this state; it stays down, unless something else is to be seen first."""
    if not app.world.parts["host"].running:
        app.start_host()
    app.await_status(run, lambda status: bool(status["state"] == state))
    app.kill_host()
    while_down()


def _activities_at_work(app: App) -> list[str]:
    """The activities that the host has begun and not ended, by its own book."""
    with closing(sqlite3.connect(f"file:{app.world.state / 'host' / 'host.db'}?mode=ro", uri=True)) as book:
        return [name for (name,) in book.execute("SELECT name FROM task WHERE state = 'running'")]


def _assert_it_was_the_only_run(app: App, run_id: str) -> None:
    assert app.names("enrichment-config", "active/") == []
    (record,) = app.ask("GET", f"enrichments/{app.name}/runs").json()["value"]
    assert record["runId"] == run_id
    assert record["state"] in GOOD


def _blobs(app: App) -> dict[str, bytes]:
    """Everything in the output, by its name in any output and run; and the bytes of what is the same in any run."""
    current = app.current()
    tables = {entry[form] for entry in current["tables"] for form in ("csv", "parquet")}
    alike = {name for name in tables if not name.endswith("_Coverage.parquet")}
    return {
        name.replace(app.output, "*").replace(current["runId"], "*"): (
            app.blob("enrichment-output", name).replace(current["runId"].encode(), b"*") if name in alike else b""
        )
        for name in app.names("enrichment-output", f"{app.output}/")
    }


@pytest.fixture(scope="module")
def published(open_world: OpenWorld, village_folder: Path) -> Iterator[tuple[App, Gate, dict[str, bytes]]]:
    """A world with a result, behind a gate."""
    with open_world(Source(folder=village_folder)) as app, gated(app) as guard:
        app.save()
        app.succeed(app.start())
        yield app, guard, app.tables()


def test_readers_see_the_former_result_until_the_new_one_is_complete(
    published: tuple[App, Gate, dict[str, bytes]],
) -> None:
    app, guard, tables = published
    former = app.current()["runId"]
    guard.hold(f"PUT {OUTPUT}/.*/current.json")
    run = app.start()
    guard.await_held()

    while_publishing = app.current()["runId"], app.tables(), app.ask("POST", f"{run}/cancel").status_code
    app.kill_host()
    app.start_host()
    guard.await_held()
    after_the_kill = app.current()["runId"], app.tables()
    guard.release()
    app.succeed(run)

    assert while_publishing == (former, tables, 409)
    assert after_the_kill == (former, tables)
    assert app.current()["runId"] == run.rpartition("/")[2]
    assert app.tables() == tables


def test_storage_that_is_away_for_some_seconds_in_the_middle_delays_the_run(
    published: tuple[App, Gate, dict[str, bytes]],
) -> None:
    app, guard, tables = published
    for request in (f"PUT {STAGING}/.*/mailboxes/", f"PUT {STAGING}/.*/partitions/", f"PUT {OUTPUT}/.*/.*csv"):
        guard.hold(request)
        run = app.start()
        guard.await_held()
        guard.close()
        guard.release()
        time.sleep(2)
        guard.open()

        app.succeed(run)

        assert app.current()["runId"] == run.rpartition("/")[2]
        assert app.tables() == tables
