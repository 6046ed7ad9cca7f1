"""Looks at one end of a mailbox's messages in the order of a time: with one request a page and the number of all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from shared.adapters.graph.message_windows import RECEIVED, Time, changed, received, within
from shared.adapters.graph.refusals import RequestRefused, TooSlow
from shared.adapters.graph.sitting import Sitting
from shared.adapters.graph.wire import CHANGED, Page, WireMessage, decode_messages
from shared.core.instants import instant_us
from shared.core.ledger import Seconds
from shared.core.periods import MICROSECONDS


@dataclass(frozen=True, slots=True)
class Sorted:
    """Messages in the order of one of their times. time: tells it · name: of its property · condition: which messages,
    a filter that begins with that property · select: what to ask for of each.
    """

    time: Time
    name: str
    condition: str
    select: str


@dataclass(frozen=True, slots=True)
class End:
    """count: of all these messages, None where Graph did not tell · whole: the seconds of which no message is missing ·
    messages: those of these seconds.
    """

    count: int | None
    whole: Seconds
    messages: list[WireMessage]


def by_change(received_in: Seconds, select: Iterable[str]) -> Sorted:
    """What was received in the window, whenever it was changed; filters have to name what they sort by."""
    condition = f"{CHANGED} ge 1970-01-01T00:00:00Z and {within(RECEIVED, *received_in)}"
    return Sorted(changed, CHANGED, condition, ",".join((*select, CHANGED)))


def by_receipt(received_in: Seconds, select: Iterable[str]) -> Sorted:
    return Sorted(received, RECEIVED, within(RECEIVED, *received_in), ",".join(select))


async def look(
    sitting: Sitting, path: str, what: Sorted, within_seconds: Seconds, *, newest: bool, most: int
) -> End | None:
    """The newest, or the oldest, `most` of them at most. None where Graph is too slow at it or does not sort so."""
    top = min(most, sitting.top)
    params = {
        "$filter": what.condition,
        "$orderby": f"{what.name} desc" if newest else what.name,
        "$select": what.select,
        "$top": str(top),
        "$count": "true",
    }
    try:
        page = await sitting.page(sitting.graph.address(path, params), decode_messages, frozenset(), top)
    except TooSlow:
        return None
    except RequestRefused as refusal:
        if refusal.status != 400:
            raise
        return None
    seconds = _seconds(page.items, what.time, newest=newest)
    if seconds is None:
        return None
    whole = _whole(page, seconds, within_seconds, top, newest=newest)
    messages = [each for each, second in zip(page.items, seconds, strict=True) if whole[0] <= second < whole[1]]
    return End(page.count, whole, messages)


def _seconds(messages: list[WireMessage], time: Time, *, newest: bool) -> list[int] | None:
    """Their times, None where they are not in order or one has none."""
    instants = [instant for message in messages if (instant := instant_us(time(message))) is not None]
    seconds = [instant // MICROSECONDS for instant in instants]
    in_order = all(a >= b if newest else a <= b for a, b in pairwise(seconds))
    return seconds if in_order and len(seconds) == len(messages) else None


def _whole(page: Page[WireMessage], seconds: list[int], window: Seconds, top: int, *, newest: bool) -> Seconds:
    """The part of the window that the page shows without a gap: a page may end in the middle of a second."""
    begin, end = window
    counted = page.count is not None and len(seconds) >= page.count
    if page.next_link is None and (counted or (page.count is None and len(seconds) < top)):
        return window
    if newest:
        return (seconds[-1] + 1, end) if seconds else (end, end)
    return (begin, seconds[-1]) if seconds else (begin, begin)
