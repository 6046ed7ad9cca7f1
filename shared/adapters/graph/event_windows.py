"""Reads the events that start in a window, from the view of a default calendar that has recurring ones expanded.

An event belongs to the window that holds its start. A window with more events than a page takes is cut into shorter
ones; the pages of a short one are followed by their nextLinks, and what they show is compared with the count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from shared.adapters.graph.refusals import TooSlow
from shared.adapters.graph.sitting import Sitting, Span
from shared.adapters.graph.wire import EVENT_SELECT, Page, WireEvent, decode_events, unseen
from shared.core.meetings import starts_us
from shared.core.periods import MICROSECONDS, rfc3339

# Seconds around a window: an event without length, just where two windows meet, overlaps neither.
_MARGIN = 60
_SHORTEST = 3600
_MOST_PIECES = 16

Add = Callable[[Iterable[WireEvent]], None]


class EventWindows:
    """path: of the view of the default calendar of a mailbox · add: is given each event once."""

    def __init__(self, sitting: Sitting, path: str, add: Add) -> None:
        self._sitting = sitting
        self._path = path
        self._add = add
        self.open: list[Span] = []

    def begin(self, span: Span) -> None:
        """Have the window read; it stays in `open` until it is read whole."""
        self.open.append(span)
        self._sitting.open(span, self._read)

    async def _read(self, span: Span) -> None:
        divisible = span.end - span.begin >= 2 * _SHORTEST
        readings = 0
        while not self._sitting.over:
            look = _Look(self._sitting.top, divisible)
            try:
                await self._look(span, look)
            except TooSlow:
                continue
            readings += 1
            # What a second reading does not show either, shorter windows may; an hour shows what there is.
            doubtful = look.ended and readings > 1
            if look.whole or (doubtful and not divisible):
                self._take(span, look)
                return
            if divisible and (look.too_many or doubtful):
                self._cut(span, look.pieces)
                return

    async def _look(self, span: Span, look: _Look) -> None:
        params = {
            **view(span.begin, span.end),
            "$select": ",".join(EVENT_SELECT),
            "$top": str(look.top),
            "$count": "true",
        }
        link: str | None = self._sitting.graph.address(self._path, params)
        seen: set[str] = set()
        while link is not None and not look.too_many and not (seen and self._sitting.over):
            page = await self._sitting.page(link, decode_events, seen, look.top)
            look.note(page)
            seen.add(link)
            link = page.next_link

    def _take(self, span: Span, look: _Look) -> None:
        starts = (starts_us(look.events) // MICROSECONDS).tolist()
        events = [event for event, start in zip(look.events, starts, strict=True) if span.begin <= start < span.end]
        self._add(events)
        self._sitting.items += len(events)
        self.open.remove(span)

    def _cut(self, span: Span, pieces: int) -> None:
        """Have shorter windows read in place of this one."""
        edges = [span.begin + (span.end - span.begin) * piece // pieces for piece in range(pieces + 1)]
        self.open.remove(span)
        for begin, end in pairwise(edges):
            self.begin(Span(begin, end))


@dataclass(slots=True)
class _Look:
    """What the pages of a window showed. ended: there is no further page · full: the last one had `top` events."""

    top: int
    divisible: bool
    events: list[WireEvent] = field(default_factory=list)
    ids: set[str | None] = field(default_factory=set)
    count: int | None = None
    ended: bool = False
    full: bool = False

    def note(self, page: Page[WireEvent]) -> None:
        self.events += unseen(page.items, self.ids)
        self.count = self.count if page.count is None else page.count
        self.ended = page.next_link is None
        self.full = len(page.items) >= self.top

    @property
    def too_many(self) -> bool:
        """Whether shorter windows are the better way: each of them is whole within a page or two."""
        return self.divisible and not self.ended and max(self.count or 0, len(self.events)) > self.top

    @property
    def whole(self) -> bool:
        return self.ended and (not self.full if self.count is None else len(self.events) >= self.count)

    @property
    def pieces(self) -> int:
        """How many shorter windows, so that each has its events in a page that is not quite full."""
        return max(2, min(_MOST_PIECES, -(-(self.count or 0) * 5 // (self.top * 4))))


def view(begin: int, end: int) -> dict[str, str]:
    """The parameters that show what lies between these seconds, and a little more."""
    return {
        "startDateTime": rfc3339((begin - _MARGIN) * MICROSECONDS),
        "endDateTime": rfc3339((end + _MARGIN) * MICROSECONDS),
    }
