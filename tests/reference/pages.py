"""An organisation as the pages that Graph would answer: JSON bytes, a few entities each, linked by `nextLink`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.reference.meetings import default_calendar
from tests.reference.messages import excluded_folders
from tests.reference.organisation import Json, Organisation


@dataclass(frozen=True)
class Pages:
    """One mailbox: pages of messages and of its default calendar, and the ids of the folders whose mail is out."""

    messages: list[bytes]
    events: list[bytes]
    excluded: frozenset[str]


def pages_of(mailbox: Json, size: int = 3) -> Pages:
    return Pages(
        messages=_paged(mailbox["messages"], size),
        events=_paged(default_calendar(mailbox), size),
        excluded=frozenset(excluded_folders(mailbox)),
    )


def graph_pages(org: Organisation, size: int = 3) -> dict[str, Pages]:
    """User id → pages, for every user who has a mailbox."""
    return {owner: pages_of(mailbox, size) for owner, mailbox in org.mailboxes.items()}


def _paged(entities: list[Any], size: int) -> list[bytes]:
    return [_page(entities[at : at + size], at + size < len(entities)) for at in range(0, max(1, len(entities)), size)]


def _page(entities: list[Any], more: bool) -> bytes:
    body: Json = {"@odata.context": "https://graph.microsoft.com/v1.0/$metadata", "value": entities}
    if more:
        body["@odata.nextLink"] = "https://graph.microsoft.com/v1.0/next"
    return json.dumps(body, ensure_ascii=False).encode()
