"""Reads of a mailbox what is new or may have changed since an earlier run, and the windows in which something vanished.

What arrived, changed or moved has a new time of last change; what vanished shows in the number of messages. Folders
that moved change neither: who calls sees to it that the excluded ones are the same as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np

from shared.adapters.graph import ends, links
from shared.adapters.graph.client import GraphClient
from shared.adapters.graph.ends import End
from shared.adapters.graph.event_windows import Add, EventWindows
from shared.adapters.graph.mailbox import MOST_ITEMS, Rest, rest_of, whole
from shared.adapters.graph.message_windows import MessageWindows
from shared.adapters.graph.recount import Recount
from shared.adapters.graph.sitting import LARGEST_PAGE, Sitting, Span
from shared.adapters.graph.wire import MESSAGE_SELECT, MESSAGE_SELECT_WITH_HEADERS, WireMessage
from shared.core import ledger
from shared.core.instants import instant_us
from shared.core.ledger import Kept, Reading, Seconds
from shared.core.messages import MessageReader
from shared.core.periods import MICROSECONDS, Window, to_us

# Seconds by which Graph's clock may differ from ours, and by which a change may show late.
MARGIN = 300
_A_DAY = 86_400
_A_YEAR = 365 * _A_DAY
_MOST_WINDOWS = 50  # more are read as one
# Of what is known, so much may be looked at for changes: a few and what the time allows, one in so many at most.
A_FEW, VAIN_SHARE = 2, 20
# Of what is known, one in so many is read again at either end, where something has vanished.
END_SHARE, _MOST_AT_AN_END = 60, 500


class Rerun:
    """What an earlier run knows of a mailbox's messages, and what is read of them now.

    reader: judges what is read now · since: from this second on changes are looked for.
    """

    def __init__(self, kept: Kept, reader: MessageReader, window: Window) -> None:
        self.reader = reader
        self.window = window
        (self.range,) = whole(window).messages
        in_range = ledger.received_in(kept.reading.ledger, [self.range])
        self._kept = ledger.only(kept.reading, in_range)
        self.since = kept.taken.since - MARGIN

    def forget(self, windows: list[Seconds]) -> None:
        """What was received in these windows is to be read again."""
        self._kept = ledger.only(self._kept, ~ledger.received_in(self._kept.ledger, windows))

    def likely_changes(self) -> int:
        """How many messages to look at in order to see, as a rule, all that arrived or changed since: four times the
        mail of that time, since mail is filed, too. What is looked at beyond the changes is read in vain.
        """
        known, seconds = len(self._kept.ledger.id), self.window.as_of_us // MICROSECONDS - self.since
        return max(1, min(LARGEST_PAGE, known // VAIN_SHARE, A_FEW + 4 * known * seconds // _A_YEAR))

    def reading(self) -> Reading:
        """The messages as far as they are known now, judged under the window."""
        fresh = ledger.latest(self.reader.reading())
        return ledger.under(ledger.together([ledger.without(self._kept, fresh), fresh]), self.window)


async def read(
    graph: GraphClient,
    user_id: str,
    rerun: Rerun,
    add_events: Add,
    *,
    deadline: float,
    now: Callable[[], datetime],
    with_headers: bool = False,
) -> Rest:
    """Read what is new, changed or in doubt, and the whole calendar. What is not read to its end is void.

    Raises what `mailbox.read` raises.
    """
    sitting = Sitting(graph, deadline, MOST_ITEMS, now)
    mailbox = f"/users/{links.segment(user_id)}"
    select = MESSAGE_SELECT_WITH_HEADERS if with_headers else MESSAGE_SELECT
    messages = _Messages(sitting, f"{mailbox}/messages", select, rerun)
    events = EventWindows(sitting, f"{mailbox}/calendarView", add_events)

    def begin() -> None:
        for first, last in whole(rerun.window).meetings:
            events.begin(Span(first, last))
        messages.begin()

    await sitting.run(begin)
    if sitting.over:
        return rest_of(sitting, whole(rerun.window))
    doubtful = await messages.doubtful()
    rerun.forget(doubtful)
    await sitting.run(lambda: messages.begin_again(doubtful))
    return rest_of(sitting, whole(rerun.window) if messages.open else None)


class _Messages:
    """The messages of a mailbox: what changed first, with the number of all of them, then what is in doubt."""

    def __init__(self, sitting: Sitting, path: str, select: Sequence[str], rerun: Rerun) -> None:
        self._sitting = sitting
        self._path = path
        self._select = select
        self._rerun = rerun
        self._count: int | None = None
        add = rerun.reader.add
        self._changed = MessageWindows(sitting, path, select, add, received_in=Span(*rerun.range))
        self._received = MessageWindows(sitting, path, select, add)

    @property
    def open(self) -> bool:
        return bool(self._changed.open or self._received.open)

    def begin(self) -> None:
        """Have read what changed, and all of it counted."""
        now = to_us(self._sitting.now()) // MICROSECONDS
        self._sitting.open(Span(self._rerun.since, now + _A_DAY), self._see_changes)

    def begin_again(self, windows: list[Seconds]) -> None:
        for window in windows:
            self._received.begin(Span(*window))

    async def _see_changes(self, span: Span) -> None:
        """With one request, where nothing else was changed than the page shows."""
        what = ends.by_change(self._rerun.range, self._select)
        most = self._rerun.likely_changes()
        end = await ends.look(self._sitting, self._path, what, (0, span.end), newest=True, most=most)
        self._count = None if end is None else end.count
        if end is None or end.whole[0] > span.begin:
            self._changed.begin(span)
            return
        self._take([each for each in end.messages if not _earlier(each.changed, span.begin)])

    async def doubtful(self) -> list[Seconds]:
        """Windows whose number of messages differs from what is known, or that hold some of which too little is
        known.
        """
        rerun = self._rerun
        seconds = np.sort(rerun.reading().ledger.received // MICROSECONDS)
        recount = Recount(self._sitting, self._path, seconds, self._look)
        differing = await recount.doubtful(rerun.range, self._count)
        found = ledger.merged([*differing, *ledger.unknown(rerun.reading().ledger, rerun.window)])
        return found if len(found) <= _MOST_WINDOWS else [(found[0][0], found[-1][1])]

    async def _look(self, window: Seconds, newest: bool) -> End | None:
        """Read one end of a window again; what it shows is in doubt no more."""
        most = max(1, min(_MOST_AT_AN_END, len(self._rerun.reading().ledger.id) // END_SHARE))
        what = ends.by_receipt(window, self._select)
        end = await ends.look(self._sitting, self._path, what, window, newest=newest, most=most)
        if end is not None:
            self._rerun.forget([end.whole])
            self._take(end.messages)
        return end

    def _take(self, messages: list[WireMessage]) -> None:
        self._rerun.reader.add(messages)
        self._sitting.items += len(messages)


def _earlier(time: str | None, second: int) -> bool:
    instant = instant_us(time)
    return instant is not None and instant < second * MICROSECONDS
