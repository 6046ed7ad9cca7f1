"""The OpenAPI 3.1 document, from the declarations of the routes and the models that parse and answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from triggers.http import Access
from triggers.operations.operation import JSON, Answer, Operation, Parameter, Schema

VERSION = "1.0"
_ENCODER = msgspec.json.Encoder(decimal_format="number")
Key = tuple[str, str, str]  # function, status or "body", media type


@dataclass(frozen=True, slots=True)
class Place:
    """Where the app is served, and how it asks who calls."""

    server: str
    auth_mode: Literal["keys", "entra"]
    issuer: str


class _Schemas(GenerateJsonSchema):
    """Without titles that only repeat names, and with defaults as callers write them."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False

    def field_is_required(self, field: Any, total: bool) -> bool:
        """A typed dict says itself what may be missing; the configuration of a model around it would demand all."""
        if field["type"] == "typed-dict-field":
            return bool(field.get("required", total))
        return super().field_is_required(field, total)

    def encode_default(self, dft: Any) -> Any:
        told = dft.model_dump(by_alias=True) if isinstance(dft, BaseModel) else dft
        return super().encode_default(msgspec.json.decode(_ENCODER.encode(told)))


def document(operations: Sequence[Operation], place: Place) -> dict[str, Any]:
    schemas, components = _schemas(operations)
    paths: dict[str, Any] = {}
    for operation in operations:
        told = _operation(operation, schemas, place.auth_mode)
        paths.setdefault(operation.path, {})[operation.method.lower()] = told
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Account engagement",
            "version": VERSION,
            "description": "How much a company's mailboxes have to do with each of its customers. Instants are RFC "
            "3339 in UTC; refusals are RFC 9457 problems.",
        },
        "servers": [{"url": place.server}],
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": _security_schemes(place)},
    }


def _shapes(operation: Operation) -> Iterator[tuple[Key, JsonSchemaMode, Any]]:
    if operation.body:
        yield (operation.function, "body", JSON), "validation", operation.body
    for status, answer in operation.all_answers().items():
        for media, shape in answer.content.items():
            if not isinstance(shape, dict):
                yield (operation.function, str(status), media), "serialization", shape


def _schemas(operations: Sequence[Operation]) -> tuple[dict[Key, Schema], dict[str, Schema]]:
    """The schema of each body and answer, and what these refer to."""
    wanted = [(key, mode, TypeAdapter(shape)) for operation in operations for key, mode, shape in _shapes(operation)]
    template = "#/components/schemas/{model}"
    found, told = TypeAdapter.json_schemas(wanted, ref_template=template, schema_generator=_Schemas)
    components: dict[str, Schema] = told.get("$defs", {})
    for schema in components.values():
        # Nothing but what is declared is answered, as nothing else is taken.
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return {key: schema for (key, _), schema in found.items()}, components


def _operation(operation: Operation, schemas: dict[Key, Schema], auth_mode: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": operation.function,
        "tags": [operation.function.partition("_")[0]],
        "summary": operation.summary,
        "security": _security(operation.access, auth_mode),
        "parameters": [_parameter(parameter) for parameter in operation.all_parameters()],
    }
    if operation.body:
        schema = schemas[operation.function, "body", JSON]
        told["requestBody"] = {"required": operation.body_required, "content": {JSON: {"schema": schema}}}
    told["responses"] = {
        str(status): _answer(operation.function, status, answer, schemas)
        for status, answer in operation.all_answers().items()
    }
    return told


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.place == "path",
        "description": parameter.text,
        "schema": parameter.schema,
    }


def _answer(function: str, status: int, answer: Answer, schemas: dict[Key, Schema]) -> dict[str, Any]:
    told: dict[str, Any] = {"description": answer.text}
    if answer.headers:
        told["headers"] = {
            name: {"description": text, "schema": {"type": "string"}} for name, text in answer.headers.items()
        }
    if answer.content:
        told["content"] = {
            media: {"schema": shape if isinstance(shape, dict) else schemas[function, str(status), media]}
            for media, shape in answer.content.items()
        }
    return told


def _security(access: Access, auth_mode: str) -> list[dict[str, list[str]]]:
    if access is Access.ANYBODY:
        return []
    if auth_mode == "entra":
        return [{"entra": [role]} for role in access.value]
    return [{"key": []}, {"keyInAddress": []}]


def _security_schemes(place: Place) -> dict[str, Any]:
    keys = "With `AUTH_MODE=keys`: a function key."
    return {
        "key": {"type": "apiKey", "in": "header", "name": "x-functions-key", "description": keys},
        "keyInAddress": {"type": "apiKey", "in": "query", "name": "code", "description": keys},
        "entra": {
            "type": "openIdConnect",
            "openIdConnectUrl": f"{place.issuer}/.well-known/openid-configuration",
            "description": "With `AUTH_MODE=entra`: sign in through App Service Authentication; the app roles decide.",
        },
    }
