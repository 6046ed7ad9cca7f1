"""One turn of an orchestration: take its messages, replay it, do what it newly asks for, all in one transaction."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, Protocol

from localdev.host import history as h
from localdev.host.clock import Clock, from_us, to_us
from localdev.host.codec import Answer, context_text
from localdev.host.history import Event, Kind, Parent
from localdev.host.store import Instance, Store
from localdev.host.walk import NonDeterminism, Refusal, Scheduled, Walk

_log = logging.getLogger("localdev.host")

# The most messages that one turn takes: the queue batch size of the AzureStorage provider.
BATCH = 32
_CUSTOM_STATUS_LIMIT = 16 * 1024

Handle = Callable[[str], str]
Caller = Callable[[Handle, str], Awaitable[Answer]]


class Registry(Protocol):
    """What the app has registered; names are looked up in any case."""

    def orchestrator(self, name: str) -> Handle | None: ...

    def has_activity(self, name: str) -> bool: ...


class Rules(NamedTuple):
    """strict: what becomes of an instance that Azure would hang or that would lose a result: "fail" or "log"."""

    strict: Literal["fail", "log"] = "fail"
    batch: int = BATCH
    default_version: str | None = None


@dataclass(slots=True)
class Turn:
    """What one turn starts from. `old`: the history so far · `new`: what comes to it before the replay."""

    instance: Instance
    at: datetime
    old: list[Event]
    new: list[Event]
    taken: list[int]

    @property
    def messages(self) -> list[Event]:
        return [event for event in self.new if event.kind not in (Kind.ORCHESTRATOR_STARTED, Kind.EXECUTION_STARTED)]


class Engine:
    """`observe(instance, answer)` sees the answer of every turn, before anything is done about it."""

    def __init__(
        self, store: Store, registry: Registry, clock: Clock, call: Caller, rules: Rules,
        observe: Callable[[Instance, Answer], None] = lambda _instance, _answer: None,
    ) -> None:  # fmt: skip
        self.store = store
        self._registry = registry
        self._clock = clock
        self._call = call
        self._rules = rules
        self._observe = observe

    def start(
        self, name: str, instance: str | None, input_text: str | None, version: str | None = None,
        parent: Parent | None = None,
    ) -> str:  # fmt: skip
        """Create an instance, in place of any that has this id; returns the id. `input_text` is JSON text."""
        identity = instance or uuid.uuid4().hex
        # Dashed for a client's start, plain for a sub-orchestration, as on the real host.
        execution = str(uuid.uuid4()) if parent is None else uuid.uuid4().hex
        now = self._clock.now()
        version = version or self._rules.default_version
        held = not self._suits(version)
        if held:
            _log.error("%s: version %s does not suit this host; the instance stays Pending for ever", identity, version)
        record = Instance(
            identity, execution, name, version, "Pending", input_text, None, None, to_us(now), to_us(now), parent,
            continued=False, held=held,
        )  # fmt: skip
        started = h.execution_started(now, identity, execution, name, version, input_text, parent, continued=False)
        self.store.create(record, started)
        return identity

    async def turn(self, instance: str) -> None:
        """Take what waits for the instance and go on as far as it leads."""
        turn = self._begin(instance)
        if turn is None:
            return
        handle = self._registry.orchestrator(turn.instance.name)
        if handle is None:
            self._finish(turn, [], "Failed", _unknown_orchestrator(turn.instance.name), None)
            return
        record = turn.instance
        context = context_text(
            (event.body for event in turn.old + turn.new), record.input_text, record.id,
            record.parent.instance if record.parent else None, replaying=bool(turn.old),
        )  # fmt: skip
        answer = await self._call(handle, context)
        self._observe(record, answer)
        current = self.store.instance(record.id)
        # Purged, replaced or ended while the orchestrator was called: then nobody wants this turn.
        if current is not None and current.execution == record.execution and not current.finished:
            with self.store.transaction():
                self.store.forget_messages(turn.taken)
                self._settle(turn, answer)

    def terminate_held(self, record: Instance, reason: str) -> None:
        """End an instance that no turn will ever be given to."""
        self._end(record, "Terminated", h.dumps(reason), reason, None)

    def _begin(self, instance: str) -> Turn | None:
        record = self.store.instance(instance)
        if record is None or record.finished:
            self.store.drop_messages(instance)
            return None
        waiting = self.store.messages(instance, record.execution, self._rules.batch)
        if not waiting:
            return None
        now = self._clock.now()
        old = self.store.history(instance, record.execution)
        events = [event for _, event in waiting]
        if record.continued and not old:
            # A continued execution opens with its messages between start and completion of a turn of their own.
            opening = [h.turn_started(now), *events, h.turn_completed(now)]
        else:
            opening = [h.turn_started(now), *events]
        return Turn(record, now, old, opening, [n for n, _ in waiting])

    def _settle(self, turn: Turn, answer: Answer) -> None:
        record = turn.instance
        ended = next((event for event in turn.new if event.kind is Kind.EXECUTION_TERMINATED), None)
        if ended is not None:
            self._finish(turn, [], "Terminated", ended.name, record.custom)
            return
        custom = answer.custom_status
        if custom is not None and len(custom.encode("utf-16-le")) > _CUSTOM_STATUS_LIMIT:
            text = "The custom status is larger than 16 KB of UTF-16 text"
            self._finish(turn, [], "Failed", _failure(record.name, text), None)
            return
        try:
            walk = Walk(answer.actions).play(turn.old + turn.new)
        except (NonDeterminism, Refusal) as fault:
            _log.error("%s (%s): %s", record.id, record.name, fault)
            text = str(fault) if isinstance(fault, NonDeterminism) else _failure(record.name, str(fault))
            self._finish(turn, [], "Failed", text, custom)
            return
        if self._is_trapped(turn, walk, answer):
            return
        self._go_on(turn, walk, answer)

    def _is_trapped(self, turn: Turn, walk: Walk, answer: Answer) -> bool:
        record = turn.instance
        trap = walk.parted(ended=answer.done or answer.error is not None)
        if trap is None:
            return False
        _log.error("%s (%s) would hang or lose a result on Azure: %s", record.id, record.name, trap)
        if self._rules.strict == "log":
            return False
        text = f"Strict check: on Azure this orchestration would hang or lose a result, because {trap}"
        self._finish(turn, [], "Failed", _failure(record.name, text), answer.custom_status)
        return True

    def _go_on(self, turn: Turn, walk: Walk, answer: Answer) -> None:
        record = turn.instance
        self.store.drop_timers(record.id, record.execution, sorted(walk.canceled))
        # While it is suspended nothing new is scheduled; the walk finds it new again after the resume.
        fresh = [] if walk.suspended else walk.fresh
        scheduled = [self._schedule(turn, task, pending=task.eid in walk.open) for task in fresh]
        over = walk.position is None and not walk.open
        if walk.continued is not None and not walk.open:
            self._continue(turn, walk.continued[0], walk.continued[1], answer.custom_status)
        elif over and answer.error is not None:
            self._finish(turn, scheduled, "Failed", _failure(record.name, answer.error), answer.custom_status)
        elif over and answer.done:
            self._finish(turn, scheduled, "Completed", answer.output_text, answer.custom_status)
        else:
            if walk.position is None and (answer.done or answer.error is not None):
                _log.info("%s has returned; Azure lets it run until its %d open tasks end", record.id, len(walk.open))
            self._remember(turn, [*scheduled, h.turn_completed(self._clock.now())])
            self.store.put_instance(self._updated(turn, answer.custom_status))

    def _updated(self, turn: Turn, custom: str | None) -> Instance:
        record, status, output = turn.instance, turn.instance.status, turn.instance.output
        status = "Running" if status == "Pending" else status
        for event in turn.messages:
            if event.kind is Kind.SUSPENDED:
                status, output = "Suspended", h.dumps(event.name)
            elif event.kind is Kind.RESUMED:
                status, output = "Running", h.dumps(event.name)
        return replace(record, status=status, output=output, custom=custom, updated=to_us(self._clock.now()))

    def _remember(self, turn: Turn, after: list[Event]) -> None:
        """The turn's events join the history. The completion that opens a continued execution counts as played."""
        added = [event.marked() if event.kind is Kind.ORCHESTRATOR_COMPLETED else event.played() for event in turn.new]
        self.store.append(turn.instance.id, turn.instance.execution, len(turn.old), [*added, *after])

    def _schedule(self, turn: Turn, task: Scheduled, *, pending: bool) -> Event:
        """Give a task to those who do it; returns the event that records it."""
        now = self._clock.now()
        if task.kind is Kind.TIMER_CREATED:
            fire_at = task.fire_at or turn.at + timedelta(milliseconds=task.delay_ms)
            if pending:
                self.store.add_timer(turn.instance.id, turn.instance.execution, task.eid, to_us(now), to_us(fire_at))
            return h.timer_created(now, task.eid, fire_at)
        if task.kind is Kind.TASK_SCHEDULED:
            lost = not self._registry.has_activity(task.name)
            if lost:
                _log.error("%s calls the activity '%s', which nobody registered: on Azure it waits for ever",
                           turn.instance.id, task.name)  # fmt: skip
            self.store.add_activity(
                turn.instance.id, turn.instance.execution, task.eid, task.name, task.input_text or "null", to_us(now),
                lost=lost,
            )  # fmt: skip
            return h.task_scheduled(now, task.eid, task.name)
        return self._schedule_sub(turn.instance, task, now)

    def _schedule_sub(self, record: Instance, task: Scheduled, now: datetime) -> Event:
        child = task.instance or f"{record.execution}:{task.eid}"
        if self._registry.orchestrator(task.name) is None:
            _log.error("%s calls the sub-orchestration '%s', which nobody registered: on Azure it waits for ever",
                       record.id, task.name)  # fmt: skip
        else:
            former = self.store.instance(child)
            if former is not None and not former.finished:
                _log.error("%s starts the sub-orchestration %s while one of this id runs: that one is replaced",
                           record.id, child)  # fmt: skip
            parent = Parent(record.id, record.execution, record.name, task.eid)
            # Input travels as a JSON string that holds JSON text.
            self.start(task.name, child, h.dumps(task.input_text), task.version, parent)
        return h.sub_created(now, task.eid, task.name, task.version, child)

    def _continue(self, turn: Turn, input_text: str, reached: int, custom: str | None) -> None:
        """Begin again with a fresh history; events that came after the call are kept for the new execution."""
        record, now = self._updated(turn, custom), self._clock.now()
        self.store.drop_execution(record.id, record.execution)
        stored = h.dumps(input_text)
        fresh = replace(record, execution=uuid.uuid4().hex, input_text=stored, continued=True)
        self.store.put_instance(fresh)
        kept = [event for event in (turn.old + turn.new)[reached + 1 :] if event.kind is Kind.EVENT_RAISED]
        if fresh.status == "Suspended":
            kept.insert(0, h.suspended(now, "suspended before it continued as new"))
        started = h.execution_started(
            now, fresh.id, fresh.execution, fresh.name, fresh.version, stored, fresh.parent, continued=True
        )
        self.store.send_first(fresh.id, fresh.execution, [started, *kept])

    def _finish(self, turn: Turn, scheduled: list[Event], status: str, result: str | None, custom: str | None) -> None:
        """`result`: JSON text of the output, or the plain text of a failure or termination."""
        now = self._clock.now()
        eid = sum(1 for event in turn.old if event.eid >= 0) + len(scheduled)
        completed = h.execution_completed(now, eid, status, result)
        output = result if status == "Completed" else h.dumps(result)
        with self.store.transaction():
            self.store.forget_messages(turn.taken)
            self._remember(turn, [*scheduled, completed, h.turn_completed(now)])
            self._end(turn.instance, status, output, result, custom)

    def _end(self, record: Instance, status: str, output: str | None, result: str | None, custom: str | None) -> None:
        now = self._clock.now()
        ended = replace(record, status=status, output=output, custom=custom, updated=to_us(now), held=False)
        with self.store.transaction():
            self.store.put_instance(ended)
            self.store.drop_timers(record.id, record.execution)
            if record.parent is not None:
                told = _news(now, record, status, result)
                self.store.send(record.parent.instance, record.parent.execution, told)

    def _suits(self, version: str | None) -> bool:
        """Whether an instance of this version is ever started: not if it is newer than the default version."""
        default = self._rules.default_version
        return version is None or (default is not None and _parts(version) <= _parts(default))


def fire_due(store: Store, clock: Clock) -> None:
    """Send what timers have become due to say."""
    for timer in store.due(to_us(clock.now())):
        store.fire(timer, h.timer_fired(from_us(timer.created), timer.eid, from_us(timer.fire)))


def _news(now: datetime, record: Instance, status: str, result: str | None) -> Event:
    """What the parent hears of the end of its sub-orchestration."""
    assert record.parent is not None
    if status == "Completed":
        return h.sub_completed(now, record.parent.task, result)
    cause = (result or "").removeprefix(_failure(record.name, ""))
    details = f"Message: {cause}, StackTrace:    at the local host" if status == "Failed" else None
    return h.sub_failed(now, record.parent.task, result or "", details)


def _parts(version: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in version.split(".")]


def _failure(name: str, error: str) -> str:
    return f"Orchestrator function '{name}' failed: {error}"


def _unknown_orchestrator(name: str) -> str:
    return (
        f"The function '{name}' doesn't exist, is disabled, or is not an orchestrator function. "
        "Additional info: No orchestrator functions of that name are registered!"
    )
