"""Graph's throttling by the limits of graph-facts §3, counting what it is asked, on the loop's own time.

Per mailbox four requests at once and 10,000 in ten minutes; for the app so many in ten seconds as a scenario allows:
130,000 over all tenants are published, and what other tenants or a tenant's own half leave of them is not known.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from yarl import URL

PUBLISHED = 130_000
WINDOW = 10.0
AT_ONCE = 4
PER_MAILBOX, MAILBOX_WINDOW = 10_000, 600.0
_SCOPE = "Tenant_Application/Read"


class Answer(NamedTuple):
    """As much of a response as the client looks at."""

    status: int
    headers: dict[str, str]

    async def read(self) -> bytes:
        return b""


@dataclass(slots=True)
class Fixed:
    """How much was asked for in a window of fixed length and beginning; what is refused counts too."""

    number: int = -1
    used: int = 0

    def wait(self, now: float, seconds: float, allowed: float) -> float:
        """Seconds until the next window begins where this one is used up, else 0."""
        number = int(now / seconds)
        if number != self.number:
            self.number, self.used = number, 0
        self.used += 1
        return (number + 1) * seconds - now if self.used > allowed else 0.0


@dataclass(slots=True)
class Sliding:
    """How much was asked for in the seconds before, at each moment anew; what is refused counts too."""

    asked: deque[float] = field(default_factory=deque)

    def wait(self, now: float, seconds: float, allowed: float) -> float:
        """Seconds until so much has passed by that there is room again, 0 where there is."""
        while self.asked and self.asked[0] <= now - seconds:
            self.asked.popleft()
        self.asked.append(now)
        beyond = len(self.asked) - int(allowed)
        return self.asked[beyond] + seconds - now if beyond > 0 else 0.0


@dataclass
class PolicedGraph:
    """latency: seconds of an answer as a mean, of refusals too · allowed: requests in a window of the app's, by when it
    begins · tells: whether a refusal of the whole tenant says so, in the header that Graph has for it · app: counts.

    given, refused: answers by second · early: requests sent before the end of a wait that their sender knew of ·
    most_at_once: to one mailbox.
    """

    latency: float
    allowed: Callable[[float], float]
    random: random.Random
    tells: bool
    app: Fixed | Sliding
    given: Counter[int] = field(default_factory=Counter)
    refused: Counter[int] = field(default_factory=Counter)
    early: int = 0
    most_at_once: int = 0
    _mailboxes: defaultdict[str, Fixed] = field(default_factory=lambda: defaultdict(Fixed))
    _under_way: Counter[str] = field(default_factory=Counter)

    async def answer(self, mailbox: str, told: dict[str, float]) -> Answer:
        """told: until when this sender was told to wait, by mailbox, and under "" for all of them."""
        clock = asyncio.get_running_loop().time
        self.early += clock() < max(told.get(mailbox, 0.0), told.get("", 0.0))
        await self._travel()
        now = clock()
        self._under_way[mailbox] += 1
        self.most_at_once = max(self.most_at_once, self._under_way[mailbox])
        wait, whose = self._judge(mailbox, now)
        (self.refused if wait else self.given)[int(now)] += 1
        await self._travel()
        self._under_way[mailbox] -= 1
        if not wait:
            return Answer(200, {})
        told[whose] = max(told.get(whose, 0.0), clock() + wait)
        scope = {} if whose else {"x-ms-throttle-scope": _SCOPE}
        return Answer(429, {"Retry-After": str(wait), **scope})

    async def _travel(self) -> None:
        """One way of two."""
        await asyncio.sleep(self.latency / 2 * self.random.uniform(0.5, 1.5))

    def _judge(self, mailbox: str, now: float) -> tuple[int, str]:
        """Whole seconds to wait, 0 where the request is answered; the mailbox that is meant, or "" for all of them."""
        if wait := self.app.wait(now, WINDOW, self.allowed(now - now % WINDOW)):
            return math.ceil(wait), "" if self.tells else mailbox
        if self._under_way[mailbox] > AT_ONCE:
            return 1, mailbox
        return math.ceil(self._mailboxes[mailbox].wait(now, MAILBOX_WINDOW, PER_MAILBOX)), mailbox


@dataclass
class Session:
    """One process's connections, in place of aiohttp's."""

    graph: PolicedGraph
    told: dict[str, float] = field(default_factory=dict)

    @asynccontextmanager
    async def get(self, address: URL, **_: Any) -> AsyncIterator[Answer]:
        yield await self.graph.answer(address.parts[3], self.told)
