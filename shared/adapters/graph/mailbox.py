"""Reads one mailbox, mail and calendar together, for as long as one call may take, and says what is left to read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from shared.adapters.graph import links
from shared.adapters.graph.client import GraphClient
from shared.adapters.graph.event_windows import EventWindows
from shared.adapters.graph.message_windows import MessageWindows
from shared.adapters.graph.sitting import Sitting, Span
from shared.adapters.graph.wire import MESSAGE_SELECT, MESSAGE_SELECT_WITH_HEADERS, WireEvent, WireMessage
from shared.core.contracts import Cursor
from shared.core.periods import MICROSECONDS, Window

# Items that one call takes at most: what it remembers of them stays within some ten megabytes.
MOST_ITEMS = 200_000
_A_MINUTE = 60
_UNKNOWN_WAIT = 10.0  # seconds, where Entra or Graph did not answer at all


@dataclass(frozen=True, slots=True)
class Rest:
    """What a call left. cursor: None where all is read · items: handed on by this call · progressed: when its last page
    came, None where none did · wait: seconds for which Graph wants to be left alone.
    """

    cursor: Cursor | None
    items: int = 0
    progressed: datetime | None = None
    wait: float = 0.0


@dataclass(frozen=True, slots=True)
class Sinks:
    """Who takes what is read: each message and each event once."""

    messages: Callable[[Iterable[WireMessage]], None]
    events: Callable[[Iterable[WireEvent]], None]


def whole(window: Window) -> Cursor:
    """Everything that a run reads of a mailbox (§3.1, §4.2)."""
    begin = window.read_from_us // MICROSECONDS
    return Cursor(
        messages=[(begin, window.read_until_us // MICROSECONDS + 1)],
        meetings=[(begin, window.as_of_us // MICROSECONDS + _A_MINUTE)],
    )


async def read(
    graph: GraphClient,
    user_id: str,
    cursor: Cursor,
    sinks: Sinks,
    *,
    deadline: float,
    now: Callable[[], datetime],
    with_headers: bool = False,
    most: int = MOST_ITEMS,
) -> Rest:
    """Read what the cursor leaves open, until `deadline` (on the client's clock). Nothing is handed on twice.

    Raises `MailboxRefused`, `TenantRefused`, or what the token source refuses; what was handed on is void then.
    """
    sitting = Sitting(graph, deadline, most, now, top=cursor.top)
    mailbox = f"/users/{links.segment(user_id)}"
    select = MESSAGE_SELECT_WITH_HEADERS if with_headers else MESSAGE_SELECT
    messages = MessageWindows(sitting, f"{mailbox}/messages", select, sinks.messages)
    events = EventWindows(sitting, f"{mailbox}/calendarView", sinks.events)

    def begin() -> None:
        for first, last in cursor.meetings:
            events.begin(Span(first, last))
        for first, last in cursor.messages:
            messages.begin(Span(first, last))

    await sitting.run(begin)
    left = cursor.model_copy(
        update={"messages": _windows(messages.open), "meetings": _windows(events.open), "top": sitting.top}
    )
    return rest_of(sitting, left if left.messages or left.meetings else None)


def rest_of(sitting: Sitting, left: Cursor | None) -> Rest:
    """What the sitting has come to. left: what is still to be read."""
    wait = 0.0 if sitting.away is None else sitting.away.wait or _UNKNOWN_WAIT
    return Rest(left, sitting.items, sitting.progressed, wait)


def _windows(spans: Iterable[Span]) -> list[tuple[int, int]]:
    return sorted((span.begin, span.end) for span in spans)
