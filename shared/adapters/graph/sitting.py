"""One call's reading of one mailbox: its time, its page size, the windows still open, and why it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Container
from dataclasses import dataclass, field
from datetime import datetime

from shared.adapters.graph.client import GraphClient, PageT
from shared.adapters.graph.lanes import MAILBOX_WIDTH
from shared.adapters.graph.refusals import TooSlow
from shared.core.errors import AppError, GraphAway

LARGEST_PAGE = 1000
# After so many pages a larger one is tried: a bad minute of Graph's must not keep pages small for ever.
_GOOD_PAGES = 25


@dataclass(slots=True, eq=False)
class Span:
    """A window of time, half-open, in whole seconds since the epoch; `begin` moves on as it is read."""

    begin: int
    end: int


@dataclass(slots=True)
class Sitting:
    """deadline: on the client's clock · most: items after which the call ends, to bound its memory · now: wall clock.

    items: handed on so far · progressed: when the last page came · away: Graph's last word, where it could not be had.
    """

    graph: GraphClient
    deadline: float
    most: int
    now: Callable[[], datetime]
    top: int = LARGEST_PAGE
    items: int = 0
    progressed: datetime | None = None
    away: GraphAway | None = None
    refusal: AppError | None = None
    _good_pages: int = 0
    _open: list[Span] = field(default_factory=list)
    _tasks: asyncio.TaskGroup | None = None

    @property
    def over(self) -> bool:
        """No further request is to be made."""
        ended = self.away is not None or self.refusal is not None or self.items >= self.most
        return ended or self.graph.clock() >= self.deadline

    @property
    def idle(self) -> int:
        """How many more windows could be read side by side."""
        return MAILBOX_WIDTH - len(self._open)

    async def run(self, begin: Callable[[], None]) -> None:
        """Read until everything that `begin` opens is read, or the sitting is over. Raises what was refused."""
        async with asyncio.TaskGroup() as self._tasks:
            begin()
        if self.refusal is not None:
            raise self.refusal

    def open(self, span: Span, read: Callable[[Span], Awaitable[None]]) -> None:
        """Have the window read beside the others."""
        assert self._tasks is not None
        self._open.append(span)
        self._tasks.create_task(self._read(span, read))

    async def _read(self, span: Span, read: Callable[[Span], Awaitable[None]]) -> None:
        try:
            await read(span)
        except GraphAway as away:
            if self.away is None or (away.wait or 0) > (self.away.wait or 0):
                self.away = away
        except AppError as refusal:
            self.refusal = self.refusal or refusal
        finally:
            self._open.remove(span)

    async def page(self, link: str, decode: Callable[[bytes], PageT], seen: Container[str], top: int) -> PageT:
        """One page, asked for with this `$top`. Raises `TooSlow` when the caller is to begin again, with `self.top`."""
        try:
            page = await self.graph.page(link, decode=decode, seen=seen, deadline=self.deadline, slow_is_final=top > 1)
        except TooSlow:
            # Windows read side by side may all be too slow with the same page size.
            self.top = min(self.top, max(1, top // 2))
            self._good_pages = 0
            raise
        self._came()
        return page

    def _came(self) -> None:
        self.progressed = self.now()
        self._good_pages += 1
        if self._good_pages >= _GOOD_PAGES and self.top < LARGEST_PAGE:
            self.top = min(LARGEST_PAGE, self.top * 2)
            self._good_pages = 0
