"""Patterns of orchestrations, played turn by turn (§2.3–§2.8)."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import azure.durable_functions as df
import pytest

from localdev.host.play import RESUME, SUSPEND, TERMINATE, Takes, WorkerDied, play

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def _chain(context):
    first = yield context.call_activity("add", 1)
    return (yield context.call_activity("add", first))


def _wait(context):
    timer = context.create_timer(context.current_utc_datetime + timedelta(minutes=15))
    event = context.wait_for_external_event("go")
    winner = yield context.task_any([event, timer])
    if winner == event:
        timer.cancel()
        return event.result
    return "late"


def _group(context):
    numbers = yield context.task_all([context.call_activity("add", n) for n in range(context.get_input()["n"])])
    return sum(numbers)


def _two_levels(context):
    context.set_custom_status({"stage": "extract"})
    groups = [context.call_sub_orchestrator("group", {"n": 25}, f"{context.instance_id}:{n}") for n in range(4)]
    return sum((yield context.task_all(groups)))


ADD = {"add": lambda n: n + 1}


async def test_a_chain_schedules_its_tasks_in_order():
    tape = await play({"chain": _chain}, "chain", None, ADD)

    assert (tape.status, tape.output) == ("Completed", 3)
    assert tape.schedule == [("activity", "add", 1), ("activity", "add", 2)]
    assert [event["EventType"] for event in tape.histories["run"]] == [12, 0, 4, 13, 12, 5, 4, 13, 12, 5, 1, 13]


@pytest.mark.parametrize("one_at_a_time", [False, True])
async def test_two_levels_add_up_in_batches_and_without(one_at_a_time):
    """§9 oracle 3: batches and `--no-batch` give the same final output."""
    tape = await play({"top": _two_levels, "group": _group}, "top", None, ADD, one_at_a_time=one_at_a_time)

    assert tape.output == 4 * sum(range(1, 26))
    assert tape.statuses == {"run": "Completed"} | {f"run:{n}": "Completed" for n in range(4)}
    assert set(map(str, tape.custom_statuses["run"])) == {"{'stage': 'extract'}"}
    assert tape.unrepeated() == []


async def test_each_turn_repeats_the_turns_before_it():
    tape = await play({"wait": _wait}, "wait", None, {}, events=[(5, "run", "go", 1)])

    for earlier, later in pairwise(tape.turns["run"]):
        assert later[: len(earlier)] == earlier


async def test_an_orchestrator_that_is_not_deterministic_is_found_out():
    """What Azure's own check passes over, the tape shows: inputs that change from turn to turn."""

    def dice(context):
        yield context.call_activity("add", random.random())
        return (yield context.call_activity("add", 1))

    tape = await play({"dice": dice}, "dice", None, ADD)

    assert [instance for instance, _ in tape.unrepeated()] == ["run"]


async def test_another_task_than_before_fails_the_instance():
    """§2.6 non-determinism: name or type different at an id that is there."""

    def changes(context):
        yield context.call_activity("double" if context.is_replaying else "add", 1)
        yield context.call_activity("add", 2)

    tape = await play({"changes": changes}, "changes", None, ADD | {"double": lambda n: 2 * n})

    assert tape.status == "Failed"
    assert "Non-Deterministic workflow detected" in tape.output
    assert "sequence number 0, TaskScheduled 'add'" in tape.output


async def test_an_event_ends_the_wait_and_its_timer():
    tape = await play({"wait": _wait}, "wait", None, {}, events=[(60, "run", "go", {"ok": True})])

    assert tape.output == {"ok": True}
    assert tape.elapsed == timedelta(minutes=1)


async def test_without_an_event_the_timer_ends_the_wait_neither_early_nor_in_real_time():
    tape = await play({"wait": _wait}, "wait", None, {}, start=START)

    assert (tape.output, tape.elapsed) == ("late", timedelta(minutes=15))
    assert tape.schedule == [("timer", "", START + timedelta(minutes=15))]


async def test_event_names_are_matched_by_the_host_in_any_case_but_not_by_the_sdk():
    """§2.8: case-sensitively in the SDK, case-insensitively in .NET: the instance stays where it is."""

    def waits(context):
        return (yield context.wait_for_external_event("Go"))

    assert (await play({"waits": waits}, "waits", None, {}, events=[(1, "run", "go", 1)])).status == "Running"


