"""Makes the pages of an organisation's mailboxes beforehand: what its own client asks for, as the emulator answers it.

A folder is kept from one time to the next: `size.json`, `expected.json`, and `answers/` with a file for each mailbox.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import parse_qsl, unquote

import aiohttp
from yarl import URL

from bench.whole.organisation import AS_OF, TEAM, Size, person_id, tenant_files
from bench.whole.team import Expected, year_of
from localdev.graph import service
from localdev.graph.context import Emulator
from localdev.graph.entra import DEFAULT_SCOPE
from localdev.graph.paging import Links
from localdev.graph.prebuilt import Recorder, is_recorded
from localdev.graph.wire import Call
from shared.adapters.graph import folders, mailbox
from shared.adapters.graph.client import GraphClient
from shared.adapters.graph.mailbox import Sinks, whole
from shared.core.periods import Window, to_us

# Links lead to where they were made: the emulator that serves the pages listens there.
PORT = 18_089
LINKS = Links(b"the whole size, once")
_BASE = f"http://127.0.0.1:{PORT}/v1.0"
_PATIENCE = 3_600.0  # seconds for one mailbox
_VERSION = 1  # of what is kept: another one is made anew


def prepare(folder: Path, size: Size) -> Expected:
    """Fill the folder, as far as it is not filled already; what a run over it must count."""
    stamp = {"version": _VERSION, **size.as_json()}
    if _kept(folder / "size.json") != stamp:
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "answers").mkdir(parents=True)
        (folder / "size.json").write_text(json.dumps(stamp))
    if not (folder / "expected.json").is_file():
        began = time.perf_counter()
        expected = _fill(folder, size)
        (folder / "expected.json").write_text(json.dumps({name: dict(each) for name, each in vars(expected).items()}))
        print(f"{size.mailboxes:,} mailboxes made in {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    expected = Expected()
    for name, counts in json.loads((folder / "expected.json").read_text()).items():
        getattr(expected, name).update({int(number): count for number, count in counts.items()})
    return expected


def _kept(stamp: Path) -> Any:
    return json.loads(stamp.read_text()) if stamp.is_file() else None


def _fill(folder: Path, size: Size) -> Expected:
    expected = Expected()
    with ProcessPoolExecutor(os.cpu_count()) as processes:
        for part in processes.map(partial(_record_team, folder / "answers", size), size.teams):
            expected.add(part)
    return expected


def _record_team(folder: Path, size: Size, team: int) -> Expected:
    year = year_of(size, team)
    asyncio.run(_record(folder, size, team, year.mailboxes))
    return year.expected


async def _record(folder: Path, size: Size, team: int, mailboxes: Mapping[str, Any]) -> None:
    """Read each of these mailboxes, as extraction does, and keep what is answered."""
    emulator = Emulator(tenant_files(size, mailboxes), granted=True)
    emulator.links = LINKS
    people = [person_id(number) for number in range(team * TEAM, (team + 1) * TEAM)]
    for user_id in (each for each in people if not is_recorded(folder, each)):
        recorder = Recorder()
        graph = client(emulator, recorder)
        await folders.excluded(graph, user_id, graph.clock() + _PATIENCE)
        await read(graph, user_id, size)
        recorder.save(folder, user_id)


def client(emulator: Emulator, recorder: Recorder | None = None) -> GraphClient:
    """The product's client, over this emulator without a network."""
    return GraphClient(cast(aiohttp.ClientSession, _Session(emulator, recorder)), _BASE, _Tokens(emulator))


async def read(graph: GraphClient, user_id: str, size: Size) -> None:
    """All of a mailbox's messages and meetings, as a first run reads them."""
    everything = whole(Window(to_us(AS_OF), "UTC"))
    deadline, sinks = graph.clock() + _PATIENCE, Sinks(lambda messages: None, lambda events: None)
    rest = await mailbox.read(graph, user_id, everything, sinks, deadline=deadline, now=lambda: datetime.now(UTC))
    assert rest.cursor is None
    assert rest.items == size.messages + size.meetings


class _Tokens:
    def __init__(self, emulator: Emulator) -> None:
        form = {"grant_type": "client_credentials", "scope": DEFAULT_SCOPE, "client_id": "1", "client_secret": "1"}
        self._token = str(emulator.entra.token(emulator.tenant.id, form)["access_token"])

    async def token(self) -> str:
        return self._token

    async def fresh(self) -> str:
        return self._token


class _Session:
    """Stands where the client has its HTTP session, and asks the emulator without a network."""

    def __init__(self, emulator: Emulator, recorder: Recorder | None) -> None:
        self._emulator = emulator
        self._recorder = recorder

    @asynccontextmanager
    async def get(self, address: URL, headers: Mapping[str, str], **_how: Any) -> AsyncIterator[Any]:
        call = Call(
            method="GET",
            segments=tuple(unquote(each) for each in address.raw_path.removeprefix("/v1.0").strip("/").split("/")),
            query=dict(parse_qsl(address.raw_query_string, keep_blank_values=True)),
            headers={name.lower(): value for name, value in headers.items()} | {"prefer": 'outlook.timezone="UTC"'},
            base=_BASE,
        )
        answer = await service.answer(self._emulator, call)
        if self._recorder is not None:
            self._recorder.keep(call, answer)
        yield SimpleNamespace(status=answer.status, headers=answer.headers, read=partial(_body, answer.body))


async def _body(body: bytes) -> bytes:
    return body
