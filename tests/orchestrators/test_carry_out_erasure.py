"""An erasure as a story, played turn by turn on the host's own engine (semantics §8, interfaces §3)."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import count, pairwise
from typing import Any

import pytest

from localdev.host.play import START, TERMINATE, PlayEvent, Tape, WorkerDied, play
from shared.core.contracts import (
    Consent,
    ErasureBegun,
    ErasureEnd,
    ErasureOrder,
    Problem,
    Refusal,
    Resolved,
    RunRequest,
)
from shared.core.periods import to_us
from tests.orchestrators.stage import ORCHESTRATORS, Stub, orders, request, run, stubs, task

ERASURE = "erasure:e1"
AS_OF_US = to_us(START) - 86_400_000_000


def recompute(name: str = "sales") -> RunRequest:
    """The run of an erasure for this enrichment."""
    how: dict[str, Any] = {"enrichment": name, "kind": "erasure", "as_of_us": AS_OF_US, "recompute": "20261119T090000Z"}
    return RunRequest.from_wire(request(**how))


def looks(*begun: ErasureBegun) -> Stub:
    """What is found at each look, nothing more at any after them."""
    found = iter(begun)
    return lambda _: next(found, ErasureBegun()).to_wire()


async def carry_out(*begun: ErasureBegun, events: tuple[PlayEvent, ...] = (), **changes: Any) -> Tape:
    one_at_a_time = changes.pop("one_at_a_time", False)
    activities = stubs(begin_erasure=looks(*begun), end_erasure=lambda _: ErasureEnd().to_wire()) | changes
    return await play(
        ORCHESTRATORS,
        "carry_out_erasure",
        ErasureOrder(erasure="e1").to_wire(),
        activities,
        events=events,
        instance_id=ERASURE,
        one_at_a_time=one_at_a_time,
    )


RECOMPUTES = ErasureBegun(runs=[recompute("other"), recompute("sales")])
WAITS = ErasureBegun(waiting=1)


async def test_where_nothing_was_published_it_ends_at_once():
    tape = await carry_out()

    assert tape.status == "Completed"
    assert tape.names() == ["begin_erasure", "end_erasure"]
    assert tape.elapsed == timedelta()


async def test_each_enrichment_is_recomputed_by_a_run_then_it_looks_again_and_ends():
    tape = await carry_out(RECOMPUTES)

    runs = [sent for kind, name, sent in tape.schedule if (kind, name) == ("sub", "enrichment_run")]
    assert tape.status == "Completed"
    assert [(each["enrichment"], each["kind"], each["as_of_us"]) for each in runs] == [
        ("other", "erasure", AS_OF_US),
        ("sales", "erasure", AS_OF_US),
    ]
    assert {"other-20261120T090000Z", "sales-20261120T090000Z"} <= tape.statuses.keys()
    assert len(orders(tape, "publish_results")) == 2
    assert tape.names()[-2:] == ["begin_erasure", "end_erasure"]
    assert [order["erasure"] for order in orders(tape, "end_erasure")] == ["e1"]


async def test_runs_go_on_side_by_side():
    tape = await carry_out(RECOMPUTES)

    steps = [name for kind, name, _ in tape.schedule if kind != "timer"]
    assert steps[1:3] == ["enrichment_run", "enrichment_run"]


@pytest.mark.parametrize("one_at_a_time", [False, True])
async def test_each_turn_repeats_the_turns_before_it(one_at_a_time):
    tape = await carry_out(WAITS, RECOMPUTES, WAITS, one_at_a_time=one_at_a_time)

    assert tape.status == "Completed"
    assert tape.unrepeated() == []


async def test_it_waits_for_a_run_that_reads_and_looks_again_in_ever_longer_pauses_of_a_minute_at_most():
    """§8: an erasure waits for a run that reads or aggregates."""
    at: list[int] = []

    def begin(order):
        at.append(order["looks"])
        return (WAITS if len(at) < 20 else ErasureBegun()).to_wire()

    tape = await carry_out(begin_erasure=begin)
    timers = [instant for kind, _, instant in tape.schedule if kind == "timer"]
    pauses = [later - earlier for earlier, later in pairwise([START, *timers])]

    assert tape.status == "Completed"
    assert at == list(range(20))
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (timedelta(seconds=5), timedelta(minutes=1))


async def test_hours_of_waiting_keep_no_long_history():
    tape = await carry_out(*[WAITS] * 200)

    assert tape.elapsed > timedelta(hours=3)
    assert max(len(events) for events in tape.histories.values()) < 20


async def test_what_waits_is_looked_at_again_at_once_when_the_runs_that_could_begin_have_ended():
    some = ErasureBegun(runs=[recompute("other")], waiting=1)
    tape = await carry_out(some, ErasureBegun(runs=[recompute("sales")]))

    assert tape.elapsed == timedelta()
    assert [order["enrichment"] for order in orders(tape, "publish_results")] == ["other", "sales"]


async def test_a_run_that_fails_does_not_stop_the_others():
    def resolve(order):
        if order["enrichment"] == "other":
            return Resolved(problem=Problem(title="no", detail="no")).to_wire()
        return Resolved(people=3).to_wire()

    tape = await carry_out(RECOMPUTES, resolve_people=resolve)

    assert tape.status == "Completed"
    assert [order["enrichment"] for order in orders(tape, "publish_results")] == ["sales"]
    assert tape.names()[-1] == "end_erasure"
    closed = {order["enrichment"]: order["status"]["state"] for order in orders(tape, "close_run")}
    assert closed == {"other": "Failed", "sales": "Succeeded"}


async def test_a_run_that_is_terminated_because_its_enrichment_is_removed_does_not_stop_the_others():
    def resolve(order):
        return Resolved(people=3, must_wait=next(asked) < 40).to_wire()

    asked = count()
    event: PlayEvent = (30.0, "other-20261120T090000Z", TERMINATE, "removed")
    tape = await carry_out(RECOMPUTES, events=(event,), resolve_people=resolve)

    assert tape.status == "Completed"
    assert tape.statuses["other-20261120T090000Z"] == "Terminated"
    assert [order["enrichment"] for order in orders(tape, "publish_results")] == ["sales"]
    assert tape.names()[-1] == "end_erasure"


async def test_a_worker_that_dies_while_it_begins_is_nobodys_end():
    died = iter([WorkerDied("gone"), RECOMPUTES.to_wire()])

    def begin(_):
        found = next(died, ErasureBegun().to_wire())
        if isinstance(found, Exception):
            raise found
        return found

    tape = await carry_out(begin_erasure=begin)

    assert tape.status == "Completed"
    assert len(orders(tape, "publish_results")) == 2


async def test_it_outlives_hours_in_which_storage_does_not_answer():
    asked = count()

    def begin(_):
        if next(asked) < 250:
            raise RuntimeError("storage is away")
        return ErasureBegun().to_wire()

    tape = await carry_out(begin_erasure=begin)

    assert tape.status == "Completed"
    assert tape.elapsed > timedelta(hours=1)
    assert max(len(events) for events in tape.histories.values()) < 40


async def test_an_end_that_keeps_failing_fails_the_orchestration_which_the_timer_begins_again():
    def away(_):
        raise RuntimeError("storage is away")

    tape = await carry_out(end_erasure=away)

    assert tape.status == "Failed"
    assert len(orders(tape, "end_erasure")) == 5


async def test_histories_hold_ids_and_no_hash_of_the_person():
    tape = await carry_out(RECOMPUTES)

    inputs = [sent for _, name, sent in tape.schedule if name in ("begin_erasure", "end_erasure")]
    assert all(sent.keys() == {"erasure", "looks"} for sent in inputs)


# The run of an erasure


def erasures_run(activities: dict[str, Stub] | None = None, **how: Any) -> Any:
    return run(activities, kind="erasure", as_of_us=AS_OF_US, recompute="20261119T090000Z", **how)


async def test_an_erasures_run_asks_for_no_consent_and_waits_out_no_delay():
    tape = await erasures_run(
        stubs(check_consent=lambda _: Consent(granted=False, state="missing").to_wire()),
    )

    assert "check_consent" not in tape.names()
    assert (tape.output["state"], tape.output["kind"]) == ("Succeeded", "erasure")
    assert [task(tape.output, name)["state"] for name in ("consent", "delay")] == ["skipped", "skipped"]
    assert tape.elapsed == timedelta()


async def test_an_erasures_run_has_the_as_of_of_the_result_before_it():
    """§8: … and the `as_of` of the one before."""
    tape = await erasures_run()

    (resolved,) = orders(tape, "resolve_people")
    assert (resolved["as_of_us"], resolved["recompute"]) == (AS_OF_US, "20261119T090000Z")
    assert {order["as_of_us"] for order in orders(tape, "publish_results")} == {AS_OF_US}


@pytest.mark.parametrize("people", [0, 1, 2])
async def test_where_an_erasure_leaves_no_mailbox_at_all_tables_without_rows_are_published(people):
    """§8: the bounds 2 to 2,500 are judged before erased people are taken out."""
    refused = {"mailbox": 0, "outcome": "NotEnabled"}
    tape = await erasures_run(stubs(people, extract_mailbox=lambda order: refused | {"mailbox": order["mailbox"]}))

    assert tape.output["state"] in ("Succeeded", "SucceededWithWarnings")
    (published,) = orders(tape, "publish_results")
    assert published["parts"] == 1
    assert tape.output["counts"]["mailboxes"] == {"selected": people, "read": 0, "refused": people}


async def test_an_ordinary_run_without_a_mailbox_says_whose_they_were():
    tape = await run(stubs(0))

    assert tape.output["state"] == "Failed"
    assert "all have been erased" in tape.output["problem"]["detail"]


@pytest.mark.parametrize("kind", ["manual", "erasure"])
async def test_a_run_waits_to_resolve_as_long_as_another_one_reads(kind):
    """§8: an erasure … is carried out before the next one."""
    asked = count()

    def resolve(_):
        return Resolved(people=5, must_wait=next(asked) < 8).to_wire()

    tape = await run(stubs(resolve_people=resolve), kind=kind, as_of_us=AS_OF_US)

    assert tape.output["state"] == "Succeeded"
    assert len(orders(tape, "resolve_people")) == 9
    assert len(orders(tape, "publish_results")) == 1
    timers = [instant for what, _, instant in tape.schedule if what == "timer"]
    pauses = [later - earlier for earlier, later in pairwise([START, *timers])]
    assert pauses == sorted(pauses)
    assert pauses[-1] == timedelta(minutes=5)


async def test_a_run_that_waits_to_resolve_can_be_cancelled():
    event: PlayEvent = (60.0, "sales-20261120T090000Z", TERMINATE, "cancelled")
    tape = await run(stubs(resolve_people=lambda _: Resolved(must_wait=True).to_wire()), events=(event,))

    assert tape.status == "Terminated"
    assert orders(tape, "publish_results") == []


async def test_each_turn_of_a_run_that_waits_to_resolve_repeats_the_turns_before_it():
    asked = count()
    tape = await run(stubs(resolve_people=lambda _: Resolved(people=5, must_wait=next(asked) < 3).to_wire()))

    assert tape.unrepeated() == []


async def test_an_erasures_run_of_which_staging_was_emptied_fails_and_publishes_nothing():
    gone = Refusal(refused=Problem(title="What the run had read is gone", detail="gone")).to_wire()
    tape = await erasures_run(stubs(extract_mailbox=lambda _: gone))

    assert tape.output["state"] == "Failed"
    assert orders(tape, "publish_results") == []
    assert json.dumps(tape.output).count("gone") >= 1
