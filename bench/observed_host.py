"""The local host, watched: what replays take, and how large what it keeps and carries gets."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localdev.host import codec
from localdev.host.codec import Answer
from localdev.host.history import dumps
from localdev.host.server import Host
from localdev.host.store import Filter, Task
from shared.core.contracts import EXTRACT_MAILBOX

INSTANCE = "observed"


@dataclass(slots=True)
class Observed:
    """What it took until an orchestration had ended.

    replay: CPU seconds in the SDK and the orchestrators · host: of the whole process, which serves them and answers for
    the activities · turns: replays · mailboxes: calls of extract_mailbox · rows, history: events of the longest
    history, and bytes of the largest · payload: bytes of the largest input or output of an activity or orchestration ·
    status: bytes of the largest custom status, as UTF-16.
    """

    replay: float = 0.0
    host: float = 0.0
    turns: int = 0
    mailboxes: int = 0
    rows: int = 0
    history: int = 0
    payload: int = 0
    status: int = 0

    def carried(self, *texts: str | None) -> None:
        self.payload = max(self.payload, *(len((text or "").encode()) for text in texts))


class ObservedHost(Host):
    """What it sees is in `seen`."""

    def __init__(self, app: Any, state: Path, **how: Any) -> None:
        super().__init__(app, state, **how)
        self.seen = Observed()

    async def run(self, orchestrator: str, request: dict[str, Any]) -> None:
        """Start an orchestration, and wait until it has ended well."""
        before = time.process_time()
        self.engine.start(orchestrator, INSTANCE, dumps(dumps(request)))
        while (record := self.store.instance(INSTANCE)) is None or not record.finished:
            await asyncio.sleep(0.05)
        self.seen.host = time.process_time() - before
        output = str(record.output)
        assert record.status == "Completed" and '"state":"Failed"' not in output, output
        self._look_back()

    def _look_back(self) -> None:
        """At what is left of all orchestrations."""
        for record in self.store.find(Filter(top=1_000_000)):
            events = self.store.history(record.id, record.execution)
            self.seen.rows = max(self.seen.rows, len(events))
            self.seen.history = max(self.seen.history, sum(len(event.body.encode()) for event in events))
            self.seen.carried(record.input_text, record.output)

    async def _replay(self, handle: Any, context: str) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._timed, handle, context)

    def _timed(self, handle: Any, context: str) -> Answer:
        before = time.thread_time()
        answer = codec.call(handle, context)
        self.seen.replay += time.thread_time() - before
        self.seen.turns += 1
        self.seen.status = max(self.seen.status, len((answer.custom_status or "").encode("utf-16-le")))
        return answer

    async def _perform(self, task: Task) -> str:
        result = await super()._perform(task)
        self.seen.mailboxes += task.name == EXTRACT_MAILBOX.name
        self.seen.carried(task.input_text, result)
        return result
