"""How an HTTP route is declared: who may call it, what it takes, every status it answers with and what that holds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel

from shared.core.answer_shapes import ProblemDetails
from shared.core.bodies import LARGEST_BODY
from shared.core.enrichment import NAME
from triggers.http import DEFAULT_TOP, MOST_TOP, Access

JSON, CSV, PROBLEM = "application/json", "text/csv", "application/problem+json"
NOTHING: Mapping[str, Any] = MappingProxyType({})

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """content: media type → the type that the body is one of, or a finished schema; empty: there is no body.

    headers: name → what it says.
    """

    text: str
    content: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    place: Literal["query", "header", "path"]
    schema: Schema
    text: str


@dataclass(frozen=True, slots=True)
class Operation:
    """function: the name under which the route is registered · body: what the request's body is parsed with.

    answers: where the request was done · refusals: statuses beside those that any route like this has, and what they
    mean; `all_answers` has all of them.
    """

    function: str
    method: Literal["GET", "PUT", "POST", "DELETE"]
    route: str
    access: Access
    summary: str
    answers: Mapping[int, Answer]
    refusals: Mapping[int, str | Answer] = field(default_factory=dict)
    parameters: tuple[Parameter, ...] = ()
    body: type[BaseModel] | None = None
    body_required: bool = True

    @property
    def path(self) -> str:
        """As OpenAPI writes it; what may hold slashes to us is one piece to it."""
        return "/" + self.route.replace("{*", "{")

    def all_parameters(self) -> tuple[Parameter, ...]:
        return (*(PATH[name] for name in re.findall(r"{\*?(\w+)}", self.route)), *self.parameters)

    def all_answers(self) -> dict[int, Answer]:
        told = _common(self) | dict(self.refusals)
        refusals = {
            status: refusal if isinstance(refusal, Answer) else Answer(refusal, {PROBLEM: ProblemDetails})
            for status, refusal in told.items()
        }
        return dict(sorted({**refusals, **self.answers}.items()))


def _common(operation: Operation) -> dict[int, str | Answer]:
    told: dict[int, str | Answer] = {
        413: f"The body has more than {LARGEST_BODY:,} bytes.",
        503: "Settings are missing or wrong (`settings` names them), or what the app needs is away (then with "
        "`Retry-After`, where another try may help).",
    }
    if operation.access is not Access.ANYBODY:
        told[401] = "`AUTH_MODE=entra`: nobody has signed in. `AUTH_MODE=keys`: the key is missing or wrong."
        told[403] = f"`AUTH_MODE=entra`: needed is the app role {' or '.join(operation.access.value)}."
    if operation.all_parameters() or operation.body:
        told[400] = "Something sent is wrong; for a body `errors` has every fault, with a pointer to its place."
    if "{" in operation.route:
        told[404] = "What was named is not there."
    return told


def ok(shape: Any, text: str, headers: Mapping[str, str] = NOTHING, kind: str = JSON) -> Answer:
    return Answer(text, {kind: shape}, headers)


def whole(least: int, most: int | None = None, default: int | None = None) -> Schema:
    told = {"type": "integer", "minimum": least, "maximum": most, "default": default}
    return {name: value for name, value in told.items() if value is not None}


def query(name: str, schema: Schema, text: str) -> Parameter:
    return Parameter(name, "query", schema, text)


PATH = {
    each.name: each
    for each in (
        Parameter(
            "name",
            "path",
            {"type": "string", "pattern": f"^{NAME.pattern}$"},
            "The enrichment: 1–60 of a-z, 0-9 and hyphens, starting with a letter.",
        ),
        Parameter("runId", "path", {"type": "string", "minLength": 1}, "The run: `yyyymmddThhmmssZ`."),
        Parameter("customerId", "path", {"type": "string", "minLength": 1}, "As the contacts data has it."),
        Parameter("segment", "path", {"type": "string", "minLength": 1}, "A named segment, or an own one."),
        Parameter("path", "path", {"type": "string", "minLength": 1}, "Of a page; it may hold slashes."),
        Parameter("id", "path", {"type": "string", "minLength": 1}, "The erasure."),
    )
}

PAGING = (
    query("top", whole(1, MOST_TOP, DEFAULT_TOP), "How many entries."),
    query("skip", whole(0, 10**10 - 1, 0), "How many entries of the list come before."),
)
IF_MATCH = Parameter("If-Match", "header", {"type": "string"}, "The `ETag` of what is to be changed, or `*`.")
IF_NONE_MATCH = Parameter("If-None-Match", "header", {"type": "string"}, "`*`: only where it is not there yet.")
CONDITION_FAILED = "It is not (any more) what `If-Match` or `If-None-Match` says. Nothing was stored."
ETAG = {"ETag": "Names this state of the enrichment, for `If-Match`."}
