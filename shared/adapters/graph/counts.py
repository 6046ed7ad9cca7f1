"""How much a mailbox holds, by Graph's counts alone: no item is looked at (interfaces §1, preview)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from shared.adapters.graph import links
from shared.adapters.graph.client import GraphClient
from shared.adapters.graph.event_windows import view
from shared.adapters.graph.folders import EXCLUDED
from shared.adapters.graph.message_windows import within
from shared.adapters.graph.refusals import RequestRefused
from shared.adapters.graph.together import together
from shared.core.contracts import Cursor
from shared.core.estimate import MailboxCounts

# Each answer holds one id at most, which is not looked at.
_COUNT = {"$count": "true", "$top": "1", "$select": "id"}


class _Counted(msgspec.Struct):
    count: int = msgspec.field(name="@odata.count")


_decode = msgspec.json.Decoder(_Counted).decode

Note = Callable[[float], None]


async def of_mailbox(graph: GraphClient, user_id: str, whole: Cursor, deadline: float, note: Note) -> MailboxCounts:
    """What a run would read of it. `note` is told how many seconds each answer took.

    Raises `MailboxRefused` or `TenantRefused`, or `GraphAway` where there is no answer until `deadline`.
    """
    mailbox = f"/users/{links.segment(user_id)}"

    async def count(path: str, params: dict[str, str]) -> int:
        begun = graph.clock()
        counted = await graph.fetch(f"{mailbox}/{path}", params | _COUNT, decode=_decode, deadline=deadline)
        note(graph.clock() - begun)
        return counted.count

    messages = [count("messages", {"$filter": within("receivedDateTime", *window)}) for window in whole.messages]
    meetings = [count("calendarView", view(*window)) for window in whole.meetings]
    counts = await together([*messages, *meetings])
    return MailboxCounts(sum(counts[: len(messages)]), sum(counts[len(messages) :]))


async def folder_requests(graph: GraphClient, user_id: str, deadline: float) -> int:
    """How many requests finding its excluded folders takes, as far as the counts of their sub-folders tell."""
    base = f"/users/{links.segment(user_id)}/mailFolders"
    params = {"includeHiddenFolders": "true", **_COUNT}
    opened = 0

    async def look(name: str) -> None:
        nonlocal opened
        with _unless_gone():
            found = await graph.fetch(f"{base}/{name}/childFolders", params, decode=_decode, deadline=deadline)
            opened += 1 + found.count

    await together(look(name) for name in EXCLUDED)
    return len(EXCLUDED) + opened


@contextmanager
def _unless_gone() -> Iterator[None]:
    """Passes over a folder that the mailbox lacks."""
    try:
        yield
    except RequestRefused as refusal:
        if not refusal.no_such_item:
            raise
