"""A host that dies at any of its commits, just before or just after it, goes on where it was (§9, oracle 4)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from localdev.host.clock import RealClock
from localdev.host.codec import Answer, call, handle_of
from localdev.host.dispatcher import Dispatcher, Limits
from localdev.host.engine import Engine, Rules
from localdev.host.history import dumps, event_raised
from localdev.host.store import Store, Task


def _top(context):
    subs = [context.call_sub_orchestrator("sub", {"n": n}, f"{context.instance_id}:{n}") for n in range(2)]
    told = yield context.task_all(subs)
    told.append((yield context.wait_for_external_event("go")))
    return told


def _sub(context):
    order = context.get_input()
    first = yield context.call_activity("add", order["n"])
    yield context.create_timer(context.current_utc_datetime)
    if "again" not in order:
        context.continue_as_new({"n": first, "again": True})
        return None
    return first


class _Registry:
    def __init__(self) -> None:
        self._handles = {"top": handle_of(_top), "sub": handle_of(_sub)}

    def orchestrator(self, name: str) -> Any:
        return self._handles.get(name)

    def has_activity(self, name: str) -> bool:
        return name == "add"


class _Died(BaseException):
    """What `kill -9` is to a process: nothing that follows happens."""


class _Mortal(Store):
    """Dies at its n-th commit, just before it or just after it; nothing is written any more then."""

    def __init__(self, path: Path, commits: int, *, after: bool) -> None:
        self.dead = False
        self._left, self._after = 10**9, after
        super().__init__(path)
        self._left = commits

    @contextmanager
    def transaction(self) -> Iterator[None]:
        if self.dead:
            raise _Died
        outermost = not self._inside
        with super().transaction():
            yield
            self._left -= outermost
            self.dead = self._left == 0
            if self.dead and not self._after:
                raise _Died
        if self.dead and outermost:
            raise _Died


async def _call(handle: Any, context: str) -> Answer:
    return call(handle, context)


async def _perform(task: Task) -> str:
    return str(int(task.input_text) + 1)


async def _live(path: Path, commits: int, *, after: bool) -> Any:
    """One life of a host: the output if it comes to the end, None if it dies."""
    clock = RealClock()
    store = _Mortal(path, commits, after=after)
    engine = Engine(store, _Registry(), clock, _call, Rules())
    dispatcher = Dispatcher(engine, clock, _perform, Limits(turns=1))
    if store.instance("run") is None:
        with store.transaction():
            engine.start("top", "run", None)
            store.send("run", None, event_raised(clock.now(), "go", dumps("went")))
    running = asyncio.create_task(dispatcher.run())
    try:
        while not store.dead:
            record = store.instance("run")
            if record is not None and record.finished:
                return json.loads(record.output or "null")
            await asyncio.sleep(0)
        return None
    finally:
        await dispatcher.stop(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        store.close()


@pytest.mark.parametrize("after", [False, True], ids=["just before", "just after"])
async def test_a_host_that_dies_at_any_commit_goes_on_where_it_was(after, tmp_path):
    ends, commits = [], 1
    while True:
        commits += 1
        path = tmp_path / f"{commits}.db"
        if await _live(path, commits, after=after) is not None:
            break
        ends.append(await _live(path, 10**9, after=after))

    assert commits > 20
    assert ends == [[2, 3, "went"]] * len(ends)
