"""The local host: an unmodified Durable Functions app behind HTTP, its orchestrations kept in a folder."""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, Literal, Self

from aiohttp import web

from localdev.host import http
from localdev.host.clock import Clock, RealClock
from localdev.host.codec import Answer, call, close_client_session, speed_up
from localdev.host.dispatcher import Dispatcher, Limits
from localdev.host.engine import BATCH, Engine, Handle, Rules
from localdev.host.index import Function, HostJson, index, route_of
from localdev.host.keys import Keys, Level
from localdev.host.management import Management
from localdev.host.routes import Route, first_match
from localdev.host.status import client_binding
from localdev.host.store import Store, Task
from localdev.host.timers import TimerTrigger
from localdev.host.values import activity_argument, activity_result, invocation_context, invoke

_log = logging.getLogger("localdev.host")

_WEBHOOKS = "/runtime/webhooks/durabletask"
_RPC = "/durabletask"
_RPC_PORT = 17071
_GRACE = 3.0


class StateInUse(Exception):
    """Another host works in this state folder."""


class Host:
    """Serves one app: `async with Host(app, state) as host: … host.url`.

    app: a FunctionApp or DFApp, or the list of functions that it has told · state: a folder, made where missing
    port, rpc_port: 0 takes a free one · check_keys: ask for keys as Azure does · strict: what becomes of an
    orchestration that Azure would hang · batch: False gives each turn one message only · root: the app's folder
    """

    def __init__(
        self, app: Any, state: Path, *, port: int = 0, rpc_port: int = 0, clock: Clock | None = None,
        host_json: HostJson | None = None, check_keys: bool = False, strict: Literal["fail", "log"] = "fail",
        batch: bool = True, root: Path | None = None,
    ) -> None:  # fmt: skip
        self._app = app
        self._state = state
        self._ports = (port, rpc_port)
        self.clock: Clock = clock or RealClock()
        self._settings = host_json or HostJson()
        self._check_keys = check_keys
        self._rules = Rules(strict, BATCH if batch else 1, self._settings.default_version)
        self._root = str(root or Path.cwd())
        self._started = time.monotonic()
        self._runners: list[web.AppRunner] = []
        self._tasks: list[asyncio.Task[Any]] = []
        self._lock: IO[str] | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        """StateInUse, CannotIndex, OSError where a port is taken."""
        self._lock = _lock(self._state)
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()

    async def _start(self) -> None:
        speed_up()
        self.keys = Keys.kept_in(self._state)
        self.index = index(self._app, self._settings.route_prefix)
        self._pool = ThreadPoolExecutor(int(os.environ.get("PYTHON_THREADPOOL_THREAD_COUNT", "1000")), "function")
        self.store = Store(self._state / "host.db")
        self.engine = Engine(self.store, self.index, self.clock, self._replay, self._rules)
        limits = Limits(self._settings.activities, self._settings.turns, self._settings.timeout)
        self.dispatcher = Dispatcher(self.engine, self.clock, self._perform, limits)
        self._routes = [
            (Route.read(route_of(one, self._settings.route_prefix)), _methods(one), one) for one in self.index.http
        ]
        self.faulty = dict(self.index.faulty)
        self._timers = self._make_timers()
        await self._listen()
        self._tasks = [asyncio.create_task(self.dispatcher.run())]
        self._tasks += [asyncio.create_task(timer.run()) for timer in self._timers.values()]

    async def _listen(self) -> None:
        port = await self._serve(self._handle, self._ports[0])
        self.url = f"http://127.0.0.1:{port}"
        base, code = self.url + _WEBHOOKS, self.keys.system
        self._management = Management(self.engine, self.clock, base, self._settings.hub, code)
        try:
            rpc = await self._serve(self._handle_rpc, self._ports[1])
        except OSError:
            if self._ports[1] != _RPC_PORT:
                raise
            rpc = await self._serve(self._handle_rpc, 0)
        self._binding = client_binding(base, f"http://127.0.0.1:{rpc}{_RPC}/", self._settings.hub, code)

    async def _serve(self, handler: Any, port: int) -> int:
        site_app = web.Application(client_max_size=http.MAX_BODY)
        site_app.router.add_route("*", "/{path:.*}", handler)
        # Wider than the limits of the real host, so that those answer and not the parser.
        runner = web.AppRunner(site_app, max_line_size=1 << 20, max_field_size=1 << 20, access_log=None,
                               shutdown_timeout=1.0)  # fmt: skip
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", port).start()
        return int(runner.addresses[0][1])

    async def _stop(self) -> None:
        if hasattr(self, "dispatcher"):
            await self.dispatcher.stop(_GRACE)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for runner in self._runners:
            await runner.cleanup()
        await close_client_session()
        if hasattr(self, "store"):
            self.store.close()
        if hasattr(self, "_pool"):
            self._pool.shutdown(wait=False, cancel_futures=True)
        if self._lock is not None:
            self._lock.close()

    # What the engine and the dispatcher call

    async def _replay(self, handle: Handle, context: str) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._pool, call, handle, context)

    async def _perform(self, task: Task) -> str:
        function = self.index.activity(task.name)
        return activity_result(await self._invoke(function, activity_argument(task.input_text)))

    async def _invoke(self, function: Function, argument: Any) -> Any:
        arguments = {function.argument: argument, **dict.fromkeys(function.clients, self._binding)}
        if function.wants_context:
            arguments["context"] = invocation_context(function.name, self._root)
        return await invoke(function.call, arguments, self._pool)

    def _make_timers(self) -> dict[str, TimerTrigger]:
        timers = {}
        for function in self.index.timers:
            try:
                timers[function.name.lower()] = TimerTrigger(function, self.store, self.clock, self._invoke_timed)
            except (ValueError, OSError) as fault:
                self.faulty[function.name] = str(fault)
                _log.error("Function %s is in error: %s", function.name, fault)
        return timers

    async def _invoke_timed(self, function: Function, argument: Any) -> Any:
        async with asyncio.timeout(self._settings.timeout.total_seconds()):
            return await self._invoke(function, argument)

    # HTTP

    def _refusal(self, request: web.Request, level: Level) -> int | None:
        return self.keys.refusal(level, request.headers, request.query) if self._check_keys else None

    async def _handle(self, request: web.Request) -> web.Response:
        too_long = http.refusal(request)
        if too_long is not None:
            return web.Response(status=too_long)
        path = http.raw_path(request)
        if path.lower().startswith(_WEBHOOKS + "/"):
            refused = self._refusal(request, "SYSTEM")
            return web.Response(status=refused) if refused else await self._manage(request, path[len(_WEBHOOKS) :])
        if path.lower().startswith("/admin/"):
            refused = self._refusal(request, "ADMIN")
            return web.Response(status=refused) if refused else await self._administer(request, path)
        matched = first_match(self._routes, path, request.method)
        return web.Response(status=404) if matched is None else await self._call_function(request, *matched)

    async def _handle_rpc(self, request: web.Request) -> web.Response:
        path = http.raw_path(request)
        if not path.startswith(_RPC + "/"):
            return web.Response(status=404)
        return await self._manage(request, path[len(_RPC) :])

    async def _manage(self, request: web.Request, path: str) -> web.Response:
        return await self._management.handle(request, path)

    async def _call_function(
        self, request: web.Request, function: Function, parameters: dict[str, str]
    ) -> web.Response:
        refused = self._refusal(request, _level(function))
        if refused:
            return web.Response(status=refused)
        argument = await http.function_request(request, parameters)
        try:
            return http.server_response(await self._invoke_timed(function, argument))
        except Exception:
            _log.exception("HTTP function %s failed", function.name)
            return web.Response(status=500)

    async def _administer(self, request: web.Request, path: str) -> web.Response:
        parts = path.strip("/").split("/")
        if parts[1:] == ["host", "status"] and request.method == "GET":
            uptime = int((time.monotonic() - self._started) * 1000)
            told = {"id": "localdev", "state": "Running", "version": "localdev", "processUptime": uptime,
                    "functionsInError": self.faulty}  # fmt: skip
            return web.json_response(told)
        if parts[1] == "functions" and len(parts) == 3 and request.method == "POST":
            timer = self._timers.get(parts[2].lower())
            if timer is not None:
                self._tasks.append(asyncio.create_task(timer.fire_now()))
                return web.Response(status=202)
        return web.Response(status=404)


def _methods(function: Function) -> frozenset[str]:
    return frozenset(str(method).upper() for method in function.trigger.get("methods") or ())


def _level(function: Function) -> Level:
    level = str(function.trigger.get("authLevel") or "FUNCTION").upper()
    if level == "ANONYMOUS":
        return "ANONYMOUS"
    return "ADMIN" if level == "ADMIN" else "FUNCTION"


def _lock(state: Path) -> IO[str]:
    """Hold the state folder for this process; the system lets it go however the process ends."""
    state.mkdir(parents=True, exist_ok=True)
    file = (state / "host.lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        holder = json.loads(file.read() or "{}").get("pid", "unknown")
        file.close()
        raise StateInUse(
            f"{state} is in use by another host (process {holder}); give this one another --state"
        ) from None
    file.truncate(0)
    file.write(json.dumps({"pid": os.getpid()}))
    file.flush()
    return file
