"""An erasure at a bad moment (semantics §8): beside a removal, a new enrichment, a host that is away, a dead turn."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from localdev.host.play import play
from shared.core import blob_names
from shared.core.contracts import ErasureBegun, ErasureEnd, ErasureOrder, RunRequest
from shared.services import enrichments, erasing, life, retention, runs, turns
from shared.services.conditions import Condition
from shared.services.enrichments import Removal
from tests.fakes import FakeDurable, fake_services
from tests.orchestrators.stage import ORCHESTRATORS, request, stubs
from tests.services.erasure_stage import (
    AS_OF_US,
    erase,
    facts,
    published,
    recompute,
    records,
    results,
    save,
    state,
)


@pytest.fixture
def svc():
    made = fake_services()
    save(made)
    return made


async def test_a_run_that_waits_to_be_begun_is_not_given_up_while_its_erasure_goes_on(svc):
    """Between the reservation and the run's orchestration the host may be away for longer than any call takes."""
    await published(svc)
    erasure = await erase(svc)
    (run,) = erasing.begin(svc, erasure.id).runs
    later = replace(svc, now=lambda: svc.now() + 5 * runs.GRACE)
    await runs.let_go_of_the_dead(later, FakeDurable(), "sales")
    status = await runs.follow(later, FakeDurable(), "sales", run.run_id)

    assert status["state"] == "Running"
    assert erasing.begin(later, erasure.id).runs == [run]


async def test_a_reserved_run_that_nobody_will_begin_is_given_up(svc):
    """Its attempt died before the turn was taken, and the erasure has got another run since."""
    await published(svc)
    erasure = await erase(svc)
    (run,) = erasing.begin(svc, erasure.id).runs
    record = svc.storage.config.read(blob_names.run("sales", run.run_id))
    recompute(svc, run, erasure.id)
    svc.storage.config.write(blob_names.run("sales", run.run_id), record)
    later = replace(svc, now=lambda: svc.now() + 5 * runs.GRACE)

    assert (await runs.follow(later, FakeDurable(), "sales", run.run_id))["state"] == "Failed"


async def test_an_enrichment_whose_removal_begins_meanwhile_gets_no_run(svc, monkeypatch):
    """Whoever removes it finds the run, or the reservation finds the removal; else a removed one's record stayed."""
    before = await published(svc)
    erasure = await erase(svc)
    take = turns.take

    def overtaken(*whose):
        enrichments.change(svc, "sales", Condition(), lambda stored: replace(stored, removal=Removal(0, purge=True)))
        return take(*whose)

    monkeypatch.setattr(turns, "take", overtaken)
    begun = erasing.begin(svc, erasure.id)

    assert (begun.runs, begun.waiting) == ([], 1)
    assert records(svc) == [before.run_id]
    assert turns.holder(svc, "sales") is None


async def test_the_end_of_an_erasure_spares_what_a_new_enrichment_has_published_meanwhile(svc, monkeypatch):
    """It takes over the name under which a removed one has left tables."""
    left = await published(svc)
    await life.remove(svc, FakeDurable(), "sales", Condition(), purge=False)
    erasure = await erase(svc)
    later = replace(svc, now=lambda: svc.now() + timedelta(hours=1))
    save(later, "heir")
    theirs = await published(later, "heir")
    assert results(svc) == [left.run_id, theirs.run_id]
    monkeypatch.setattr(enrichments, "list_all", lambda _: iter(()))
    erasing.end(svc, erasure.id)

    assert (results(svc), state(svc, erasure)) == ([theirs.run_id], "done")


async def test_a_turn_that_was_not_let_go_does_not_keep_facts_beyond_their_retention(svc):
    await published(svc)
    erasure = await erase(svc)
    (run,) = erasing.begin(svc, erasure.id).runs
    turn = svc.storage.config.read(blob_names.reading("sales"))
    recompute(svc, run, erasure.id)
    svc.storage.config.write(blob_names.reading("sales"), turn)
    assert facts(svc) == [run.run_id]
    retention.tidy(replace(svc, now=lambda: svc.now() + svc.settings.staging_retention + timedelta(days=1)))

    assert facts(svc) == []


async def test_a_run_whose_orchestration_breaks_is_begun_again_in_ever_longer_pauses():
    """One that says in its record that it failed is not begun again; this one could not say so."""
    run = ErasureBegun(runs=[RunRequest.from_wire(request(kind="erasure", as_of_us=AS_OF_US, recompute="r1"))])
    looks = iter([run] * 10)
    activities = stubs(
        resolve_people=lambda _: {"people": "who knows"},
        begin_erasure=lambda _: next(looks, ErasureBegun()).to_wire(),
        end_erasure=lambda _: ErasureEnd().to_wire(),
    )
    order = ErasureOrder(erasure="e1").to_wire()
    tape = await play(ORCHESTRATORS, "carry_out_erasure", order, activities, instance_id="erasure:e1")

    assert tape.status == "Completed"
    assert tape.names("sub") == ["enrichment_run"] * 10
    assert tape.elapsed > timedelta(minutes=5)
