"""A preview (interfaces §1, §2): what an enrichment would read and cost, by counts alone, saving nothing."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from localdev.graph.tenant_files import TenantFiles
from shared.core.estimate import ACTIVITIES
from shared.services import previews
from tests.conftest import ROOT
from tests.fakes import FakeDurable
from tests.triggers import world as w
from tests.triggers.world import BODY, faults, request, told, world
from triggers import consent, http, preview
from triggers.http import Access

ADA, BOB = (w.user(number, name)["id"] for number, name in ((1, "ada"), (2, "bob")))
PEOPLE = [f"p{number}@contoso.example" for number in range(2_500)]


def mailbox(messages: int, events: int) -> dict[str, Any]:
    """So many messages and meetings, one an hour, back from yesterday noon."""
    noon = w.NOW - timedelta(days=1)
    times = [(noon - timedelta(hours=hour)).strftime("%Y-%m-%dT%H:%M:%S") for hour in range(max(messages, events))]
    folders = [{"id": "inbox", "wellKnownName": "inbox"}, {"id": "junk", "wellKnownName": "junkemail"}]
    return {
        "folders": [*folders, {"id": "below", "parentFolderId": "junk"}],
        "messages": [
            {"id": f"m{number}", "receivedDateTime": f"{times[number]}Z", "parentFolderId": "inbox"}
            for number in range(messages)
        ],
        "calendars": [{"id": "c", "isDefaultCalendar": True}],
        "events": {
            "c": [
                {
                    "id": f"e{number}",
                    "start": {"dateTime": times[number], "timeZone": "UTC"},
                    "end": {"dateTime": times[number], "timeZone": "UTC"},
                }
                for number in range(events)
            ]
        },
    }


def filled(**states: str) -> TenantFiles:
    """Ada has 30 messages and 4 meetings, Bob 12 and none. states: of their mailboxes."""
    files = w.tenant()
    people = [user | {"mailbox": states.get(user["mail"].split("@")[0], "ok")} for user in files.users]
    return replace(files, users=people, mailboxes={ADA: mailbox(30, 4), BOB: mailbox(12, 0)})


class Durable(FakeDurable):
    async def raise_event(self, instance_id, event_name, event_data=None):
        raise AssertionError("a preview has no run that could be told")


@asynccontextmanager
async def app(monkeypatch, *args, **how):
    async with world(*args, **how) as made:
        monkeypatch.setattr(http, "services", lambda: made.svc)
        yield made


async def ask(body=BODY):
    return await http.respond(request("POST", "/api/preview", body), Access.READ, preview.preview)


async def test_it_tells_people_rows_and_what_there_is_to_read(monkeypatch):
    contacts = "Id,Account,Email\n1,A1,carl@x.example\n2,A2,eve@x.example\n3,A2,eve@x.example\n3,A2,eve@x.example\n"
    contacts += "4,,no@x.example\n5,A9,nobody\n6,A1,ada@contoso.example\n"
    async with app(monkeypatch, filled()) as made:
        made.svc.storage.input.write("contacts.csv", contacts.encode())
        response = await ask(BODY | {"addresses": ["sales@contoso.example"]})

    assert response.status_code == 200
    answer = told(response)
    minutes = answer["estimate"].pop("minutes")
    assert answer == {
        "addresses": {
            "entries": [{"address": "sales@contoso.example", "kind": "group", "people": 2, "guests": 1}],
            "people": 2,
        },
        "contacts": {"rows": 7, "used": 3, "incomplete": 2, "ownOrganisation": 1, "customers": 2},
        "estimate": {
            "mailboxes": 2,
            "messages": 42,
            "meetings": 4,
            "requests": answer["estimate"]["requests"],
        },
    }
    assert 0 <= minutes["low"] <= minutes["high"]


async def test_it_saves_nothing(monkeypatch):
    async with app(monkeypatch, filled()) as made:
        await ask()

        storage = made.svc.storage
        assert not any(each.blobs for each in (storage.config, storage.staging, storage.output))


async def test_it_counts_and_reads_nothing(monkeypatch):
    """interfaces §1: counts by `$count=true&$top=1&$select=id`; of each mailbox its messages and its meetings, once."""
    async with app(monkeypatch, filled()) as made:
        calls: list[dict[str, str]] = []
        strike = made.emulator.faults.strike

        def watched(call, user):
            calls.append({"path": call.path, **call.query})
            return strike(call, user)

        monkeypatch.setattr(made.emulator.faults, "strike", watched)
        await ask()
        assert made.emulator.stats.complaint_counts == {}

    of_mailboxes = [call for call in calls if "/users/" in call["path"]]
    for call in of_mailboxes:
        assert (call["$count"], call["$top"], call["$select"]) == ("true", "1", "id"), call
    kinds = [call["path"].rsplit("/", 1)[-1] for call in of_mailboxes]
    assert (kinds.count("messages"), kinds.count("calendarView")) == (2, 2)


async def test_a_mailbox_that_cannot_be_read_is_not_counted(monkeypatch):
    async with app(monkeypatch, filled(bob="NotEnabled")):
        estimate = told(await ask())["estimate"]

    assert (estimate["mailboxes"], estimate["messages"], estimate["meetings"]) == (1, 30, 4)


async def test_only_what_lies_in_the_window_is_counted(monkeypatch):
    """semantics §3.1: received from the day before the window to a day after the run's instant."""
    files = filled()
    first = w.NOW.replace(hour=0) - timedelta(days=365)
    for number, received in enumerate((first - timedelta(seconds=1), first)):
        files.mailboxes[ADA]["messages"].append({"id": f"x{number}", "receivedDateTime": received.isoformat()})
    async with app(monkeypatch, files):
        assert told(await ask())["estimate"]["messages"] == 43


