"""`GET /api/openapi.json` (interfaces §1)."""

from __future__ import annotations

import jsonschema
import pytest

from tests.fakes import fake_services
from tests.triggers.test_any_input import FULL
from tests.triggers.world import request, told
from triggers import http, openapi
from triggers.http import Access


async def get(monkeypatch, **environment):
    svc = fake_services(**environment)
    monkeypatch.setattr(http, "services", lambda: svc)
    response = await http.respond(request(path="/api/openapi.json"), Access.ANYBODY, openapi.get)
    assert response.status_code == 200, response.get_body()
    return told(response)


async def test_it_describes_this_app_at_the_address_it_is_reached_at(monkeypatch):
    document = await get(monkeypatch)

    assert document["openapi"].startswith("3.1.")
    assert document["servers"] == [{"url": "https://app.example"}]
    assert "/api/enrichments/{name}/results" in document["paths"]
    assert document["paths"]["/api/enrichments/{name}"]["put"]["security"] == [{"key": []}, {"keyInAddress": []}]


async def test_it_says_how_this_app_asks_who_calls(monkeypatch):
    document = await get(monkeypatch, AUTH_MODE="entra", WEBSITE_AUTH_ENABLED="true")

    assert document["paths"]["/api/enrichments"]["get"]["security"] == [
        {"entra": ["Enrichment.Reader"]},
        {"entra": ["Enrichment.Admin"]},
    ]


async def body_schema(monkeypatch):
    document = await get(monkeypatch)
    name = document["paths"]["/api/enrichments/{name}"]["put"]["requestBody"]["content"]["application/json"]["schema"]
    return name | {"components": document["components"]}


async def test_a_body_that_is_parsed_is_one_that_is_described(monkeypatch):
    jsonschema.validate(FULL, await body_schema(monkeypatch))


@pytest.mark.parametrize(
    "change",
    [
        {"addresses": []},
        {"addresses": ["ada@contoso.example"] * 10_001},
        {"consentAgreed": False},
        {"output": "1st"},
        {"also": 1},
        {"contacts": {"blob": "contacts.csv"}},
        {"options": {"maxRecipients": 0}},
        {"options": {"score": {"percentile": 0}}},
        {"options": {"score": {"percentile": "0.5"}}},
        {"options": {"score": {"weights": {"breadth": 101}}}},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_limits_of_a_body_are_described(monkeypatch, change):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(FULL | change, await body_schema(monkeypatch))
