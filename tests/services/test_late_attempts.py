"""What attempts of activities do that go on after another one's answer was taken: nothing that anybody sees."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from activities import close_run
from shared.core import blob_names
from shared.core.contracts import CloseOrder
from shared.core.periods import rfc3339, to_us
from shared.services import consent, enrichments, erasing, erasures, retention, runs, snapshots, turns
from shared.services.erasures import Recomputing
from tests.fakes import FakeDurable, fake_services
from tests.services.erasure_stage import AS_OF_US, carry_out, erase, published, reading, results, save, state
from triggers import rerun_timer

MINUTE = 60_000_000


@pytest.fixture
def svc():
    made = fake_services()
    save(made)
    return made


async def test_an_erasure_that_is_done_is_not_opened_again_by_who_began_it_too(svc):
    await published(svc)
    erasure = await erase(svc)
    begun = erasing.begin(svc, erasure.id).runs[0]
    carry_out(svc, erasure)
    assert state(svc, erasure) == "done"

    erasures.note_run(svc, erasure.id, Recomputing("sales", begun.run_id))

    assert state(svc, erasure) == "done"
    assert erasures.find(svc, erasure.id).enrichments == (Recomputing("sales", begun.run_id, is_done=True),)


async def test_for_an_erasure_that_is_over_no_run_is_reserved(svc):
    """Nobody would begin it, and it would keep others from reading."""
    first = await published(svc)
    erasure = await erase(svc)
    carry_out(svc, erasure)

    assert runs.reserve_recomputing(svc, "sales", erasure.id, AS_OF_US, first.run_id) is None
    assert turns.holder(svc, "sales") is None


async def test_a_result_that_an_erasure_has_replaced_does_not_become_current_again(svc):
    """Both have the same `asOf`: a publishing that is held up before its last step ends after the erasure has."""
    first = await published(svc)
    carry_out(svc, await erase(svc))
    current = svc.storage.output.read(blob_names.current("Office"))

    is_current = snapshots.make_current(
        svc.storage.output,
        "Office",
        first.run_id,
        AS_OF_US,
        [],
        "c0ffee",
        may=lambda: runs.is_publishing(svc, "sales", first.run_id),
    )

    assert not is_current
    assert svc.storage.output.read(blob_names.current("Office")) == current


async def test_what_comes_late_of_who_was_erased_goes_with_the_next_tick(svc):
    """§8: results and facts of runs that did not know of the erasure."""
    first = await published(svc)
    carry_out(svc, await erase(svc))
    (left,) = results(svc)
    svc.storage.output.write(blob_names.table("Office", first.run_id, "Office", "csv"), b"CustomerId\n")
    svc.storage.staging.write(blob_names.mailbox_part("sales", first.run_id, 0, 0, "messages"), b"facts")

    retention.tidy(svc)

    assert results(svc) == [left]
    assert not list(svc.storage.staging.entries(blob_names.staging("sales", first.run_id)))


async def test_the_end_of_a_run_of_a_removed_enrichment_does_not_speak_for_a_new_one(svc):
    """Interfaces §3: until a run has published, it waits out the first delay."""
    status = {"state": "Succeeded", "problem": None}

    runs.close(svc, "sales", "20260101T000000Z", status)

    assert not runs.has_published(svc, "sales")


async def test_a_start_that_fails_late_does_not_let_go_of_another_run(svc):
    """It was given up for dead meanwhile, and the next run has begun."""

    class Slow(FakeDurable):
        async def start_new(self, *order, **how):
            runs.close(svc, "sales", request_id(), {"state": "Failed", "problem": None})
            self.next = await runs.start(svc, FakeDurable(), "sales", kind="manual")
            raise ConnectionError

    def request_id() -> str:
        return str(runs.active_run(svc, "sales"))

    durable = Slow()
    with pytest.raises(Exception, match="cannot be reached"):
        await runs.start(svc, durable, "sales", kind="manual")

    assert runs.active_run(svc, "sales") == durable.next.run_id


async def test_faults_that_nobody_heard_of_are_not_told_with_another_problem(svc):
    request = await reading(svc)
    runs.keep_faults(svc, "sales", request.run_id, "The data cannot be used", [{"pointer": "/contacts", "detail": "…"}])
    problem = {"title": "A step kept failing", "detail": "…", "errors": []}

    runs.close(svc, "sales", request.run_id, {"state": "Failed", "problem": problem})

    assert runs.record_of(svc, "sales", request.run_id)["status"]["problem"] == problem


def test_a_look_for_consent_that_began_before_the_one_that_is_kept_says_nothing(svc):
    now_us = to_us(svc.now())
    assert consent.note(svc, "sales", True, now_us).granted
    assert consent.note(svc, "sales", False, now_us - 1).granted

    assert consent.mark_withdrawn(svc, "sales", now_us + 1).state == "withdrawn"
    assert consent.note(svc, "sales", True, now_us).state == "withdrawn"
    assert consent.note(svc, "sales", True, now_us + 2).granted


async def test_the_end_of_a_run_that_comes_late_does_not_withdraw_consent_that_was_given_since(svc):
    request = await reading(svc)
    now_us = to_us(svc.now())
    consent.note(svc, "sales", True, now_us)
    ended = {"state": "Failed", "problem": None, "endedAt": rfc3339(now_us - MINUTE)}

    close_run.run(CloseOrder(enrichment="sales", run_id=request.run_id, status=ended, consent_withdrawn=True), svc)

    assert consent.record_of(svc, "sales").granted


async def test_a_slot_is_not_given_back_after_a_later_one_was_taken():
    """Interfaces §3: a scheduled slot has at most one run."""
    svc = fake_services()
    save(svc, schedule="daily")
    stored = enrichments.load(svc, "sales")
    late = replace(svc, now=lambda: svc.now() + timedelta(days=1))
    taken = rerun_timer.take_due_slot(late, stored)
    later = replace(svc, now=lambda: svc.now() + timedelta(days=2))
    assert taken and rerun_timer.take_due_slot(later, stored)

    rerun_timer._give_back(late, "sales", *taken)

    assert rerun_timer.take_due_slot(later, stored) is None
