"""`docs/http-api.md` names every route, and its examples are as the OpenAPI document says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.described import Described
from triggers.operations import OPERATIONS
from triggers.operations.operation import PROBLEM

TEXT = (ROOT / "docs/http-api.md").read_text()
HEADING = re.compile(r"^### (.*)$", re.MULTILINE)
EXAMPLE = re.compile(r"^```json (\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def sections() -> Iterator[tuple[list[str], str]]:
    """(function names, text) of each heading that names routes."""
    names = {f"{each.method} {each.path}": each.function for each in OPERATIONS}
    _, *parts = HEADING.split(TEXT)
    for heading, text in zip(parts[::2], parts[1::2], strict=True):
        yield [names[route] for route in re.findall(r"`([^`]+)`", heading)], text


def examples() -> Iterator[Any]:
    for functions, text in sections():
        for kind, body in EXAMPLE.findall(text):
            yield pytest.param(functions, kind, json.loads(body), id=f"{functions[-1]}-{kind}")


def test_every_route_is_told_once():
    told = [function for functions, _ in sections() for function in functions]

    assert sorted(told) == sorted(each.function for each in OPERATIONS)


@pytest.mark.parametrize(("functions", "kind", "body"), list(examples()))
def test_an_example_is_as_the_document_says(registered, functions, kind, body):
    """Of several routes under one heading it is the answer of the last, or the body of the first."""
    if kind == "body":
        (body_of,) = [each.body for each in OPERATIONS if each.function == functions[0] and each.body]
        assert body_of.model_validate(body, by_alias=True, by_name=False, context="body")
    else:
        headers = {"ETag": "", "Location": "", "Retry-After": ""}
        Described(registered).check(functions[-1], int(kind), "application/json", json.dumps(body).encode(), headers)


def test_the_example_of_a_refusal_is_one(registered):
    (kind, body), *_ = EXAMPLE.findall(TEXT)

    Described(registered).check("enrichments_one_put", int(kind), PROBLEM, body.encode(), {})
