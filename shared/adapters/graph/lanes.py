"""How many requests may be under way to one mailbox, and when it wants to be left alone."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary

# Graph refuses the fifth request to a mailbox, mail and calendar counted together.
MAILBOX_WIDTH = 4
DIRECTORY_WIDTH = 16


class Lane:
    """The way to one mailbox, or to the directory. `clear_at`: when its last `Retry-After` is over."""

    def __init__(self, width: int) -> None:
        self._slots = asyncio.Semaphore(width)
        self.clear_at = 0.0

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        async with self._slots:
            yield

    def close_until(self, instant: float) -> None:
        # Requests made while throttled still count against us.
        self.clear_at = max(self.clear_at, instant)


_Lanes = OrderedDict[tuple[str, str, Callable[[], float]], Lane]
# More than may be busy at once; a lane outlives those who use it, since the next ones have to wait as long.
_KEPT = 5_000

_lanes: WeakKeyDictionary[asyncio.AbstractEventLoop, _Lanes] = WeakKeyDictionary()


def lane(base_url: str, mailbox: str | None, clock: Callable[[], float]) -> Lane:
    """The lane of this mailbox (None: of the directory), which all clients of a process share that go by this clock."""
    lanes = _lanes.setdefault(asyncio.get_running_loop(), OrderedDict())
    key = base_url, mailbox or "", clock
    if key not in lanes:
        lanes[key] = Lane(MAILBOX_WIDTH if mailbox else DIRECTORY_WIDTH)
    lanes.move_to_end(key)
    while len(lanes) > _KEPT:
        lanes.popitem(last=False)
    return lanes[key]
