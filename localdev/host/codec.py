"""The seam to SDK 1.7: a history in, the orchestrator's answer out. Only this module knows the SDK's JSON."""

from __future__ import annotations

import importlib
import json
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from localdev.host.history import dumps

_LABEL = "\n\n$OutOfProcData$:"
_log = logging.getLogger("localdev.host")

# The SDK's own remarks about early events and types; the app can do nothing about them.
_REMARKS = ("Potential duplicate Task completion", "azure.functions df_loads was called without expected_type")
# Filters of warnings belong to the whole process, so one orchestrator is called at a time; the GIL says so anyway.
_calling = threading.Lock()


@dataclass(frozen=True, slots=True)
class Retry:
    interval_ms: int
    attempts: int


@dataclass(frozen=True, slots=True)
class CallActivity:
    """`input_text`: the input as JSON text."""

    name: str
    input_text: str
    retry: Retry | None = None


@dataclass(frozen=True, slots=True)
class CallSub:
    """`instance`: None leaves the id to the host."""

    name: str
    input_text: str
    instance: str | None
    version: str | None
    retry: Retry | None = None


@dataclass(frozen=True, slots=True)
class Timer:
    fire_at: datetime
    canceled: bool


@dataclass(frozen=True, slots=True)
class WaitForEvent:
    name: str


@dataclass(frozen=True, slots=True)
class WhenAll:
    children: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class WhenAny:
    children: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class ContinueAsNew:
    input_text: str


@dataclass(frozen=True, slots=True)
class Unserved:
    """An action that this host refuses."""

    what: str


Action = CallActivity | CallSub | Timer | WaitForEvent | WhenAll | WhenAny | ContinueAsNew | Unserved


@dataclass(frozen=True, slots=True)
class Answer:
    """What the orchestrator said: everything it has asked for since it began, and whether it has ended.

    output_text, custom_status: JSON text, None where absent · raw: the actions as the SDK gave them.
    """

    actions: tuple[Action, ...]
    done: bool = False
    output_text: str | None = None
    error: str | None = None
    custom_status: str | None = None
    raw: tuple[Any, ...] = ()


def context_text(
    bodies: Iterable[str], input_text: str | None, instance: str, parent: str | None, *, replaying: bool
) -> str:
    """The body that an orchestration trigger receives."""
    rest = {
        "instanceId": instance,
        "isReplaying": replaying,
        "parentInstanceId": parent,
        "sourceInstanceId": None,
        "upperSchemaVersion": 1,
        "upperSchemaVersionNew": 3,
        "longRunningTimerIntervalDuration": "3.00:00:00",
        "maximumShortTimerDuration": "6.00:00:00",
        "defaultHttpAsyncRequestSleepTimeMillseconds": 30000,
    }
    return f'{{"history":[{",".join(bodies)}],"input":{input_text or "null"},{dumps(rest)[1:]}'


def call(handle: Callable[[str], str], context: str) -> Answer:
    """Play the history in `context` with the orchestrator; its failure is an answer too."""
    try:
        with _calling, warnings.catch_warnings():
            for remark in _REMARKS:
                warnings.filterwarnings("ignore", message=remark)
            return answer(json.loads(handle(context)))
    except Exception as failure:
        text, label, state = str(failure).partition(_LABEL)
        if not label:
            return Answer((), error=text or type(failure).__name__)
        return answer(json.loads(state))


def answer(state: dict[str, Any]) -> Answer:
    raw = tuple(state["actions"][0]) if state["actions"] else ()
    return Answer(
        actions=tuple(_action(item) for item in raw),
        done=state["isDone"],
        output_text=dumps(state["output"]) if "output" in state else None,
        error=state.get("error"),
        custom_status=dumps(state["customStatus"]) if "customStatus" in state else None,
        raw=raw,
    )


def _retry(item: dict[str, Any]) -> Retry:
    options = item["retryOptions"]
    return Retry(options["firstRetryIntervalInMilliseconds"], options["maxNumberOfAttempts"])


def _sub(item: dict[str, Any], retry: Retry | None) -> CallSub:
    return CallSub(item["functionName"], item["input"], item.get("instanceId"), item.get("version"), retry)


def _children(item: dict[str, Any]) -> tuple[Action, ...]:
    return tuple(_action(child) for child in item["compoundActions"])


_DECODERS: dict[int, Callable[[dict[str, Any]], Action]] = {
    0: lambda item: CallActivity(item["functionName"], item["input"]),
    1: lambda item: CallActivity(item["functionName"], item["input"], _retry(item)),
    2: lambda item: _sub(item, None),
    3: lambda item: _sub(item, _retry(item)),
    4: lambda item: ContinueAsNew(item["input"]),
    5: lambda item: Timer(instant(item["fireAt"]), item["isCanceled"]),
    6: lambda item: WaitForEvent(item["externalEventName"]),
    7: lambda _: Unserved("durable entities (call_entity)"),
    8: lambda _: Unserved("durable HTTP (call_http)"),
    9: lambda _: Unserved("durable entities (signal_entity)"),
    11: lambda item: WhenAny(_children(item)),
    12: lambda item: WhenAll(_children(item)),
}


def _action(item: dict[str, Any]) -> Action:
    decode = _DECODERS.get(item["actionType"])
    return decode(item) if decode else Unserved(f"actions of type {item['actionType']}")


def instant(text: str) -> datetime:
    """An instant of the SDK's, or of a query; without an offset it is UTC."""
    parsed = datetime.fromisoformat(text)
    return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def handle_of(orchestrator: Callable[[Any], Any]) -> Callable[[str], str]:
    """What the SDK's decorator makes of a plain generator function."""
    from azure.durable_functions.orchestrator import Orchestrator

    handle: Callable[[str], str] = Orchestrator.create(orchestrator)
    return handle


def speed_up() -> None:
    """Let the SDK read timestamps by the standard library: 85 % of a replay is dateutil doing it.

    A private name of 1.x; where it is gone nothing is changed, and the replay is only slower.
    """
    name = "azure.durable_functions.models.history.HistoryEvent"
    importlib.import_module(name)
    # The package's attribute of that name is the class, so the module is taken from where imports are kept.
    module: Any = sys.modules[name]
    slow = getattr(module, "dt_parse", None)
    if slow is None or getattr(slow, "is_fast", False):
        if slow is None:
            _log.warning("This durable SDK reads timestamps in another way; replays stay as slow as they are")
        return

    def parse(text: str) -> Any:
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            return slow(text)

    parse.is_fast = True  # type: ignore[attr-defined]
    module.dt_parse = parse


async def close_client_session() -> None:
    """The SDK keeps its HTTP session in a module, bound to the first event loop: end it, so that another can begin."""
    module: Any = sys.modules.get("azure.durable_functions.models.utils.http_utils")
    session = getattr(module, "_client_session", None)
    if session is not None:
        await session.close()
        module._client_session = None
