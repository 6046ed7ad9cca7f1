"""Reads the messages received, or last changed, in a window of time, in that order, without deep `$skip`.

A page ends somewhere within a second: what lies before that second is done, and the window goes on with it. A nextLink
is followed only where pages are empty or all their messages share one second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from shared.adapters.graph.refusals import TooSlow
from shared.adapters.graph.sitting import Sitting, Span
from shared.adapters.graph.wire import CHANGED, Page, WireMessage, decode_messages, unseen
from shared.core.instants import instant_us
from shared.core.periods import MICROSECONDS, rfc3339

_SHORTEST_SPLIT = 7200  # seconds; a shorter window is not worth two requests
_READINGS = 3  # of a window that says it holds more than it gives

Add = Callable[[Iterable[WireMessage]], None]
Time = Callable[[WireMessage], str | None]

RECEIVED = "receivedDateTime"


def received(message: WireMessage) -> str | None:
    return message.received


def changed(message: WireMessage) -> str | None:
    return message.changed


class MessageWindows:
    """path: of the messages of a mailbox · select: the properties · add: is given each message once · received_in: of
    those that changed in a window only the ones that were received in this one; None: windows are of receipt.
    """

    def __init__(
        self, sitting: Sitting, path: str, select: Iterable[str], add: Add, received_in: Span | None = None
    ) -> None:
        self._sitting = sitting
        self._path = path
        self._add = add
        self._property, self._time = (RECEIVED, received) if received_in is None else (CHANGED, changed)
        self._select = ",".join(select if received_in is None else (*select, CHANGED))
        self._also = "" if received_in is None else f" and {within(RECEIVED, received_in.begin, received_in.end)}"
        self.open: list[Span] = []

    def begin(self, span: Span) -> None:
        """Have the window read; it stays in `open` until it is read to its end."""
        self.open.append(span)
        self._sitting.open(span, self._read)

    async def _read(self, span: Span) -> None:
        count: int | None = None
        unmoved = 0
        while not self._sitting.over:
            glance = _Glance.at(span, self._sitting.top, count, self._time)
            try:
                await self._look(glance)
            except TooSlow:
                count = None
                continue
            moved = self._take(span, glance, last_try=unmoved + 1 >= _READINGS)
            if span.begin >= span.end:
                self.open.remove(span)
                return
            unmoved = 0 if moved else unmoved + 1
            self._share(span, glance)
            # A count that did not come true, or that was of a longer window, is asked for again.
            count = glance.left if moved and not glance.ended and span.end == glance.end else None

    async def _look(self, glance: _Glance) -> None:
        """Ask for pages until they tell two seconds apart, which the first one does as a rule."""
        params = {
            "$filter": within(self._property, glance.begin, glance.end) + self._also,
            "$orderby": self._property,
            "$select": self._select,
            "$top": str(glance.top),
        }
        if glance.fresh:
            params["$count"] = "true"
        link: str | None = self._sitting.graph.address(self._path, params)
        seen: set[str] = set()
        while link is not None and not glance.tells and not (seen and self._sitting.over):
            page = await self._sitting.page(link, decode_messages, seen, glance.top)
            glance.note(page)
            seen.add(link)
            link = page.next_link

    def _take(self, span: Span, glance: _Glance, *, last_try: bool) -> bool:
        """Hand on what is whole, and move the window on; whether it moved."""
        if glance.whole:
            until = span.end
        elif glance.tells:
            until = glance.newest
        elif glance.ended and last_try:
            # Of a second that stays in doubt we take what we saw: Graph's counts include what are no messages.
            until = glance.newest + 1 if glance.messages else span.end
        else:
            return False
        messages = glance.before(until)
        self._add(messages)
        self._sitting.items += len(messages)
        glance.taken = len(messages)
        span.begin = min(until, span.end)
        return True

    def _share(self, span: Span, glance: _Glance) -> None:
        """Have the later half read beside this one, where there is much left and a free slot."""
        # A page is as long as Graph makes it, whatever was asked for.
        much = glance.left > len(glance.messages) if glance.left is not None else not glance.ended
        if much and self._sitting.idle > 0 and span.end - span.begin >= _SHORTEST_SPLIT:
            middle = (span.begin + span.end) // 2
            later = Span(middle, span.end)
            span.end = middle
            self.begin(later)


@dataclass(slots=True)
class _Glance:
    """What one look at the window `begin` … `end` showed, with pages of `top`.

    count: how many messages the window holds, as far as known · fresh: the count is asked for with this look ·
    oldest, newest: the seconds of the first and the last message · ended: the last page had no nextLink ·
    full: that page had as many messages as were asked for · taken: how many were handed on.
    """

    begin: int
    end: int
    top: int
    count: int | None
    fresh: bool
    oldest: int
    newest: int
    time: Time
    messages: list[WireMessage] = field(default_factory=list)
    ids: set[str | None] = field(default_factory=set)
    ended: bool = False
    full: bool = False
    taken: int = 0

    @classmethod
    def at(cls, span: Span, top: int, count: int | None, time: Time) -> _Glance:
        return cls(span.begin, span.end, top, count, count is None, span.begin, span.begin, time)

    def note(self, page: Page[WireMessage]) -> None:
        if not self.messages:
            self.oldest = self._first_second(page.items, self.begin)
        self.newest = self._first_second(reversed(page.items), self.newest)
        self.messages += unseen(page.items, self.ids)
        self.ended = page.next_link is None
        self.full = len(page.items) >= self.top
        if self.fresh:
            self.count = self.count if page.count is None else page.count

    @property
    def tells(self) -> bool:
        """Whether it shows messages of two seconds at least, so that all before the newest second are whole."""
        return self.newest > max(self.oldest, self.begin)

    @property
    def whole(self) -> bool:
        """Whether it shows everything. Of a full page without a nextLink only a fresh count can say so."""
        if not self.ended or len(self.messages) < (self.count or 0):
            return False
        return not self.full or (self.fresh and self.count is not None)

    @property
    def left(self) -> int | None:
        return None if self.count is None else self.count - self.taken

    def before(self, until: int) -> list[WireMessage]:
        """The messages of before this second."""
        stop = len(self.messages)
        if until <= self.newest:
            while stop and self._second(self.messages[stop - 1], until) >= until:
                stop -= 1
        return self.messages[:stop]

    def _second(self, message: WireMessage, otherwise: int) -> int:
        instant = instant_us(self.time(message))
        return otherwise if instant is None else instant // MICROSECONDS

    def _first_second(self, messages: Iterable[WireMessage], otherwise: int) -> int:
        return next((self._second(each, otherwise) for each in messages if self.time(each) is not None), otherwise)


def within(name: str, begin: int, end: int) -> str:
    """A condition of a filter: this property lies in the half-open window."""
    return f"{name} ge {rfc3339(begin * MICROSECONDS)} and {name} lt {rfc3339(end * MICROSECONDS)}"
