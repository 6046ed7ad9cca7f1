"""Who may call each route (interfaces §1): `docs/rights.md`, the registered functions, and what they really do."""

from __future__ import annotations

import base64
import inspect
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import azure.functions as func

from shared.adapters.identity import NotConsented
from shared.services import Services
from shared.settings import Settings
from tests.conftest import ROOT
from tests.fakes import ENVIRONMENT, FakeDurable, fake_services
from triggers import http

ROLES = ("anybody", "Reader", "Admin")
ENTRA = {"AUTH_MODE": "entra", "WEBSITE_AUTH_ENABLED": "true"}
CALLERS = {"nobody": None, "guest": (), "reader": ("Enrichment.Reader",), "admin": ("Enrichment.Admin",)}

# What a route answers for the sake of rights, by the role that it needs; None: it looks at the request itself.
ANSWERS: dict[str, dict[str, int | None]] = {
    "anybody": {"nobody": None, "guest": None, "reader": None, "admin": None},
    "Reader": {"nobody": 401, "guest": 403, "reader": None, "admin": None},
    "Admin": {"nobody": 401, "guest": 403, "reader": 403, "admin": None},
}


def table() -> dict[tuple[str, str], str]:
    lines = (ROOT / "docs/rights.md").read_text().splitlines()
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return {(method, route): role for method, route, role in rows[1:]}


def routes(registered: list[Any]) -> Iterator[tuple[tuple[str, str], Any]]:
    """((method, route), the function behind it)"""
    for function in registered:
        trigger = function.get_trigger()
        if trigger.type == "httpTrigger":
            for method in trigger.get_dict_repr()["methods"]:
                yield (method.value, f"/{trigger.route}"), inspect.unwrap(function.get_user_function())


class NoTokens:
    async def fresh(self) -> str:
        raise NotConsented("nobody has consented")

    token = fresh


def services() -> Services:
    tokens: Any = NoTokens()
    return replace(fake_services(), settings=Settings.from_environ(ENVIRONMENT | ENTRA), tokens=tokens)


async def call(shell: Any, method: str, route: str, roles: tuple[str, ...] | None) -> int:
    headers = {} if roles is None else {"X-MS-CLIENT-PRINCIPAL": principal(*roles)}
    values = {"name": "sales", "runId": "r1", "customerId": "c1", "segment": "stale", "path": "", "id": "e1"}
    request = func.HttpRequest(
        method=method, url=f"https://app.example{route}", headers=headers, route_params=values, body=b""
    )
    client = {"client": FakeDurable()} if "client" in inspect.signature(shell).parameters else {}
    response: func.HttpResponse = await shell(request, **client)
    return int(response.status_code)


def principal(*roles: str) -> str:
    claims = [{"typ": "roles", "val": role} for role in roles]
    return base64.b64encode(json.dumps({"auth_typ": "aad", "claims": claims}).encode()).decode()


def test_every_registered_route_has_a_role_and_every_row_a_route(registered):
    told = table()

    assert dict(routes(registered)).keys() == told.keys()
    assert set(told.values()) == set(ROLES)


def test_what_reads_needs_a_reader_and_what_writes_an_admin():
    """interfaces §1: Reader for reading, `preview` and `POST …/segments` too; Admin for everything that writes."""
    posts_that_read = {"/api/preview", "/api/enrichments/{name}/segments"}
    for (method, route), role in table().items():
        if role != "anybody":
            assert role == ("Reader" if method == "GET" or (method == "POST" and route in posts_that_read) else "Admin")


async def test_with_entra_each_route_opens_to_its_role_and_to_no_other(registered, monkeypatch):
    """interfaces §1: no principal 401, role missing 403; Admin includes Reader."""
    svc, told = services(), table()
    monkeypatch.setattr(http, "services", lambda: svc)
    for (method, route), shell in routes(registered):
        for caller, roles in CALLERS.items():
            status = await call(shell, method, route, roles)
            wanted = ANSWERS[told[method, route]][caller]
            where = f"{method} {route} as {caller}: {status}"
            assert status == wanted if wanted else status not in (401, 403, 500), where


async def test_without_app_service_authentication_every_route_is_503_for_everybody(registered, monkeypatch):
    """interfaces §1: the header could then be forged."""
    values = ENVIRONMENT | ENTRA | {"WEBSITE_AUTH_ENABLED": "false"}
    monkeypatch.setattr(http, "services", lambda: Settings.from_environ(values))
    for (method, route), shell in routes(registered):
        for roles in CALLERS.values():
            assert await call(shell, method, route, roles) == 503, f"{method} {route}"


async def test_with_keys_the_platform_has_looked_already(registered, monkeypatch):
    svc = replace(services(), settings=Settings.from_environ(ENVIRONMENT))
    monkeypatch.setattr(http, "services", lambda: svc)
    for (method, route), shell in routes(registered):
        assert await call(shell, method, route, None) not in (401, 403, 500), f"{method} {route}"
