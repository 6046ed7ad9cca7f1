"""A gate before Azurite: lets requests through, stops one that a test waits for, or turns everybody away.

It makes moments of a run long enough to do something in them: while a write is held, its activity is at work.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp
from aiohttp import web
from yarl import URL

from localdev import azurite
from tests.end_to_end.app import App

PATIENCE = 60.0
# What belongs to one connection and not to the request.
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


class Gate:
    """Requests are known by `METHOD /container/blob`. Methods are for the test's thread; the gate works in its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._pattern: re.Pattern[str] | None = None
        self._done_first = False
        self._held = threading.Event()
        self._open = asyncio.Event()
        self.closed = False

    def hold(self, pattern: str, *, done: bool = False) -> None:
        """Stop the next request that matches, and those that match after it; `done`: storage has carried it out."""
        self.release()
        self._held.clear()
        self._open = asyncio.Event()
        self._done_first = done
        self._pattern = re.compile(pattern)

    def await_held(self) -> None:
        """Return as soon as a request is held."""
        assert self._pattern
        assert self._held.wait(PATIENCE), f"no request came that matches {self._pattern.pattern}"

    def release(self) -> None:
        """Let go of what is held, and stop nothing any more."""
        self._pattern = None
        self._loop.call_soon_threadsafe(self._open.set)

    def close(self) -> None:
        """From now on everybody is turned away, until `open`."""
        self.closed = True

    def open(self) -> None:
        self.closed = False

    async def handle(self, request: web.Request, session: aiohttp.ClientSession, storage: str) -> web.StreamResponse:
        if self.closed:
            _hang_up(request)
            return web.Response()
        try:
            body = await request.read()
        except ConnectionResetError:
            return web.Response()  # killed in the middle of a word
        stopped = self._pattern is not None and self._pattern.search(f"{request.method} {_blob(request.path)}")
        if stopped and not self._done_first:
            await self._wait()
            if request.transport is None or request.transport.is_closing():
                return web.Response()  # who asked is dead
        address = URL(f"{storage}{request.raw_path}", encoded=True)
        async with session.request(
            # The signature covers the headers: none may be added.
            request.method,
            address,
            headers=request.headers,
            data=body or None,
            skip_auto_headers=("Content-Type", "Accept", "Accept-Encoding", "User-Agent"),
        ) as answer:
            content = await answer.read()
        if stopped and self._done_first:
            await self._wait()
        headers = answer.headers.copy()
        for name in _HOP_BY_HOP & {name.lower() for name in headers}:
            del headers[name]
        if request.method == "HEAD":
            headers["Content-Length"] = answer.headers.get("Content-Length", "0")
        return web.Response(status=answer.status, body=content, headers=headers)

    async def _wait(self) -> None:
        opened = self._open
        self._held.set()
        await opened.wait()


def _hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _blob(path: str) -> str:
    """`/container/blob`, without the account."""
    return "/" + path.lstrip("/").partition("/")[2]


@contextmanager
def before(storage: str) -> Iterator[tuple[Gate, str]]:
    """A gate before the storage at this address, and the gate's own address, for the time of the block."""
    loop = asyncio.new_event_loop()
    gate = Gate(loop)
    started: asyncio.Future[str] = loop.create_future()
    ended = asyncio.Event()

    async def serve() -> None:
        async with aiohttp.ClientSession(auto_decompress=False) as session:

            async def handle(request: web.Request) -> web.StreamResponse:
                return await gate.handle(request, session, storage)

            app = web.Application(client_max_size=1 << 30)
            app.router.add_route("*", "/{path:.*}", handle)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            started.set_result(f"http://127.0.0.1:{runner.addresses[0][1]}")
            await ended.wait()
            gate.release()
            await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        address = asyncio.run_coroutine_threadsafe(asyncio.wait_for(started, PATIENCE), loop).result()
        yield gate, address
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


@contextmanager
def gated(app: App) -> Iterator[Gate]:
    """The app's storage lies behind a gate from now on."""
    with before(app.world.blob_url) as (guard, address):
        app.kill_host()
        app.start_host(DATA_STORAGE=azurite.connection_string(address))
        yield guard
        app.kill_host()
