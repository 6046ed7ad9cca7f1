"""What the OpenAPI document says of an answer, for tests that compare the two."""

from __future__ import annotations

import contextlib
import inspect
import json
from collections.abc import Callable
from functools import cache
from typing import Any

import azure.functions as func
import pytest
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from tests.triggers.world import request
from triggers import http
from triggers.http import Access
from triggers.operations import OPERATIONS
from triggers.operations.document import Place, document

PLACE = Place("https://app.example", "keys", "https://login.example/tenant/v2.0")
_WHOLE = "urn:openapi"


@cache
def openapi() -> dict[str, Any]:
    return document(OPERATIONS, PLACE)


def routes(registered: list[Any]) -> dict[str, Any]:
    """The registered HTTP functions by name."""
    return {f.get_function_name(): f for f in registered if f.get_trigger().type == "httpTrigger"}


def behind(function: Any) -> tuple[Access, Callable[..., Any]]:
    """What the shell of a registered function hands to `http.respond`: who may call, and what answers."""
    seen: list[tuple[Access, Callable[..., Any]]] = []

    async def respond(req: Any, access: Access, run: Callable[..., Any], *more: Any) -> func.HttpResponse:
        seen.append((access, run))
        return func.HttpResponse()

    shell = inspect.unwrap(function.get_user_function())
    arguments = {"client": None} if "client" in inspect.signature(shell).parameters else {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(http, "respond", respond)
        with contextlib.suppress(StopIteration):
            shell(request(), **arguments).send(None)
    return seen[0]


class Described:
    """The document beside the functions that are registered."""

    def __init__(self, registered: list[Any]) -> None:
        self._names = {behind(function)[1]: name for name, function in routes(registered).items()}
        told = openapi()
        self._registry: Registry[Any] = Registry().with_resource(_WHOLE, DRAFT202012.create_resource(told))
        self._answers = {
            operation["operationId"]: operation["responses"]
            for path in told["paths"].values()
            for operation in path.values()
        }
        self._validators: dict[tuple[str, int, str], Draft202012Validator] = {}

    def check_answer_of(self, run: Callable[..., Any], response: func.HttpResponse) -> None:
        """`run`: what answers on a route; anything else is nothing that the document could describe."""
        name = self._names.get(run)
        if name is not None and response.status_code != 500:
            self.check(name, response.status_code, response.mimetype, response.get_body(), response.headers)

    def check(self, name: str, status: int, media: str, body: bytes, headers: Any) -> None:
        """Raises `AssertionError` where an answer of the function is not as the document says."""
        answers = self._answers[name]
        assert str(status) in answers, f"{name} answers {status}, which is not described"
        answer = answers[str(status)]
        for header in answer.get("headers", {}):
            assert header in headers, f"{name} answers {status} without {header}"
        content = answer.get("content")
        if content is None:
            assert body == b"", f"{name} answers {status} with a body"
            return
        media = media if media in content else "*/*"
        assert media in content, f"{name} answers {status} with another kind than {list(content)}"
        if media.endswith("json"):
            errors = [f"{error.json_path} {error.message}" for error in self._validator(name, status, media, body)]
            assert not errors, f"{name} answers {status}: {errors}"

    def _validator(self, name: str, status: int, media: str, body: bytes) -> Any:
        key = (name, status, media)
        if key not in self._validators:
            # Where in the document the schema stands; what it refers to is found from there.
            schema = self._answers[name][str(status)]["content"][media]["schema"]
            told = json.loads(json.dumps(schema).replace('"#/components', f'"{_WHOLE}#/components'))
            self._validators[key] = Draft202012Validator(told, registry=self._registry, format_checker=FormatChecker())
        return self._validators[key].iter_errors(json.loads(body))
