"""Scheduled runs by the whole path: the host's timer, the durable client, a run, its result."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from localdev.world import Source
from tests.end_to_end.app import App, Json, OpenWorld, await_that, has_ended

pytestmark = [pytest.mark.whole, pytest.mark.azurite]

EVERY_SECOND = "* * * * * *"


def test_due_slots_start_runs_one_at_a_time_until_the_schedule_is_off(
    open_world: OpenWorld, village_folder: Path
) -> None:
    """Interfaces §2, §3: a slot during a run is skipped, at most one run is active; `off` has no slots."""
    with open_world(Source(folder=village_folder), settings={"RERUN_TICK": EVERY_SECOND}) as app:
        app.save(schedule=EVERY_SECOND)
        await_that(lambda: _runs(app), lambda runs: sum(map(has_ended, runs)) >= 3)
        # A tick that is at work when the schedule ends may still start its run.
        app.save(schedule="off")
        runs = await_that(lambda: _runs(app), lambda runs: all(map(has_ended, runs)), pause=1.5)
        later = await_that(lambda: _runs(app), bool)

        assert {(run["kind"], run["state"]) for run in runs} == {("scheduled", "Succeeded")}
        assert later == runs
        ordered = sorted(runs, key=lambda run: str(run["runId"]))
        assert all(earlier["endedAt"] <= later["startedAt"] for earlier, later in pairwise(ordered))
        assert app.current()["runId"] == ordered[-1]["runId"]
        saved = app.enrichment()
        assert saved["nextRunAt"] is None
        assert saved["lastRun"]["runId"] == ordered[-1]["runId"]


def _runs(app: App) -> list[Json]:
    runs: list[Json] = app.ask("GET", f"enrichments/{app.name}/runs").json()["value"]
    return runs
