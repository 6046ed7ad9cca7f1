"""What a function app has registered, read once: any app of the Python v2 model, no name of a particular one."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import logging
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from azure.functions import FunctionRegister
from azure.functions._durable_functions import OrchestrationContext

from localdev.host.engine import Handle
from localdev.host.routes import Route

_log = logging.getLogger("localdev.host")

_TRIGGERS = ("httpTrigger", "timerTrigger", "orchestrationTrigger", "activityTrigger")
_OTHER_BINDINGS = ("http", "durableClient")
_indexed: WeakKeyDictionary[Any, AppIndex] = WeakKeyDictionary()


class CannotIndex(Exception):
    """The app cannot be served at all; the text says what to change."""


@dataclass(frozen=True, slots=True)
class Function:
    """One function. `argument`: the name of its trigger parameter · `clients`: of its durable clients."""

    name: str
    call: Callable[..., Any]
    kind: str
    argument: str
    trigger: Mapping[str, Any]
    clients: tuple[str, ...] = ()
    wants_context: bool = False

    @property
    def durable_name(self) -> str:
        """How orchestrators and clients call it."""
        own = self.trigger.get("orchestration") or self.trigger.get("activity")
        return str(own or self.name)


@dataclass(frozen=True, slots=True)
class HostJson:
    """What the host obeys of `host.json`; everything else in it is Azure's."""

    route_prefix: str = "api"
    timeout: timedelta = timedelta(minutes=30)
    activities: int = 10 * (os.cpu_count() or 1)
    turns: int = 10 * (os.cpu_count() or 1)
    hub: str = "TestHubName"
    default_version: str | None = None

    @classmethod
    def read(cls, text: str) -> HostJson:
        """ValueError where the text is not JSON or a duration is none."""
        raw = json.loads(text)
        extensions = raw.get("extensions", {})
        durable = extensions.get("durableTask", {})
        usual = cls()
        return cls(
            route_prefix=extensions.get("http", {}).get("routePrefix", usual.route_prefix).strip("/"),
            timeout=_duration(raw["functionTimeout"]) if raw.get("functionTimeout") else usual.timeout,
            activities=durable.get("maxConcurrentActivityFunctions", usual.activities),
            turns=durable.get("maxConcurrentOrchestratorFunctions", usual.turns),
            hub=durable.get("hubName", usual.hub),
            default_version=durable.get("defaultVersion"),
        )


def _duration(text: str) -> timedelta:
    """.NET's `hh:mm:ss`; `-1` is no limit at all."""
    if text == "-1":
        return timedelta(days=3650)
    hours, minutes, seconds = (int(part) for part in text.split(":"))
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


@dataclass(frozen=True, slots=True)
class AppIndex:
    """The app's functions by what starts them. `faulty`: function → why it is not served; the others are."""

    http: tuple[Function, ...] = ()
    timers: tuple[Function, ...] = ()
    orchestrators: Mapping[str, Handle] = field(default_factory=dict)
    activities: Mapping[str, Function] = field(default_factory=dict)
    faulty: Mapping[str, str] = field(default_factory=dict)

    def orchestrator(self, name: str) -> Handle | None:
        return self.orchestrators.get(name.lower())

    def has_activity(self, name: str) -> bool:
        return name.lower() in self.activities

    @property
    def orchestrator_functions(self) -> dict[str, Callable[[Any], Any]]:
        """The generator functions under the SDK's handles, as `play` takes them."""
        return {name: handle.orchestrator_function for name, handle in self.orchestrators.items()}  # type: ignore[attr-defined]

    def activity(self, name: str) -> Function:
        return self.activities[name.lower()]


def load(root: Path) -> Any:
    """Import `function_app` of `root` as the worker does; returns the app object.

    The process works in `root` from then on; `Values` of local.settings.json are set where the environment has nothing.
    """
    if not (root / "function_app.py").is_file():
        raise CannotIndex(f"There is no function_app.py in {root}")
    os.chdir(root)
    sys.path.insert(0, str(root))
    for name, value in _local_settings(root / "local.settings.json").items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("AzureWebJobsScriptRoot", str(root))
    os.environ.setdefault("FUNCTIONS_WORKER_RUNTIME", "python")
    module = importlib.import_module("function_app")
    apps = {id(value): value for value in vars(module).values() if isinstance(value, FunctionRegister)}
    if len(apps) != 1:
        raise CannotIndex(f"function_app.py has to hold one FunctionApp or DFApp; it holds {len(apps)}")
    return next(iter(apps.values()))