async def test_a_long_timer_goes_in_hops():
    """§2.1: a 10-day timer is split into hops of 3 days."""

    def sleeps(context):
        yield context.create_timer(context.current_utc_datetime + timedelta(days=10))
        return "awake"

    tape = await play({"sleeps": sleeps}, "sleeps", None, {}, start=START)

    assert (tape.output, tape.elapsed) == ("awake", timedelta(days=10))
    assert [at - START for _, _, at in tape.schedule] == [timedelta(days=days) for days in (3, 6, 10)]


async def test_retries_wait_and_one_more_timer_comes_before_the_failure():
    """§2.4: each failure takes one id for a timer; after the last failure there is one more, due at once."""

    def retries(context):
        return (yield context.call_activity_with_retry("fails", df.RetryOptions(5000, 3), 1))

    def fails(_):
        raise RuntimeError("no")

    tape = await play({"retries": retries}, "retries", None, {"fails": fails}, start=START)

    assert tape.status == "Failed"
    assert tape.output.startswith(
        "Orchestrator function 'retries' failed: Activity function 'fails' failed: RuntimeError: no"
    )
    assert [kind for kind, _, _ in tape.schedule] == ["activity", "timer"] * 3
    assert [at - START for kind, _, at in tape.schedule if kind == "timer"] == [
        timedelta(seconds=5), timedelta(seconds=10), timedelta(seconds=10),
    ]  # fmt: skip


async def test_a_worker_that_dies_fails_its_activity_from_outside():
    """§2.9: running activities fail ("… exited with code 137")."""

    def catches(context):
        try:
            yield context.call_activity("dies", 1)
        except Exception as error:
            return str(error).partition(" \n")[0]

    def dies(_):
        raise WorkerDied

    tape = await play({"catches": catches}, "catches", None, {"dies": dies})

    assert tape.output == "Activity function 'dies' failed: python exited with code 137 (0x89)"


async def test_continue_as_new_begins_a_fresh_history_with_the_new_input():
    """§2.8: new execution, fresh history, `next_id` = 0; the input becomes the new input."""

    def counts(context):
        n = context.get_input()["n"]
        yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        if n == 3:
            return n
        context.continue_as_new({"n": n + 1})

    tape = await play({"counts": counts}, "counts", {"n": 0}, {})

    assert (tape.output, tape.elapsed) == (3, timedelta(hours=4))
    assert len(tape.turns_by_execution) == 4
    assert [event["EventType"] for event in tape.histories["run"]] == [12, 0, 13, 10, 13, 12, 11, 1, 13]
    assert tape.histories["run"][1]["Generation"] is None


def _collects(context):
    got = (context.get_input() or {"got": []})["got"]
    got.append((yield context.wait_for_external_event("E")))
    if len(got) == 3:
        return got
    context.continue_as_new({"got": got})


@pytest.mark.parametrize("one_at_a_time", [False, True])
async def test_events_of_a_burst_are_kept_for_the_continued_execution(one_at_a_time):
    """§2.8: external events of a burst are kept for the new execution."""
    burst = [(5, "run", "E", n) for n in range(3)]
    tape = await play({"c": _collects}, "c", None, {}, events=burst, one_at_a_time=one_at_a_time)

    assert tape.output == [0, 1, 2]


async def test_a_sub_orchestration_that_continues_as_new_reports_to_its_parent():
    def parent(context):
        return (yield context.call_sub_orchestrator("c", None, "child"))

    tape = await play({"p": parent, "c": _collects}, "p", None, {}, events=[(n, "child", "E", n) for n in range(1, 4)])

    assert tape.output == [1, 2, 3]
    assert tape.statuses == {"run": "Completed", "child": "Completed"}


async def test_a_continued_execution_waits_for_its_open_tasks():
    """§2.4 rule 7, §2.8: what is open keeps an execution from ending, continue-as-new included."""

    def goes_on(context):
        if context.get_input() == {"again": True}:
            return "again"
        slow = context.call_activity("slow", 1)
        yield context.task_any([context.call_activity("quick", 1), slow])
        context.continue_as_new({"again": True})

    tape = await play(
        {"g": goes_on}, "g", None, {"slow": lambda _: Takes(60, 1), "quick": lambda _: Takes(1, 1)}
    )  # fmt: skip

    assert (tape.output, tape.elapsed) == ("again", timedelta(seconds=60))


