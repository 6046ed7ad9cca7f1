"""A person is erased through HTTP, host, emulator and storage (semantics §8): from kept facts, and from a full run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localdev.world import Source
from tests.end_to_end import village
from tests.end_to_end.app import App, OpenWorld, await_that
from tests.end_to_end.gate import gated

BEN, CONTACT = village.user_id("ben"), village.contact("A1", 0)
SPELT = f"Contact Zero <{CONTACT.upper()}>"


@pytest.fixture
def app(open_world: OpenWorld, village_folder: Path) -> Iterator[App]:
    with open_world(Source(folder=village_folder), granted=True) as app:
        app.save()
        app.succeed(app.start())
        yield app


def ask(app: App, address: str) -> str:
    """Where the erasure is to be seen."""
    answer = app.ask("POST", "erasures", json={"address": address})
    assert answer.status_code == 202, answer.text
    return answer.headers["Location"]


def erase(app: App, address: str) -> dict[str, Any]:
    return end(app, ask(app, address))


def end(app: App, erasure: str) -> dict[str, Any]:
    told: dict[str, Any] = await_that(lambda: app.status(erasure), lambda told: told["endedAt"] is not None)
    return told


def graph_requests(app: App) -> int:
    return sum(app.emulator("GET", "stats")["requests"]["byKind"].values())


def rows(app: App, table: str = "Office") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = app.table(table, "application/json", top=10_000).json()["value"]
    return found


def people_of_a1(app: App) -> int:
    (year,) = app.table("Office", "application/json", level="Year", customerId="A1").json()["value"]
    return int(year["NoOfAccountContactsInvolved_Emails"])


def test_a_contact_leaves_the_tables_at_once_and_does_not_come_back(app: App):
    before, contacts = app.current(), people_of_a1(app)
    app.ask("POST", f"enrichments/{app.name}/deactivate")
    app.faults()
    told = erase(app, SPELT)
    erased, after = app.tables(), app.current()

    assert told["state"] == "done"
    assert told["enrichments"] == [{"name": app.name, "runId": after["runId"]}]
    assert graph_requests(app) == 0
    assert (after["asOf"], after["configHash"]) == (before["asOf"], before["configHash"])
    assert after["runId"] != before["runId"]
    assert people_of_a1(app) == contacts - 1
    app.ask("POST", f"enrichments/{app.name}/activate")
    full = app.succeed(app.start())
    assert full["counts"] == app.status(run_of(app, after["runId"]))["counts"]
    assert app.tables() == erased


def run_of(app: App, run_id: str) -> str:
    return f"{app.world.url}/api/enrichments/{app.name}/runs/{run_id}"


def test_earlier_results_and_facts_go_and_records_of_runs_stay(app: App):
    first = app.current()["runId"]
    erase(app, CONTACT)
    run_id = app.current()["runId"]
    runs = app.ask("GET", f"enrichments/{app.name}/runs").json()["value"]

    assert [(run["runId"], run["kind"]) for run in runs] == [(run_id, "erasure"), (first, "manual")]
    assert runs[1]["counts"]["customers"] == 5
    assert app.table("Office", runId=first).status_code == 404
    assert {name.split("/")[1] for name in app.names("enrichment-output", "Office/2")} == {run_id}
    assert {name.split("/")[1] for name in app.names("enrichment-staging", f"{app.name}/")} == {run_id}
    assert app.ask("POST", f"enrichments/{app.name}/runs", json={"retry": first}).status_code == 409
    overview = app.ask("GET", f"enrichments/{app.name}/overview").json()
    segments = app.ask("GET", f"enrichments/{app.name}/segments").json()["value"]
    assert [each["runId"] for each in overview["enrichedOverTime"]] == [first, run_id]
    assert {(each["joined"], each["left"]) for each in segments} == {(None, None)}


def test_one_of_ours_counts_nowhere_and_the_mailbox_is_read_no_more(app: App):
    """§8: leaves M and `_UserEntity`; items in other mailboxes stay, and the address stays in O."""
    emails = sum(row["NoOfEmails_FromAccount"] for row in rows(app) if row["AggregationLevel"] == "Year")
    erase(app, f"Ben+news@{village.address('ben').partition('@')[2]}")
    erased = app.tables()
    people = [row["UserId"] for row in rows(app, "Office_UserEntity")]
    app.emulator("POST", "mailboxes", {"user": BEN, "state": "AccessDenied"})  # whoever asks is told
    full = app.succeed(app.start())

    assert BEN not in people
    assert len(people) == 5
    assert full["counts"]["mailboxes"] == {"selected": 5, "read": 5, "refused": 0}
    assert app.tables() == erased
    left = sum(row["NoOfEmails_FromAccount"] for row in rows(app) if row["AggregationLevel"] == "Year")
    assert 0 < left <= emails


def test_a_contact_that_was_found_stays_away_with_a_new_address(app: App):
    used = rows_used(app)
    erase(app, CONTACT)
    with app.storage as service:
        blob = service.get_blob_client("enrichment-input", "contacts.csv")
        moved = blob.download_blob().readall().replace(CONTACT.encode(), b"moved@elsewhere.example")
        blob.upload_blob(moved, overwrite=True)
    app.succeed(app.start())

    assert b"A1-0,A1,moved@elsewhere.example" in moved
    assert rows_used(app) == used - 1


def rows_used(app: App) -> int:
    """Rows of the contacts data that the current result counts."""
    counts = {(row["Scope"], row["Reason"]): row["Count"] for row in rows(app, "Office_Coverage")}
    return int(counts["Contact", "Used"])


def test_the_next_run_builds_on_what_the_erasure_kept(app: App):
    erase(app, CONTACT)
    erased = app.tables()
    app.faults()
    answer = app.ask("POST", f"enrichments/{app.name}/runs", json={"asOf": app.world.tenant.tenant["asOf"]})
    app.succeed(answer.headers["Location"])
    given = app.emulator("GET", "stats")["messagesGiven"]
    app.faults()
    app.succeed(app.start())

    assert app.tables() == erased
    assert given < app.emulator("GET", "stats")["messagesGiven"] / 5


def test_where_facts_are_gone_everything_is_read_again(app: App):
    with app.storage as service:
        container = service.get_container_client("enrichment-staging")
        for name in app.names("enrichment-staging"):
            container.delete_blob(name)
    app.faults()
    told = erase(app, CONTACT)
    erased = app.tables()
    app.succeed(app.start())

    assert told["state"] == "done"
    assert graph_requests(app) > 0
    assert app.tables() == erased


def test_nothing_that_is_stored_or_told_names_who_was_erased(app: App):
    erase(app, SPELT)
    stored = b"".join(
        app.blob(container, name)
        for container in ("enrichment-config", "enrichment-staging", "enrichment-output")
        for name in app.names(container)
        if not name.startswith("enrichments/")
    )
    heard = b"".join(answer.content for answer in app.heard)
    logged = b"".join(path.read_bytes() for path in app.host_logs())
    kept = (app.world.state / "host" / "host.db").read_bytes()

    for text in (CONTACT.encode(), CONTACT.upper().encode(), CONTACT.partition("@")[0].encode()):
        assert text not in stored + heard + logged + kept


@pytest.mark.timeout(300)
def test_an_erasure_waits_for_a_run_that_reads_and_survives_kills(open_world: OpenWorld, village_folder: Path):
    """Killed at each of its steps, it gives what an undisturbed reading without the person gives."""
    with open_world(Source(folder=village_folder), granted=True) as app, gated(app) as guard:
        app.save()
        app.succeed(app.start())
        guard.hold("PUT /enrichment-staging/.*/partitions/")
        run = app.start()
        guard.await_held()
        erasure = ask(app, CONTACT)
        waiting = app.status(erasure)
        moments = (
            ("PUT /enrichment-config/reading/", True),
            ("PUT /enrichment-config/erasures.json", True),
            ("PUT /enrichment-staging/.*/plan/.*recoded", True),
            ("PUT /enrichment-staging/.*/mailboxes/.*messages", True),
            ("PUT /enrichment-staging/.*/progress/", False),
            ("PUT /enrichment-output/.*/current.json", True),
            ("DELETE /enrichment-output/", False),
            ("DELETE /enrichment-staging/", True),
            ("DELETE /enrichment-config/reading/", True),
        )
        guard.release()
        guard.hold(moments[0][0], done=moments[0][1])  # before the run ends, and with it the waiting
        app.succeed(run)
        guard.await_held()
        for pattern, done in moments[1:]:
            app.kill_host()
            guard.hold(pattern, done=done)
            app.start_host()
            guard.await_held()
        app.kill_host()
        guard.release()
        app.start_host()
        told = end(app, erasure)
        erased = app.tables()
        app.succeed(app.start())

        assert (waiting["state"], waiting["enrichments"]) == ("waiting", [])
        assert told["state"] == "done"
        assert app.tables() == erased
        assert [run["kind"] for run in app.ask("GET", f"enrichments/{app.name}/runs").json()["value"]].count(
            "erasure"
        ) == 1
