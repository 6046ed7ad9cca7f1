"""How many requests may be under way to one mailbox, and when it wants to be left alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

# Graph refuses the fifth request to a mailbox, mail and calendar counted together.
MAILBOX_WIDTH = 4
DIRECTORY_WIDTH = 8


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


_lanes: WeakValueDictionary[tuple[int, str, str], Lane] = WeakValueDictionary()


def lane(base_url: str, mailbox: str | None) -> Lane:
    """The lane of this mailbox (None: of the directory); all clients of a process share it while one holds it."""
    key = (id(asyncio.get_running_loop()), base_url, mailbox or "")
    found = _lanes.get(key)
    if found is None:
        found = _lanes[key] = Lane(MAILBOX_WIDTH if mailbox else DIRECTORY_WIDTH)
    return found
