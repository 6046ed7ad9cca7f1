"""The management API of durable functions: start, status, events, terminate, suspend, restart, purge.

The same handlers stand under the public `/runtime/webhooks/durabletask/` and the client's own `/durabletask/`.
Every answer is JSON or empty: the SDK's client reads each as JSON.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import unquote

from aiohttp import web

from localdev.host import history as h
from localdev.host.clock import Clock, to_us
from localdev.host.codec import instant
from localdev.host.engine import Engine
from localdev.host.status import history_of, links, parsed, status_of
from localdev.host.store import FINISHED, Filter, Instance

_PAGE = 100
_TOKEN = "x-ms-continuation-token"  # noqa: S105
_START_RETRY, _STATUS_RETRY = "10", "5"

Respond = Callable[[web.Request, list[str]], Awaitable[web.Response]]


class Management:
    """`base`: where clients outside find it · `code`: the system key that its links carry."""

    def __init__(self, engine: Engine, clock: Clock, base: str, hub: str, code: str) -> None:
        self._engine = engine
        self._store = engine.store
        self._clock = clock
        self._base = base
        self._hub = hub
        self._code = code

    async def handle(self, request: web.Request, path: str) -> web.Response:
        """`path`: raw, behind the mount point."""
        parts = [unquote(part) for part in path.strip("/").split("/")]
        kind = parts[0].lower()
        try:
            if kind == "orchestrators" and request.method == "POST" and len(parts) in (2, 3):
                return await self._start(request, parts[1:])
            if kind == "instances" and len(parts) == 1:
                return self._instances(request)
            if kind == "instances":
                return await self._instance(request, parts[1:])
        except ValueError as fault:
            return _told(400, f"The request is not understood: {fault}")
        return web.Response(status=501 if kind == "entities" else 404)

    async def _start(self, request: web.Request, names: list[str]) -> web.Response:
        body = await request.text()
        input_text = None if body.strip() in ("", "null") else h.dumps(json.loads(body))
        if len(names) == 2 and (running := self._store.instance(names[1])) and not running.finished:
            return _told(409, f"An Orchestration instance with the status {running.status} already exists.")
        identity = names[1] if len(names) == 2 else None
        identity = self._engine.start(names[0], identity, input_text, request.query.get("version"))
        if "timeout" in request.query:
            ended = await self._ended(identity, request.query)
            if ended is not None:
                return ended
        return self._accepted(identity)

    async def _ended(self, identity: str, query: Mapping[str, str]) -> web.Response | None:
        """The output, if the instance ends within the timeout that the caller gave (seconds)."""
        pause = max(float(query.get("pollingInterval", "1")), 0.05)
        until = asyncio.get_running_loop().time() + float(query["timeout"])
        while True:
            instance = self._store.instance(identity)
            if instance is not None and instance.status == "Completed":
                return web.json_response(parsed(instance.output))
            if instance is not None and instance.finished:
                return web.json_response(status_of(instance, show_input=True), status=500)
            left = until - asyncio.get_running_loop().time()
            if left <= 0:
                return None
            await asyncio.sleep(min(pause, left))

    def _accepted(self, identity: str) -> web.Response:
        made = links(self._base, identity, self._hub, self._code)
        del made["rewindPostUri"]
        headers = {"Location": made["statusQueryGetUri"], "Retry-After": _START_RETRY}
        return web.json_response(made, status=202, headers=headers)

    def _instances(self, request: web.Request) -> web.Response:
        if request.method == "GET":
            return self._list(request)
        return self._purge_by(request) if request.method == "DELETE" else web.Response(status=404)

    def _list(self, request: web.Request) -> web.Response:
        wanted = _filter(request.query, request.headers.get(_TOKEN))
        found = self._store.find(wanted._replace(top=wanted.top + 1))
        page = found[: wanted.top]
        headers = {_TOKEN: base64.urlsafe_b64encode(page[-1].id.encode()).decode()} if len(found) > len(page) else {}
        shown = [status_of(one, show_input=_is_true(request.query, "showInput", usual=True)) for one in page]
        return web.json_response(shown, headers=headers)

    def _purge_by(self, request: web.Request) -> web.Response:
        if not request.query.get("createdTimeFrom"):
            return _told(400, "Please provide value for 'createdTimeFrom' parameter.")
        wanted = _filter(request.query, None)._replace(top=1_000_000)
        statuses = tuple(status for status in wanted.statuses or FINISHED if status in FINISHED)
        found = [one.id for one in self._store.find(wanted._replace(statuses=statuses))] if statuses else []
        self._store.purge(found)
        return web.json_response({"instancesDeleted": len(found)}) if found else web.Response(status=404)

    async def _instance(self, request: web.Request, parts: list[str]) -> web.Response:
        instance = self._store.instance(parts[0])
        operation = parts[1].lower() if len(parts) > 1 else ""
        if operation == "restart" and request.method == "POST":
            return self._restart(request, instance)
        if instance is None:
            return web.Response(status=404)
        if not operation:
            return self._status_or_purge(request, instance)
        if request.method != "POST":
            return web.Response(status=404)
        if operation == "raiseevent" and len(parts) == 3:
            return await self._raise(request, instance, parts[2])
        return self._operate(instance, operation, request.query.get("reason", ""))

    def _status_or_purge(self, request: web.Request, instance: Instance) -> web.Response:
        if request.method == "GET":
            return self._status(request, instance)
        if request.method != "DELETE":
            return web.Response(status=404)
        if not instance.finished:
            return _told(412, f"The instance is {instance.status}; only what has ended can be purged.")
        self._store.purge([instance.id])
        return web.json_response({"instancesDeleted": 1})

    def _status(self, request: web.Request, instance: Instance) -> web.Response:
        query = request.query
        shown = status_of(instance, show_input=_is_true(query, "showInput", usual=True))
        if _is_true(query, "showHistory"):
            events = self._store.history(instance.id, instance.execution)
            shown["historyEvents"] = history_of(events, show_output=_is_true(query, "showHistoryOutput"))
        if not instance.finished:
            own = links(self._base, instance.id, self._hub, self._code)["statusQueryGetUri"]
            return web.json_response(shown, status=202, headers={"Location": own, "Retry-After": _STATUS_RETRY})
        failed = instance.status == "Failed" and _is_true(query, "returnInternalServerErrorOnFailure")
        return web.json_response(shown, status=500 if failed else 200)

    async def _raise(self, request: web.Request, instance: Instance, name: str) -> web.Response:
        if instance.finished:
            return web.Response(status=410)
        if not (request.content_type == "application/json" or request.content_type.endswith("+json")):
            return _told(400, "Only application/json request content is supported")
        payload = json.loads(await request.text())
        self._store.send(instance.id, None, h.event_raised(self._clock.now(), name, h.dumps(payload)))
        return web.Response(status=202)

    def _operate(self, instance: Instance, operation: str, reason: str) -> web.Response:
        if operation == "rewind":
            if instance.status != "Failed":
                return web.Response(status=412)
            return _told(501, "The local host does not rewind; start the work again instead.")
        if operation not in ("terminate", "suspend", "resume"):
            return web.Response(status=404)
        if instance.finished:
            return web.Response(status=410)
        if operation == "terminate" and instance.held:
            self._engine.terminate_held(instance, reason)
            return web.Response(status=202)
        if (operation == "suspend") == (instance.status == "Suspended") and operation != "terminate":
            return _told(500, f"The instance is {instance.status}: there is nothing to {operation}.")
        made = {"terminate": h.execution_terminated, "suspend": h.suspended, "resume": h.resumed}[operation]
        self._store.send(instance.id, None, made(self._clock.now(), reason))
        return web.Response(status=202)

    def _restart(self, request: web.Request, instance: Instance | None) -> web.Response:
        if instance is None:
            return _told(400, "There is no instance of this id to start again.")
        afresh = _is_true(request.query, "restartWithNewInstanceId", usual=True)
        if not afresh and not instance.finished:
            return _told(409, f"An Orchestration instance with the status {instance.status} already exists.")
        identity = None if afresh else instance.id
        return self._accepted(self._engine.start(instance.name, identity, instance.input_text, instance.version))


def _told(status: int, message: str) -> web.Response:
    return web.json_response({"Message": message}, status=status)


def _is_true(query: Mapping[str, str], name: str, *, usual: bool = False) -> bool:
    text = query.get(name)
    return usual if text is None else text.lower() == "true"


def _filter(query: Mapping[str, str], token: str | None) -> Filter:
    """ValueError where a parameter is none."""

    def time(name: str) -> int | None:
        return to_us(instant(query[name])) if query.get(name) else None

    return Filter(
        created_from=time("createdTimeFrom"),
        created_to=time("createdTimeTo"),
        statuses=tuple(part for part in query.get("runtimeStatus", "").split(",") if part),
        prefix=query.get("instanceIdPrefix", ""),
        after=base64.urlsafe_b64decode(token).decode() if token else "",
        top=max(1, int(query.get("top", _PAGE))),
    )
