"""Several workers that take one orchestration's activities: in any order, twice, late, and dying on the way."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from localdev.host.play import WorkerDied
from tests.workers.attempts import Attempt

HOW = ("once", "twice later", "overtaken", "overtaken", "overtaken", "side by side", "killed")
MOST_DEATHS = 3
USUAL_STEPS = 20  # of an activity, as long as it is not known


@dataclass
class Task:
    name: str
    order: dict[str, Any]
    done: asyncio.Future[Any]


@dataclass
class Workers:
    """attempt: of an activity's name and its order · r: None for one worker that does one thing after the other.

    late: attempts whose answers nobody waits for any more · steps: how many an activity has taken.
    """

    attempt: Callable[[str, dict[str, Any]], Attempt]
    r: Random | None = None
    late: list[Attempt] = field(default_factory=list)
    steps: dict[str, int] = field(default_factory=dict)
    _deaths: Counter[str] = field(default_factory=Counter)
    _waiting: list[Task] = field(default_factory=list)
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    def activity(self, name: str) -> Callable[[dict[str, Any]], Any]:
        """What the platform calls: it waits until a worker has done it."""

        async def perform(order: dict[str, Any]) -> Any:
            task = Task(name, order, asyncio.get_running_loop().create_future())
            self._waiting.append(task)
            self._more.set()
            return await task.done

        return perform

    @asynccontextmanager
    async def at_work(self) -> Any:
        working = asyncio.create_task(self._work())
        try:
            yield
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)

    async def finish_late(self) -> None:
        """Whatever is still under way somewhere ends now."""
        while self.late:
            await self._some_late_one()

    async def _work(self) -> None:
        while True:
            self._more.clear()
            await asyncio.sleep(0.001)  # the rest of a fan comes
            if not self._waiting:
                await self._more.wait()
                continue
            task = self._waiting.pop(self.r.randrange(len(self._waiting)) if self.r else 0)
            try:
                answer = await self._perform(task)
            except BaseException as error:
                if not task.done.cancelled():
                    task.done.set_exception(error)
                if isinstance(error, asyncio.CancelledError):
                    raise
            else:
                task.done.set_result(answer)

    async def _perform(self, task: Task) -> Any:
        r = self.r
        if r is None:
            return await self._to_its_end(self._begin(task))
        while self.late and r.random() < 0.2:
            await self._some_late_one()
        some = r.randrange(self.steps.get(task.name, USUAL_STEPS))
        how = r.choice(HOW)
        if how == "killed" and self._may_die(task):
            doomed = self._begin(task)
            await doomed.go_on(some)
            await doomed.kill()
            raise WorkerDied
        if how == "overtaken":
            slow = self._begin(task)
            await slow.go_on(some)
            if not slow.ended:
                self.late.append(slow)
        if how == "twice later":
            self.late.append(self._begin(task))
        if how == "side by side":
            return await self._side_by_side(self._begin(task), self._begin(task))
        last = self._begin(task)
        answer = await self._to_its_end(last)
        self.steps[task.name] = last.steps
        return answer

    def _may_die(self, task: Task) -> bool:
        """Where its worker dies every time, a run fails, as it should."""
        self._deaths[f"{task.name} {task.order}"] += 1
        return self._deaths[f"{task.name} {task.order}"] <= MOST_DEATHS

    def _begin(self, task: Task) -> Attempt:
        return self.attempt(task.name, task.order)

    async def _side_by_side(self, *both: Attempt) -> Any:
        """The first answer counts."""
        assert self.r is not None
        while not any(each.ended for each in both):
            await self.r.choice(both).go_on(self.r.choice((1, 1, 3)))
        self.late += [each for each in both if not each.ended]
        return _answer(next(each for each in both if each.ended))

    async def _some_late_one(self) -> None:
        late = self.late.pop(self.r.randrange(len(self.late)) if self.r else 0)
        await late.go_on()

    async def _to_its_end(self, attempt: Attempt) -> Any:
        await attempt.go_on()
        return _answer(attempt)


def _answer(attempt: Attempt) -> Any:
    if attempt.error is not None:
        raise attempt.error
    return attempt.result
