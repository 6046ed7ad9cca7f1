"""Walks an orchestrator's actions through its history, one after the other, as the .NET extension does.

The extension starts action k+1 only when action k is over, whereas the Python SDK may be further on. The walk gives
the event ids that the extension would give, finds what is newly scheduled, and shows where the two part ways.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from localdev.host.codec import (
    Action,
    CallActivity,
    CallSub,
    ContinueAsNew,
    Retry,
    Timer,
    Unserved,
    WaitForEvent,
    WhenAll,
    WhenAny,
)
from localdev.host.history import NAMES, Event, Kind

_CREATES = {Kind.TASK_SCHEDULED, Kind.SUB_CREATED, Kind.TIMER_CREATED}
_SUCCEEDS = {Kind.TASK_COMPLETED, Kind.SUB_COMPLETED}
_FAILS = {Kind.TASK_FAILED, Kind.SUB_FAILED}
_HELD_WHILE_SUSPENDED = _SUCCEEDS | _FAILS | {Kind.TIMER_FIRED, Kind.EVENT_RAISED}


class NonDeterminism(Exception):
    """The orchestrator no longer asks for what its own history says it asked for."""


class Refusal(Exception):
    """The orchestrator asks for something that this host does not serve."""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A task that took an id. A retry timer has no instant, but `delay_ms` from the clock of its turn."""

    eid: int
    kind: Kind
    name: str = ""
    input_text: str | None = None
    instance: str | None = None
    version: str | None = None
    fire_at: datetime | None = None
    delay_ms: int = 0


class Node:
    """An action that has been started, until it is over."""

    def __init__(self, action: Action, parent: Node | None = None) -> None:
        self.action = action
        self.parent = parent
        self.over = False
        self.children: list[Node] = []
        self.attempts = 0
        self._ended = 0

    @property
    def retry(self) -> Retry | None:
        return self.action.retry if isinstance(self.action, CallActivity | CallSub) else None

    def end(self) -> None:
        """This action is over, and perhaps the one that it stands in."""
        if not self.over:
            self.over = True
            if self.parent is not None:
                self.parent.child_ended()

    def child_ended(self) -> None:
        self._ended += 1
        if isinstance(self.action, WhenAny) or self._ended == len(self.action.children):  # type: ignore[union-attr]
            self.end()


