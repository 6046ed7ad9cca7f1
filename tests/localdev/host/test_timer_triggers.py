"""Timer triggers (§1.3): schedules, what they are told, runs that were missed."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from localdev.host.clock import SkippingClock
from localdev.host.timers import read_schedule
from tests.localdev.host.test_client import _caller

MORNING = datetime(2026, 11, 20, 2, 59, 59, 900_000, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")


def _next(schedule):
    return read_schedule(schedule, {"TICK": "0 */15 * * * *"}).next_instant(MORNING, UTC_ZONE)


def test_a_schedule_is_an_expression_an_interval_or_a_setting():
    """§1.3: six fields; five fields and `hh:mm:ss` are accepted too; `%SETTING%` is looked up."""
    assert _next("0 30 3 * * *") == datetime(2026, 11, 20, 3, 30, tzinfo=UTC)
    assert _next("30 3 * * *") == datetime(2026, 11, 20, 3, 30, tzinfo=UTC)
    assert _next("%TICK%") == datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
    assert _next("00:00:10") == MORNING + timedelta(seconds=10)


@pytest.mark.parametrize("schedule", ["%NOWHERE%", "00:00:00", "0 0 * * * L", "@hourly"])
def test_a_schedule_that_cannot_be_read_is_a_fault(schedule):
    with pytest.raises(ValueError, match=r"."):
        read_schedule(schedule, {})


async def _ticks(count):
    told = sys.modules["sample_function_app"].ticks
    for _ in range(400):
        if len(told) >= count:
            return told
        await asyncio.sleep(0.01)
    raise AssertionError(told)


async def test_a_timer_runs_when_it_is_due_and_is_told_its_schedule(sample_app, tmp_path):
    async with _caller(sample_app, tmp_path, clock=SkippingClock(MORNING, runs=True)):
        (tick,) = await _ticks(1)

        assert tick["past_due"] is False
        assert tick["schedule"] == {"AdjustForDST": True}
        assert tick["status"]["Last"] == "0001-01-01T00:00:00+00:00"
        assert tick["status"]["Next"] == "2026-11-21T03:00:00+00:00"


async def test_a_run_that_was_missed_is_made_up_once(sample_app, tmp_path):
    """§1.3: past due after a kill: one run at once (`past_due` true)."""
    async with _caller(sample_app, tmp_path, clock=SkippingClock(MORNING - timedelta(hours=1))) as call:
        while call.host.store.schedule("nightly") is None:
            await asyncio.sleep(0.005)
    async with _caller(sample_app, tmp_path, clock=SkippingClock(MORNING + timedelta(days=3, minutes=1))):
        (tick,) = await _ticks(1)
        assert tick["past_due"] is True
    async with _caller(sample_app, tmp_path, clock=SkippingClock(MORNING + timedelta(days=3, minutes=2))):
        await asyncio.sleep(0.05)
        assert len(await _ticks(1)) == 1


async def test_the_host_runs_on_beside_a_timer_with_a_fault(sample_app, tmp_path, caplog):
    """§1.3: that function is in error, the host runs on."""
    async with _caller(sample_app, tmp_path) as call:
        _, told = await call("GET", "/admin/host/status")

        assert told["state"] == "Running"
        assert "'L' is not understood" in told["functionsInError"]["never"]


async def test_a_timer_can_be_run_by_hand(sample_app, tmp_path):
    """§3.2: `POST /admin/functions/{name}` → 202, runs a timer function now."""
    async with _caller(sample_app, tmp_path) as call:
        assert (await call("POST", "/admin/functions/nightly", {"input": ""}))[0] == 202
        assert (await call("POST", "/admin/functions/nothing", {"input": ""}))[0] == 404

        assert (await _ticks(1))[0]["past_due"] is False


async def test_frequent_timers_are_not_monitored(sample_app, tmp_path):
    """§1.3: `schedule_status` is `{}` for intervals below one minute."""
    seen = []

    @sample_app.timer_trigger(schedule="*/30 * * * * *", arg_name="timer", run_on_startup=True)
    def often(timer):
        seen.append(timer.schedule_status)

    async with _caller(sample_app, tmp_path, clock=SkippingClock(MORNING)) as call:
        while not seen:
            await asyncio.sleep(0.005)

        assert seen == [{}]
        assert call.host.store.schedule("often") is None
