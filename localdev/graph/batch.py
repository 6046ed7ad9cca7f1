"""`$batch`: up to twenty calls in one, each throttled alone, at most four at once, answered in no useful order."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from localdev.graph.context import Emulator
from localdev.graph.wire import Answer, Call, bad_request

_MOST = 20
_AT_ONCE = 4

Answering = Callable[[Emulator, Call], Awaitable[Answer]]


async def answer(emulator: Emulator, call: Call, answer_one: Answering) -> Answer:
    """Answer a batch: 200 whatever becomes of its parts, GraphError 400 where the batch itself is malformed."""
    requests = _read(call)
    gate = asyncio.Semaphore(_AT_ONCE)
    done: dict[str, dict[str, Any]] = {}
    finished = {request["id"].casefold(): asyncio.Event() for request in requests}

    async def run(request: dict[str, Any]) -> None:
        before = [name.casefold() for name in request.get("dependsOn", ())]
        for name in before:
            await finished[name].wait()
        if any(done[name]["status"] >= 400 for name in before):
            error = {"code": "FailedDependency", "message": "A request that this one depends on has failed."}
            part = {"id": request["id"], "status": 424, "headers": {}, "body": {"error": error}}
        else:
            async with gate:
                part = _part(request, await answer_one(emulator, _inner(call, request)))
        done[request["id"].casefold()] = part
        finished[request["id"].casefold()].set()

    await asyncio.gather(*(run(request) for request in requests))
    shuffled = sorted(done.values(), key=lambda part: part["id"][::-1], reverse=True)
    return Answer.of({"responses": shuffled}, 200, {"Content-Type": "application/json"})


def _read(call: Call) -> list[dict[str, Any]]:
    try:
        requests: list[dict[str, Any]] = json.loads(call.body)["requests"]
        ids = [str(request["id"]).casefold() for request in requests]
        sound = all(
            isinstance(request["method"], str)
            and isinstance(request["url"], str)
            and isinstance(request.get("headers", {}), dict)
            for request in requests
        )
        earlier = all(set(_depends(request)) <= set(ids[:at]) for at, request in enumerate(requests))
    except (ValueError, KeyError, TypeError):
        raise bad_request("Invalid batch payload format.") from None
    if not 1 <= len(requests) <= _MOST:
        raise bad_request(f"Number of batch request steps must be between 1 and {_MOST}.")
    if len(set(ids)) < len(ids):
        raise bad_request("Request Id has to be unique in a batch.")
    if not sound or not earlier or any("://" in request["url"].split("?")[0] for request in requests):
        raise bad_request("Invalid batch payload format.")
    return requests


def _depends(request: dict[str, Any]) -> list[str]:
    return [str(name).casefold() for name in request.get("dependsOn", ())]


def _inner(call: Call, request: dict[str, Any]) -> Call:
    parts = urlsplit(request["url"])
    segments = tuple(unquote(segment) for segment in parts.path.strip("/").split("/"))
    headers = {name.lower(): value for name, value in request.get("headers", {}).items()}
    headers["authorization"] = call.headers.get("authorization", "")
    body = json.dumps(request.get("body")).encode() if "body" in request else b""
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return Call(request["method"].upper(), segments, query, headers, call.base, body)


def _part(request: dict[str, Any], found: Answer) -> dict[str, Any]:
    if found.reset:
        error = {"code": "UnknownError", "message": ""}
        return {"id": request["id"], "status": 504, "headers": {}, "body": {"error": error}}
    body = json.loads(found.body) if found.headers.get("Content-Type", "").startswith("application/json") else None
    return {"id": request["id"], "status": found.status, "headers": found.headers, "body": body}
