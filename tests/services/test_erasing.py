"""Carrying out an erasure (semantics §8): which tables are recomputed when, and what goes with the former ones."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pytest

from shared.core import blob_names
from shared.core.contacts import ContactRows
from shared.core.erasure import Found, bury, leave_rows
from shared.services import enrichments, erasing, erasures, life, planning, retention, runs, snapshots, turns
from shared.services.conditions import Condition
from shared.services.enrichments import Removal
from tests.conftest import ROOT
from tests.fakes import FakeDurable, fake_services
from tests.services.erasure_stage import (
    AS_OF_US,
    carry_out,
    close,
    erase,
    facts,
    publish,
    published,
    reading,
    recompute,
    records,
    resolve,
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


# Whose turn it is


async def test_an_erasure_recomputes_the_newest_result_under_its_as_of_with_a_run_id_of_its_own(svc):
    """§8: a snapshot of their own, with a run id of its own and the `as_of` of the one before."""
    newest = await published(svc)
    await published(svc, as_of_us=AS_OF_US - 1)
    erasure = await erase(svc)
    (run,) = erasing.begin(svc, erasure.id).runs

    assert (run.kind, run.as_of_us, run.recompute) == ("erasure", AS_OF_US, newest.run_id)
    assert run.run_id not in (newest.run_id, None)
    told = erasures.find(svc, erasure.id).to_json()
    assert (told["state"], told["enrichments"]) == ("running", [{"name": "sales", "runId": run.run_id}])


async def test_begun_again_the_same_run_comes_again(svc):
    await published(svc)
    erasure = await erase(svc)
    first = erasing.begin(svc, erasure.id)
    before = records(svc)

    assert erasing.begin(svc, erasure.id) == first
    assert records(svc) == before


async def test_an_attempt_that_died_before_it_noted_its_run_is_taken_up(svc, monkeypatch):
    await published(svc)
    erasure = await erase(svc)
    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr(erasures, "note_run", lambda *_: 1 / 0)
        erasing.begin(svc, erasure.id)
    before = records(svc)
    (run,) = erasing.begin(svc, erasure.id).runs

    assert records(svc) == before
    assert run_of(svc, erasure) == run.run_id


async def test_an_erasure_waits_for_a_run_that_reads_and_leaves_no_trace_of_its_looking(svc):
    """§8: an erasure waits for a run that reads or aggregates."""
    await published(svc)
    run = await reading(svc)
    erasure = await erase(svc)
    before = records(svc)
    begun = erasing.begin(svc, erasure.id)

    assert (begun.runs, begun.waiting) == ([], 1)
    assert (state(svc, erasure), records(svc)) == ("waiting", before)
    publish(svc, run)
    (recomputing,) = erasing.begin(svc, erasure.id).runs
    assert recomputing.recompute == run.run_id


async def test_a_run_that_waits_for_consent_is_not_waited_for_and_reads_after_the_erasure(svc):
    """§8: … and is carried out before the next one."""
    await published(svc)
    waiting = await runs.start(svc, FakeDurable(), "sales", kind="manual")
    erasure = await erase(svc)
    (run,) = erasing.begin(svc, erasure.id).runs

    assert not turns.take(svc, "sales", waiting.run_id)
    recompute(svc, run, erasure.id)
    assert turns.take(svc, "sales", waiting.run_id)
    assert runs.active_run(svc, "sales") == waiting.run_id


async def test_a_run_that_ended_without_letting_go_keeps_nobody_waiting(svc):
    await published(svc)
    run = await reading(svc)
    name = blob_names.reading("sales")
    left = svc.storage.config.read(name)
    close(svc, run, "Failed")
    svc.storage.config.write(name, left)
    erasure = await erase(svc)

    assert len(erasing.begin(svc, erasure.id).runs) == 1


async def test_nobody_but_its_holder_lets_go_of_a_turn(svc):
    run = await reading(svc)
    turns.release(svc, "sales", "20200101T000000Z")
    assert turns.reader(svc, "sales") == run.run_id
    turns.release(svc, "sales", run.run_id)
    assert turns.reader(svc, "sales") is None


async def test_inactive_enrichments_are_recomputed_too(svc):
    """§8: for inactive enrichments too."""
    await published(svc)
    life.deactivate(svc, "sales", Condition())
    erasure = await erase(svc)

    assert carry_out(svc, erasure) == ["sales"]
    assert state(svc, erasure) == "done"


async def test_runs_begin_only_when_the_erasure_of_their_enrichment_is_over(svc):
    """interfaces §3: while one recomputes, POST: 409."""
    save(svc, "other", output="Other")
    await published(svc)
    await published(svc, "other")
    erasure = await erase(svc)
    assert erasures.is_pending(svc, "sales")
    ours, others = sorted(erasing.begin(svc, erasure.id).runs, key=lambda run: run.enrichment)[::-1]
    recompute(svc, ours, erasure.id)

    assert [erasures.is_pending(svc, name) for name in ("sales", "other")] == [False, True]
    close(svc, others, "Failed")
    erasing.end(svc, erasure.id)
    assert not erasures.is_pending(svc, "other")


async def test_an_enrichment_that_is_being_removed_is_waited_for(svc):
    """What it leaves is to be deleted; before it has gone one cannot know."""
    await published(svc)
    marked = enrichments.change(svc, "sales", Condition(), lambda stored: replace(stored, removal=Removal(0, False)))
    erasure = await erase(svc)
    begun = erasing.begin(svc, erasure.id)

    assert (begun.runs, begun.waiting) == ([], 1)
    await life.remove(svc, FakeDurable(), marked.name, Condition(), purge=False)
    assert results(svc)
    assert carry_out(svc, erasure) == []
    assert not results(svc)


# Nothing published


async def test_where_nothing_was_published_what_was_read_goes_and_no_run_is_needed(svc):
    run = await reading(svc)
    close(svc, run, "Failed")
    erasure = await erase(svc)

    assert facts(svc) == [run.run_id]
    assert carry_out(svc, erasure) == []
    assert (facts(svc), records(svc)) == ([], [run.run_id])
    assert (state(svc, erasure), erasures.find(svc, erasure.id).enrichments) == ("done", ())


async def test_a_first_run_that_reads_without_knowing_is_waited_for_and_then_recomputed(svc):
    run = await reading(svc)
    erasure = await erase(svc)
    assert erasing.begin(svc, erasure.id).waiting == 1
    assert facts(svc) == [run.run_id]
    publish(svc, run)

    assert carry_out(svc, erasure) == ["sales"]
    assert run.run_id not in results(svc)


async def test_a_first_run_that_knows_of_the_erasure_need_not_be_waited_for(svc):
    run = await runs.start(svc, FakeDurable(), "sales", kind="manual")
    erasure = await erase(svc)
    assert turns.take(svc, "sales", run.run_id)
    resolve(svc, run, [erasure.id])
    begun = erasing.begin(svc, erasure.id)

    assert (begun.runs, begun.waiting) == ([], 0)
    assert facts(svc) == [run.run_id]


# What goes


async def test_with_the_new_result_go_all_results_and_facts_that_hold_the_person_and_no_record(svc):
    """§8: earlier snapshots … are deleted then; run records with their counts stay."""
    earlier = [(await published(svc, as_of_us=AS_OF_US - second)).run_id for second in (2, 1, 0)]
    failed = await reading(svc)
    close(svc, failed, "Failed")
    erasure = await erase(svc)
    (run,) = erasing.begin(svc, erasure.id).runs
    assert results(svc) == earlier  # readers keep what they have until there is something else
    recompute(svc, run, erasure.id)

    assert results(svc) == facts(svc) == [run.run_id]
    assert json.loads(svc.storage.output.read(blob_names.current("Office")))["runId"] == run.run_id
    assert records(svc) == [*earlier, failed.run_id, run.run_id]


async def test_results_of_runs_that_knew_of_the_erasure_stay(svc):
    erasure = await erase(svc)
    carry_out(svc, erasure)
    first = await published(svc, as_of_us=AS_OF_US - 1, erased=[erasure.id])
    second = await published(svc, erased=[erasure.id])

    assert results(svc) == facts(svc) == [first.run_id, second.run_id]


async def test_a_result_that_knew_of_an_earlier_erasure_only_goes(svc):
    await published(svc)
    first = await erase(svc)
    carry_out(svc, first)
    knew = await published(svc, erased=[first.id])
    second = await erase(svc, "dora@customer.example")
    (run,) = erasing.begin(svc, second.id).runs
    recompute(svc, run, first.id, second.id)

    assert knew.run_id not in results(svc)
    assert results(svc) == [run.run_id]


async def test_a_run_that_knows_of_no_erasure_deletes_nothing(svc):
    first, second = await published(svc), await published(svc)

    assert results(svc) == facts(svc) == [first.run_id, second.run_id]


async def test_results_under_names_that_the_output_had_before_go_too(svc):
    await published(svc)
    save(svc, output="Later")
    erasure = await erase(svc)
    carry_out(svc, erasure)

    assert snapshots.outputs(svc.storage.output) == ["Later"]
    assert results(svc, "Later") == [run_of(svc, erasure)]


async def test_what_another_enrichment_publishes_under_a_name_that_was_given_up_is_its_own(svc):
    await published(svc)
    save(svc, output="Later")
    await published(svc)
    save(svc, "other")
    theirs = await published(svc, "other")
    assert theirs.run_id in results(svc)
    erasure = await erase(svc)
    begun = {run.enrichment: run for run in erasing.begin(svc, erasure.id).runs}
    recompute(svc, begun["sales"], erasure.id)

    assert results(svc) == [theirs.run_id]
    assert json.loads(svc.storage.output.read(blob_names.current("Office")))["runId"] == theirs.run_id
    recompute(svc, begun["other"], erasure.id)
    assert results(svc) == [begun["other"].run_id]


async def test_tables_that_removed_enrichments_left_are_deleted_at_the_end(svc):
    """§8: … and tables that a deleted enrichment left."""
    await published(svc)
    await life.remove(svc, FakeDurable(), "sales", Condition(), purge=False)
    save(svc, "heir")
    save(svc, "gone", output="Gone")
    await published(svc, "gone")
    await life.remove(svc, FakeDurable(), "gone", Condition(), purge=False)
    erasure = await erase(svc)
    assert snapshots.outputs(svc.storage.output) == ["Gone", "Office"]
    carry_out(svc, erasure)

    assert [entry.name for entry in svc.storage.output.entries("")] == []


async def test_facts_that_are_being_recomputed_are_not_tidied_away(svc):
    await published(svc)
    erasure = await erase(svc)
    erasing.begin(svc, erasure.id)
    before = facts(svc)
    later = replace(svc, now=lambda: svc.now() + timedelta(days=30))
    retention.tidy(later)

    assert facts(svc) == before


def rows_of_the_docs():
    """(row of contacts data, what becomes of it when carl@… is erased, when carl+news@… is)"""
    lines = (ROOT / "docs/erasure.md").read_text().splitlines()
    cells = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return [(row[:3], row[3], row[4]) for row in cells if len(row) == 5 and row[0].isdigit()]


@pytest.mark.parametrize(("place", "address"), [(1, "carl@customer.example"), (2, "SMTP:Carl+News@Customer.Example")])
def test_contacts_go_and_stand_as_the_table_in_the_docs_says(svc, place, address):
    """§8: every contact with a row at this address or at its untagged form …; a row with another tag stands."""
    rows = rows_of_the_docs()
    key = svc.settings.pseudonym_key
    columns = [pa.chunked_array([column], pa.string()) for column in zip(*(row for row, *_ in rows), strict=True)]
    tombstone = bury("e1", address, key)
    left, _ = leave_rows(ContactRows(*columns), planning.own_book(key, (), {}), [tombstone], key)

    told = [row for row, *cells in rows if cells[place - 1].startswith("stands")]
    assert len(rows) == 4
    stands = zip(left.contact_id.to_pylist(), left.customer_id.to_pylist(), left.email.to_pylist(), strict=True)
    assert [list(row) for row in stands] == told


def test_of_no_rows_none_is_left(svc):
    key, none = svc.settings.pseudonym_key, pa.chunked_array([[]], pa.string())
    tombstone = bury("e1", "carl@customer.example", key)
    left, found = leave_rows(ContactRows(none, none, none), planning.own_book(key, (), {}), [tombstone], key)

    assert (len(left.email), found) == (0, {})


# What broke off


async def test_an_erasure_whose_orchestration_has_died_is_begun_again_and_a_young_or_living_one_is_not(svc):
    durable = FakeDurable()
    erasure = await erase(svc, durable=durable)
    instance = erasing.orchestration_id(erasure.id)
    assert durable.started == {instance: {"erasure": erasure.id, "looks": 0}}
    later = replace(svc, now=lambda: svc.now() + runs.GRACE)
    for now, client in ((svc, FakeDurable()), (later, durable)):
        before = dict(client.started)
        await erasing.keep_going(now, client)
        assert client.started == before

    lost = FakeDurable()
    await erasing.keep_going(later, lost)
    assert list(lost.started) == [instance]


async def test_an_erasure_that_has_ended_is_not_begun_again(svc):
    erasure = await erase(svc)
    carry_out(svc, erasure)
    durable, later = FakeDurable(), replace(svc, now=lambda: svc.now() + timedelta(days=1))
    await erasing.keep_going(later, durable)

    assert durable.started == {}


async def test_a_run_that_died_with_its_turn_does_not_keep_an_erasure_waiting(svc):
    await published(svc)
    run = await reading(svc)
    erasure, durable = await erase(svc), FakeDurable()
    durable.started = {f"sales-{run.run_id}": None}
    durable.ended = {f"sales-{run.run_id}"}
    assert erasing.begin(svc, erasure.id).waiting == 1
    await erasing.keep_going(svc, durable)

    assert len(erasing.begin(svc, erasure.id).runs) == 1
    assert runs.record_of(svc, "sales", run.run_id)["status"]["state"] == "Failed"


def test_contact_ids_that_were_found_are_remembered_by_enrichment():
    """§8: later runs do not bring the person back; a contact 7 of another system is somebody else."""
    svc = fake_services()
    erasure = erasures.request(svc, "carl@customer.example")
    erasures.learn(svc, "sales", {erasure.id: Found(people=frozenset({1}), contacts=frozenset({7}))})
    erasures.learn(svc, "sales", {erasure.id: Found(contacts=frozenset({8}))})
    (here,), (there,) = erasures.tombstones(svc, "sales"), erasures.tombstones(svc, "service")

    assert (set(here.people), set(here.contacts)) == ({1}, {7, 8})
    assert (set(there.people), set(there.contacts)) == ({1}, set())
