"""What callers get over HTTP when they, the settings or the storage are wrong: the host hands it on as it is."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from localdev import azurite
from localdev.processes import Child
from localdev.world import ROOT, SETTINGS, Source
from shared.core import consent_state
from shared.core.consent_state import ConsentState
from tests.end_to_end import village
from tests.end_to_end.app import App, OpenWorld

CALLBACK = "consent/callback"
OTHER_TENANT = "99999999-0000-0000-0000-000000000000"


def problem_of(answer: requests.Response) -> dict[str, Any]:
    assert answer.headers["Content-Type"].startswith("application/problem+json"), answer.text
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["title"]
    assert problem["detail"]
    assert "@" not in answer.text.replace("(local@domain)", "")
    return problem


# Over a whole world, in which nobody has consented yet


@pytest.fixture(scope="module")
def app(open_world: OpenWorld, village_folder: Path) -> Iterator[App]:
    with open_world(Source(folder=village_folder), granted=False) as app:
        app.save()
        yield app


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/api"),
        ("GET", "/api/nothing"),
        ("GET", "/api/enrichments/a/b"),
        ("PUT", "/api/enrichments/a/b"),
        ("PUT", "/api/enrichments/"),
        ("PATCH", "/api/enrichments/sales"),
        ("POST", "/api/enrichments/sales"),
        ("PUT", "/api/enrichments/sales/runs"),
        ("POST", "/api/health"),
        ("HEAD", "/api/health"),
        ("HEAD", "/api/enrichments/sales"),
        ("HEAD", "/ui"),
        ("OPTIONS", "/api/enrichments/sales"),
        ("OPTIONS", "/api/health"),
        ("TRACE", "/api/health"),
    ],
)
def test_unknown_routes_and_methods_are_404(app: App, method: str, path: str) -> None:
    """interfaces §1: `HEAD` and `OPTIONS` are not offered; a name with a slash is another route."""
    assert app.ask(method, app.world.url + path).status_code == 404


@pytest.mark.parametrize(
    "name", ["a%2Fb", "Sales", "SALES", "1a", "-a", "a_b", "a%20b", "%C3%A4", "a%00", "a" * 61, "%25"]
)
def test_a_name_that_is_none_is_400_for_every_method(app: App, name: str) -> None:
    """interfaces §1: 1–60 of `a-z0-9-`, starting with a letter; else 400."""
    for answer in (
        app.ask("PUT", f"enrichments/{name}", json=app.body()),
        app.ask("GET", f"enrichments/{name}"),
        app.ask("POST", f"enrichments/{name}/runs"),
        app.ask("GET", f"enrichments/{name}/runs"),
        app.ask("GET", f"enrichments/{name}/results"),
    ):
        assert answer.status_code == 400
        problem_of(answer)


def test_a_refused_body_is_told_as_it_is_and_changes_nothing(app: App) -> None:
    before = blobs(app)
    body = app.body()
    wrong = {
        **body,
        "addresses": [*body["addresses"], "no address", "two@signs@x"],
        "zoe@x.example": 1,
        "colour": "red",
    }
    for answer, status, pointers in (
        (app.ask("PUT", "enrichments/sales", data=b"{"), 400, {""}),
        (app.ask("PUT", "enrichments/new", data=b""), 400, {""}),
        (app.ask("PUT", "enrichments/sales", json=wrong), 400, {"/addresses/5", "/addresses/6", "", "/colour"}),
        (app.ask("PUT", "enrichments/sales", data=b" " * 10_000_000), 413, set()),
        (app.ask("POST", "enrichments/sales/runs", data=b"1" * 10_000_000), 413, set()),
        (app.ask("POST", "enrichments/sales/runs", json={"asOf": "2999-01-01T00:00:00Z", "fast": 1}), 400,
         {"/asOf", "/fast"}),
        (app.ask("POST", "enrichments/none/runs", json={}), 404, set()),
        (app.ask("GET", "enrichments/none"), 404, set()),
        (app.ask("GET", "enrichments/sales/runs/20200101T000000Z"), 404, set()),
        (app.ask("GET", "enrichments/sales/runs/..%2F..%2Fconsent"), 404, set()),
        (app.ask("POST", f"enrichments/sales/runs/{'x' * 3000}/cancel"), 404, set()),
        (app.ask("GET", "enrichments/sales/results"), 404, set()),
        (app.ask("GET", "enrichments?top=1001"), 400, None),
        (app.ask("GET", "enrichments?top=1&top=2"), 400, None),
    ):  # fmt: skip
        assert answer.status_code == status, answer.text
        problem = problem_of(answer)
        assert pointers is None or {fault["pointer"] for fault in problem.get("errors", ())} == pointers
    assert blobs(app) == before


def test_a_forged_expired_or_foreign_state_is_400_and_uses_nothing_up(app: App) -> None:
    """interfaces §1: `state` is signed, bound to tenant and enrichment, single use, expires."""
    state, tenant = state_of(app), app.world.tenant.tenant["tenantId"]
    claims, _, signature = state.partition(".")
    key = consent_state.signing_key(base64.b64decode(app.world.environment()["PSEUDONYM_KEY"]))
    good = ConsentState(enrichment="sales", tenant=tenant, nonce="n", expires=int(time.time()) + 3600)
    expired = consent_state.sign(ConsentState(good.enrichment, good.tenant, good.nonce, int(time.time())), key)
    elsewhere = consent_state.sign(ConsentState(good.enrichment, OTHER_TENANT, good.nonce, good.expires), key)
    before = blobs(app)

    for query in (
        {"tenant": tenant},
        {"state": "", "tenant": tenant},
        {"state": "x", "tenant": tenant},
        {"state": f"{claims}.{signature[::-1]}", "tenant": tenant},
        {"state": f"A{claims}.{signature}", "tenant": tenant},
        {"state": consent_state.sign(good, bytes(32)), "tenant": tenant},
        {"state": expired, "tenant": tenant},
        {"state": elsewhere, "tenant": tenant},
        {"state": elsewhere, "tenant": OTHER_TENANT},
        {"state": state, "tenant": OTHER_TENANT},
        {"state": state, "tenant": OTHER_TENANT, "error": "access_denied"},
        {"state": state},
    ):
        answer = app.ask("GET", CALLBACK, params=query, allow_redirects=False)
        assert answer.status_code == 400, query
        problem_of(answer)
    assert blobs(app) == before


def test_a_state_leads_back_once_declined_or_not(app: App) -> None:
    """interfaces §1: 303 to `/ui/{enrichment}`, declined too (state `refused`); 400 for a used `state`."""
    tenant = app.world.tenant.tenant["tenantId"]
    for query, consent in (
        ({"error": "access_denied", "admin_consent": "True"}, "refused"),
        ({"tenant": tenant, "admin_consent": "True"}, "refused"),  # nobody has consented, whatever the address says
    ):
        query["state"] = state_of(app)
        first = app.ask("GET", CALLBACK, params=query, allow_redirects=False)
        second = app.ask("GET", CALLBACK, params=query, allow_redirects=False)

        assert (first.status_code, second.status_code) == (303, 400)
        assert urlsplit(first.headers["Location"]).path == "/ui/sales"
        problem_of(second)
        assert app.enrichment()["consent"]["state"] == consent


def test_a_run_as_of_1970_publishes_tables_without_rows(app: App) -> None:
    """The first instant that is taken: its window lies before anything that anybody has."""
    app.grant()
    answer = app.ask("POST", "enrichments/sales/runs", json={"asOf": "1970-01-01T00:00:00Z"})
    status = app.end(answer.headers["Location"])

    assert status["state"] == "Succeeded", status["problem"]
    assert status["counts"]["customers"] == 0
    assert app.table("Office").text.count("\n") == 1


def state_of(app: App) -> str:
    (state,) = parse_qs(urlsplit(app.enrichment()["consent"]["url"]).query)["state"]
    return str(state)


def blobs(app: App) -> dict[str, bytes]:
    return {name: app.blob("enrichment-config", name) for name in app.names("enrichment-config")}


# A host alone: what it needs is wrong or away


Hosts = Callable[..., AbstractContextManager[tuple[str, Path]]]
READ_BY_POST = ("api/preview", "api/enrichments/{name}/segments")
ANONYMOUS = ("api/consent/callback", "api/health", "api/openapi.json", "ui/{*path}")


@pytest.fixture
def hosts(tmp_path: Path) -> Hosts:
    """`with hosts(**settings) as (address, log)`: the app where nothing else runs."""

    @contextmanager
    def running(**settings: str) -> Iterator[tuple[str, Path]]:
        with socket.socket() as taken:
            # Bound and not listening: whoever calls is turned away.
            taken.bind(("127.0.0.1", 0))
            nowhere = f"http://127.0.0.1:{taken.getsockname()[1]}"
            values = json.loads(SETTINGS.read_text("utf-8"))["Values"]
            storage = azurite.connection_string(nowhere)
            there = {"AzureWebJobsStorage": storage, "DATA_STORAGE": storage, "GRAPH_BASE_URL": f"{nowhere}/v1.0"}
            env = {**os.environ, **values, **there, "ENTRA_LOOPBACK_URL": nowhere, **settings}
            command = [sys.executable, "-m", "localdev", "host", "--port", "0", "--state", str(tmp_path / "state")]
            host = Child("host", command, tmp_path / "host.log", env, cwd=ROOT)
            try:
                yield host.address(), host.log
            finally:
                host.stop()

    return running


def routes(registered: list[Any]) -> list[tuple[str, str, str]]:
    """(route, method, path) of every HTTP function of the app."""
    found = []
    for function in registered:
        trigger = function.get_trigger()
        if trigger.type == "httpTrigger":
            path = re.sub(r"\{\*?\w+\}", "sales", trigger.route.replace("{runId}", "20200101T000000Z"))
            found += [(trigger.route, getattr(method, "value", method), path) for method in trigger.methods]
    assert len(found) > 10
    return found


def ask_all(address: str, calls: list[tuple[str, str, str]], **more: Any) -> list[tuple[str, str, requests.Response]]:
    """(route, method, answer) of each call."""

    def ask(call: tuple[str, str, str]) -> tuple[str, str, requests.Response]:
        route, method, path = call
        return route, method, requests.request(method, f"{address}/{path}", timeout=60, allow_redirects=False, **more)

    with ThreadPoolExecutor(16) as side_by_side:
        return list(side_by_side.map(ask, calls))


def test_wrong_settings_leave_the_app_indexed_and_every_route_503_naming_them(
    hosts: Hosts, registered: list[Any]
) -> None:
    """interfaces §5: one log entry that names all of them and 503 (naming them, without values) from every route."""
    wrong = {
        "TENANT_ID": "",
        "PSEUDONYM_KEY": "c2VjcmV0LWtleQ==",
        "MAIL_URL": "smtp://me:pass-word@",
        "CLIENT_FEDERATED": "managed-identity",
        "FIRST_RUN_DELAY": "soon-ish",
        "RERUN_TICK": "every-now-and-then",
        "AUTH_MODE": "none-at-all",
    }
    with hosts(**wrong) as (address, log):
        for route, method, answer in ask_all(address, routes(registered)):
            assert answer.status_code == 503, (route, method, answer.text)
            problem = problem_of(answer)
            assert set(problem["settings"]) == set(wrong)
            assert all(name in problem["detail"] for name in wrong)
            assert not [value for value in wrong.values() if value and value in answer.text]
        text = log.read_text("utf-8")

    assert text.count("PSEUDONYM_KEY") == 1
    assert all(name in text for name in wrong)
    assert not [value for value in ("c2VjcmV0", "pass-word", "soon-ish") if value in text]


def test_entra_without_authentication_in_front_is_503_from_every_route(hosts: Hosts, registered: list[Any]) -> None:
    """interfaces §1: the header could then be forged."""
    with hosts(AUTH_MODE="entra", WEBSITE_AUTH_ENABLED="") as (address, _):
        for route, method, answer in ask_all(address, routes(registered), headers=principal("Enrichment.Admin")):
            assert answer.status_code == 503, (route, method)
            assert "WEBSITE_AUTH_ENABLED" in problem_of(answer)["detail"]


def test_with_entra_every_route_asks_for_its_role(hosts: Hosts, registered: list[Any]) -> None:
    """interfaces §1: Admin for everything that writes, Reader for reading; no principal 401, role missing 403."""
    with hosts(AUTH_MODE="entra", WEBSITE_AUTH_ENABLED="true") as (address, _):
        guarded = [call for call in routes(registered) if call[0] not in ANONYMOUS]
        writing = [call for call in guarded if call[1] != "GET" and call[0] not in READ_BY_POST]
        assert len(writing) >= 3
        for calls, headers, status in (
            (guarded, {}, 401),
            (guarded, principal(), 403),
            (guarded, principal("Enrichment.Other"), 403),
            (writing, principal("Enrichment.Reader"), 403),
        ):
            for route, method, answer in ask_all(address, calls, headers=headers):
                assert answer.status_code == status, (route, method, answer.text)
                problem_of(answer)
        open_to_all = [call for call in routes(registered) if call[0] in ANONYMOUS and call[0] != "api/health"]
        for route, method, answer in ask_all(address, open_to_all):
            assert answer.status_code not in (401, 403), (route, method)


def test_where_storage_is_away_every_route_that_needs_it_is_503_and_says_when_to_come_back(
    hosts: Hosts, registered: list[Any]
) -> None:
    needing = [call for call in routes(registered) if call[0].startswith("api/enrichments")]
    health = ("api/health", "GET", "api/health")
    with hosts() as (address, log):
        # All at once, since each takes as long as the client of the storage is patient.
        *answers, (_, _, of_health) = ask_all(address, [*needing, health], json=village.tenant().enrichment)
        assert requests.get(f"{address}/ui", timeout=60).status_code == 200
        text = log.read_text("utf-8")

    for route, method, answer in answers:
        assert answer.status_code == 503, (route, method, answer.text)
        assert int(answer.headers["Retry-After"]) > 0
        problem_of(answer)
    assert of_health.status_code == 503
    assert problem_of(of_health)["checks"]["storage"] != "ok"
    assert "AccountKey" not in text
    assert village.address("cleo") not in text


def principal(*roles: str) -> dict[str, str]:
    claims = [{"typ": "roles", "val": role} for role in roles]
    told = json.dumps({"auth_typ": "aad", "claims": claims, "role_typ": "roles"})
    return {"X-MS-CLIENT-PRINCIPAL": base64.b64encode(told.encode()).decode()}
