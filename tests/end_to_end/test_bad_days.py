"""Bad days of Graph, Entra, the customer and the storage, through the whole path: what is published is right or is not.

After faults that pass, the tables are those of an undisturbed run, byte for byte. After those that stay, the run says
what happened, the former result stands, and the next run can start.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from localdev import browser
from localdev.world import Source
from tests.end_to_end import village
from tests.end_to_end.app import App, Json, OpenWorld, await_that, has_ended, task_of

pytestmark = [pytest.mark.whole, pytest.mark.azurite]

CLEO = village.address("cleo")
MESSAGES, EVENTS, FOLDERS = "/users/*/messages", "/users/*/calendarView", "/users/*/mailFolders/*"
EVERY_TIME = {"times": None}
# Every call takes a little, so that calls made at the same time have all arrived before one of them is refused.
TAKE_TIME = {"kind": "slow", "seconds": 0.05, **EVERY_TIME}
SHORT = {"kind": "shortPages", "path": MESSAGES, "size": 7, **EVERY_TIME}

PASSING: dict[str, list[Json]] = {
    "throttled in whole seconds": [TAKE_TIME, {"kind": "throttle", "path": MESSAGES, "retryAfter": "1", "times": 3}],
    "throttled in fractions of a second": [
        TAKE_TIME,
        {"kind": "throttle", "path": EVENTS, "retryAfter": "0.4", "times": 3},
    ],
    "throttled without saying how long": [
        TAKE_TIME,
        {"kind": "throttle", "path": MESSAGES, "retryAfter": None, "times": 2},
    ],
    "throttled for two seconds": [TAKE_TIME, {"kind": "throttle", "mailbox": CLEO, "seconds": 2}],
    "the directory throttled": [
        TAKE_TIME,
        *({"kind": "throttle", "path": path, "retryAfter": "1"} for path in ("/users", "/groups")),
    ],
    "unavailable for now": [{"kind": "status", "status": 503, "path": MESSAGES, "times": 4}],
    "unavailable, with Retry-After": [
        TAKE_TIME,
        {"kind": "status", "status": 503, "retryAfter": "1", "path": FOLDERS, "times": 4},
    ],
    "bad gateway": [{"kind": "status", "status": 502, "path": EVENTS, "times": 2}],
    "an internal error": [{"kind": "status", "status": 500, "path": path} for path in (MESSAGES, "/users")],
    "big pages time out": [{"kind": "gatewayTimeoutAbove", "path": MESSAGES, "top": 50, **EVERY_TIME}],
    "stale mailbox information": [{"kind": "mailboxInfoStale", "mailbox": CLEO, "times": 2}],
    "a page of HTML": [
        {"kind": "html", "path": path} for path in (MESSAGES, EVENTS, FOLDERS, "/users", "/groups/*/*/*")
    ],
    "half a JSON": [{"kind": "halfJson", "path": path} for path in (MESSAGES, EVENTS, FOLDERS, "/users")],
    "another shape": [{"kind": "wrongShape", "path": path} for path in (MESSAGES, EVENTS, "/users")],
    "something that is no message, once": [{"kind": "badItem", "path": MESSAGES, "item": "broken"}],
    "a message all of whose properties are wrong, always": [
        {"kind": "badItem", "path": MESSAGES, "item": {"id": 1, "receivedDateTime": 7, "from": [], "toRecipients": 1}}
        | EVERY_TIME,
    ],
    "a link to another place": [{"kind": "foreignNextLink", "path": path} for path in (MESSAGES, EVENTS, "/users")],
    "a link back to its own page": [{"kind": "repeatingNextLink", "path": path} for path in (MESSAGES, EVENTS)],
    "short pages": [SHORT],
    "an empty page in between": [SHORT, {"kind": "emptyPage", "path": MESSAGES, "after": 1, "times": 2}],
    "short pages, a link missing": [SHORT, {"kind": "missingNextLink", "path": MESSAGES, "after": 1, "times": 2}],
    "a token that expires in the middle": [{"kind": "expireToken", "path": MESSAGES, "after": 2}],
    "connections cut off": [{"kind": "reset", "path": path, "times": 2} for path in (MESSAGES, EVENTS, FOLDERS)],
    "a mailbox that is not there yet": [{"kind": "freshMailbox", "path": "/users/*/mailFolders/inbox", "seconds": 1}],
    "no token for a moment": [{"kind": "status", "status": 503, "path": "/*/oauth2/v2.0/token"}],
}


@pytest.fixture(scope="module")
def here(open_world: OpenWorld, village_folder: Path) -> Iterator[App]:
    with open_world(Source(folder=village_folder), settings={"FIRST_RUN_DELAY": "PT2S"}) as app:
        app.save()
        app.succeed(app.start())
        yield app


@pytest.fixture(scope="module")
def undisturbed(here: App) -> dict[str, bytes]:
    return here.tables()


@pytest.fixture
def app(here: App, undisturbed: dict[str, bytes]) -> Iterator[App]:
    """On a good day. Whatever the test does, the day is good again afterwards, and the next run gives the same."""
    here.faults()
    yield here
    here.faults()
    here.grant()
    for name in village.OURS:
        here.emulator("POST", "mailboxes", {"user": village.user_id(name), "state": "ok"})


@pytest.mark.parametrize("faults", PASSING.values(), ids=PASSING.keys())
def test_what_passes_leaves_no_trace_in_the_tables(app: App, undisturbed: dict[str, bytes], faults: list[Json]) -> None:
    app.faults(*faults)

    status = app.succeed(app.start())

    assert status["state"] == "Succeeded"
    assert app.current()["runId"] == status["runId"]
    assert app.tables() == undisturbed
    stats = app.emulator("GET", "stats")
    assert stats["complaints"] == []
    assert stats["mostInFlight"] <= 4


def test_a_mailbox_throttled_for_an_hour_is_unavailable_and_the_others_count(app: App) -> None:
    """Interfaces §5: no progress for `MAILBOX_PATIENCE` (half an hour here), `Retry-After` included."""
    app.faults(TAKE_TIME, {"kind": "throttle", "mailbox": CLEO, "seconds": 3600})

    status = app.succeed(app.start())

    assert status["state"] == "SucceededWithWarnings"
    assert task_of(status, "extract")["warnings"] == 1
    assert status["counts"]["mailboxes"] == {"selected": 6, "read": 5, "refused": 1}
    assert _coverage(app)["Mailbox", "Unavailable"] == 1
    assert app.emulator("GET", "stats")["complaints"] == []
    # The app remembers for an hour that this mailbox wants to be left alone; one that starts anew does not.
    app.kill_host()
    app.start_host()


def test_a_tenant_that_is_throttled_as_a_whole_is_read_to_its_end(app: App, undisturbed: dict[str, bytes]) -> None:
    """Every mailbox is refused once; then all wait, and go on at the pace that Graph was seen to allow."""
    refused = {"kind": "status", "status": 429, "code": "TooManyRequests", "retryAfter": "1"}
    app.faults(TAKE_TIME, *(refused | {"path": MESSAGES, "mailbox": village.address(name)} for name in village.OURS))

    app.succeed(app.start())

    assert app.tables() == undisturbed
    assert app.emulator("GET", "stats")["complaints"] == []
    # The app keeps a pace from now on; one that starts anew does not.
    app.kill_host()
    app.start_host()


def test_when_every_mailbox_is_refused_the_run_fails_and_the_former_result_stays(app: App) -> None:
    before = _result(app)
    for name in village.OURS:
        state = "NotEnabled" if name == "ada" else "AccessDenied"
        app.emulator("POST", "mailboxes", {"user": village.user_id(name), "state": state})

    status = app.end(app.start())

    assert status["state"] == "Failed"
    assert "5 AccessDenied, 1 NotEnabled" in status["problem"]["detail"]
    assert app.enrichment()["consent"]["state"] == "granted"
    assert _result(app) == before


def test_consent_withdrawn_in_the_middle_fails_the_run_and_the_former_result_stays(app: App) -> None:
    """Interfaces §3: after a mailbox's 403 a fresh token is had; if the roles are gone, consent is `withdrawn`."""
    before = _result(app)
    app.faults(
        {"kind": "slow", "path": FOLDERS, "seconds": 1.0, **EVERY_TIME}
    )  # they are asked for before the messages
    run = app.start()
    app.await_task(run, "extract")
    app.revoke()

    status = app.end(run)

    assert (status["state"], status["problem"]["title"]) == ("Failed", "Consent was withdrawn")
    assert app.enrichment()["consent"]["state"] == "withdrawn"
    assert _result(app) == before
    app.faults()
    app.grant()
    app.succeed(app.start())
    assert app.enrichment()["consent"]["state"] == "granted"


