"""Plays orchestrators on the host's own engine, with stub activities and a clock that skips: for tests.

`play` returns a tape of everything that happened; nothing is stored, and no real time is waited for.
"""

from __future__ import annotations

import asyncio
import heapq
import inspect
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Literal

from localdev.host import history as h
from localdev.host.clock import SkippingClock, from_us, to_us
from localdev.host.codec import Answer, call, handle_of
from localdev.host.dispatcher import WORKER_GONE, Dispatcher, Limits
from localdev.host.engine import BATCH, Engine, Handle, Rules
from localdev.host.history import dumps
from localdev.host.store import Filter, Instance, Store, Task
from localdev.host.values import activity_argument, activity_result, worker_failure

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
_LONGEST = timedelta(days=3660)

# (seconds after the start, instance id, event name, payload); the names below are operations with a reason as payload.
PlayEvent = tuple[float, str, str, Any]
TERMINATE, SUSPEND, RESUME = "!terminate", "!suspend", "!resume"


class WorkerDied(Exception):
    """Raised by a stub: the activity fails from outside, as when its worker is killed or runs out of time."""


@dataclass(frozen=True, slots=True)
class Takes:
    """Returned by a stub: the activity takes so many seconds of the tape's time; an exception as value is raised."""

    seconds: float
    value: Any = None


@dataclass(slots=True)
class Tape:
    """What happened.

    status, output: of the instance that was started; output is the parsed JSON
    schedule: (kind, name, input) of every task in order, all instances; kind: activity, sub, timer (its instant)
    turns: instance → the action lists the SDK returned, one per turn, `isCanceled` of timers left out: it may change
    turns_by_execution: the same by (instance, execution), as continue-as-new begins a new list
    histories: instance → events of its last execution · custom_statuses: instance → one per turn
    elapsed: how long it took on the tape's clock
    """

    status: str = "Pending"
    output: Any = None
    schedule: list[tuple[str, str, Any]] = field(default_factory=list)
    turns: dict[str, list[list[Any]]] = field(default_factory=lambda: defaultdict(list))
    turns_by_execution: dict[tuple[str, str], list[list[Any]]] = field(default_factory=lambda: defaultdict(list))
    histories: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    custom_statuses: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    statuses: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    elapsed: timedelta = timedelta()

    def names(self, kind: str = "activity") -> list[str]:
        """The names of what was scheduled, in order."""
        return [name for what, name, _ in self.schedule if what == kind]

    def unrepeated(self) -> list[tuple[str, str]]:
        """(instance, execution) of those whose turns do not repeat the turns before them: not deterministic."""
        return [
            key
            for key, turns in self.turns_by_execution.items()
            if any(later[: len(earlier)] != earlier for earlier, later in pairwise(turns))
        ]


class _Recorder(Store):
    """A store in memory that notes what is scheduled."""

    def __init__(self, tape: Tape) -> None:
        super().__init__(None)
        self._tape = tape

    def add_activity(
        self, instance: str, execution: str, eid: int, name: str, text: str, at: int, *, lost: bool
    ) -> None:
        self._tape.schedule.append(("activity", name, json.loads(text)))
        super().add_activity(instance, execution, eid, name, text, at, lost=lost)

    def add_timer(self, instance: str, execution: str, eid: int, at: int, fire: int) -> None:
        self._tape.schedule.append(("timer", "", from_us(fire)))
        super().add_timer(instance, execution, eid, at, fire)

    def create(self, instance: Instance, started: h.Event) -> None:
        if instance.parent is not None:
            text = json.loads(instance.input_text or "null")
            self._tape.schedule.append(("sub", instance.name, text and json.loads(text)))
        super().create(instance, started)


class _Cast:
    """The registered orchestrators and activities, names in any case."""

    def __init__(self, orchestrators: Mapping[str, Any], activities: Mapping[str, Any]) -> None:
        self._handles = {name.lower(): handle_of(one) for name, one in orchestrators.items()}
        self.activities = {name.lower(): one for name, one in activities.items()}

    def orchestrator(self, name: str) -> Handle | None:
        return self._handles.get(name.lower())

    def has_activity(self, name: str) -> bool:
        return name.lower() in self.activities