class Walk:
    """One walk over one execution. After `play`:

    produced: id → task, everything that took an id · fresh: those that the history does not know yet, by id
    open: ids of tasks that are not over · canceled: ids of timers that the orchestrator cancelled
    position: index of the action that is being waited for, None when all are over
    continued: input of a continue-as-new that was reached, and the index of the event that led to it
    """

    def __init__(self, actions: tuple[Action, ...]) -> None:
        self._actions = actions
        self._index = 0
        self._current: Node | None = None
        self._waits: defaultdict[str, deque[Node]] = defaultdict(deque)
        self._early: Counter[str] = Counter()
        self._held: list[Event] = []
        self._known: set[int] = set()
        self.suspended = False
        self.next_id = 0
        self.produced: dict[int, Scheduled] = {}
        self.open: dict[int, Node] = {}
        self.canceled: set[int] = set()
        self.continued: tuple[str, int] | None = None

    def play(self, history: Iterable[Event]) -> Walk:
        """Raises NonDeterminism or Refusal."""
        for index, event in enumerate(history):
            self._take(event)
            if event.kind not in (Kind.ORCHESTRATOR_STARTED, Kind.ORCHESTRATOR_COMPLETED):
                self._advance(index)
        return self

    @property
    def fresh(self) -> list[Scheduled]:
        return [task for eid, task in sorted(self.produced.items()) if eid not in self._known]

    @property
    def position(self) -> int | None:
        return self._index - 1 if self._current is not None and not self._current.over else None

    def _take(self, event: Event) -> None:
        if event.kind in _CREATES:
            self._check(event)
        elif event.kind is Kind.SUSPENDED:
            self.suspended = True
        elif event.kind is Kind.RESUMED:
            self.suspended = False
            held, self._held = self._held, []
            for earlier in held:
                self._deliver(earlier)
        elif event.kind in _HELD_WHILE_SUSPENDED:
            if self.suspended:
                self._held.append(event)
            else:
                self._deliver(event)

    def _deliver(self, event: Event) -> None:
        if event.kind is Kind.EVENT_RAISED:
            self._raise(event.name.lower())
            return
        node = self.open.pop(event.ref, None)
        if node is None:
            return
        if event.kind is Kind.TIMER_FIRED and node.retry is not None:
            self._attempt(node)
        elif event.kind in _FAILS and node.retry is not None:
            left = node.attempts < node.retry.attempts
            # After the last failure there is one more timer, due at once, before the failure is told.
            self._give_id(node, Kind.TIMER_CREATED, delay_ms=node.retry.interval_ms if left else 0)
        else:
            node.end()

    def _check(self, event: Event) -> None:
        produced = self.produced.get(event.eid)
        was = f"{NAMES[event.kind]} '{event.name}'" if event.name else NAMES[event.kind]
        if produced is None:
            raise NonDeterminism(_parted(event.eid, was, "nothing"))
        if produced.kind is not event.kind or produced.name.lower() != event.name.lower():
            now = f"{NAMES[produced.kind]} '{produced.name}'" if produced.name else NAMES[produced.kind]
            raise NonDeterminism(_parted(event.eid, was, now))
        self._known.add(event.eid)

    def _raise(self, name: str) -> None:
        if self._waits[name]:
            self._waits[name].popleft().end()
        else:
            self._early[name] += 1

    def _advance(self, index: int) -> None:
        """Start the next action, and the next, until one is to be waited for."""
        while self.continued is None and (self._current is None or self._current.over):
            if self._index == len(self._actions):
                return
            action = self._actions[self._index]
            self._index += 1
            if isinstance(action, ContinueAsNew):
                self.continued = (action.input_text, index)
            else:
                self._current = Node(action)
                self._start(self._current)

    def _start(self, node: Node) -> None:
        action = node.action
        if isinstance(action, WhenAll | WhenAny):
            node.children = [Node(child, node) for child in action.children]
            if not node.children:
                node.end()
            for child in node.children:
                self._start(child)
        elif isinstance(action, WaitForEvent):
            self._wait(node, action.name.lower())
        elif isinstance(action, Timer):
            eid = self._give_id(node, Kind.TIMER_CREATED, fire_at=action.fire_at)
            if action.canceled:
                self.canceled.add(eid)
                del self.open[eid]
                node.end()
        elif isinstance(action, Unserved | ContinueAsNew):
            what = action.what if isinstance(action, Unserved) else "continue_as_new inside another task"
            raise Refusal(f"The local host does not serve {what}")
        else:
            self._attempt(node)

    def _wait(self, node: Node, name: str) -> None:
        if self._early[name]:
            self._early[name] -= 1
            node.end()
        else:
            self._waits[name].append(node)

    def _attempt(self, node: Node) -> None:
        """The first call of an activity or sub-orchestration, or the next one, where attempts are left."""
        action = node.action
        assert isinstance(action, CallActivity | CallSub)
        if action.retry is not None and node.attempts >= action.retry.attempts:
            node.end()
            return
        node.attempts += 1
        if isinstance(action, CallActivity):
            self._give_id(node, Kind.TASK_SCHEDULED, action.name, action.input_text)
        else:
            self._give_id(node, Kind.SUB_CREATED, action.name, action.input_text, action.instance, action.version)

    def _give_id(
        self, node: Node, kind: Kind, name: str = "", input_text: str | None = None, instance: str | None = None,
        version: str | None = None, fire_at: datetime | None = None, delay_ms: int = 0,
    ) -> int:  # fmt: skip
        eid = self.next_id
        self.next_id += 1
        self.open[eid] = node
        self.produced[eid] = Scheduled(eid, kind, name, input_text, instance, version, fire_at, delay_ms)
        return eid

    def parted(self, *, ended: bool) -> str | None:
        """Where the SDK is so far ahead of the extension that Azure would hang or lose a result; None where not.

        ended: the orchestrator has returned or raised. A plain fan of which one task failed is no trap: what comes
        next waits for its slowest task, and nothing else changes.
        """
        position = self.position
        if position is None or self.suspended or self._current is None:
            return None
        ahead = len(self._actions) > position + 1
        if not (ahead or ended):
            return None
        trap = _trap(self._current, ahead=ahead)
        if trap is None:
            return None
        then = "the orchestrator has ended" if ended and not ahead else f"action #{position + 1} is already asked for"
        return f"action #{position} ({_describe(self._current.action)}) {trap}, but {then}"


def _trap(node: Node, *, ahead: bool) -> str | None:
    """What makes it dangerous to go on while this action is not over."""
    if isinstance(node.action, WhenAll):
        inner = (_trap_in_fan(child, ahead=ahead) for child in node.children if not child.over)
        return next((trap for trap in inner if trap), None)
    if isinstance(node.action, WhenAny):
        return "is not over: Azure waits for one of the tasks that are new in it, not for those scheduled earlier"
    return "is not over: Azure goes on waiting for it"


def _trap_in_fan(node: Node, *, ahead: bool) -> str | None:
    if isinstance(node.action, WhenAll | WhenAny):
        return _trap(node, ahead=ahead)
    if isinstance(node.action, WaitForEvent):
        return f"still waits for the event '{node.action.name}'"
    if node.retry is not None and ahead:
        return "still retries: its next retry takes the id that the SDK has given to another task"
    return None


def _describe(action: Action) -> str:
    if isinstance(action, WhenAll | WhenAny):
        word = "task_all" if isinstance(action, WhenAll) else "task_any"
        return f"{word} of {', '.join(_describe(child) for child in action.children[:3])}"
    if isinstance(action, WaitForEvent):
        return f"event '{action.name}'"
    return f"'{action.name}'" if isinstance(action, CallActivity | CallSub) else "a timer"


def _parted(eid: int, was: str, now: str) -> str:
    return (
        "Non-Deterministic workflow detected: A previous execution of this orchestration scheduled, with sequence "
        f"number {eid}, {was}, but the current orchestration replay instead scheduled {now} there. "
        "Did a change to the orchestrator's code happen, or does it use clocks, random numbers or state?"
    )
