"""The strict check (§2.7): what Azure would hang on or get wrong is an error here, and nothing else is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import azure.durable_functions as df
import pytest

from localdev.host.play import SUSPEND, Takes, play


def _old_timer(context):
    timer = context.create_timer(context.current_utc_datetime + timedelta(seconds=60))
    for _ in range(3):
        event = context.wait_for_external_event("Code")
        winner = yield context.task_any([event, timer])
        if winner == timer:
            return "timeout"
        if event.result == "ok":
            timer.cancel()
            return "authorized"
    return "denied"


def _sliding_window(context):
    todo: list[int] = list(range(6))
    active: list[Any] = []
    while todo or active:
        while todo and len(active) < 3:
            active.append(context.call_activity("nap", todo.pop(0)))
        done = yield context.task_any(active)
        active.remove(done)


def _caught_retry_fan(context):
    calls = [context.call_activity_with_retry("fails", df.RetryOptions(1000 * n, 2), n) for n in (1, 5)]
    try:
        yield context.task_all(calls)
    except Exception:
        return (yield context.call_activity("nap", 0))


def _new_activity_beside_an_old_timer(context):
    timer = context.create_timer(context.current_utc_datetime + timedelta(seconds=5))
    yield context.task_any([context.call_activity("nap", 0), timer])
    slow = context.call_activity("nap", 9)
    winner = yield context.task_any([slow, timer])
    return "timer" if winner == timer else "activity"


def _fails(n):
    raise RuntimeError(f"no {n}")


ACTIVITIES = {"nap": lambda n: Takes(n, n), "fails": _fails}
TRAPS = {
    "an old timer beside a new event": (_old_timer, [(1, "run", "Code", "no")]),
    "a sliding window": (_sliding_window, []),
    "a caught fan of retries": (_caught_retry_fan, []),
    "an old timer beside a new activity": (_new_activity_beside_an_old_timer, []),
}


@pytest.mark.parametrize("name", TRAPS)
async def test_a_trap_fails_the_instance_and_is_logged(name, caplog):
    """§2.7: the SDK went on, or ended, while the action that Azure awaits was not over."""
    orchestrator, events = TRAPS[name]
    tape = await play({"trap": orchestrator}, "trap", None, ACTIVITIES, events=events)

    assert tape.status == "Failed"
    assert "Strict check: on Azure this orchestration would hang or lose a result" in tape.output
    assert "run (trap) would hang or lose a result on Azure: action #" in caplog.text


async def test_a_trap_can_be_logged_only(caplog):
    """Then the instance does what it does on Azure: it never ends."""
    orchestrator, events = TRAPS["an old timer beside a new event"]
    tape = await play({"trap": orchestrator}, "trap", None, ACTIVITIES, events=events, strict="log")

    assert tape.status == "Running"
    assert "would hang" in caplog.text


def _fresh_timers(context):
    end = context.current_utc_datetime + timedelta(seconds=60)
    for _ in range(3):
        timer, event = context.create_timer(end), context.wait_for_external_event("Code")
        winner = yield context.task_any([event, timer])
        if winner == timer:
            return "timeout"
        timer.cancel()
    return "denied"


def _retries_all_yielded(context):
    calls = [context.call_activity_with_retry("fails", df.RetryOptions(1000 * n, 2), n) for n in (1, 5)]
    failed = 0
    try:
        yield context.task_all(calls)
    except Exception:
        failed = 0
    for call in calls:
        try:
            yield call
        except Exception:
            failed += 1
    return [failed, (yield context.call_activity("nap", 0))]


def _caught_plain_fan(context):
    try:
        yield context.task_all([context.call_activity("fails", 1), context.call_activity("nap", 4)])
    except Exception:
        return (yield context.call_activity("nap", 0))


def _plain_fan_not_caught(context):
    yield context.task_all([context.call_activity("fails", 1), context.call_activity("nap", 4)])


def _timeout_of_an_activity(context):
    slow = context.call_activity("nap", 9)
    timer = context.create_timer(context.current_utc_datetime + timedelta(seconds=3))
    winner = yield context.task_any([slow, timer])
    return ["timeout" if winner == timer else "done", (yield context.call_activity("nap", 0))]


def _two_names(context):
    a, b = context.wait_for_external_event("A"), context.wait_for_external_event("Code")
    winner = yield context.task_any([a, b])
    other = a if winner == b else b
    return (yield other)


def _all_events(context):
    return (yield context.task_all([context.wait_for_external_event("A"), context.wait_for_external_event("Code")]))


SAFE = {
    "a fresh timer for each wait": (_fresh_timers, "timeout", 60),
    "a caught fan of retries, all yielded": (_retries_all_yielded, [2, 0], 5),
    "a caught plain fan": (_caught_plain_fan, 0, 4),
    "a plain fan that fails the orchestration": (_plain_fan_not_caught, None, 4),
    "an activity with a timeout": (_timeout_of_an_activity, ["timeout", 0], 9),
    "two events by distinct names": (_two_names, "a", 2),
    "all of two events": (_all_events, ["a", "no"], 2),
}


@pytest.mark.parametrize("name", SAFE)
async def test_safe_patterns_pass(name, caplog):
    """§2.7 "Safe ways": right on the real host, and as late as there."""
    orchestrator, output, seconds = SAFE[name]
    events = [(1, "run", "Code", "no"), (2, "run", "A", "a")]
    tape = await play({"safe": orchestrator}, "safe", None, ACTIVITIES, events=events)

    assert "would hang" not in caplog.text
    assert tape.elapsed == timedelta(seconds=seconds)
    if output is None:
        assert tape.output.startswith("Orchestrator function 'safe' failed: Activity function 'fails' failed")
    else:
        assert tape.output == output


async def test_raising_while_an_event_is_awaited_is_a_trap_too():
    """§2.4 rule 7: an error counts only when the whole list is over; here it never is."""

    def raises(context):
        yield context.task_all([context.wait_for_external_event("never"), context.call_activity("fails", 1)])

    tape = await play({"raises": raises}, "raises", None, ACTIVITIES)

    assert "still waits for the event 'never'" in tape.output


async def test_a_suspended_instance_is_not_taken_for_a_trap():
    """§2.8: while suspended, the SDK sees events that .NET holds back."""

    def waits(context):
        yield context.wait_for_external_event("go")
        return (yield context.call_activity("nap", 0))

    tape = await play({"w": waits}, "w", None, ACTIVITIES, events=[(1, "run", SUSPEND, ""), (2, "run", "go", 1)])

    assert tape.status == "Suspended"
