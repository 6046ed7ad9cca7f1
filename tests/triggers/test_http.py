"""What every route does alike: who may call, and how refusals look (interfaces §1, §5)."""

from __future__ import annotations

import base64
import json
import logging
import os
import subprocess
import sys

import azure.functions as func
import pytest

from shared.core.errors import GraphAway
from shared.settings import Settings
from tests.conftest import ROOT
from tests.fakes import ENVIRONMENT, fake_services
from tests.triggers.world import request, told
from triggers import health, http, pages
from triggers.http import Access

ADDRESS = "ada@contoso.example"


def principal(*roles, role_typ="roles"):
    claims = [{"typ": "name", "val": "Ada"}, *({"typ": role_typ, "val": role} for role in roles)]
    told = json.dumps({"auth_typ": "aad", "claims": claims, "role_typ": role_typ})
    return {"X-MS-CLIENT-PRINCIPAL": base64.b64encode(told.encode()).decode()}


async def fine(req, svc):
    return http.answer({})


async def respond(access=Access.READ, headers=None, run=fine):
    return await http.respond(request(headers=headers), access, run)


@pytest.fixture
def entra(monkeypatch):
    svc = fake_services(AUTH_MODE="entra", WEBSITE_AUTH_ENABLED="True")
    monkeypatch.setattr(http, "services", lambda: svc)


@pytest.fixture
def keys(monkeypatch):
    svc = fake_services()
    monkeypatch.setattr(http, "services", lambda: svc)


@pytest.mark.parametrize(
    ("access", "headers", "status"),
    [
        (Access.READ, {}, 401),
        (Access.WRITE, {}, 401),
        (Access.ANYBODY, {}, 200),
        (Access.READ, {"X-MS-CLIENT-PRINCIPAL": "no base64"}, 401),
        (Access.READ, {"X-MS-CLIENT-PRINCIPAL": base64.b64encode(b"[1]").decode()}, 401),
        (Access.READ, principal(), 403),
        (Access.READ, principal("Enrichment.Other"), 403),
        (Access.READ, principal("Enrichment.Reader"), 200),
        (Access.READ, principal("Enrichment.Admin"), 200),
        (Access.WRITE, principal("Enrichment.Reader"), 403),
        (Access.WRITE, principal("Enrichment.Admin"), 200),
        (Access.WRITE, principal("Enrichment.Admin", role_typ="http://schemas.example/role"), 200),
    ],
)
async def test_with_entra_roles_open_routes(entra, access, headers, status):
    assert (await respond(access, headers)).status_code == status


async def test_with_keys_the_platform_has_looked_already(keys):
    assert (await respond(Access.WRITE)).status_code == 200


async def from_environment(monkeypatch, **environment):
    values = ENVIRONMENT | environment
    monkeypatch.setattr(http, "services", lambda: Settings.from_environ(values))
    return [await http.respond(request(), Access.ANYBODY, run) for run in (fine, health.get, pages.get)]


async def test_with_entra_and_no_authentication_in_front_every_route_is_503(monkeypatch):
    """interfaces §1: because the header could then be forged."""
    for response in await from_environment(monkeypatch, AUTH_MODE="entra", WEBSITE_AUTH_ENABLED="false"):
        assert response.status_code == 503
        assert "WEBSITE_AUTH_ENABLED" in told(response)["detail"]


async def test_wrong_settings_are_503_from_every_route_named_without_values_and_logged_once(monkeypatch, caplog):
    caplog.set_level(logging.ERROR)
    http._log_once.cache_clear()

    responses = await from_environment(monkeypatch, CLIENT_ID="", PSEUDONYM_KEY="c2VjcmV0LXZhbHVl")

    for response in responses:
        assert response.status_code == 503
        assert told(response)["settings"] == ["CLIENT_ID", "PSEUDONYM_KEY"]
        assert b"c2VjcmV0" not in response.get_body()
    assert len(caplog.records) == 1
    assert "CLIENT_ID" in caplog.text
    assert "PSEUDONYM_KEY" in caplog.text
    assert "c2VjcmV0" not in caplog.text


async def test_who_is_away_is_503_with_retry_after(keys):
    async def away(req, svc):
        raise GraphAway("Graph is busy.", wait=2.1)

    response = await respond(run=away)

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "3"


async def test_a_fault_in_the_app_is_500_and_neither_the_answer_nor_the_log_repeats_values(keys, caplog):
    async def broken(req, svc):
        raise KeyError(ADDRESS)

    response = await respond(run=broken)

    assert response.status_code == 500
    assert response.mimetype == "application/problem+json"
    assert ADDRESS not in response.get_body().decode() + caplog.text
    assert "KeyError at test_http.py" in caplog.text


async def test_a_principal_of_any_shape_is_no_fault_in_the_app(entra):
    for claims in ("x", 1, [1], [{"typ": 1}], [{"typ": "roles", "val": ["Enrichment.Admin"]}], {"a": 1}):
        raw = base64.b64encode(json.dumps({"claims": claims}).encode()).decode()
        assert (await respond(headers={"X-MS-CLIENT-PRINCIPAL": raw})).status_code in (401, 403)


def test_a_body_that_is_missing_is_an_object_without_fields():
    assert http.fields(func.HttpRequest("POST", "/", body=b" ")) == {}


@pytest.mark.parametrize(("mode", "level"), [("keys", "FUNCTION"), ("entra", "ANONYMOUS"), ("nonsense", "FUNCTION")])
def test_the_platform_asks_for_keys_unless_the_app_looks_at_roles(mode, level):
    """interfaces §1: `keys`: auth level FUNCTION; health, callback, description and pages are open to anybody."""
    code = (
        "import function_app, json\n"
        "triggers = [function.get_trigger() for function in function_app.app.get_functions()]\n"
        "print(json.dumps({t.route: t.auth_level.name for t in triggers if t.type == 'httpTrigger'}))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ | {"AUTH_MODE": mode}, capture_output=True, check=True
    )
    levels = json.loads(ran.stdout)

    open_to_all = {"api/consent/callback", "api/health", "api/openapi.json", "ui/{*path}"}
    assert {levels.pop(route) for route in open_to_all} == {"ANONYMOUS"}
    assert set(levels.values()) == {level}
