"""A run as a story, played turn by turn on the host's own engine (interfaces §3, §4)."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise

import pytest

from localdev.host.play import START, PlayEvent, WorkerDied
from shared.core.contracts import Consent, ExtractedPart, Problem, Published, Refusal, Resolved
from shared.core.periods import to_us
from tests.orchestrators.stage import GRANTED, MISSING, RUN, orders, read, run, stubs, task


def once(failure: Exception, then):
    """An activity that raises the first time it is called for each order."""
    seen = set()

    def stub(order):
        key = json.dumps(order, sort_keys=True)
        if key not in seen:
            seen.add(key)
            raise failure
        return then(order)

    return stub


async def test_the_chain_is_consent_people_mailboxes_partitions_items_buckets_tables():
    tape = await run()

    steps = list(dict.fromkeys(tape.names()))
    assert tape.status == "Completed"
    assert steps == [
        "check_consent",
        "resolve_people",
        "extract_mailbox",
        "partition_copies",
        "join_items",
        "aggregate_bucket",
        "publish_results",
        "close_run",
    ]


@pytest.mark.parametrize("one_at_a_time", [False, True])
async def test_each_turn_repeats_the_turns_before_it(one_at_a_time):
    tape = await run(stubs(people=30), one_at_a_time=one_at_a_time)

    assert tape.status == "Completed"
    assert tape.unrepeated() == []


async def test_every_mailbox_is_read_once_in_about_root_n_groups():
    tape = await run(stubs(people=2500))

    assert sorted(order["mailbox"] for order in orders(tape, "extract_mailbox")) == list(range(2500))
    assert len(tape.names("sub")) == 50


async def test_histories_hold_no_payload_near_the_platforms_limit():
    tape = await run(stubs(people=2500))

    largest = max(len(json.dumps(event)) for events in tape.histories.values() for event in events)
    assert largest < 45_000
    statuses = [status for turns in tape.custom_statuses.values() for status in turns if status]
    assert max(len(json.dumps(status)) for status in statuses) < 16_000


async def test_the_custom_status_is_set_in_every_turn():
    """An episode that does not set it clears it."""
    tape = await run(stubs(check_consent=lambda _: Consent(granted=True, ready_us=to_us(START) + 10**9).to_wire()))

    assert all(status for status in tape.custom_statuses[RUN])


async def test_counts_of_the_stages_add_up_in_the_status():
    tape = await run()

    assert tape.output["state"] == "Succeeded"
    assert tape.output["counts"] == {
        "mailboxes": {"selected": 5, "read": 5, "refused": 0},
        "messages": {"read": 6, "counted": 4},
        "meetings": {"read": 0, "counted": 0},
        "customers": 2,
    }
    (published,) = orders(tape, "publish_results")
    assert published["days_with_items"] == 3
    assert published["counts"]["Mailbox"] == {"Read": 5}


async def test_each_task_says_when_it_began_and_ended_and_one_after_the_other():
    """interfaces §4"""
    ready = Consent(granted=True, ready_us=to_us(START + timedelta(hours=1))).to_wire()
    tape = await run(stubs(check_consent=lambda _: ready))

    times = [(each["startedAt"], each["endedAt"]) for each in tape.output["tasks"]]
    assert all(began <= ended for began, ended in times)
    assert all(earlier[1] <= later[0] for earlier, later in pairwise(times))
    assert times[1] == ("2026-11-20T09:00:00Z", "2026-11-20T10:00:00Z")
    skipped = task((await run()).output, "delay")
    assert (skipped["state"], skipped["startedAt"], skipped["endedAt"]) == ("skipped", None, None)


# Delay


async def test_the_first_run_waits_until_the_delay_after_consent_is_over():
    ready = START + timedelta(hours=6)
    granted = Consent(granted=True, ready_us=to_us(ready)).to_wire()
    tape = await run(stubs(check_consent=lambda _: granted))

    assert tape.elapsed >= timedelta(hours=6)
    assert task(tape.output, "delay")["state"] == "done"
    (resolved,) = orders(tape, "resolve_people")
    assert resolved["as_of_us"] == to_us(ready)
    delayed = next(status for status in tape.custom_statuses[RUN] if status["state"] == "Delayed")
    assert delayed["delayedUntil"] == "2026-11-20T15:00:00Z"


@pytest.mark.parametrize(
    "consent",
    [
        Consent(granted=True, published=True, ready_us=to_us(START) + 10**12),
        Consent(granted=True, ready_us=to_us(START) - 1),
    ],
    ids=["a run has published", "the delay lies in the past"],
)
async def test_the_delay_is_skipped(consent):
    tape = await run(stubs(check_consent=lambda _: consent.to_wire()))

    assert task(tape.output, "delay")["state"] == "skipped"
    assert tape.elapsed < timedelta(seconds=1)


async def test_as_of_is_the_callers_or_the_whole_second_at_which_consent_and_delay_are_over():
    """§1"""
    given = await run(as_of_us=1_700_000_000_500_000)
    taken = await run(start=START + timedelta(microseconds=700_000))

    assert orders(given, "resolve_people")[0]["as_of_us"] == 1_700_000_000_500_000
    assert orders(taken, "resolve_people")[0]["as_of_us"] == to_us(START)


# Consent


def consent_after(calls: int):
    """Granted from call number `calls` on (from 0)."""
    seen = iter(range(10**6))
    return lambda _: (GRANTED if next(seen) >= calls else MISSING).to_wire()


async def test_consent_given_without_the_link_is_found_by_the_poll():
    tape = await run(stubs(check_consent=consent_after(4)))

    assert tape.output["state"] == "Succeeded"
    assert timedelta(minutes=30) <= tape.elapsed <= timedelta(minutes=46)


async def test_the_callback_ends_the_waiting_at_once():
    event: PlayEvent = (60.0, f"{RUN}:consent", "consent", {})
    tape = await run(stubs(check_consent=consent_after(2)), events=(event,))

    assert tape.output["state"] == "Succeeded"
    assert tape.elapsed == timedelta(seconds=60)


async def test_after_a_callback_it_looks_every_30_seconds_for_15_minutes_because_roles_come_late():
    """interfaces §1"""
    event: PlayEvent = (60.0, f"{RUN}:consent", "consent", {})
    tape = await run(stubs(check_consent=consent_after(10**5)), events=(event,), consent_timeout=3600)

    # First look, the look of the waiting, one after the call, 30 in 15 minutes, then every 15 minutes, one at the end.
    assert len(orders(tape, "check_consent")) == pytest.approx(36, abs=2)


async def test_a_run_whose_consent_never_comes_ends_as_consent_missing_and_not_as_a_failure():
    tape = await run(stubs(check_consent=lambda _: MISSING.to_wire()), consent_timeout=7200)

    assert tape.status == "Completed"
    assert tape.output["state"] == "ConsentMissing"
    assert tape.output["problem"] is None
    assert timedelta(hours=2) <= tape.elapsed <= timedelta(hours=2, minutes=1)
    assert orders(tape, "resolve_people") == []
    assert len(orders(tape, "close_run")) == 1


async def test_thirty_days_of_waiting_keep_no_long_history():
    tape = await run(stubs(check_consent=lambda _: MISSING.to_wire()), consent_poll=10_800)

    assert tape.output["state"] == "ConsentMissing"
    assert max(len(events) for events in tape.histories.values()) < 60


async def test_waiting_outlives_a_time_in_which_entra_does_not_answer():
    calls = iter(range(1000))

    def check(_):
        call = next(calls)
        if 1 <= call < 30:
            raise RuntimeError("Entra is away")
        return (GRANTED if call > 30 else MISSING).to_wire()

    tape = await run(stubs(check_consent=check))

    assert tape.output["state"] == "Succeeded"


async def test_consent_withdrawn_in_the_middle_fails_the_run_and_publishes_nothing():
    """interfaces §3"""

    def extract(order):
        outcome = "ConsentWithdrawn" if order["mailbox"] == 3 else "Read"
        return ExtractedPart(mailbox=order["mailbox"], outcome=outcome, parts=1).to_wire()

    tape = await run(stubs(extract_mailbox=extract))

    assert tape.output["state"] == "Failed"
    assert tape.output["problem"]["title"] == "Consent was withdrawn"
    assert orders(tape, "publish_results") == []
    assert orders(tape, "close_run")[0]["consent_withdrawn"] is True


# People


async def test_people_that_cannot_be_resolved_end_the_run_with_the_problem_at_each_address():
    problem = Problem(title="The enrichment cannot be run", detail="One is unknown.", errors=[])
    tape = await run(stubs(resolve_people=lambda _: Resolved(problem=problem).to_wire()))

    assert tape.output["state"] == "Failed"
    assert tape.output["problem"]["title"] == "The enrichment cannot be run"
    assert task(tape.output, "resolve")["state"] == "failed"
    # As of a cancelled run: nothing waits any more (interfaces §4).
    assert task(tape.output, "extract")["state"] == "skipped"
    assert orders(tape, "extract_mailbox") == []


async def test_an_address_that_has_gone_is_a_warning_of_resolve():
    tape = await run(stubs(resolve_people=lambda _: Resolved(people=2, warnings=1).to_wire()))

    assert task(tape.output, "resolve")["warnings"] == 1
    assert tape.output["state"] == "SucceededWithWarnings"


# Mailboxes


def refuse(*numbers: int, reason: str = "AccessDenied"):
    def extract(order):
        if order["mailbox"] in numbers:
            return ExtractedPart(mailbox=order["mailbox"], outcome=reason).to_wire()
        return read(order)

    return extract


async def test_a_refused_mailbox_is_recorded_and_does_not_fail_the_run():
    """interfaces §3"""
    tape = await run(stubs(extract_mailbox=refuse(1, 4)))

    assert tape.output["state"] == "SucceededWithWarnings"
    assert orders(tape, "publish_results")[0]["counts"]["Mailbox"] == {"Read": 3, "AccessDenied": 2}
    left_out = [number for order in orders(tape, "partition_copies") for number in order["not_read"]]
    assert left_out == [1, 4]


async def test_a_run_in_which_no_mailbox_could_be_read_fails_and_publishes_nothing():
    """interfaces §3"""
    tape = await run(stubs(extract_mailbox=refuse(*range(5))))

    assert tape.output["state"] == "Failed"
    assert tape.output["problem"]["title"] == "No mailbox could be read"
    assert orders(tape, "publish_results") == []


async def test_a_mailbox_that_is_too_big_for_one_call_goes_on_from_its_cursor():
    def extract(order):
        part = order["part"]
        if order["mailbox"] == 2 and part < 3:
            cursor = {"messages": [[part, 9]], "meetings": [], "top": 500}
            return ExtractedPart(mailbox=2, outcome="More", parts=part + 1, copies=1, cursor=cursor).to_wire()
        return ExtractedPart(mailbox=order["mailbox"], outcome="Read", parts=part + 1).to_wire()

    tape = await run(stubs(extract_mailbox=extract))

    calls = [order for order in orders(tape, "extract_mailbox") if order["mailbox"] == 2]
    assert [order["part"] for order in calls] == [0, 1, 2, 3]
    assert [order["cursor"] and order["cursor"]["messages"] for order in calls] == [None, [[0, 9]], [[1, 9]], [[2, 9]]]
    assert {"2": 4} in [order["many"] for order in orders(tape, "partition_copies")]


async def test_a_mailbox_that_wants_to_be_left_alone_is_called_again_after_a_durable_timer():
    def extract(order):
        if order["mailbox"] == 0 and order["cursor"] is None:
            cursor = {"messages": [[0, 9]]}
            return ExtractedPart(mailbox=0, outcome="More", cursor=cursor, wait=600).to_wire()
        return read(order)

    tape = await run(stubs(extract_mailbox=extract))

    assert tape.output["state"] == "Succeeded"
    assert timedelta(minutes=10) <= tape.elapsed < timedelta(minutes=11)


# Workers die


@pytest.mark.parametrize(
    "step", ["check_consent", "resolve_people", "partition_copies", "join_items", "aggregate_bucket", "publish_results"]
)
async def test_a_step_whose_worker_died_is_done_again(step):
    tape = await run(stubs(**{step: once(WorkerDied(), stubs()[step])}))

    assert tape.output["state"] == "Succeeded"


async def test_mailboxes_whose_worker_died_are_read_again():
    tape = await run(stubs(people=9, extract_mailbox=once(WorkerDied(), read)))

    assert tape.output["state"] == "Succeeded"
    assert len(orders(tape, "extract_mailbox")) == 18
    assert tape.unrepeated() == []


async def test_a_mailbox_that_kills_its_worker_each_time_is_unavailable_when_the_patience_is_over():
    def extract(order):
        if order["mailbox"] == 1:
            raise WorkerDied
        return read(order)

    tape = await run(stubs(extract_mailbox=extract))

    assert tape.output["state"] == "SucceededWithWarnings"
    assert orders(tape, "publish_results")[0]["counts"]["Mailbox"] == {"Read": 4, "Unavailable": 1}
    assert timedelta(hours=2) <= tape.elapsed < timedelta(hours=3)


@pytest.mark.parametrize("step", ["check_consent", "resolve_people"])
async def test_a_directory_that_is_away_for_five_minutes_does_not_fail_the_run(step):
    """Graph may want to be left alone for minutes (graph-facts §3); only workers come back at once."""
    answer, began = stubs()[step], iter(range(100))

    def busy(order):
        if next(began) < 6:
            raise RuntimeError("Graph wants to be left alone for a while.")
        return answer(order)

    tape = await run(stubs() | {step: busy})

    assert tape.output["state"] == "Succeeded"
    assert tape.elapsed > timedelta(minutes=5)


async def test_a_step_that_keeps_failing_fails_the_run_with_a_problem_that_names_it():
    def join(_):
        raise RuntimeError("secret ada@contoso.example")

    tape = await run(stubs(join_items=join))

    assert tape.status == "Completed"
    assert tape.output["state"] == "Failed"
    assert "join_items" in tape.output["problem"]["detail"]
    assert "@" not in json.dumps(tape.output)
    assert len(orders(tape, "close_run")) == 1


# Somebody removes what the run has read


@pytest.mark.parametrize(
    ("step", "task_name"),
    [
        ("extract_mailbox", "extract"),
        ("partition_copies", "aggregate"),
        ("join_items", "aggregate"),
        ("aggregate_bucket", "aggregate"),
        ("publish_results", "publish"),
    ],
)
async def test_a_step_that_is_refused_ends_the_run_at_once_with_its_problem(step, task_name):
    refusal = Refusal(refused=Problem(title="What the run had read is gone", detail="Start a run.")).to_wire()
    tape = await run(stubs(people=30, **{step: lambda _: refusal}))

    assert tape.status == "Completed"
    assert tape.output["state"] == "Failed"
    assert tape.output["problem"]["title"] == "What the run had read is gone"
    assert task(tape.output, task_name)["state"] == "failed"
    assert tape.elapsed < timedelta(seconds=1)
    assert len(orders(tape, "close_run")) == 1
    assert tape.unrepeated() == []


async def test_a_refusal_tells_more_than_another_group_that_died():
    def extract(order):
        if order["mailbox"] >= 3:
            return Refusal(refused=Problem(title="What the run had read is gone", detail="Start a run.")).to_wire()
        return {"mailbox": "of a shape that kills its group"}

    tape = await run(stubs(extract_mailbox=extract))

    assert tape.output["problem"]["title"] == "What the run had read is gone"


async def test_a_run_cancelled_before_it_publishes_is_not_closed_again():
    tape = await run(stubs(publish_results=lambda _: Published(canceled=True).to_wire()))

    assert tape.output["state"] == "Canceled"
    assert orders(tape, "close_run") == []
