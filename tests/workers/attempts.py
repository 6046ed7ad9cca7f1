"""Attempts of activities that can be held up before any step to storage, go on later, side by side, or not at all."""

from __future__ import annotations

import asyncio
import inspect
import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

from shared.adapters.blobs import Entry, Storage

FOR_EVER = 10**9


class Killed(BaseException):
    """The worker is gone: nothing in it goes on, and nothing catches that."""


@dataclass(eq=False)
class Attempt:
    """One attempt of an activity, in a thread of its own, as in a worker of its own.

    work: the activity's function of what it is given to reach the storage by · allowed: how many steps it may do ·
    steps: how many it has come to.
    """

    work: Callable[[Callable[[], None]], Any]
    allowed: int = FOR_EVER
    result: Any = None
    error: BaseException | None = None
    steps: int = 0
    _held: int = 0
    _killed: bool = False
    _thread: threading.Thread | None = None
    _change: threading.Condition = field(default_factory=threading.Condition)

    @property
    def ended(self) -> bool:
        return self._thread is not None and not self._thread.is_alive()

    async def go_on(self, steps: int = FOR_EVER) -> None:
        """Let it do so many more steps; returns when it is held up, or has ended."""
        with self._change:
            self.allowed = min(self.steps - self._held + steps, FOR_EVER)
            self._change.notify_all()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()
        await asyncio.to_thread(self._settle)

    async def kill(self) -> None:
        with self._change:
            self._killed = True
            self._change.notify_all()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    def step(self) -> None:
        """Before each step to storage, from whatever thread of the attempt."""
        with self._change:
            number = self.steps
            self.steps += 1
            self._held += 1
            self._change.notify_all()
            self._change.wait_for(lambda: number < self.allowed or self._killed)
            self._held -= 1
            if self._killed:
                raise Killed

    def _run(self) -> None:
        try:
            value = self.work(self.step)
            self.result = asyncio.run(value) if inspect.iscoroutine(value) else value
        except BaseException as error:
            self.error = error
        with self._change:
            self._change.notify_all()

    def _settle(self) -> None:
        """Until no thread of it can do a further step, or all is done."""
        assert self._thread is not None
        while self._thread.is_alive():
            with self._change:
                if self._held and self.steps - self._held == self.allowed:
                    return
                self._change.wait(0.002)


class Stepwise:
    """A container through which an attempt goes one step at a time; each step is whole."""

    _whole = threading.Lock()

    def __init__(self, inner: Any, step: Callable[[], None]) -> None:
        self._inner, self._step = inner, step

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)

        def stepping(*args: Any, **how: Any) -> Any:
            self._step()
            with self._whole:
                return method(*args, **how)

        return stepping

    def entries(self, prefix: str) -> Iterator[Entry]:
        self._step()
        with self._whole:
            return iter(list(self._inner.entries(prefix)))

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        written = io.BytesIO()
        yield written
        self.write(name, written.getvalue())

    def delete_prefix(self, prefix: str) -> int:
        """Blob Storage knows no such step: it takes one for each blob."""
        return sum(self.delete(entry.name) for entry in self.entries(prefix))


def stepwise(storage: Storage, step: Callable[[], None]) -> Storage:
    """The storage, as an attempt reaches it."""
    containers: list[Any] = [storage.input, storage.config, storage.staging, storage.output]
    return Storage(*(Stepwise(each, step) for each in containers))
