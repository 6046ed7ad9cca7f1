"""Events of an orchestration's history, in the JSON shape of the .NET extension.

An event's body is kept as text, so that the context of a turn is joined and not encoded again. The numbers beside it
(`ref`: the task or timer that it completes) are what the walk needs to know without reading the body.
"""

from __future__ import annotations

import json
from datetime import datetime
from enum import IntEnum
from typing import Any, NamedTuple

from localdev.host.clock import stamp


class Kind(IntEnum):
    EXECUTION_STARTED = 0
    EXECUTION_COMPLETED = 1
    EXECUTION_TERMINATED = 3
    TASK_SCHEDULED = 4
    TASK_COMPLETED = 5
    TASK_FAILED = 6
    SUB_CREATED = 7
    SUB_COMPLETED = 8
    SUB_FAILED = 9
    TIMER_CREATED = 10
    TIMER_FIRED = 11
    ORCHESTRATOR_STARTED = 12
    ORCHESTRATOR_COMPLETED = 13
    EVENT_RAISED = 15
    SUSPENDED = 19
    RESUMED = 20


NAMES = {
    Kind.EXECUTION_STARTED: "ExecutionStarted",
    Kind.EXECUTION_COMPLETED: "ExecutionCompleted",
    Kind.EXECUTION_TERMINATED: "ExecutionTerminated",
    Kind.TASK_SCHEDULED: "TaskScheduled",
    Kind.TASK_COMPLETED: "TaskCompleted",
    Kind.TASK_FAILED: "TaskFailed",
    Kind.SUB_CREATED: "SubOrchestrationInstanceCreated",
    Kind.SUB_COMPLETED: "SubOrchestrationInstanceCompleted",
    Kind.SUB_FAILED: "SubOrchestrationInstanceFailed",
    Kind.TIMER_CREATED: "TimerCreated",
    Kind.TIMER_FIRED: "TimerFired",
    Kind.ORCHESTRATOR_STARTED: "OrchestratorStarted",
    Kind.ORCHESTRATOR_COMPLETED: "OrchestratorCompleted",
    Kind.EVENT_RAISED: "EventRaised",
    Kind.SUSPENDED: "ExecutionSuspended",
    Kind.RESUMED: "ExecutionResumed",
}

# What the extension marks as played once the turn that brought it is over.
_MARKED = {
    Kind.EXECUTION_STARTED,
    Kind.TASK_COMPLETED,
    Kind.TASK_FAILED,
    Kind.SUB_COMPLETED,
    Kind.SUB_FAILED,
    Kind.TIMER_FIRED,
    Kind.EVENT_RAISED,
    Kind.SUSPENDED,
    Kind.RESUMED,
}

STATUS_NAMES = {"Completed": 1, "Failed": 3, "Terminated": 5}


class Event(NamedTuple):
    """`eid`: its own id, -1 where it has none · `ref`: the id of the task or timer it is about, else -1."""

    kind: Kind
    body: str
    eid: int = -1
    ref: int = -1
    name: str = ""

    def played(self) -> Event:
        """The event as the next turn sees it."""
        return self.marked() if self.kind in _MARKED else self

    def marked(self) -> Event:
        # The mark stands behind every payload, so its last occurrence is the event's own.
        before, _, after = self.body.rpartition('"IsPlayed":false')
        return self._replace(body=f'{before}"IsPlayed":true{after}')


