"""A Graph of a few lines in the test's own loop: one mailbox's worth of collections, and faults by script."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from aiohttp import web
from aiohttp.test_utils import TestServer

from shared.adapters.graph.client import GraphClient, connect
from shared.settings import Settings

Fault = Callable[[web.Request], Awaitable[web.StreamResponse | None]]


class Clock:
    """Time that passes only while somebody sleeps. `slept`: for how long, each time."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


class FakeTokens:
    """Tokens `t0`, `t1`, …; each asking for a fresh one gives the next. `roles`: those that a token holds."""

    def __init__(self, *roles: str) -> None:
        self.roles = roles
        self.asked_afresh = 0

    async def token(self) -> str:
        claims = base64.urlsafe_b64encode(json.dumps({"roles": self.roles, "n": self.asked_afresh}).encode())
        return f"head.{claims.decode().rstrip('=')}.tail"

    async def fresh(self) -> str:
        self.asked_afresh += 1
        return await self.token()


@dataclass
class FakeGraph:
    """messages: of every mailbox, in the order of receipt · events: of every calendar · cap: largest page it gives ·
    script: faults, asked in order before the real answer; one that returns None lets the request pass.
    """

    messages: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    folders: dict[str, list[str]] = field(default_factory=dict)
    others: dict[str, Callable[[web.Request], dict[str, Any]]] = field(default_factory=dict)
    cap: int = 1000
    counts: bool = True
    script: list[Fault] = field(default_factory=list)
    seen: list[web.Request] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    url: str = ""

    def asked(self, ending: str = "") -> list[web.Request]:
        return [request for request in self.seen if request.path.endswith(ending)]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(0.001)
            for fault in list(self.script):
                response = await fault(request)
                if response is not None:
                    return response
            return self.answer(request)
        finally:
            self.in_flight -= 1

    def answer(self, request: web.Request) -> web.Response:
        path = request.path.removeprefix("/v1.0")
        for ending, content in self.others.items():
            if path == ending:
                return page(content(request))
        if path.endswith(("/messages", "/calendarView")):
            return page(self.collection(request))
        folder = re.search(r"/mailFolders/([^/]+)(/childFolders)?$", path)
        if folder and folder[2]:
            return page({"value": [{"id": child} for child in self.folders.get(folder[1], [])]})
        if folder and folder[1] in self.folders:
            return page({"id": folder[1]})
        return error(404, "ErrorItemNotFound")

    def collection(self, request: web.Request, most: int | None = None) -> dict[str, Any]:
        """The messages or events that were asked for, as `$top` (`most` at most), `$skip` and `$count` say."""
        of_mail = request.path.endswith("/messages")
        items = _received(request, self.messages) if of_mail else _overlapping(request, self.events)
        top = min(int(request.query.get("$top", "10")), self.cap, most or self.cap)
        skip = int(request.query.get("$skip", "0"))
        content: dict[str, Any] = {"value": items[skip : skip + top]}
        if request.query.get("$count") == "true" and self.counts:
            content["@odata.count"] = len(items)
        if skip + top < len(items):
            link = request.url.update_query({"$skip": str(skip + top)})
            content["@odata.nextLink"] = str(link)
        return content


def _received(request: web.Request, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    begin, end = re.findall(r"receivedDateTime (?:ge|lt) (\S+)", request.query.get("$filter", "")) or ("", "~")
    return [item for item in items if begin <= item["receivedDateTime"] < end]


def _overlapping(request: web.Request, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that are under way at some time between the two; one without length has no time."""
    begin, end = request.query["startDateTime"].rstrip("Z"), request.query["endDateTime"].rstrip("Z")
    return [item for item in items if item["start"]["dateTime"] < end and item["end"]["dateTime"] > begin]


def page(content: dict[str, Any]) -> web.Response:
    body = gzip.compress(json.dumps(content).encode(), compresslevel=1)
    return web.Response(body=body, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})


def error(status: int, code: str = "UnknownError", **headers: str) -> web.Response:
    body = {"error": {"code": code, "message": "", "innerError": {}}}
    return web.json_response(body, status=status, headers={name.replace("_", "-"): v for name, v in headers.items()})


def once(*answers: web.StreamResponse, to: str = "") -> Fault:
    """Give these answers first, one each, to requests whose path ends so."""
    left = list(answers)

    async def fault(request: web.Request) -> web.StreamResponse | None:
        return left.pop(0) if left and request.path.endswith(to) else None

    return fault


def always(make: Callable[[], web.StreamResponse], to: str = "") -> Fault:
    async def fault(request: web.Request) -> web.StreamResponse | None:
        return make() if request.path.endswith(to) else None

    return fault


@asynccontextmanager
async def serving(graph: FakeGraph) -> AsyncIterator[FakeGraph]:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", graph.handle)
    async with TestServer(app) as server:
        graph.url = str(server.make_url("/v1.0"))
        yield graph


def settings(**values: Any) -> Settings:
    """As much of the settings as the code under test looks at."""
    return cast(Settings, SimpleNamespace(**values))


@asynccontextmanager
async def client_of(
    graph: FakeGraph, clock: Clock | None = None, tokens: FakeTokens | None = None
) -> AsyncIterator[GraphClient]:
    clock = clock or Clock()
    async with (
        serving(graph),
        connect(settings(graph_base_url=graph.url), tokens or FakeTokens(), clock=clock, sleep=clock.sleep) as client,
    ):
        yield client