async def test_terminate_leaves_children_running_and_tells_the_parent():
    """§2.8: children stay Running; a parent gets SubOrchestrationInstanceFailed with the reason."""

    def grandparent(context):
        try:
            yield context.call_sub_orchestrator("parent", None, "parent")
        except Exception as error:
            return str(error)

    def parent(context):
        return (yield context.call_sub_orchestrator("wait", None, "child"))

    def wait(context):
        return (yield context.wait_for_external_event("go"))

    cast = {"grandparent": grandparent, "parent": parent, "wait": wait}
    tape = await play(cast, "grandparent", None, {}, events=[(5, "parent", TERMINATE, "why")])

    assert tape.output == "why \n None"
    assert tape.statuses == {"run": "Completed", "parent": "Terminated", "child": "Running"}


async def test_a_suspended_instance_holds_what_comes_until_it_is_resumed():
    """§2.8: holds plain waits, activities and what would follow."""

    def waits(context):
        first = yield context.wait_for_external_event("go")
        return [first, (yield context.call_activity("add", 1))]

    events = [(1, "run", SUSPEND, "pause"), (2, "run", "go", 7), (100, "run", RESUME, "on")]
    tape = await play({"waits": waits}, "waits", None, ADD, events=events)

    assert (tape.output, tape.elapsed) == ([7, 2], timedelta(seconds=100))
    suspended = await play({"waits": waits}, "waits", None, ADD, events=events[:2])
    assert (suspended.status, suspended.output, suspended.schedule) == ("Suspended", "pause", [])


async def test_a_custom_status_that_is_not_set_again_is_cleared():
    """§2.5: the instance's custom status after a turn is that turn's value, or null when absent."""

    def forgets(context):
        if not context.is_replaying:
            context.set_custom_status("first")
        yield context.call_activity("add", 1)
        context.set_custom_status("")

    tape = await play({"forgets": forgets}, "forgets", None, ADD)

    assert tape.custom_statuses["run"] == ["first", None]


async def test_a_custom_status_that_is_too_large_fails_the_instance():
    """§6.2: custom status ≤ 16 KB, of UTF-16 text."""

    def boasts(context):
        context.set_custom_status("x" * context.get_input()["length"])
        yield context.call_activity("add", 1)

    assert (await play({"b": boasts}, "b", {"length": 8190}, ADD)).status == "Completed"
    assert "larger than 16 KB" in (await play({"b": boasts}, "b", {"length": 8191}, ADD)).output


async def test_a_running_sub_orchestration_of_the_same_id_is_replaced_and_logged(caplog):
    """§2.8: silently replaced on the real host; a local host logs an ERROR."""

    def twice(context):
        first = context.call_sub_orchestrator("wait", None, "same")
        second = context.call_sub_orchestrator("quick", None, "same")
        winner = yield context.task_any([first, second])
        return "second" if winner == second else "first"

    tape = await play({"t": twice, "wait": _collects, "quick": _chain}, "t", None, ADD)

    assert "while one of this id runs: that one is replaced" in caplog.text
    assert tape.status == "Running"
    assert tape.outputs["same"] == 3


async def test_an_unknown_sub_orchestration_waits_for_ever_and_is_logged(caplog):
    """§2.6: Running for ever, no error; the local host logs one."""

    def calls(context):
        return (yield context.call_sub_orchestrator("nobody", 1))

    assert (await play({"calls": calls}, "calls", None, {})).status == "Running"
    assert "the sub-orchestration 'nobody', which nobody registered" in caplog.text


async def test_what_the_code_leaves_unyielded_is_never_scheduled():
    """§2.4: a task that is never yielded is never scheduled."""

    def forgets(context):
        context.call_activity("add", 99)
        return (yield context.call_activity("add", 1))

    assert (await play({"f": forgets}, "f", None, ADD)).schedule == [("activity", "add", 1)]


async def test_an_orchestrator_may_return_without_yielding():
    def returns(context):
        return {"in": context.get_input()}
        yield

    def plain(context):
        return {"in": context.get_input()}

    assert (await play({"r": returns}, "r", {"a": 1}, {})).output == {"in": {"a": 1}}
    assert (await play({"r": plain}, "r", {"a": 1}, {})).output == {"in": {"a": 1}}


async def test_a_sub_orchestration_without_input_gets_null():
    """§2.1: a sub-orchestration called with None gets the string "null"; its default id is `<execution>:<task>`."""

    def child(context):
        return [context.get_input(), context.parent_instance_id, context.instance_id.rpartition(":")[2]]
        yield

    def parent(context):
        yield context.call_activity("add", 1)
        return (yield context.call_sub_orchestrator("child"))

    tape = await play({"child": child, "parent": parent}, "parent", None, ADD)

    assert tape.output == [None, "run", "1"]
