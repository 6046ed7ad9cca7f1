"""The product's own activity against the server of pages, alone in a process: how much memory a mailbox takes."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from activities import extract_mailbox
from bench import extraction_pages
from bench.extraction_pages import PEOPLE
from bench.folder import storage
from bench.fresh import Stage
from shared.adapters.graph.client import connect
from shared.core import blob_names
from shared.core.contracts import ExtractOrder
from shared.services import Services

NAME = "bench"
_ADDRESS = "address.txt"


def extract(svc: Services, person: str, mailboxes: int) -> float:
    """CPU seconds for one mailbox."""
    mailbox = PEOPLE.index(person)
    order = ExtractOrder(enrichment=NAME, run_id=NAME, mailbox=mailbox, patience=3600)

    async def read() -> None:
        part = await extract_mailbox.run(order, svc)
        assert part.outcome == "Read", part.outcome

    seconds = 0.0
    with asyncio.Runner() as runner:
        for _ in range(mailboxes):
            _forget(svc, mailbox)
            began = time.process_time()
            runner.run(read())
            seconds += time.process_time() - began
    return seconds / mailboxes


def _forget(svc: Services, mailbox: int) -> None:
    """Who asks for a mailbox that is read gets the answer of then."""
    place, _, _ = blob_names.mailbox_answer(NAME, NAME, mailbox, 0).rpartition("/")
    for left in (f"{place}/", blob_names.mailbox_progress(NAME, NAME, mailbox)):
        svc.storage.staging.delete_prefix(left)


def with_plan(folder: Path, url: str) -> Services:
    """Services over the folder, in which the plan is put down; others find it, and the address of the pages, there."""
    from shared.adapters.plan_files import write_plan

    folder.mkdir(parents=True, exist_ok=True)
    (folder / _ADDRESS).write_text(url)
    svc = _services(folder)
    write_plan(svc.storage.staging, NAME, NAME, extraction_pages.plan())
    return svc


def _services(folder: Path) -> Services:
    url = (folder / _ADDRESS).read_text()
    told = cast(Any, SimpleNamespace(graph_base_url=f"{url}/v1.0", pseudonym_key=extraction_pages.KEY))
    return Services(told, storage(folder), cast(Any, _Tokens()), lambda: connect(told, cast(Any, _Tokens())))


class _Tokens:
    async def token(self) -> str:
        return "x" * 1500

    async def fresh(self) -> str:
        return await self.token()


def _alone(person: str, folder: Path) -> None:
    extract(_services(folder), person, 1)


STAGES: dict[str, Stage] = {person: partial(_alone, person) for person in PEOPLE}
