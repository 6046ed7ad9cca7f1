"""What the management API says of an instance: its status, its history for readers, its links."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from localdev.host.clock import whole_seconds
from localdev.host.history import NAMES, STATUS_NAMES, Event, Kind
from localdev.host.store import Instance

_STATUS_BY_NUMBER = {number: name for name, number in STATUS_NAMES.items()}
_CREATED = {Kind.TASK_SCHEDULED, Kind.SUB_CREATED}
_ENDED = {Kind.TASK_COMPLETED, Kind.TASK_FAILED, Kind.SUB_COMPLETED, Kind.SUB_FAILED}
_LEFT_OUT = {
    "EventId",
    "IsPlayed",
    "TaskScheduledId",
    "TimerId",
    "OrchestrationInstance",
    "ParentInstance",
    "Version",
    "Tags",
}

_LINKS = {
    "statusQueryGetUri": "",
    "sendEventPostUri": "/raiseEvent/{eventName}",
    "terminatePostUri": "/terminate",
    "rewindPostUri": "/rewind",
    "purgeHistoryDeleteUri": "",
    "restartPostUri": "/restart",
    "suspendPostUri": "/suspend",
    "resumePostUri": "/resume",
}
_WITH_REASON = ("terminatePostUri", "rewindPostUri", "suspendPostUri", "resumePostUri")


def parsed(text: str | None) -> Any:
    """JSON text as a value; text that is none as it is."""
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def status_of(instance: Instance, *, show_input: bool) -> dict[str, Any]:
    return {
        "name": instance.name,
        "instanceId": instance.id,
        "runtimeStatus": instance.status,
        "input": parsed(instance.input_text) if show_input else None,
        "customStatus": parsed(instance.custom),
        "output": parsed(instance.output),
        "createdTime": whole_seconds(instance.created),
        "lastUpdatedTime": whole_seconds(instance.updated),
    }


def history_of(events: Iterable[Event], *, show_output: bool) -> list[dict[str, Any]]:
    """The history as readers get it: what was scheduled is told with what came of it."""
    shown: list[dict[str, Any]] = []
    created: dict[int, dict[str, Any]] = {}
    for event in events:
        body = json.loads(event.body)
        if event.kind in _CREATED:
            created[event.eid] = body
        elif event.kind not in (Kind.ORCHESTRATOR_STARTED, Kind.ORCHESTRATOR_COMPLETED):
            shown.append(_shown(event, body, created.get(event.ref), show_output=show_output))
    return shown


def _shown(event: Event, body: dict[str, Any], origin: dict[str, Any] | None, *, show_output: bool) -> dict[str, Any]:
    told = {name: value for name, value in body.items() if name not in _LEFT_OUT}
    told["EventType"] = NAMES[event.kind]
    if event.kind is Kind.EXECUTION_STARTED:
        told["FunctionName"] = told.pop("Name")
    if event.kind is Kind.EXECUTION_COMPLETED:
        told["OrchestrationStatus"] = _STATUS_BY_NUMBER[told["OrchestrationStatus"]]
    if "Result" in told:
        if show_output:
            told["Result"] = parsed(told["Result"])
        else:
            del told["Result"]
    if event.kind in _ENDED and origin is not None:
        told["ScheduledTime"] = origin["Timestamp"].removesuffix("Z") + "+00:00"
        told["FunctionName"] = origin["Name"]
        if "InstanceId" in origin:
            told["InstanceId"] = origin["InstanceId"]
        told["Input"] = None
    return told


def links(base: str, instance: str, hub: str, code: str) -> dict[str, str]:
    """The management links; `base`: `http://…/runtime/webhooks/durabletask`, `instance`: id or a placeholder."""
    required = required_query(hub, code)
    made = {"id": instance}
    for name, rest in _LINKS.items():
        reason = "reason={text}&" if name in _WITH_REASON else ""
        made[name] = f"{base}/instances/{quote(instance, safe=':@!$&()*+,;=~')}{rest}?{reason}{required}"
    return made


def required_query(hub: str, code: str) -> str:
    return f"taskHub={hub}&connection=Storage&code={code}"


def client_binding(base: str, rpc_base: str, hub: str, code: str) -> str:
    """The JSON text that a durable client is made from."""
    required = required_query(hub, code)
    start = f"{base}/orchestrators/{{functionName}}[/{{instanceId}}]"
    return json.dumps(
        {
            "taskHubName": hub,
            "creationUrls": {
                "createNewInstancePostUri": f"{start}?{required}",
                "createAndWaitOnNewInstancePostUri": f"{start}?timeout={{timeoutInSeconds}}"
                f"&pollingInterval={{intervalInSeconds}}&{required}",
            },
            "managementUrls": links(base, "INSTANCEID", hub, code),
            "baseUrl": base,
            "requiredQueryStringParameters": required,
            "rpcBaseUrl": rpc_base,
        }
    )