class _Stage:
    """One play: an engine and a dispatcher over a recorder, and the alarms of the tape's clock."""

    def __init__(self, cast: _Cast, tape: Tape, start: datetime, rules: Rules) -> None:
        self.tape = tape
        self.start = start
        self.clock = SkippingClock(start, settle=0.0)
        self.store = _Recorder(tape)
        self._cast = cast
        self._alarms: list[tuple[int, int, asyncio.Future[None]]] = []
        self._sleepers: set[asyncio.Future[None]] = set()
        self._count = 0
        self.engine = Engine(self.store, cast, self.clock, _call_here, rules, self._observe)
        self.dispatcher = Dispatcher(self.engine, self.clock, self._perform, Limits(activities=10_000, turns=1))
        self.dispatcher.alarm = self._next_alarm

    def _observe(self, instance: Instance, answer: Answer) -> None:
        actions = [_without_cancel(action) for action in answer.raw]
        self.tape.turns[instance.id].append(actions)
        self.tape.turns_by_execution[instance.id, instance.execution].append(actions)
        status = answer.custom_status
        self.tape.custom_statuses[instance.id].append(None if status is None else json.loads(status))

    async def _perform(self, task: Task) -> str:
        try:
            value = self._cast.activities[task.name.lower()](activity_argument(task.input_text))
            if inspect.isawaitable(value):
                value = await value
            if isinstance(value, Takes):
                await self._sleep(value.seconds)
                value = value.value
            if isinstance(value, Exception):
                raise value
        except WorkerDied as died:
            raise worker_failure(task.name, str(died) or WORKER_GONE) from None
        return activity_result(value)

    async def _sleep(self, seconds: float) -> None:
        self.dispatcher.asleep += 1
        alarm = self.alarm_at(self.clock.now() + timedelta(seconds=seconds))
        self._sleepers.add(alarm)
        await alarm

    def alarm_at(self, instant: datetime) -> asyncio.Future[None]:
        """Done when the clock has come to `instant`."""
        alarm: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._alarms, (to_us(instant), self._count, alarm))
        self.dispatcher.wake()
        return alarm

    def _next_alarm(self) -> int | None:
        """Rings what is due; when the next one is."""
        while self._alarms and self._alarms[0][0] <= to_us(self.clock.now()):
            _, _, alarm = heapq.heappop(self._alarms)
            if alarm in self._sleepers:
                # Awake from this moment, though its activity goes on only when the event loop comes to it.
                self._sleepers.remove(alarm)
                self.dispatcher.asleep -= 1
            if not alarm.done():
                alarm.set_result(None)
        return self._alarms[0][0] if self._alarms else None


async def _call_here(handle: Handle, context: str) -> Answer:
    return call(handle, context)


def _without_cancel(action: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in action.items() if key != "isCanceled"}
    if "compoundActions" in kept:
        kept["compoundActions"] = [_without_cancel(child) for child in kept["compoundActions"]]
    return kept


async def play(
    orchestrators: Mapping[str, Callable[[Any], Any]],
    name: str,
    input: object,
    activities: Mapping[str, Callable[[Any], Any]],
    *,
    events: Sequence[PlayEvent] = (),
    instance_id: str = "run",
    start: datetime = START,
    strict: Literal["fail", "log"] = "fail",
    one_at_a_time: bool = False,
) -> Tape:
    """Start `name` with `input` and let it go on until it has ended and all events are sent, or nothing more comes.

    orchestrators: plain generator functions by name · activities: functions of the decoded input, plain or async;
    what they raise fails the activity · one_at_a_time: each turn gets one message only.
    """
    tape = Tape()
    cast = _Cast(orchestrators, activities)
    rules = Rules(strict, 1 if one_at_a_time else BATCH)
    stage = _Stage(cast, tape, start, rules)
    text = None if input is None else dumps(dumps(input))
    stage.engine.start(name, instance_id, text)
    senders = [asyncio.create_task(_send_later(stage, event)) for event in events]
    stage.dispatcher.enough = lambda: _is_over(stage, instance_id, senders)
    try:
        await stage.dispatcher.run()
    finally:
        await stage.dispatcher.stop(0)
        for sender in senders:
            sender.cancel()
        await asyncio.gather(*senders, return_exceptions=True)
        _write_down(stage, instance_id)
        stage.store.close()
    return tape


def _is_over(stage: _Stage, instance: str, senders: Sequence[asyncio.Task[None]]) -> bool:
    """Everything has been sent, and the instance has ended or nothing will ever come to it."""
    if stage.clock.now() - stage.start > _LONGEST:
        raise TimeoutError(f"{instance} still goes on after {_LONGEST.days} days")
    # Asked first: an alarm that rings gives the dispatcher something to do.
    more = stage.dispatcher.has_due()
    if not stage.dispatcher.idle or not all(sender.done() for sender in senders):
        return False
    record = stage.store.instance(instance)
    return record is None or record.finished or not more


async def _send_later(stage: _Stage, event: PlayEvent) -> None:
    seconds, instance, name, payload = event
    await stage.alarm_at(stage.start + timedelta(seconds=seconds))
    now = stage.clock.now()
    operations = {TERMINATE: h.execution_terminated, SUSPEND: h.suspended, RESUME: h.resumed}
    if name in operations:
        stage.store.send(instance, None, operations[name](now, str(payload)))
    else:
        stage.store.send(instance, None, h.event_raised(now, name, dumps(payload)))


def _write_down(stage: _Stage, instance: str) -> None:
    tape = stage.tape
    tape.elapsed = stage.clock.now() - stage.start
    for record in stage.store.find(Filter(top=1_000_000)):
        events = stage.store.history(record.id, record.execution)
        tape.histories[record.id] = [json.loads(event.body) for event in events]
        tape.statuses[record.id] = record.status
        tape.outputs[record.id] = None if record.output is None else json.loads(record.output)
        if record.id == instance:
            tape.status, tape.output = record.status, tape.outputs[record.id]