def test_consent_declined_and_then_given_lets_the_waiting_run_go_on(app: App, undisturbed: dict[str, bytes]) -> None:
    app.revoke()
    asked = app.another("declined")
    link = asked.save()["consent"]["url"]
    run = asked.start()
    asked.await_status(run, lambda status: bool(status["state"] == "WaitingForConsent"))

    arrived = browser.decide(app.world.at_emulator(link), "Decline")
    refused = asked.enrichment()["consent"]
    waiting = asked.status(run)["state"]
    used = app.ask("GET", f"{app.world.url}/api/consent/callback", params={"state": _state_of(link), "error": "x"})
    browser.decide(app.world.at_emulator(refused["url"]))

    assert arrived.endswith("/ui/declined")
    assert (refused["state"], waiting) == ("refused", "WaitingForConsent")
    assert used.status_code == 400
    status = asked.succeed(run)
    assert task_of(status, "delay")["state"] == "done"
    assert asked.enrichment()["consent"]["state"] == "granted"
    assert asked.tables() == undisturbed


def test_consent_given_in_the_admin_centre_is_found_by_the_poll(app: App, undisturbed: dict[str, bytes]) -> None:
    app.revoke()
    asked = app.another("polled")
    entries = asked.save()["resolved"]["entries"]
    run = asked.start()
    asked.await_status(run, lambda status: bool(status["state"] == "WaitingForConsent"))

    app.grant()

    asked.succeed(run)
    assert {entry["kind"] for entry in entries} == {"pending"}
    assert asked.tables() == undisturbed


