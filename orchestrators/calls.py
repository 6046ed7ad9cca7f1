"""The durable verbs, with their types kept: where Python loses them across `yield`, and nowhere else.

Every call is a plain one that is made again after a pause when it raised, because a worker that dies fails its
activities. Retry policies of the SDK are not used: they wait a constant time, and a fan of them must not be caught.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from shared.core.contracts import Activity, Payload, Problem, Refusal

Req = TypeVar("Req", bound=Payload)
Res = TypeVar("Res", bound=Payload)

Step = Generator[Any, Any, Res]

FIRST_PAUSE, LONGEST_PAUSE = 5, 300


class StepFailed(Exception):
    """An activity kept failing. `name` is the activity's; its own error text stays in the platform's log."""

    def __init__(self, name: str, attempts: int) -> None:
        super().__init__(f"{name} failed {attempts} times")
        self.name = name
        self.attempts = attempts


class StepRefused(Exception):
    """An activity or a group was refused; another attempt would be refused too."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.title)
        self.problem = problem


def pause(attempt: int) -> timedelta:
    """How long to wait after failed attempt number `attempt` (from 0)."""
    return timedelta(seconds=min(FIRST_PAUSE * 2 ** min(attempt, 10), LONGEST_PAUSE))


def call(
    context: Any, activity: Activity[Req, Res], request: Req, attempts: int | None = None
) -> Generator[Any, Any, Res]:
    """One activity, up to `attempts` times, by default as often as the activity says.

    Raises `StepFailed`, or `StepRefused` at once, as all verbs here do.
    """
    attempts = attempts or activity.attempts
    for attempt in range(attempts):
        try:
            wire = yield _schedule(context, activity, request)
        except Exception:  # the SDK gives the class away: anything that an activity raises arrives as this
            if attempt + 1 < attempts:
                yield context.create_timer(context.current_utc_datetime + pause(attempt))
        else:
            return _result(activity.result, wire)
    raise StepFailed(activity.name, attempts)


def call_each(context: Any, activity: Activity[Req, Res], requests: Sequence[Req]) -> Generator[Any, Any, list[Res]]:
    """All side by side; those that raised again, alone. Results in the order of the requests."""
    results: dict[int, Res] = {}
    for attempt in range(activity.attempts):
        pending = [index for index in range(len(requests)) if index not in results]
        answers = yield from try_each(context, activity, [requests[index] for index in pending])
        results |= {index: answer for index, answer in zip(pending, answers, strict=True) if answer is not None}
        if len(results) == len(requests):
            return [results[index] for index in range(len(requests))]
        if attempt + 1 < activity.attempts:
            yield context.create_timer(context.current_utc_datetime + pause(attempt))
    raise StepFailed(activity.name, activity.attempts)


def try_each(
    context: Any, activity: Activity[Req, Res], requests: Sequence[Req]
) -> Generator[Any, Any, list[Res | None]]:
    """All side by side, once; None where one raised. `StepRefused` is raised when all have ended."""
    wires = yield from _settle(context, [_schedule(context, activity, request) for request in requests])
    return [None if wire is _RAISED else _result(activity.result, wire) for wire in wires]


def sub_each(
    context: Any, name: str, requests: Sequence[Payload], result: type[Res], ids: Sequence[str]
) -> Generator[Any, Any, list[Res]]:
    """All sub-orchestrations side by side. They catch what their activities raise; one that fails itself is a fault."""
    tasks = [
        context.call_sub_orchestrator(name, request.to_wire(), instance_id)
        for request, instance_id in zip(requests, ids, strict=True)
    ]
    wires = yield from _settle(context, tasks)
    results = [_result(result, wire) for wire in wires if wire is not _RAISED]
    if len(results) < len(wires):
        raise StepFailed(name, 1)
    return results


_RAISED = object()


def _settle(context: Any, tasks: list[Any]) -> Generator[Any, Any, list[Any]]:
    """Every task's result, or `_RAISED`. After a failure each task is awaited before anything new is scheduled."""
    if not tasks:
        return []
    try:
        together = yield context.task_all(tasks)
    except Exception:
        together = None
    if together is not None:
        return list(together)
    settled: list[Any] = []
    for task in tasks:
        try:
            settled.append((yield task))
        except Exception:
            settled.append(_RAISED)
    return settled


def _result(kind: type[Res], wire: Any) -> Res:
    if isinstance(wire, dict) and "refused" in wire:
        raise StepRefused(Refusal.from_wire(wire).refused)
    return kind.from_wire(wire)


def _schedule(context: Any, activity: Activity[Req, Res], request: Req) -> Any:
    return context.call_activity(activity.name, request.to_wire())