def dumps(value: Any) -> str:
    """Compact JSON, as .NET writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _event(kind: Kind, at: datetime, fields: dict[str, Any], *, eid: int = -1, ref: int = -1, name: str = "") -> Event:
    own = {"EventType": int(kind), **fields, "EventId": eid, "IsPlayed": False, "Timestamp": stamp(at)}
    return Event(kind, dumps(own), eid, ref, name)


class Parent(NamedTuple):
    """Whom a sub-orchestration reports to, and under which task id."""

    instance: str
    execution: str
    name: str
    task: int


def execution_started(
    at: datetime, instance: str, execution: str, name: str, version: str | None, input_text: str | None,
    parent: Parent | None, *, continued: bool,
) -> Event:  # fmt: skip
    """`input_text`: the input as JSON text; `continued`: after continue-as-new, which leaves the generation out."""
    described = parent and {
        "OrchestrationInstance": {"InstanceId": parent.instance, "ExecutionId": parent.execution},
        "Name": parent.name,
        "Version": None,
        "TaskScheduleId": parent.task,
    }
    fields = {
        "OrchestrationInstance": {"InstanceId": instance, "ExecutionId": execution},
        "ParentInstance": described,
        "Name": name,
        "Version": version,
        "Input": input_text,
        "Tags": None,
        "Correlation": None,
        "ParentTraceContext": None,
        "ScheduledStartTime": None,
        "Generation": None if continued else 0,
        "GenerateNewTrace": False,
    }
    return _event(Kind.EXECUTION_STARTED, at, fields, name=name)


def execution_completed(at: datetime, eid: int, status: str, result: str | None) -> Event:
    """`result`: the output as JSON text, or the reason of a failure or termination as plain text."""
    fields = {"OrchestrationStatus": STATUS_NAMES[status], "Result": result, "FailureDetails": None}
    return _event(Kind.EXECUTION_COMPLETED, at, fields, eid=eid)


def execution_terminated(at: datetime, reason: str) -> Event:
    return _event(Kind.EXECUTION_TERMINATED, at, {"Input": reason}, name=reason)


def suspended(at: datetime, reason: str) -> Event:
    return _event(Kind.SUSPENDED, at, {"Reason": reason}, name=reason)


def resumed(at: datetime, reason: str) -> Event:
    return _event(Kind.RESUMED, at, {"Reason": reason}, name=reason)


def turn_started(at: datetime) -> Event:
    return _event(Kind.ORCHESTRATOR_STARTED, at, {})


def turn_completed(at: datetime) -> Event:
    return _event(Kind.ORCHESTRATOR_COMPLETED, at, {})


def task_scheduled(at: datetime, eid: int, name: str) -> Event:
    fields = {"Name": name, "Version": "", "Input": None, "ParentTraceContext": None, "Tags": None}
    return _event(Kind.TASK_SCHEDULED, at, fields, eid=eid, name=name)


def task_completed(at: datetime, task: int, result: str | None) -> Event:
    return _event(Kind.TASK_COMPLETED, at, {"TaskScheduledId": task, "Result": result}, ref=task)


def task_failed(at: datetime, task: int, reason: str, details: str | None) -> Event:
    fields = {"TaskScheduledId": task, "Reason": reason, "Details": details, "FailureDetails": None}
    return _event(Kind.TASK_FAILED, at, fields, ref=task)


def sub_created(at: datetime, eid: int, name: str, version: str | None, instance: str) -> Event:
    fields = {
        "Name": name,
        "Version": version,
        "InstanceId": instance,
        "Input": None,
        "ClientSpanId": None,
        "Tags": None,
    }
    return _event(Kind.SUB_CREATED, at, fields, eid=eid, name=name)


def sub_completed(at: datetime, task: int, result: str | None) -> Event:
    return _event(Kind.SUB_COMPLETED, at, {"TaskScheduledId": task, "Result": result}, ref=task)


def sub_failed(at: datetime, task: int, reason: str, details: str | None) -> Event:
    fields = {"TaskScheduledId": task, "Reason": reason, "Details": details, "FailureDetails": None}
    return _event(Kind.SUB_FAILED, at, fields, ref=task)


def timer_created(at: datetime, eid: int, fire_at: datetime) -> Event:
    return _event(Kind.TIMER_CREATED, at, {"FireAt": stamp(fire_at)}, eid=eid)


def timer_fired(created: datetime, timer: int, fire_at: datetime) -> Event:
    """Its timestamp is the timer's creation, as on the real host."""
    return _event(Kind.TIMER_FIRED, created, {"TimerId": timer, "FireAt": stamp(fire_at)}, ref=timer)


def event_raised(at: datetime, name: str, input_text: str) -> Event:
    fields = {"Name": name, "Input": input_text, "ParentTraceContext": None}
    return _event(Kind.EVENT_RAISED, at, fields, name=name)


def from_recorded(recorded: dict[str, Any]) -> Event:
    """An event as another host wrote it."""
    kind = Kind(recorded["EventType"])
    ref = recorded.get("TaskScheduledId", recorded.get("TimerId", -1))
    return Event(kind, dumps(recorded), recorded["EventId"], ref, recorded.get("Name") or "")