def test_cancelled_while_it_waits_for_consent(app: App, undisturbed: dict[str, bytes]) -> None:
    app.revoke()
    asked = app.another("cancelled-waiting")
    asked.save()
    run = asked.start()
    asked.await_status(run, lambda status: bool(status["state"] == "WaitingForConsent"))

    _cancel(asked, run)

    app.grant()
    asked.succeed(asked.start())
    assert asked.tables() == undisturbed


def test_cancelled_while_it_is_delayed(app: App, undisturbed: dict[str, bytes]) -> None:
    fresh = app.another("cancelled-delayed")
    fresh.save()
    run = fresh.start()
    fresh.await_status(run, lambda status: bool(status["state"] == "Delayed"))

    _cancel(fresh, run)

    fresh.succeed(fresh.start())
    assert fresh.tables() == undisturbed


@pytest.mark.parametrize(("task", "path"), [("resolve", "/users"), ("extract", FOLDERS)])
def test_cancelled_while_it_asks_graph(app: App, undisturbed: dict[str, bytes], task: str, path: str) -> None:
    before = _result(app)
    app.faults({"kind": "slow", "path": path, "seconds": 1.0, **EVERY_TIME})
    run = app.start()
    app.await_task(run, task)

    _cancel(app, run)

    assert _result(app) == before
    app.faults()
    app.succeed(app.start())
    assert app.tables() == undisturbed


def test_cancelled_while_it_aggregates(app: App, undisturbed: dict[str, bytes]) -> None:
    """Facts that are broken make the step fail again and again, which holds the stage for long enough."""
    before = _result(app)
    run = _reading(app)
    with app.storage as service:
        service.get_blob_client("enrichment-staging", _first_part(app, run)).upload_blob(b"broken", overwrite=True)
    app.await_task(run, "aggregate")

    _cancel(app, run)

    assert _result(app) == before
    app.succeed(app.start())
    assert app.tables() == undisturbed


