"""Somebody empties the staging container under a run: each step says so at once, instead of being tried on and on."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import Any

import pytest

from shared.core import blob_names
from shared.core.contracts import Refusal
from tests.activities.stage import NAME, stage
from tests.facts import AS_OF_US, contacts

BOOK = contacts([("A", "a1")], [("B", "b1")])

ONE = {"partitions": 1, "buckets": 1, "per_call": 1}
STEPS: dict[str, dict[str, Any]] = {
    "extract_mailbox": {"mailbox": 0, "patience": 7_200},
    "partition_copies": {"group": 0, "first": 0, "count": 2, "spread": ONE},
    "join_items": {"as_of_us": AS_OF_US, "call": 0, "groups": 1, "spread": ONE},
    "aggregate_bucket": {"as_of_us": AS_OF_US, "call": 0, "spread": ONE},
    "publish_results": {"as_of_us": AS_OF_US, "parts": 1},
}


async def refused(registered, monkeypatch, step, run, svc):
    """What the shell of the step answers, as the platform calls it."""
    shell = next(each for each in registered if each.get_function_name() == step).get_user_function()
    monkeypatch.setattr(import_module(f"activities.{step}"), "services", lambda: svc)
    answer = shell({"enrichment": NAME, "run_id": run} | STEPS[step])
    return Refusal.from_wire(await answer if inspect.isawaitable(answer) else answer).refused


@pytest.mark.parametrize("step", STEPS)
async def test_without_the_plan_each_step_is_refused_and_says_what_to_do(registered, monkeypatch, step):
    svc, run = stage(BOOK)
    svc.storage.staging.delete_prefix(blob_names.staging(NAME, run))

    problem = await refused(registered, monkeypatch, step, run, svc)

    assert problem.title == "What the run had read is gone"
    assert "former result stays" in problem.detail
    assert "Start a run" in problem.detail
    assert not list(svc.storage.staging.entries(blob_names.staging(NAME, run)))


@pytest.mark.parametrize("step", [step for step in STEPS if step != "extract_mailbox"])
async def test_without_what_the_step_before_has_written_it_is_the_same(registered, monkeypatch, step):
    svc, run = stage(BOOK)

    problem = await refused(registered, monkeypatch, step, run, svc)

    assert problem.title == "What the run had read is gone"
