"""Activities: values, failures, limits, deaths (§1.1, §2.6, §2.9), on a host in the test's process."""

from __future__ import annotations

import asyncio
import logging
import sys
from datetime import timedelta

from localdev.host.index import HostJson
from localdev.host.server import Host
from tests.localdev.host.test_client import HOOKS, _caller


async def _output(call, name, body):
    return (await call.ended(await call.start(name, body)))["output"]


async def test_plain_and_coroutine_activities_get_and_give_values(sample_app, tmp_path):
    async with _caller(sample_app, tmp_path) as call:
        calls = [["echo", None], ["echo", "text"], ["echo", [1, {"å": 2.5}]], ["nap", ["n", 0]], ["sleep_in_thread", 0]]

        assert await _output(call, "fan", {"calls": calls}) == [None, "text", [1, {"å": 2.5}], "n", "slept"]


async def test_a_result_that_is_no_json_fails_the_activity(sample_app, tmp_path):
    """§1.1: not serialisable → ValueError = activity failure."""
    async with _caller(sample_app, tmp_path) as call:
        told = await _output(call, "one_activity", {"call": ["unserialisable", 1]})

        assert told.startswith("caught: Activity function 'unserialisable' failed: ValueError: activity trigger output")


async def test_an_unknown_activity_waits_for_ever_and_is_logged(sample_app, tmp_path, caplog):
    """§2.6: Running for ever, no error; the local host logs one."""
    async with _caller(sample_app, tmp_path) as call:
        identity = await call.start("one_activity", {"call": ["nobody", 1]})
        await call.until(identity, "Running")

        assert "the activity 'nobody', which nobody registered" in caplog.text
        assert (await call.status(identity))[1]["runtimeStatus"] == "Running"


async def test_a_timeout_fails_the_activity_and_those_beside_it(sample_app, tmp_path):
    """§2.9 functionTimeout: it fails with the host's text; co-located ones lose their results and fail too."""
    async with _caller(sample_app, tmp_path, host_json=HostJson(timeout=timedelta(seconds=1))) as call:
        quick, first, beside = await asyncio.gather(
            _output(call, "one_activity", {"call": ["nap", ["quick", 0]]}),
            _output(call, "one_activity", {"call": ["nap", ["first", 30]]}),
            _begun_later(call),
        )

        assert quick == "quick"
        assert first == (
            "caught: Activity function 'nap' failed: Timeout value of 00:00:01 was exceeded by function: Functions.nap"
        )
        assert beside == "caught: Activity function 'nap' failed: python exited with code 137 (0x89)"


async def _begun_later(call):
    await asyncio.sleep(0.3)
    return await _output(call, "one_activity", {"call": ["nap", ["beside", 30]]})


async def test_no_more_activities_run_at_a_time_than_host_json_allows(sample_app, tmp_path):
    """§6.2 `maxConcurrentActivityFunctions`."""
    async with _caller(sample_app, tmp_path, host_json=HostJson(activities=2)) as call:
        told = sys.modules["sample_function_app"].calls
        await _output(call, "fan", {"calls": [["nap", [n, 0.02]] for n in range(6)]})

        running = most = 0
        for entry in told:
            running += 1 if entry.startswith("begin") else -1
            most = max(most, running)
        assert most == 2


async def test_what_ran_when_the_host_stopped_runs_again(sample_app, tmp_path):
    """§2.9: activities run at least once; the next host runs again what the last one did not finish."""
    async with _caller(sample_app, tmp_path) as call:
        identity = await call.start("one_activity", {"call": ["nap", ["again", 0.2]]})
        while not sys.modules["sample_function_app"].calls:
            await asyncio.sleep(0.005)
        call.host.dispatcher.stop = _stop_at_once(call.host.dispatcher)
    async with _caller(sample_app, tmp_path) as call:
        assert (await call.ended(identity))["output"] == "again"

    assert sys.modules["sample_function_app"].calls.count("begin again") == 2


def _stop_at_once(dispatcher):
    stop = dispatcher.stop

    async def stopped(_grace):
        await stop(0)

    return stopped


async def test_a_fan_of_activities_that_fail_is_told_task_by_task(sample_app, tmp_path):
    async with _caller(sample_app, tmp_path) as call:
        told = await _output(call, "fan", {"calls": [["echo", 1], ["unserialisable", 1], ["echo", 3]]})

        assert told[0] == 1
        assert told[1].startswith("Activity function 'unserialisable' failed:")
        assert told[2] == 3


async def test_the_end_of_an_instance_waits_for_its_open_tasks(sample_app, tmp_path, caplog):
    """§2.8: a still running activity keeps it Running although the code returned."""
    caplog.set_level(logging.INFO, "localdev.host")
    app = sample_app

    @app.orchestration_trigger(context_name="context")
    def leaves_one_running(context):
        slow = context.call_activity("nap", ["slow", 0.5])
        quick = context.call_activity("echo", 1)
        winner = yield context.task_any([quick, slow])
        return "quick" if winner == quick else "slow"

    async with _caller(app, tmp_path) as call:
        identity = await call.start("leaves_one_running")
        told = await call.ended(identity)

        assert told["output"] == "quick"
        assert "has returned; Azure lets it run until its 1 open tasks end" in caplog.text
        _, status = await call("GET", f"{HOOKS}/instances/{identity}?showHistory=true")
        assert [one["EventType"] for one in status["historyEvents"]].count("TaskCompleted") == 2


async def test_a_host_serves_the_list_of_functions_too(sample_app, tmp_path):
    async with Host(sample_app.get_functions(), tmp_path) as host:
        assert host.index.has_activity("ECHO")
