"""The folders of a mailbox whose messages do not count: known by well-known name, with all that lies below (§3.2)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from shared.adapters.graph import links
from shared.adapters.graph.client import GraphClient
from shared.adapters.graph.refusals import RequestRefused
from shared.adapters.graph.together import together

EXCLUDED = ("drafts", "outbox", "junkemail", "conversationhistory", "syncissues", "recoverableitemsdeletions")

_SELECT = {"$select": "id"}
_CHILDREN = {"$select": "id", "includeHiddenFolders": "true", "$top": "100"}


class _Folder(msgspec.Struct):
    id: str


class _Folders(msgspec.Struct):
    value: list[_Folder]
    next_link: str | None = msgspec.field(default=None, name="@odata.nextLink")


_decode_one = msgspec.json.Decoder(_Folder).decode
_decode_page = msgspec.json.Decoder(_Folders).decode


async def excluded(graph: GraphClient, user_id: str, deadline: float) -> frozenset[str]:
    """The ids of the excluded folders of this mailbox; one that it lacks is skipped."""
    base = f"/users/{links.segment(user_id)}/mailFolders"
    known: set[str] = set()

    async def open_folder(folder: str) -> None:
        if folder not in known:
            known.add(folder)
            children: list[str] = []
            with _unless_gone():
                path = f"{base}/{links.segment(folder)}/childFolders"
                async for page in graph.pages(path, _CHILDREN, decode=_decode_page, deadline=deadline):
                    children.extend(child.id for child in page.value)
            await together(open_folder(child) for child in children)

    async def find(name: str) -> None:
        with _unless_gone():
            folder = await graph.fetch(f"{base}/{name}", _SELECT, decode=_decode_one, deadline=deadline)
            await open_folder(folder.id)

    await together(find(name) for name in EXCLUDED)
    return frozenset(known)


@contextmanager
def _unless_gone() -> Iterator[None]:
    """Passes over a folder that is not there; the mailbox itself has to be."""
    try:
        yield
    except RequestRefused as refusal:
        if not refusal.no_such_item:
            raise
