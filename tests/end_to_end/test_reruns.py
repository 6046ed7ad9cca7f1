"""Reruns and retries through HTTP, host, emulator and storage: the same tables, and far fewer questions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localdev.world import Source
from tests.end_to_end import village
from tests.end_to_end.app import App, OpenWorld, Tell

MESSAGES = "GET /users/{user-id}/messages"
BEN = village.user_id("ben")


@pytest.fixture(scope="module")
def app(open_world: OpenWorld, village_folder: Path) -> Iterator[App]:
    with open_world(Source(folder=village_folder), granted=True) as app:
        app.save()
        app.succeed(app.start())
        yield app


def run(app: App, **order: Any) -> dict[str, Any]:
    """A run's last status; `given`: the messages that it was given, `asked`: its requests for messages."""
    app.faults()
    answer = app.ask("POST", f"enrichments/{app.name}/runs", json=order)
    assert answer.status_code == 202, answer.text
    status = app.succeed(answer.headers["Location"])
    stats = app.emulator("GET", "stats")
    return status | {"given": stats["messagesGiven"], "asked": stats["requests"]["byKind"].get(MESSAGES, 0)}


def test_a_rerun_is_given_a_tenth_of_the_messages_and_publishes_the_same(app: App, record_property: Tell):
    as_of = app.world.tenant.tenant["asOf"]
    rerun = run(app, asOf=as_of)
    tables = app.tables()
    full = run(app, asOf=as_of, full=True)

    assert app.tables() == tables
    assert rerun["given"] <= full["given"] / 10
    assert rerun["counts"] == full["counts"]
    record_property("told", f"village: a rerun was given {rerun['given']} messages, a full run {full['given']}")


def test_a_retry_reads_only_the_mailbox_that_was_refused(app: App):
    """Interfaces §1: with the `asOf` of the run, reading again only what it could not read."""
    whole = app.tables()
    app.emulator("POST", "mailboxes", {"user": BEN, "state": "AccessDenied"})
    refused = run(app, asOf=app.world.tenant.tenant["asOf"])
    assert refused["state"] == "SucceededWithWarnings"
    assert app.tables() != whole
    app.emulator("POST", "mailboxes", {"user": BEN, "state": "ok"})
    retried = run(app, retry=refused["runId"])

    assert (retried["kind"], retried["asOf"], retried["asked"]) == ("retry", refused["asOf"], 1)
    assert retried["counts"]["mailboxes"] == {"selected": 6, "read": 6, "refused": 0}
    assert app.tables() == whole


def test_runs_that_cannot_be_retried_are_refused_and_nothing_starts(app: App):
    before = app.ask("GET", f"enrichments/{app.name}/runs").json()["value"]
    app.save(options={"maxRecipients": 7})

    def retry(**order: Any) -> int:
        return app.ask("POST", f"enrichments/{app.name}/runs", json=order).status_code

    run_id = before[0]["runId"]
    assert retry(retry="20200101T000000Z") == 400
    assert retry(retry=run_id, full=True) == 400
    assert retry(retry=run_id, asOf=before[0]["asOf"]) == 400
    assert retry(retry=run_id) == 409
    assert app.ask("GET", f"enrichments/{app.name}/runs").json()["value"] == before
