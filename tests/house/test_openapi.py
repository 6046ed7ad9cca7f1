"""The OpenAPI document describes exactly what is registered."""

from __future__ import annotations

import json

import azure.functions as func
import openapi_spec_validator
import pytest

from tests.described import Described, behind, openapi, routes
from triggers.http import Access
from triggers.operations import OPERATIONS
from triggers.operations.document import Place, document

OPEN = {"consent_callback", "health_get", "openapi_get", "pages_get"}


def test_every_registered_route_is_described_and_nothing_else_is(registered):
    there = {
        (name, method.value, function.get_trigger().route)
        for name, function in routes(registered).items()
        for method in function.get_trigger().get_dict_repr()["methods"]
    }

    assert there == {(each.function, each.method, each.route) for each in OPERATIONS}
    assert len(there) == len(OPERATIONS)


def test_every_route_is_open_to_whom_the_document_says(registered):
    """interfaces §1: reading needs a Reader, writing an Admin; anonymous is what is meant to be."""
    told = {each.function: each.access for each in OPERATIONS}

    assert told == {name: behind(function)[0] for name, function in routes(registered).items()}
    assert {name for name, access in told.items() if access is Access.ANYBODY} == OPEN
    assert {each.function for each in OPERATIONS if each.access is Access.READ} >= {
        each.function for each in OPERATIONS if each.method == "GET" and each.function not in OPEN
    }


def test_a_route_that_is_not_open_to_anybody_asks_for_a_key(registered):
    """interfaces §1: `AUTH_MODE=keys`: auth level FUNCTION."""
    levels = {name: function.get_trigger().auth_level for name, function in routes(registered).items()}

    assert {name for name, level in levels.items() if level == func.AuthLevel.ANONYMOUS} == OPEN


@pytest.mark.parametrize("mode", ["keys", "entra"])
def test_the_document_is_openapi_3_1(mode):
    told = document(OPERATIONS, Place("https://app.example", mode, "https://login.example/tenant/v2.0"))

    openapi_spec_validator.validate(json.loads(json.dumps(told)))
    assert told["openapi"].startswith("3.1.")


def test_with_entra_each_route_names_the_roles_that_open_it():
    """interfaces §1: "Admin includes Reader"."""
    paths = document(OPERATIONS, Place("https://app.example", "entra", "https://login.example/t"))["paths"]
    read, write = paths["/api/enrichments/{name}"]["get"], paths["/api/enrichments/{name}"]["put"]

    assert read["security"] == [{"entra": ["Enrichment.Reader"]}, {"entra": ["Enrichment.Admin"]}]
    assert write["security"] == [{"entra": ["Enrichment.Admin"]}]
    assert paths["/api/health"]["get"]["security"] == []


def test_with_keys_each_route_that_is_not_open_asks_for_one():
    paths = openapi()["paths"]

    assert paths["/api/enrichments/{name}"]["put"]["security"] == [{"key": []}, {"keyInAddress": []}]
    assert paths["/api/openapi.json"]["get"]["security"] == []


HEALTHY = {"state": "healthy", "checks": {"storage": "ok"}}


@pytest.mark.parametrize(
    ("status", "media", "body"),
    [
        (202, "application/json", HEALTHY),
        (200, "text/plain", HEALTHY),
        (200, "application/json", HEALTHY | {"also": 1}),
        (200, "application/json", {"state": "healthy"}),
        (200, "application/json", HEALTHY | {"state": "ill"}),
        (503, "application/problem+json", {"title": "Not healthy", "status": 503}),
    ],
)
def test_an_answer_that_is_not_as_described_is_found_out(registered, status, media, body):
    described = Described(registered)
    described.check("health_get", 200, "application/json", json.dumps(HEALTHY).encode(), {})

    with pytest.raises(AssertionError):
        described.check("health_get", status, media, json.dumps(body).encode(), {})