async def test_while_consent_is_missing_the_answer_is_409_with_a_link_that_works(monkeypatch):
    """interfaces §1: 409 with `consent` while it is missing."""
    async with app(monkeypatch, filled(), granted=False) as made:
        response = await ask()
        assert response.status_code == 409
        asked = told(response)["consent"]
        assert (asked["state"], asked["requestedAt"], asked["grantedAt"]) == ("missing", None, None)
        state = parse_qs(urlsplit(asked["url"]).query)["state"][0]
        made.emulator.consent.grant(made.emulator.entra.registration.asked_roles)
        path = f"/api/consent/callback?state={state}&tenant={w.TENANT_ID}"
        back = await http.respond(request(path=path), Access.ANYBODY, consent.callback, Durable())

        assert (back.status_code, back.headers["Location"]) == (303, "/ui/")
        assert (await ask()).status_code == 200


async def test_faults_come_at_once_as_for_a_save(monkeypatch):
    wrong = BODY | {
        "addresses": ["ada@contoso.example", "bob@contoso.example", "who@contoso.example"],
        "contacts": BODY["contacts"] | {"email": "Mail"},
        "output": "1",
        "name": "sales",
    }
    async with app(monkeypatch, filled()):
        response = await ask(wrong)

    assert response.status_code == 400
    assert faults(response) == {"/addresses/2", "/contacts/email", "/output", "/name"}
    assert b"@" not in response.get_body()


async def test_faults_are_told_while_consent_is_missing_too(monkeypatch):
    async with app(monkeypatch, filled(), granted=False):
        response = await ask(BODY | {"output": "1"})

    assert (response.status_code, faults(response)) == (400, {"/output"})


@pytest.mark.parametrize("about", [{"countryLetterCode": "BR"}, {"subscribedSkus": []}])
async def test_a_tenant_that_cannot_be_read_is_409_as_for_a_save(monkeypatch, about):
    async with app(monkeypatch, w.tenant(**about)):
        response = await ask()

    assert response.status_code == 409
    assert "consent" not in told(response)


async def test_mailboxes_that_do_not_answer_in_time_are_taken_to_be_like_the_others(monkeypatch):
    slow = {"kind": "throttle", "path": f"/users/{BOB}/messages", "retryAfter": "3600", "times": None}
    async with app(monkeypatch, filled()) as made:
        made.emulator.faults.add(slow)
        estimate = told(await ask())["estimate"]

    assert (estimate["mailboxes"], estimate["messages"], estimate["countedIn"]) == (2, 60, 1)


async def test_a_mailbox_that_is_silent_does_not_hold_the_others_up(monkeypatch):
    monkeypatch.setattr(previews, "COUNTING", 0.5)
    slow = {"kind": "slow", "path": f"/users/{BOB}/messages", "seconds": 20, "times": None}
    async with app(monkeypatch, filled()) as made:
        made.emulator.faults.add(slow)
        estimate = told(await ask())["estimate"]

    assert (estimate["mailboxes"], estimate["messages"], estimate["countedIn"]) == (2, 60, 1)


async def test_where_no_mailbox_answers_it_is_503(monkeypatch):
    async with app(monkeypatch, filled()) as made:
        made.emulator.faults.add({"kind": "throttle", "path": "/users/*/messages", "retryAfter": "99", "times": None})
        response = await ask()

    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0


async def test_many_mailboxes_are_counted_many_at_once_and_never_more_than_four_requests_to_one(monkeypatch):
    async with app(monkeypatch, filled()) as made:
        estimate = told(await ask(BODY | {"addresses": PEOPLE[:400]}))["estimate"]

        assert estimate["mailboxes"] == 400
        assert made.emulator.stats.complaint_counts == {}


def test_the_estimate_knows_how_many_mailboxes_the_platform_reads_at_once():
    settings = json.loads((ROOT / "host.json").read_text())["extensions"]["durableTask"]

    assert settings["maxConcurrentActivityFunctions"] == ACTIVITIES