@pytest.mark.parametrize("gone", ["mailboxes/0000/", ""], ids=["one mailbox", "everything"])
def test_facts_removed_while_a_run_reads_end_it_at_once_and_the_former_result_stays(
    app: App, undisturbed: dict[str, bytes], gone: str
) -> None:
    before = _result(app)
    run = _reading(app)
    _first_part(app, run)
    prefix = f"{app.name}/{run.rpartition('/')[2]}/{gone}"
    with app.storage as service:
        for name in app.names("enrichment-staging", prefix):
            service.get_blob_client("enrichment-staging", name).delete_blob()

    status = app.end(run)

    assert (status["state"], status["problem"]["title"]) == ("Failed", "What the run had read is gone")
    assert _result(app) == before
    app.succeed(app.start())
    assert app.tables() == undisturbed


def _reading(app: App) -> str:
    """A run that goes on reading one mailbox when all others have been read."""
    app.faults({"kind": "slow", "path": MESSAGES, "mailbox": CLEO, "seconds": 3.0})
    return app.start()


def _first_part(app: App, run: str) -> str:
    """The name of the blob with the first mailbox's messages, as soon as the call that read them has ended."""
    place = f"{app.name}/{run.rpartition('/')[2]}"
    await_that(lambda: app.names("enrichment-staging", f"{place}/progress/0000"), bool, pause=0.02)
    (name,) = app.names("enrichment-staging", f"{place}/mailboxes/0000/0000.messages")
    return str(name)


def test_a_run_that_has_ended_cannot_be_cancelled(app: App) -> None:
    run = app.start()
    status = app.succeed(run)

    answer = app.ask("POST", f"{run}/cancel")

    assert answer.status_code == 409
    assert app.status(run) == status


def test_of_two_starts_at_once_one_wins(app: App) -> None:
    address = f"enrichments/{app.name}/runs"
    order = {"asOf": app.world.tenant.tenant["asOf"]}
    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(lambda _: app.ask("POST", address, json=order), range(2)))

    assert sorted(answer.status_code for answer in answers) == [202, 409]
    app.succeed(next(answer.headers["Location"] for answer in answers if answer.ok))


def test_a_run_as_of_tomorrow_is_refused_and_leaves_no_record(app: App) -> None:
    runs = app.names("enrichment-config", "runs/")
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat(timespec="seconds")

    answer = app.ask("POST", f"enrichments/{app.name}/runs", json={"asOf": tomorrow})

    assert answer.status_code == 400
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert app.names("enrichment-config", "runs/") == runs


def test_storage_away_at_the_start_is_503_and_the_next_start_works(app: App, undisturbed: dict[str, bytes]) -> None:
    runs = app.names("enrichment-config", "runs/")
    app.stop_storage()
    try:
        with ThreadPoolExecutor(2) as both:
            start = both.submit(app.ask, "POST", f"enrichments/{app.name}/runs", json={})
            health = both.submit(app.ask, "GET", "health")
        answers = [start.result(), health.result()]
    finally:
        app.start_storage()

    assert [answer.status_code for answer in answers] == [503, 503]
    assert answers[0].headers["Content-Type"].startswith("application/problem+json")
    assert app.names("enrichment-config", "runs/") == runs
    app.succeed(app.start())
    assert app.tables() == undisturbed


def _cancel(app: App, run: str) -> None:
    """Cancelled it is at once, stays so, and publishes nothing."""
    run_id = run.rpartition("/")[2]
    assert app.ask("POST", f"{run}/cancel").status_code == 202
    status = app.status(run)
    assert has_ended(status)
    assert status["state"] == "Canceled"
    assert app.names("enrichment-config", f"active/{app.name}") == []
    assert app.names("enrichment-output", f"{app.output}/{run_id}") == []


def _result(app: App) -> tuple[Any, dict[str, bytes], dict[str, str]]:
    """What readers see, to the byte, and which version of which blob is there."""
    with app.storage as service:
        blobs = service.get_container_client("enrichment-output").list_blobs(name_starts_with=f"{app.output}/")
        return app.current(), app.tables(), {blob.name: blob.etag for blob in blobs}


def _coverage(app: App) -> dict[tuple[str, str], int]:
    text = app.tables()["_Coverage"].decode("utf-8-sig")
    return {(row["Scope"], row["Reason"]): int(row["Count"]) for row in csv.DictReader(io.StringIO(text, newline=""))}


def _state_of(link: str) -> str:
    return link.partition("&state=")[2]
