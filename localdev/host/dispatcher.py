"""Keeps everything moving: fires timers, starts activities and turns within the limits, rests when nothing is due."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from localdev.host import history as h
from localdev.host.clock import Clock, from_us
from localdev.host.engine import Engine, fire_due
from localdev.host.store import Task
from localdev.host.values import ActivityFailed, activity_failure, worker_failure

_log = logging.getLogger("localdev.host")

# How long a turn that failed for a reason of the host's own is left alone.
_PAUSE = 5.0
# The longest sleep: the wall clock may be set, or the machine may have slept.
_NAP = 60.0
WORKER_GONE = "python exited with code 137 (0x89)"

# Does an activity: its result as JSON text, or an exception.
Perform = Callable[[Task], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Limits:
    """`timeout`: after it an activity fails, and with it all that run beside it, as their worker is restarted."""

    activities: int = 20
    turns: int = 20
    timeout: timedelta | None = None


class Dispatcher:
    """What a test may hang in:

    asleep: how many running activities only wait for the clock; they do not keep time from skipping
    alarm: when something else is due, in microseconds · enough: asked when nothing is left to do now; True ends `run`
    """

    def __init__(self, engine: Engine, clock: Clock, perform: Perform, limits: Limits) -> None:
        self._engine = engine
        self._store = engine.store
        self._clock = clock
        self._perform = perform
        self._limits = limits
        self._ready: dict[str, None] = {}
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._running: dict[int, asyncio.Task[None]] = {}
        self._recycled: set[int] = set()
        self._wake = asyncio.Event()
        self._stopping = False
        self.asleep = 0
        self.alarm: Callable[[], int | None] = lambda: None
        self.enough: Callable[[], bool] = lambda: False
        self._store.on_message = self.notice

    def notice(self, instance: str) -> None:
        """A message waits for this instance."""
        self._ready[instance] = None
        self._wake.set()

    def wake(self) -> None:
        self._wake.set()

    async def run(self) -> None:
        """Until `stop`. What was running when the last host died is run again."""
        again = self._store.requeue_running()
        if again:
            _log.info("%d activities were running when the host stopped; they run again", again)
        for instance in self._store.waiting():
            self.notice(instance)
        while not self._stopping:
            self._wake.clear()
            fire_due(self._store, self._clock)
            self._start_turns()
            self._start_activities()
            if self.idle and self.enough():
                return
            await self._rest()

    async def stop(self, grace: float) -> None:
        """Take no more work; give what runs `grace` seconds to end. What does not is run again by the next host."""
        self._stopping = True
        self._wake.set()
        pending = [*self._busy.values(), *self._running.values()]
        if pending:
            _, late = await asyncio.wait(pending, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    @property
    def idle(self) -> bool:
        """Nothing is to be done before the clock moves on."""
        at_work = self._ready or self._busy or len(self._running) > self.asleep
        return not at_work and not self._store.has_waiting_activity()

    def has_due(self) -> bool:
        """Something will come with time alone."""
        return self._next_due() is not None

    def _start_turns(self) -> None:
        for instance in [one for one in self._ready if one not in self._busy]:
            if len(self._busy) >= self._limits.turns:
                return
            del self._ready[instance]
            self._busy[instance] = asyncio.create_task(self._turn(instance))

    async def _turn(self, instance: str) -> None:
        try:
            await self._engine.turn(instance)
            again = bool(self._store.waiting(instance))
        except Exception:
            _log.exception("A turn of %s failed for a reason of the host's own; it is tried again", instance)
            again = False
            asyncio.get_running_loop().call_later(_PAUSE, self.notice, instance)
        finally:
            del self._busy[instance]
            self._wake.set()
        if again:
            self.notice(instance)

    def _start_activities(self) -> None:
        free = self._limits.activities - len(self._running)
        if free > 0:
            for task in self._store.claim(free):
                self._running[task.n] = asyncio.create_task(self._do(task))

    async def _do(self, task: Task) -> None:
        try:
            outcome = await self._outcome(task)
            self._store.finish(task, outcome)
        finally:
            del self._running[task.n]
            self._recycled.discard(task.n)
            self._wake.set()

    async def _outcome(self, task: Task) -> h.Event:
        try:
            result = await self._within_limits(task)
        except ActivityFailed as failed:
            _log.warning("%s: %s", task.instance, failed.reason.partition("\n")[0])
            return h.task_failed(self._clock.now(), task.eid, failed.reason, failed.details)
        return h.task_completed(self._clock.now(), task.eid, result)

    async def _within_limits(self, task: Task) -> str:
        limit = self._limits.timeout
        timer = asyncio.timeout(limit.total_seconds() if limit else None)
        try:
            async with timer:
                return await self._perform(task)
        except ActivityFailed:
            raise
        except asyncio.CancelledError as error:
            if task.n in self._recycled:
                raise worker_failure(task.name, WORKER_GONE) from None
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                raise
            raise activity_failure(task.name, error) from error
        except (Exception, SystemExit) as error:
            if timer.expired():
                self._recycle(task)
                text = f"Timeout value of {_clock_text(limit)} was exceeded by function: Functions.{task.name}"
                raise worker_failure(task.name, text) from None
            raise activity_failure(task.name, error) from error

    def _recycle(self, culprit: Task) -> None:
        """On Azure the worker of an activity that takes too long is killed, and all that it runs fails."""
        for n, running in self._running.items():
            if n != culprit.n:
                self._recycled.add(n)
                running.cancel()

    async def _rest(self) -> None:
        due = self._next_due()
        if self._clock.settle is None:
            left = _NAP if due is None else (from_us(due) - self._clock.now()).total_seconds()
            await self._woken(min(max(left, 0.0), _NAP))
        elif due is None or not self.idle:
            await self._woken(None)
        elif not await self._woken(self._clock.settle) and self.idle:
            self._clock.skip_to(from_us(due))

    def _next_due(self) -> int | None:
        dues = [due for due in (self._store.next_due(), self.alarm()) if due is not None]
        return min(dues, default=None)

    async def _woken(self, seconds: float | None) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return False
        return True


def _clock_text(limit: timedelta | None) -> str:
    seconds = int(limit.total_seconds()) if limit else 0
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
