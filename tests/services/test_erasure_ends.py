"""How an erasure ends, alone or with others at once: done, failed, and what makes a failed one done (semantics §8)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.services import erasing, erasures, life
from shared.services.conditions import Condition
from tests.fakes import FakeDurable, fake_services
from tests.services.erasure_stage import (
    carry_out,
    close,
    erase,
    published,
    recompute,
    results,
    run_of,
    save,
    state,
)


@pytest.fixture
def svc():
    made = fake_services()
    save(made)
    return made


async def test_without_any_enrichment_an_erasure_is_done_at_once():
    svc = fake_services()
    erasure = await erase(svc)
    assert carry_out(svc, erasure) == []

    told = erasures.find(svc, erasure.id).to_json()
    assert (told["state"], told["endedAt"], told["enrichments"]) == ("done", "2026-11-24T12:00:00Z", [])


async def test_a_run_that_fails_is_not_made_again_and_the_erasure_has_failed(svc):
    save(svc, "other", output="Other")
    before = await published(svc)
    await published(svc, "other")
    erasure = await erase(svc)
    begun = {run.enrichment: run for run in erasing.begin(svc, erasure.id).runs}
    close(svc, begun["sales"], "Failed")
    recompute(svc, begun["other"], erasure.id)
    again = erasing.begin(svc, erasure.id)
    erasing.end(svc, erasure.id)

    assert (again.runs, again.waiting, state(svc, erasure)) == ([], 0, "failed")
    assert before.run_id in results(svc)
    assert results(svc, "Other") == [begun["other"].run_id]


async def failed(svc, *names):
    erasure = await erase(svc)
    for run in erasing.begin(svc, erasure.id).runs:
        if run.enrichment in names:
            close(svc, run, "Failed")
        else:
            recompute(svc, run, erasure.id)
    erasing.end(svc, erasure.id)
    assert state(svc, erasure) == "failed"
    return erasure


async def test_a_failed_erasure_is_done_with_the_next_run_that_publishes(svc):
    before = await published(svc)
    erasure = await failed(svc, *["sales"])
    run = await published(svc, erased=[erasure.id])

    assert (state(svc, erasure), run_of(svc, erasure)) == ("done", run.run_id)
    assert before.run_id not in results(svc)


async def test_a_failed_erasure_is_done_only_with_the_last_of_its_enrichments(svc):
    save(svc, "other", output="Other")
    await published(svc)
    await published(svc, "other")
    erasure = await failed(svc, "sales", "other")
    await published(svc, erased=[erasure.id])
    assert state(svc, erasure) == "failed"
    await published(svc, "other", erased=[erasure.id])
    assert state(svc, erasure) == "done"


async def test_the_end_of_a_failed_erasure_is_told_once(svc):
    await published(svc)
    erasure = await failed(svc, "sales")
    await published(svc, erased=[erasure.id])
    ended = erasures.find(svc, erasure.id)
    later = replace(svc, now=lambda: svc.now() + timedelta(days=1))
    await published(later, erased=[erasure.id])

    assert erasures.find(svc, erasure.id) == ended


async def test_a_removed_enrichment_does_not_make_an_erasure_fail(svc):
    await published(svc)
    erasure = await erase(svc)
    erasing.begin(svc, erasure.id)
    await life.remove(svc, FakeDurable(), "sales", Condition(), purge=False)
    assert erasing.begin(svc, erasure.id).waiting == 0
    erasing.end(svc, erasure.id)

    assert (state(svc, erasure), results(svc)) == ("done", [])


async def test_one_that_failed_with_an_enrichment_that_is_gone_is_done_with_the_end_of_the_next(svc):
    await published(svc)
    erasure = await failed(svc, "sales")
    await life.remove(svc, FakeDurable(), "sales", Condition(), purge=False)
    assert results(svc)
    carry_out(svc, await erase(svc))

    assert (state(svc, erasure), results(svc)) == ("done", [])


async def test_an_erasure_that_was_taken_back_ends_without_doing_anything(svc):
    """Its orchestration may have begun though the platform did not say so."""
    await published(svc)
    erasure = await erase(svc)
    erasures.take_back(svc, erasure.id)
    begun = erasing.begin(svc, erasure.id)
    erasing.end(svc, erasure.id)

    assert (begun.runs, begun.waiting, erasures.every(svc)) == ([], 0, [])


# Two at once


async def test_two_erasures_at_once_take_their_turns_and_each_has_a_run_of_its_own(svc):
    await published(svc)
    first, second = await erase(svc), await erase(svc, "dora@customer.example")
    (run,) = erasing.begin(svc, first.id).runs
    assert erasing.begin(svc, second.id).waiting == 1
    recompute(svc, run, first.id, second.id)
    erasing.end(svc, first.id)

    assert [each.state for each in erasures.every(svc)] == ["done", "waiting"]
    (other,) = erasing.begin(svc, second.id).runs
    assert (other.recompute, other.run_id != run.run_id) == (run.run_id, True)
    recompute(svc, other, first.id, second.id)
    erasing.end(svc, second.id)
    assert [each.state for each in erasures.every(svc)] == ["done", "done"]
    assert results(svc) == [run.run_id, other.run_id]


async def test_what_is_written_of_one_erasure_at_once_with_another_is_lost_of_neither(svc, monkeypatch):
    first = await erase(svc)
    replace_blob, overtaking = svc.storage.config.replace, ["dora@customer.example"]

    def slow(name, data, etag):
        if overtaking:
            erasures.request(svc, overtaking.pop())
        return replace_blob(name, data, etag)

    monkeypatch.setattr(svc.storage.config, "replace", slow)
    third = erasures.request(svc, "emil@customer.example")

    kept = [each.id for each in erasures.every(svc)]
    assert (len(kept), kept[0], kept[2]) == (3, first.id, third.id)
