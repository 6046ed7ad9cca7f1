"""The recordings of the real host are the oracle: same contexts, same states; same events, same ids (§2, §3.2)."""

from __future__ import annotations

import json
from datetime import datetime
from itertools import pairwise

import pytest

from localdev.host import codec
from localdev.host.history import Kind, from_recorded
from localdev.host.index import index
from localdev.host.play import SUSPEND, TERMINATE, play
from localdev.host.status import history_of
from localdev.host.walk import Walk
from tests.localdev.host.conftest import recorded, recordings

NAMES = [path.stem for path in recordings()]
# The traps of §2.7, and the event that the SDK delivers twice (§2.8): Azure hangs, is late or loses a result there.
TRAPPED = {"CatchFan", "HumanHang", "HumanHangLate", "TwoMixed", "Window9"}


@pytest.mark.parametrize("name", NAMES)
def test_the_same_context_gives_the_same_state(name, recorded_app):
    """§2.1, §2.5: each recorded context, played by the SDK through our codec, gives the recorded state."""
    codec.speed_up()
    app = index(recorded_app, "api")
    for episode in recorded(name)["episodes"]:
        handle = app.orchestrator(recorded(name)["orchestrator"])
        assert handle is not None

        assert codec.call(handle, json.dumps(episode["context"])) == codec.answer(episode["state"])


@pytest.mark.parametrize("name", NAMES)
def test_our_context_is_the_recorded_one(name):
    """§2.1: these eleven keys, no others, in this order, with the same values."""
    for episode in recorded(name)["episodes"]:
        context = episode["context"]
        bodies = [json.dumps(event) for event in context["history"]]
        text = None if context["input"] is None else json.dumps(context["input"])

        ours = codec.context_text(
            bodies, text, context["instanceId"], context["parentInstanceId"], replaying=context["isReplaying"]
        )
        assert list(json.loads(ours).items()) == list(context.items())


def _walks(name):
    for episode in recorded(name)["episodes"]:
        events = [from_recorded(event) for event in episode["context"]["history"]]
        answer = codec.answer(episode["state"])
        yield episode, events, answer, Walk(answer.actions).play(events)


@pytest.mark.parametrize("name", NAMES)
def test_the_walk_schedules_what_the_real_host_scheduled_under_the_same_ids(name):
    """§2.4: what the walk finds new is what the next recorded context holds as newly scheduled."""
    walks = list(_walks(name))
    for (_, events, _, walk), (following, *_rest) in pairwise(walks):
        history = following["context"]["history"]
        if walk.continued is not None:
            assert following["context"]["input"] == walk.continued[0]
            continue
        after = [from_recorded(event) for event in history[len(events) :]]
        scheduled = after[: next(i for i, event in enumerate(after) if event.kind is Kind.ORCHESTRATOR_COMPLETED)]

        ours = [] if walk.suspended else [(task.kind, task.eid, task.name) for task in walk.fresh]
        assert ours == [(event.kind, event.eid, event.name) for event in scheduled]


@pytest.mark.parametrize("name", NAMES)
def test_the_walk_ends_an_instance_when_the_real_host_did(name):
    """§2.4 rule 7: an instance completes only when the whole list is over and no task is open."""
    *earlier, (_, _, answer, walk) = list(_walks(name))
    status = recorded(name)["status"]["runtimeStatus"]

    def ended(answer, walk):
        return walk.position is None and not walk.open and (answer.done or answer.error is not None)

    assert ended(answer, walk) == (status in ("Completed", "Failed"))
    assert not any(ended(answer, walk) for _, _, answer, walk in earlier if walk.continued is None)


@pytest.mark.parametrize("name", NAMES)
def test_the_strict_check_finds_the_traps_and_nothing_else(name):
    """§2.7: flagged are exactly the patterns on which Azure hangs, is late or loses a result."""
    found = [walk.parted(ended=answer.done or answer.error is not None) for _, _, answer, walk in _walks(name)]

    assert any(found) == (name in TRAPPED)


@pytest.mark.parametrize("name", NAMES)
def test_the_history_for_readers_is_the_recorded_one(name):
    """§3.2 `historyEvents`: folded, renamed and cut as the real host does."""
    run = recorded(name)
    events = [from_recorded(event) for event in run["episodes"][-1]["context"]["history"]]
    ours, theirs = history_of(events, show_output=True), run["status"]["historyEvents"]

    assert len(ours) >= 1
    assert [list(one.items()) for one in theirs[: len(ours)]] == [list(one.items()) for one in ours]


# Runs whose end depends on how early timers fire (§2.3) or on when several failures meet are compared above only.
_BY_TIME = {"Timer", "Uuids", "CatchFan", "BoomAct", "Parent", "HumanTimeout"}


def _activities():
    counts: dict[str, int] = {}

    def flaky(x):
        key, fails = x
        counts[key] = counts.get(key, 0) + 1
        if counts[key] <= fails:
            raise RuntimeError(f"flaky {counts[key]}")
        return counts[key]

    return {
        "Echo": lambda x: x,
        "EchoAsync": lambda x: x,
        "Double": lambda k: k * 2,
        "Slow": lambda x: x,
        "Flaky": flaky,
    }


@pytest.mark.parametrize("one_at_a_time", [False, True], ids=["batches", "no batches"])
@pytest.mark.parametrize("name", sorted(set(NAMES) - _BY_TIME))
async def test_the_same_events_lead_to_the_same_end(name, one_at_a_time, recorded_app):
    """Each recorded run, played again, ends as it did, in batches or message by message."""
    run = recorded(name)
    functions = index(recorded_app, "api").orchestrator_functions
    operations = {"!terminate": TERMINATE, "!suspend": SUSPEND}
    events = [
        (sent["at_s"], "run", operations.get(sent["event"], sent["event"]), sent["payload"] or "why")
        for sent in run["events_sent"]
        if sent["event"] != "!resume"
    ]

    tape = await play(
        functions, run["orchestrator"], run["input"], _activities(), events=events, strict="log",
        one_at_a_time=one_at_a_time,
    )  # fmt: skip

    assert tape.status == run["status"]["runtimeStatus"]
    assert tape.output == run["status"]["output"]
    assert tape.custom_statuses["run"][-1] == run["status"]["customStatus"]
    ids = [event["EventId"] for event in tape.histories["run"] if event["EventId"] >= 0]
    assert ids == list(range(len(ids)))


def test_timestamps_are_written_as_net_writes_them():
    """§2.2: ISO 8601 UTC, trailing zeros of the fraction dropped."""
    from localdev.host.clock import stamp

    assert stamp(datetime.fromisoformat("2026-11-23T06:56:04.375950+00:00")) == "2026-11-23T06:56:04.37595Z"
    assert stamp(datetime.fromisoformat("2026-11-23T07:56:04+01:00")) == "2026-11-23T06:56:04Z"
