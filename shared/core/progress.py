"""How a run tells where it is (interfaces §4): the orchestration's custom status, and what the run's record keeps."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

from shared.core.contracts import Counts, Problem, RunRequest
from shared.core.periods import MICROSECONDS, rfc3339

TASKS = ("consent", "delay", "resolve", "extract", "aggregate", "publish")
ENDED = ("Succeeded", "SucceededWithWarnings", "ConsentMissing", "Failed", "Canceled")

# What ends first is small: before so much of the whole has ended it tells nothing about the rest.
TELLING_SHARE = 0.1

TaskState = Literal["waiting", "running", "done", "warning", "failed", "skipped"]


@dataclass
class Task:
    name: str
    state: TaskState = "waiting"
    done: int = 0
    total: int = 0
    started_us: int | None = None
    ended_us: int | None = None
    warnings: int = 0
    errors: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "state": self.state,
            "done": self.done,
            "total": self.total,
            "startedAt": instant(self.started_us),
            "endedAt": instant(self.ended_us),
            "warnings": self.warnings,
            "errors": self.errors,
        }


@dataclass
class Progress:
    """What is known of a run so far. Instants are given in, never read from a clock: orchestrators use it."""

    request: RunRequest
    state: str = "Running"
    as_of_us: int | None = None
    ended_us: int | None = None
    delayed_until_us: int | None = None
    problem: Problem | None = None
    selected: int = 0
    read: int = 0
    refused: int = 0
    customers: int = 0
    counts: Counts = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=lambda: {name: Task(name) for name in TASKS})

    def __post_init__(self) -> None:
        self.as_of_us = self.request.as_of_us

    def begin(self, task: str, now_us: int, total: int = 1) -> None:
        self.tasks[task].state = "running"
        self.tasks[task].started_us = now_us
        self.tasks[task].total = total

    def finish(self, task: str, now_us: int, warnings: int = 0) -> None:
        entry = self.tasks[task]
        entry.state = "warning" if warnings else "done"
        entry.done, entry.ended_us, entry.warnings = entry.total, now_us, warnings

    def skip(self, task: str) -> None:
        self.tasks[task].state = "skipped"

    def fail(self, problem: Problem, now_us: int) -> None:
        """The task that runs has failed, and with it the run; what had not begun is skipped."""
        self.state, self.problem, self.ended_us = "Failed", problem, now_us
        for task in self.tasks.values():
            if task.state == "running":
                task.state, task.ended_us = "failed", now_us
                task.errors += max(1, len(problem.errors))
            elif task.state == "waiting":
                task.state = "skipped"

    def end(self, state: str, now_us: int) -> None:
        """The run has ended in another way than by failing; what had not begun is skipped."""
        self.state, self.ended_us = state, now_us
        for task in self.tasks.values():
            if task.state in ("waiting", "running"):
                task.state = "skipped"

    def succeed(self, now_us: int) -> None:
        warned = any(task.warnings for task in self.tasks.values())
        self.state, self.ended_us = "SucceededWithWarnings" if warned else "Succeeded", now_us

    def to_json(self) -> dict[str, Any]:
        return {
            "runId": self.request.run_id,
            "kind": self.request.kind,
            "enrichment": self.request.enrichment,
            "state": self.state,
            "asOf": instant(self.as_of_us),
            "startedAt": instant(self.request.started_us),
            "endedAt": instant(self.ended_us),
            "delayedUntil": instant(self.delayed_until_us),
            "tasks": [task.to_json() for task in self.tasks.values()],
            "counts": {
                "mailboxes": {"selected": self.selected, "read": self.read, "refused": self.refused},
                "messages": self._items("Message"),
                "meetings": self._items("Meeting"),
                "customers": self.customers,
            },
            "problem": self.problem.model_dump(mode="json") if self.problem else None,
        }

    def _items(self, scope: str) -> dict[str, int]:
        reasons = self.counts.get(scope, {})
        return {"read": sum(reasons.values()), "counted": reasons.get("Counted", 0)}


def cut_short(status: dict[str, Any], state: str, now_us: int, problem: Problem | None = None) -> dict[str, Any]:
    """The status of a run that ended from outside: cancelled, or dead without a word of its own."""
    unfinished = {"waiting": "skipped", "running": "failed" if problem else "skipped"}
    tasks = [
        task
        | {"state": unfinished.get(task["state"], task["state"])}
        | ({"endedAt": rfc3339(now_us)} if task["state"] == "running" else {})
        for task in status["tasks"]
    ]
    told = problem.model_dump(mode="json") if problem else None
    return status | {"state": state, "endedAt": rfc3339(now_us), "tasks": tasks, "problem": told}


def pace(done: int, total: int, elapsed_us: int) -> dict[str, float | int | None]:
    """rate: what has ended per minute since the task began, to three digits · remainingSeconds: for what is left.

    None where it cannot be known yet; clocks may differ, so that no time or less seems to have passed.
    """
    if done <= 0 or elapsed_us <= 0:
        return {"rate": None, "remainingSeconds": None}
    rate = float(f"{done * 60 * MICROSECONDS / elapsed_us:.3g}")
    if done < total * TELLING_SHARE:
        return {"rate": rate, "remainingSeconds": None}
    return {"rate": rate, "remainingSeconds": math.ceil(max(total - done, 0) * elapsed_us / done / MICROSECONDS)}


def instant(value_us: int | None) -> str | None:
    return None if value_us is None else rfc3339(value_us)


def add_counts(total: Counts, more: Counts) -> Counts:
    """Both coverages in one."""
    merged = {scope: dict(reasons) for scope, reasons in total.items()}
    for scope, reasons in more.items():
        into = merged.setdefault(scope, {})
        for reason, count in reasons.items():
            into[reason] = into.get(reason, 0) + count
    return merged
