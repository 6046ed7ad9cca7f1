"""Finds where a mailbox holds other messages than are known, by counts alone: halves of what is not the same count.

A window in doubt is not looked into any further when it is worth a page, or when more counts would cost more than they
save: then it has to be read again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.adapters.graph.message_windows import RECEIVED, within
from shared.adapters.graph.sitting import Sitting
from shared.adapters.graph.together import together
from shared.adapters.graph.wire import decode_messages
from shared.core.ledger import Seconds

WORTH_A_PAGE = 500  # messages; half as many would take another count and save little
_LEAST_COUNTS, _PER_COUNT = 10, 3000


class Recount:
    """known: the seconds of receipt of the messages that are known, sorted."""

    def __init__(self, sitting: Sitting, path: str, known: NDArray[np.int64]) -> None:
        self._sitting = sitting
        self._path = path
        self._known = known
        self._left = _LEAST_COUNTS + len(known) // _PER_COUNT
        self._doubtful: list[Seconds] = []

    async def doubtful(self, window: Seconds) -> list[Seconds]:
        """The windows within this one that hold other messages than are known, sorted."""
        await self._search(window, await self._count(window))
        return sorted(self._doubtful)

    async def _search(self, window: Seconds, count: int | None) -> None:
        known = self._known_in(window)
        if count == len(known):
            return
        middle = self._middle(window)
        worth_a_page = len(known) <= WORTH_A_PAGE and (count or 0) <= 2 * WORTH_A_PAGE
        if count is None or middle is None or worth_a_page or self._left <= 0 or self._sitting.over:
            self._doubtful.append(window)
            return
        earlier, later = (window[0], middle), (middle, window[1])
        of_earlier = await self._count(earlier)
        of_later = None if of_earlier is None else count - of_earlier
        await together([self._search(earlier, of_earlier), self._search(later, of_later)])

    def _known_in(self, window: Seconds) -> NDArray[np.int64]:
        first, end = np.searchsorted(self._known, window)
        return self._known[first:end]

    def _middle(self, window: Seconds) -> int | None:
        """Half of what is known lies before this second, or where too little is known, half of the time."""
        known, (begin, end) = self._known_in(window), window
        middle = int(known[len(known) // 2]) if len(known) > WORTH_A_PAGE else (begin + end) // 2
        if not begin < middle < end:
            middle = (begin + end) // 2
        return middle if begin < middle < end else None

    async def _count(self, window: Seconds) -> int | None:
        self._left -= 1
        params = {"$filter": within(RECEIVED, *window), "$select": "id", "$count": "true", "$top": "1"}
        page = await self._sitting.page(
            self._sitting.graph.address(self._path, params), decode_messages, frozenset(), 1
        )
        return page.count