def _local_settings(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        values = json.loads(path.read_text("utf-8-sig")).get("Values", {})
    except (json.JSONDecodeError, AttributeError) as fault:
        raise CannotIndex(f"local.settings.json is not what it should be: {fault}") from None
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}


def read_host_json(root: Path) -> HostJson:
    path = root / "host.json"
    if not path.exists():
        return HostJson()
    try:
        return HostJson.read(path.read_text("utf-8-sig"))
    except (ValueError, AttributeError) as fault:
        raise CannotIndex(f"host.json is not what it should be: {fault}") from None


def index(app: Any, route_prefix: str) -> AppIndex:
    """Read the functions of an app, or a list of them that it has told already.

    An app tells its functions once only, so the answer is kept with it.
    """
    if isinstance(app, list):
        return _index([_function(built) for built in app], route_prefix)
    if app not in _indexed:
        _indexed[app] = _index([_function(built) for built in app.get_functions()], route_prefix)
    return _indexed[app]


def _function(built: Any) -> tuple[Function, str | None]:
    """A function, and why it cannot be served, if so."""
    bindings = [json.loads(text) for text in built.get_raw_bindings()]
    trigger = built.get_trigger().get_dict_repr()
    call = built.get_user_function()
    clients = tuple(item["name"] for item in bindings if item["type"] == "durableClient")
    names = {item["name"] for item in bindings}
    wants_context = "context" in inspect.signature(call).parameters and "context" not in names
    function = Function(
        built.get_function_name(), call, str(trigger["type"]), trigger["name"], trigger, clients, wants_context
    )
    other = [item["type"] for item in bindings if item["type"] not in (*_TRIGGERS, *_OTHER_BINDINGS)]
    if other:
        return function, f"bindings of type {', '.join(other)} are not served by the local host"
    inner = getattr(call, "client_function", None)
    if inner is not None and not asyncio.iscoroutinefunction(inner):
        return function, "a function with a durable client must be async def"
    return function, None


def _index(functions: list[tuple[Function, str | None]], route_prefix: str) -> AppIndex:
    faulty: dict[str, str] = {}
    kinds: dict[str, list[Function]] = {kind: [] for kind in _TRIGGERS}
    for function, own_fault in functions:
        fault = own_fault or _fault(function, route_prefix)
        if fault is None:
            kinds[function.kind].append(function)
        else:
            faulty[function.name] = fault
            _log.error("Function %s is in error: %s", function.name, fault)
    return AppIndex(
        http=tuple(sorted(kinds["httpTrigger"], key=lambda one: (one.name.lower(), one.name))),
        timers=tuple(kinds["timerTrigger"]),
        orchestrators={one.durable_name.lower(): _handle(one) for one in kinds["orchestrationTrigger"]},
        activities={one.durable_name.lower(): one for one in kinds["activityTrigger"]},
        faulty=faulty,
    )


def _fault(function: Function, route_prefix: str) -> str | None:
    if function.kind != "httpTrigger":
        return None
    if getattr(function.call, "__annotations__", {}).get("return", str) in (None, type(None), "None"):
        raise CannotIndex(f"Function {function.name} is annotated to return None: Azure then indexes none of the app")
    if str(function.trigger.get("route") or "").strip("/").lower().startswith("admin"):
        return "its route begins with 'admin', which belongs to the host"
    try:
        Route.read(route_of(function, route_prefix))
    except ValueError as fault:
        return str(fault)
    return None


def route_of(function: Function, route_prefix: str) -> str:
    own = str(function.trigger.get("route") or function.name).strip("/")
    return f"{route_prefix}/{own}" if route_prefix else own


def _handle(function: Function) -> Handle:
    def handle(context: str) -> str:
        answer: str = function.call(**{function.argument: OrchestrationContext(context)})
        return answer

    handle.orchestrator_function = getattr(function.call, "orchestrator_function", None)  # type: ignore[attr-defined]
    return handle
