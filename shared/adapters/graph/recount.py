"""Finds where a mailbox holds other messages than are known, mostly by counts: halves of what is not the same count.

What vanishes is mostly very new, or very old where old mail is cleared away, so the first counts bring along a page
from either end. A window in doubt is not looked into any further when it is worth a page, or when more counts would
cost more than they save: then it has to be read again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import numpy as np
from numpy.typing import NDArray

from shared.adapters.graph.ends import End
from shared.adapters.graph.message_windows import RECEIVED, within
from shared.adapters.graph.sitting import LARGEST_PAGE, Sitting
from shared.adapters.graph.together import together
from shared.adapters.graph.wire import decode_messages
from shared.core.ledger import Seconds

LEAST_PAGE = 500  # messages; half as many would take another count and save little
# For all that vanished one message in so many is read again, where it is little enough for that.
_SHARE = 20
# So many that differ lie in both halves of their window as likely as not.
_SEVERAL = 2
_LARGE_SHARE = 10
_LEAST_COUNTS, _PER_COUNT = 10, 3000
# A count that is so far off is asked for again, by time of receipt alone: not all messages may have one of change.
_INCREDIBLE_SHARE, _CREDIBLE = 10, 10

# Reads the newest (True) or the oldest messages received in a window; None where there is no such page to be had.
LookAt = Callable[[Seconds, bool], Awaitable[End | None]]


class Recount:
    """known: the seconds of receipt of the messages that are known, sorted · look: what it shows has been read."""

    def __init__(self, sitting: Sitting, path: str, known: NDArray[np.int64], look: LookAt) -> None:
        self._sitting = sitting
        self._path = path
        self._known = known
        self._look = look
        self._page = LARGEST_PAGE
        self._left = _LEAST_COUNTS + len(known) // _PER_COUNT
        self._ends: dict[bool, int] = {}  # newest or not → the second at this end, while it has not been looked at
        self._doubtful: list[Seconds] = []

    async def doubtful(self, window: Seconds, count: int | None) -> list[Seconds]:
        """The windows within this one that hold other messages than are known, sorted. count: of it, as it was told."""
        known = len(self._known_in(window))
        if count is None or abs(count - known) > max(_CREDIBLE, known // _INCREDIBLE_SHARE):
            count = await self._count(window)
        if count is not None and count != known:
            self._page = max(LEAST_PAGE, min(LARGEST_PAGE, known // (_SHARE * abs(count - known))))
        self._ends = {True: window[1], False: window[0]}
        await self._search(window, count)
        return sorted(self._doubtful)

    async def _search(self, window: Seconds, count: int | None) -> None:
        known = len(self._known_in(window))
        if count == known or window[0] >= window[1]:
            return
        middle = self._middle(window)
        if count is None or middle is None or self._worth_a_page(known, count) or self._left <= 0 or self._sitting.over:
            self._doubtful.append(window)
            return
        newest = self._end(window)
        earlier, later = (window[0], middle), (middle, window[1])
        part, other = (later, earlier) if newest else (earlier, later)
        of_part, rest, of_rest = await self._ask(part, newest)
        of_other = None if of_part is None else count - of_part
        if self._scattered(rest, of_rest) and self._scattered(other, of_other):
            self._doubtful += [rest, other]
            return
        await together([self._search(rest, of_rest), self._search(other, of_other)])

    def _worth_a_page(self, known: int, count: int) -> bool:
        """Whether no count could save a page any more."""
        largest = max(known, count)
        return largest <= self._page or (largest <= LARGEST_PAGE and abs(known - count) >= _SEVERAL)

    def _scattered(self, window: Seconds, count: int | None) -> bool:
        """Whether so many differ that there may be one on every page of the window, and it is no small one."""
        known = len(self._known_in(window))
        large = known > max(self._page, len(self._known) // _LARGE_SHARE)
        return large and count is not None and abs(known - count) * LARGEST_PAGE >= known

    def _known_in(self, window: Seconds) -> NDArray[np.int64]:
        first, end = np.searchsorted(self._known, window)
        return self._known[first:end]

    def _middle(self, window: Seconds) -> int | None:
        """Half of what is known lies before this second, or where too little is known, half of the time."""
        known, (begin, end) = self._known_in(window), window
        middle = int(known[len(known) // 2]) if len(known) > self._page else (begin + end) // 2
        if not begin < middle < end:
            middle = (begin + end) // 2
        return middle if begin < middle < end else None

    def _end(self, window: Seconds) -> bool | None:
        """Which end of all messages this window has that has not been looked at: the newest first, None for neither."""
        for newest, second in self._ends.items():
            if second in window:
                del self._ends[newest]
                return newest
        return None

    async def _ask(self, window: Seconds, newest: bool | None) -> tuple[int | None, Seconds, int | None]:
        """How many messages the window holds, what of it is left to be searched, and how many those are."""
        end = None if newest is None else await self._look(window, newest)
        if end is None:
            count = await self._count(window)
            return count, window, count
        self._left -= 1
        rest = (window[0], end.whole[0]) if newest else (end.whole[1], window[1])
        return end.count, rest, None if end.count is None else end.count - len(end.messages)

    async def _count(self, window: Seconds) -> int | None:
        self._left -= 1
        params = {"$filter": within(RECEIVED, *window), "$select": "id", "$count": "true", "$top": "1"}
        page = await self._sitting.page(
            self._sitting.graph.address(self._path, params), decode_messages, frozenset(), 1
        )
        return page.count
