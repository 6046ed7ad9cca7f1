"""Reads of a mailbox what is new or may have changed since an earlier run, and the windows in which something vanished.

What arrived, changed or moved has a new time of last change; what vanished shows in the number of messages. Folders
that moved change neither: who calls sees to it that the excluded ones are the same as they were.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import numpy as np

from shared.adapters.graph import links
from shared.adapters.graph.client import GraphClient
from shared.adapters.graph.event_windows import Add, EventWindows
from shared.adapters.graph.mailbox import MOST_ITEMS, Rest, rest_of, whole
from shared.adapters.graph.message_windows import MessageWindows
from shared.adapters.graph.recount import Recount
from shared.adapters.graph.sitting import Sitting, Span
from shared.adapters.graph.wire import MESSAGE_SELECT, MESSAGE_SELECT_WITH_HEADERS
from shared.core import ledger
from shared.core.ledger import Kept, Reading, Seconds
from shared.core.messages import MessageReader
from shared.core.periods import MICROSECONDS, Window, to_us

# Seconds by which Graph's clock may differ from ours, and by which a change may show late.
MARGIN = 300
_A_DAY = 86_400
_MOST_WINDOWS = 50  # more are read as one


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
    path, add = f"{mailbox}/messages", rerun.reader.add
    changed = MessageWindows(sitting, path, select, add, received_in=Span(*rerun.range))
    received = MessageWindows(sitting, path, select, add)
    events = EventWindows(sitting, f"{mailbox}/calendarView", add_events)

    def begin() -> None:
        for first, last in whole(rerun.window).meetings:
            events.begin(Span(first, last))
        changed.begin(Span(rerun.since, to_us(now()) // MICROSECONDS + _A_DAY))

    def begin_again() -> None:
        for window in doubtful:
            received.begin(Span(*window))

    await sitting.run(begin)
    if sitting.over:
        return rest_of(sitting, whole(rerun.window))
    doubtful = await _doubtful(sitting, path, rerun)
    rerun.forget(doubtful)
    await sitting.run(begin_again)
    return rest_of(sitting, whole(rerun.window) if received.open else None)


async def _doubtful(sitting: Sitting, path: str, rerun: Rerun) -> list[Seconds]:
    """Windows whose number of messages differs from what is known, or that hold some of which too little is known."""
    known = rerun.reading().ledger
    seconds = np.sort(known.received // MICROSECONDS)
    differing = await Recount(sitting, path, seconds).doubtful(rerun.range)
    found = ledger.merged([*differing, *ledger.unknown(known, rerun.window)])
    return found if len(found) <= _MOST_WINDOWS else [(found[0][0], found[-1][1])]
