"""Workers that know nothing of each other and read mailboxes off a common queue, with the product's own Graph client.

A worker is a process: as many activities at once as `host.json` has, each reading one mailbox side by side as the
client lets it. Time is virtual, and chance comes from the scenario's seed: the same scenario always ends the same way.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle, islice
from typing import cast

import aiohttp

from bench import virtual
from bench.policed import WINDOW, Fixed, PolicedGraph, Session, Sliding
from shared.adapters.graph.client import GraphClient
from shared.adapters.graph.lanes import MAILBOX_WIDTH
from shared.core.errors import GraphAway
from shared.core.estimate import ACTIVITIES

BASE = "https://graph.example/v1.0"
_BUDGET = 240.0  # seconds of one activity; then the mailbox queues up again
_EARLY = 3.0  # seconds that are added to a wait, since durable timers may come too soon


@dataclass(frozen=True)
class Scenario:
    """latency: seconds of an answer, as a mean · allowed: requests in the ten seconds that begin then, all workers
    together · requests: of each mailbox · tells: see `PolicedGraph` · sliding: whether those ten seconds are counted at
    each moment anew · starts: of the workers, in seconds.
    """

    workers: int
    latency: float
    allowed: Callable[[float], float]
    requests: tuple[int, ...]
    seed: int = 1
    tells: bool = False
    sliding: bool = False
    starts: tuple[float, ...] = (0.0,)


@dataclass(frozen=True)
class Outcome:
    """given, refused: requests in each second, as Graph saw them · by_worker: answers, each worker's in each second ·
    plenty: seconds during which more mailboxes were waiting than were read · silence: seconds, the longest for which a
    mailbox under way got no answer · early, most_at_once: see `PolicedGraph`.
    """

    scenario: Scenario
    given: list[int]
    refused: list[int]
    by_worker: list[list[int]]
    plenty: int
    silence: float
    early: int
    most_at_once: int

    def possible(self, second: int) -> float:
        """Requests in this second that Graph allows, and four at once to as many mailboxes as are read."""
        at_once = self.scenario.workers * ACTIVITIES * MAILBOX_WIDTH
        return min(self.scenario.allowed(second - second % WINDOW) / WINDOW, at_once / self.scenario.latency)

    @property
    def used(self) -> float:
        """The part of what was possible that was given, from the first second on, while there were plenty."""
        return sum(self.given[: self.plenty]) / sum(map(self.possible, range(self.plenty)))

    @property
    def refused_part(self) -> float:
        """Of all requests, those while nothing was known included."""
        return sum(self.refused) / (sum(self.given) + sum(self.refused))


def simulate(scenario: Scenario) -> Outcome:
    return virtual.run(_Simulation(scenario).run())


@dataclass(slots=True)
class _Mailbox:
    """left: requests · answered: when the last answer came, or reading began · waited: how long none had come when the
    last activity left it, and how long it was to wait.
    """

    path: str
    left: int
    answered: float = 0.0
    waited: float = 0.0
    silence: float = 0.0

    def answer(self, now: float) -> None:
        self.silence = max(self.silence, now - self.answered)
        self.answered = now


class _NoTokens:
    async def token(self) -> str:
        return "token"

    async def fresh(self) -> str:
        return "token"


@dataclass
class _Worker:
    client: GraphClient
    answers: Counter[int] = field(default_factory=Counter)


class _Simulation:
    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._graph = PolicedGraph(
            scenario.latency,
            scenario.allowed,
            random.Random(scenario.seed),
            scenario.tells,
            Sliding() if scenario.sliding else Fixed(),
        )
        self._mailboxes = [_Mailbox(f"/users/{at}/messages", left) for at, left in enumerate(scenario.requests)]
        self._queue = deque(self._mailboxes)
        self._under_way = 0
        self._plenty_until = 0.0

    async def run(self) -> Outcome:
        workers = [self._worker(number) for number in range(self._scenario.workers)]
        starts = islice(cycle(self._scenario.starts), len(workers))
        async with asyncio.TaskGroup() as group:
            for worker, start in zip(workers, starts, strict=True):
                for _ in range(ACTIVITIES):
                    group.create_task(self._activities(worker, start))
        end = int(asyncio.get_running_loop().time()) + 1
        return Outcome(
            self._scenario,
            _each_second(self._graph.given, end),
            _each_second(self._graph.refused, end),
            [_each_second(worker.answers, end) for worker in workers],
            int(self._plenty_until),
            max(mailbox.silence for mailbox in self._mailboxes),
            self._graph.early,
            self._graph.most_at_once,
        )

    def _worker(self, number: int) -> _Worker:
        loop = asyncio.get_running_loop()
        between = random.Random(1_000 * self._scenario.seed + number).uniform
        session = cast(aiohttp.ClientSession, Session(self._graph))
        # A clock of its own, and with it lanes and a pace of its own.
        return _Worker(GraphClient(session, BASE, _NoTokens(), clock=partial(loop.time), between=between))

    async def _activities(self, worker: _Worker, start: float) -> None:
        """One after the other, until no mailbox is left."""
        await asyncio.sleep(start)
        while self._queue or self._under_way:
            if not self._queue:
                await asyncio.sleep(1.0)
                continue
            mailbox = self._queue.popleft()
            if self._queue:
                self._plenty_until = worker.client.clock()
            self._under_way += 1
            mailbox.answered = worker.client.clock() - mailbox.waited
            away = await self._read(mailbox, worker)
            if mailbox.left:
                mailbox.waited = worker.client.clock() - mailbox.answered + away
                asyncio.get_running_loop().call_later(away, self._again, mailbox)
            else:
                self._under_way -= 1

    def _again(self, mailbox: _Mailbox) -> None:
        self._under_way -= 1
        self._queue.append(mailbox)

    async def _read(self, mailbox: _Mailbox, worker: _Worker) -> float:
        """One activity; the seconds after which the next one may begin."""
        deadline = worker.client.clock() + _BUDGET
        waits = [0.0]

        async def ask() -> None:
            while mailbox.left and waits == [0.0] and worker.client.clock() < deadline:
                mailbox.left -= 1
                try:
                    await worker.client.fetch(mailbox.path, decode=bytes, deadline=deadline)
                except GraphAway as away:
                    mailbox.left += 1
                    waits.append((away.wait or 0.0) + _EARLY)
                else:
                    now = worker.client.clock()
                    mailbox.answer(now)
                    worker.answers[int(now)] += 1

        async with asyncio.TaskGroup() as group:
            for _ in range(MAILBOX_WIDTH):
                group.create_task(ask())
        return max(waits)


def _each_second(counted: Mapping[int, int], end: int) -> list[int]:
    return [counted.get(second, 0) for second in range(end)]
