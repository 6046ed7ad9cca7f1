"""How many requests may be under way to one mailbox, when it wants to be left alone, and whose turn it is."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from shared.adapters.graph.patience import Uniform
from shared.core.pace import Pace

# Graph refuses the fifth request to a mailbox, mail and calendar counted together.
MAILBOX_WIDTH = 4
DIRECTORY_WIDTH = 16

Clock = Callable[[], float]


class Line:
    """In which the requests to all mailboxes of a process stand as they come, where Graph has set a pace."""

    def __init__(self, uniform: Uniform) -> None:
        self.pace = Pace(uniform)
        self._head = asyncio.Lock()
        self._standing = 0

    def length(self, now: float) -> float:
        """Seconds until it is the turn of who comes now."""
        return 0.0 if self.pace.free else self.pace.turn(now) + self._standing / self.pace.rate(now)

    @asynccontextmanager
    async def head(self) -> AsyncIterator[Pace]:
        """Stand in line; inside it is one's turn to wait for `turn`, and to `take` it."""
        self._standing += 1
        try:
            async with self._head:
                yield self.pace
        finally:
            self._standing -= 1


class Lane:
    """The way to one mailbox (None: to the directory, which Graph counts apart: it has no turns)."""

    def __init__(self, mailbox: str | None, line: Line) -> None:
        self.mailbox = mailbox
        self.line = line
        self._slots = asyncio.Semaphore(DIRECTORY_WIDTH if mailbox is None else MAILBOX_WIDTH)
        self._clear_at = 0.0

    @property
    def clear_at(self) -> float:
        """When the last `Retry-After` is over: of this mailbox, or of the whole tenant."""
        return max(self._clear_at, self.line.pace.clear_at)

    @property
    def free(self) -> bool:
        """Whether requests need not stand in line."""
        return self.mailbox is None or self.line.pace.free

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        async with self._slots:
            yield

    def close_until(self, instant: float) -> None:
        # Requests made while throttled still count against us.
        self._clear_at = max(self._clear_at, instant)

    def answered(self, sent: float, now: float) -> None:
        if self.mailbox is not None:
            self.line.pace.answered(sent, now)

    def refused(self, sent: float, now: float, wait: float, scope: str) -> None:
        """With 429. scope: the header in which Graph may say whom it refuses."""
        if self.mailbox is not None:
            self.line.pace.refused(self.mailbox, sent, now, wait, scope.lower().startswith(("tenant", "application")))


@dataclass(slots=True)
class _Ways:
    """To one Graph, by one clock."""

    line: Line
    lanes: OrderedDict[str | None, Lane] = field(default_factory=OrderedDict)


# More than may be busy at once; a lane outlives those who use it, since the next ones have to wait as long.
_KEPT = 5_000

_ways: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, Clock], _Ways]] = WeakKeyDictionary()


def lane(base_url: str, mailbox: str | None, clock: Clock, uniform: Uniform) -> Lane:
    """The lane of this mailbox (None: of the directory), which all clients of a process share that go by this clock."""
    known = _ways.setdefault(asyncio.get_running_loop(), {})
    if (base_url, clock) not in known:
        known[base_url, clock] = _Ways(Line(uniform))
    ways = known[base_url, clock]
    if mailbox not in ways.lanes:
        ways.lanes[mailbox] = Lane(mailbox, ways.line)
    ways.lanes.move_to_end(mailbox)
    while len(ways.lanes) > _KEPT:
        ways.lanes.popitem(last=False)
    return ways.lanes[mailbox]
