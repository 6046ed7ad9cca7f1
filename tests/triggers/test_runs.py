"""The routes of runs (interfaces §1, §4)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import azure.functions as func
import pytest

from shared.core import blob_names
from shared.core.enrichment import Enrichment
from shared.services import enrichments
from shared.services.conditions import Condition
from tests.fakes import FakeDurable, fake_services
from triggers import http, runs
from triggers.http import Access

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
BODY = {
    "addresses": ["ada@contoso.example", "bob@contoso.example"],
    "consentAgreed": True,
    "contacts": {"blob": "contacts.csv", "contactId": "Id", "customerId": "Account", "email": "Email"},
}


@pytest.fixture
def svc(monkeypatch):
    made = fake_services(NOON)
    monkeypatch.setattr(http, "services", lambda: made)
    body = Enrichment.model_validate(BODY, by_alias=True, by_name=False)
    enrichments.save(made, "sales", body, [], None, Condition())
    return made


def request(method: str = "GET", body: Any = None, query: str = "", run_id: str = "") -> func.HttpRequest:
    raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    return func.HttpRequest(
        method=method,
        url=f"https://app.example/api/enrichments/sales/runs{query}",
        params=dict(pair.split("=") for pair in query.lstrip("?").split("&") if pair),
        route_params={"name": "sales", "runId": run_id},
        body=raw,
    )


async def post(durable, body=None):
    return await http.respond(request("POST", body), Access.WRITE, runs.start, durable)


async def test_a_start_answers_202_with_the_place_of_the_run_and_when_to_look(svc):
    response = await post(FakeDurable())

    run = json.loads(response.get_body())
    assert response.status_code == 202
    assert response.headers["Location"] == "https://app.example/api/enrichments/sales/runs/20261124T120000Z"
    assert int(response.headers["Retry-After"]) > 0
    assert run["links"]["self"] == response.headers["Location"]
    assert run["runId"] == "20261124T120000Z"
    assert [task["name"] for task in run["tasks"]] == ["consent", "delay", "resolve", "extract", "aggregate", "publish"]


async def test_a_start_never_hands_out_the_platforms_management_links(svc):
    response = await post(FakeDurable())

    assert b"durabletask" not in response.get_body()


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"asOf": "2026-11-24T12:00:01Z"}, ["/asOf"]),
        ({"asOf": "2026-11-24T12:00:00.000001Z"}, ["/asOf"]),
        ({"asOf": "2026-11-24"}, ["/asOf"]),
        ({"asOf": "2026-11-24T12:00:00"}, ["/asOf"]),
        ({"asOf": "1969-12-31T23:59:59Z"}, ["/asOf"]),
        ({"asOf": 5}, ["/asOf"]),
        ({"full": "yes"}, ["/full"]),
        ({"fast": True}, ["/fast"]),
        ({"asOf": "2027-01-01T00:00:00Z", "full": 1, "fast": True}, ["/asOf", "/full", "/fast"]),
        (b"[1]", [""]),
        (b"{", [""]),
    ],
    ids=[
        "future",
        "a microsecond ahead",
        "a date",
        "without offset",
        "before 1970",
        "a number",
        "full as text",
        "unknown field",
        "all at once",
        "a list",
        "half a body",
    ],
)
async def test_a_start_with_faults_is_refused_and_starts_nothing(svc, body, pointers):
    durable = FakeDurable()

    response = await post(durable, body)

    told = json.loads(response.get_body())
    assert response.status_code == 400
    assert not durable.started
    assert not svc.storage.config.newest_first(blob_names.runs("sales"))
    assert [fault["pointer"] for fault in told["errors"]] == pointers


async def test_a_start_while_a_run_is_active_is_a_conflict(svc):
    durable = FakeDurable()
    await post(durable)

    assert (await post(durable)).status_code == 409


async def test_the_history_is_newest_first_and_pages(svc):
    durable = FakeDurable()
    for _ in range(3):
        started = json.loads((await post(durable)).get_body())
        await http.respond(request("POST", run_id=started["runId"]), Access.WRITE, runs.cancel, durable)

    response = await http.respond(request(query="?top=2"), Access.READ, runs.history, durable)

    page = json.loads(response.get_body())
    assert [run["runId"] for run in page["value"]] == ["20261124T120002Z", "20261124T120001Z"]
    assert page["nextLink"] == "https://app.example/api/enrichments/sales/runs?top=2&skip=2"


async def test_a_cancelled_run_says_so_and_cannot_be_cancelled_again(svc):
    durable = FakeDurable()
    started = json.loads((await post(durable)).get_body())

    first = await http.respond(request("POST", run_id=started["runId"]), Access.WRITE, runs.cancel, durable)
    second = await http.respond(request("POST", run_id=started["runId"]), Access.WRITE, runs.cancel, durable)

    assert (first.status_code, second.status_code) == (202, 409)
    assert json.loads(first.get_body())["state"] == "Canceled"


@pytest.mark.parametrize("run_id", ["20260101T000000Z", "..", "../sales/x", "%2e%2e", "x" * 2_000, "20261124t120000z"])
@pytest.mark.parametrize(("run", "access"), [(runs.one, Access.READ), (runs.cancel, Access.WRITE)])
async def test_an_unknown_run_is_404_and_only_the_id_of_a_run_reaches_the_storage(
    svc, monkeypatch, run_id, run, access
):
    asked: list[str] = []
    read = svc.storage.config.read

    def remembered(name):
        asked.append(name)
        return read(name)

    monkeypatch.setattr(svc.storage.config, "read", remembered)

    response = await http.respond(request(run_id=run_id), access, run, FakeDurable())

    assert response.status_code == 404
    assert asked in ([], ["runs/sales/20260101T000000Z.json"])


@pytest.mark.parametrize(
    "as_of",
    ["1970-01-01T00:00:00Z", "2026-11-24T13:00:00+01:00", "2026-11-24t12:00:00.0z", "1970-01-01T01:00:00+01:00"],
)
async def test_any_instant_from_1970_until_now_is_taken(svc, as_of):
    assert (await post(FakeDurable(), {"asOf": as_of})).status_code == 202


async def test_where_the_platform_is_away_a_start_is_503_and_nothing_is_reserved(svc):
    durable = FakeDurable()
    durable.away = True
    before = dict(svc.storage.config.blobs)

    response = await post(durable)

    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert svc.storage.config.blobs == before
