"""Speaks to Microsoft Graph: one GET at a time, with its manners of throttling, expiring and failing.

The one place that decides when a request is made again (within its deadline) and when it is given up: then it raises
`GraphAway` with the seconds to wait, `TenantRefused`, `MailboxRefused` or another `RequestRefused` (`refusals.py`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

import aiohttp
import msgspec
from yarl import URL

from shared.adapters.graph import lanes, links
from shared.adapters.graph.inflate import inflate
from shared.adapters.graph.patience import Uniform, retry_after, slack, uniform, wait_after
from shared.adapters.graph.refusals import TooSlow, judge, transient
from shared.core.errors import GraphAway

if TYPE_CHECKING:
    from shared.settings import Settings

_log = logging.getLogger(__name__)

# Immutable ids survive a move between folders in the middle of reading; times of events come in UTC.
_PREFER = 'IdType="ImmutableId", outlook.timezone="UTC"'
_TIMEOUT = aiohttp.ClientTimeout(total=120, sock_connect=15, sock_read=90)
_PATIENCE = 60.0  # seconds that a request may take with all its repetitions, where no deadline is given
LONGEST_WAIT = 20.0  # seconds; who has to wait longer is told so, and does not keep a worker busy with it

T = TypeVar("T")


class Tokens(Protocol):
    """Where tokens come from (`identity.TokenSource`)."""

    async def token(self) -> str: ...

    async def fresh(self) -> str: ...


class Paged(Protocol):
    """`next_link`: where the rest of the collection is, None on its last page."""

    @property
    def next_link(self) -> str | None: ...


PageT = TypeVar("PageT", bound=Paged)


@dataclass(frozen=True, slots=True)
class _Answer:
    """sent: when, on the client's clock · status: 0 where there was no answer · encoding, retry_after, scope (of a
    refusal for its frequency): the headers, empty where missing.
    """

    sent: float
    status: int
    body: bytes = b""
    encoding: str = ""
    retry_after: str = ""
    scope: str = ""
    request_id: str = ""
    late: bool = False


@dataclass(slots=True)
class _Trial:
    """One request with all its repetitions. `deadline`: on the client's clock."""

    link: str
    headers: Mapping[str, str]
    deadline: float
    failures: int = 0
    renewed: bool = False
    slow_is_final: bool = False


class GraphClient:
    """Bound to the loop it was made in. clock: seconds, monotonic · wall: for `Retry-After` given as a date · between:
    a random number between two.

    requests: made so far, each counted once however often it was repeated.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        tokens: Tokens,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        between: Uniform = uniform,
    ) -> None:
        self._session = session
        self._base = base_url.rstrip("/")
        self._tokens = tokens
        self.clock = clock
        self._sleep = sleep
        self._wall = wall
        self._between = between
        self._lanes: dict[str | None, lanes.Lane] = {}
        self.requests = 0

    async def fetch(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        decode: Callable[[bytes], T],
        headers: Mapping[str, str] | None = None,
        deadline: float | None = None,
    ) -> T:
        """The decoded body of one GET. A body that `decode` refuses (ValueError, DecodeError) is asked for again."""
        trial = self._trial(links.url(self._base, path, params), headers, deadline)
        return await self._fetch(trial, decode)

    def address(self, path: str, params: Mapping[str, str]) -> str:
        """The full address of a request, for `page`."""
        return links.url(self._base, path, params)

    async def page(
        self,
        link: str,
        *,
        decode: Callable[[bytes], PageT],
        seen: Container[str] = (),
        headers: Mapping[str, str] | None = None,
        deadline: float | None = None,
        slow_is_final: bool = False,
    ) -> PageT:
        """One page of a collection; `link` is from `address`, or is the nextLink of a page that came from here.

        A page whose nextLink leads to another place, back to itself or to one of `seen` is not believed: asked again.
        slow_is_final: raise `TooSlow` at once on 504 and time-outs, because the caller will ask for less.
        """
        trial = self._trial(link, headers, deadline, slow_is_final)
        return await self._fetch(trial, _believing(decode, link, seen))

    async def pages(
        self,
        path: str,
        params: Mapping[str, str],
        *,
        decode: Callable[[bytes], PageT],
        headers: Mapping[str, str] | None = None,
        deadline: float | None = None,
    ) -> AsyncIterator[PageT]:
        """All pages of a collection. `deadline` is for all of them; without one each has the usual patience."""
        link: str | None = self.address(path, params)
        seen: set[str] = set()
        while link is not None:
            page = await self.page(link, decode=decode, seen=seen, headers=headers, deadline=deadline)
            yield page
            seen.add(link)
            link = page.next_link

    def _trial(
        self, link: str, headers: Mapping[str, str] | None, deadline: float | None, slow_is_final: bool = False
    ) -> _Trial:
        until = self.clock() + _PATIENCE if deadline is None else deadline
        return _Trial(link, headers or {}, until, slow_is_final=slow_is_final)

    async def _fetch(self, trial: _Trial, decode: Callable[[bytes], T]) -> T:
        self.requests += 1
        mailbox = links.mailbox_of(trial.link)
        lane = self._lane(mailbox)
        while True:
            token, answer = await self._through(lane, trial)
            if answer.status == 200:
                try:
                    return decode(inflate(answer.body, answer.encoding))
                except (ValueError, msgspec.DecodeError):
                    # An HTML page, half a JSON, another shape: what a proxy or a dying server says.
                    await self._pause(lane, trial, answer)
            elif answer.status == 401 and not trial.renewed:
                trial.renewed = True
                await self._renew(token)
            elif 400 <= answer.status < 500 and not transient(answer.status):
                body = _opened(answer)
                raise judge(answer.status, body, of_mailbox=mailbox is not None)
            else:
                await self._pause(lane, trial, answer)

    def _lane(self, mailbox: str | None) -> lanes.Lane:
        """Kept while the client lives, and with it the time until which Graph wants no request."""
        if mailbox not in self._lanes:
            self._lanes[mailbox] = lanes.lane(self._base, mailbox, self.clock, self._between)
        return self._lanes[mailbox]

    async def _through(self, lane: lanes.Lane, trial: _Trial) -> tuple[str, _Answer]:
        """Send once the lane is clear and has a free slot; the token that was sent, and what came back."""
        while True:
            await self._wait_until_clear(lane, trial)
            token = await self._tokens.token()
            async with lane.slot():
                if not lane.free:
                    await self._wait_for_turn(lane, trial)
                # Somebody before us in the queue may have been told to wait.
                if lane.clear_at <= self.clock():
                    return token, await self._send(lane, trial, token)

    async def _wait_until_clear(self, lane: lanes.Lane, trial: _Trial) -> None:
        wait = lane.clear_at - self.clock()
        if wait <= 0:
            return
        self._give_up_if_long(wait, trial, "Graph wants to be left alone for a while.")
        await self._sleep(wait + slack(self._between))

    async def _wait_for_turn(self, lane: lanes.Lane, trial: _Trial) -> None:
        """Turns come surely, and so are waited for as long as there is time."""
        wait = lane.line.length(self.clock())
        if self.clock() + wait >= trial.deadline:
            raise GraphAway("Graph has set a pace at which there is no time for this.", wait=wait)
        async with lane.line.head() as pace:
            if (wait := pace.turn(self.clock())) > 0:
                await self._sleep(wait)
            pace.take(self.clock())

    async def _send(self, lane: lanes.Lane, trial: _Trial, token: str) -> _Answer:
        sent = self.clock()
        answer = await self._ask(trial, token, sent)
        if 0 < answer.status < 500 and answer.status != 429:
            lane.answered(sent, self.clock())
        return answer

    async def _ask(self, trial: _Trial, token: str, sent: float) -> _Answer:
        headers = {"Authorization": f"Bearer {token}", **trial.headers}
        address = URL(trial.link, encoded=True)
        try:
            async with self._session.get(address, headers=headers, allow_redirects=False) as response:
                body = await response.read()
                return _Answer(
                    sent,
                    response.status,
                    body,
                    response.headers.get("Content-Encoding", "").strip().lower(),
                    response.headers.get("Retry-After", ""),
                    response.headers.get("x-ms-throttle-scope", ""),
                    response.headers.get("request-id", ""),
                    late=response.status == 504,
                )
        except aiohttp.ConnectionTimeoutError:
            return _Answer(sent, 0)
        except TimeoutError:
            return _Answer(sent, 0, late=True)
        except aiohttp.ClientError:
            return _Answer(sent, 0)

    async def _renew(self, refused: str) -> None:
        """See to it that `token` gives another one than the refused; somebody else may have done so already."""
        if await self._tokens.token() == refused:
            await self._tokens.fresh()

    async def _pause(self, lane: lanes.Lane, trial: _Trial, answer: _Answer) -> None:
        """Sleep before the next attempt, as long as Graph says or as experience does; or give up."""
        asked = retry_after(answer.retry_after, self._wall())
        wait = wait_after(trial.failures, asked, self._between)
        trial.failures += 1
        if asked is not None or answer.status == 429:
            lane.close_until(self.clock() + wait)
        if answer.status == 429:
            lane.refused(answer.sent, self.clock(), wait, answer.scope)
        said = f"Graph answered {answer.status}" if answer.status else "Graph did not answer"
        _log.info("%s (request-id %s): again in %.1f s", said, answer.request_id[:64] or "none", wait)
        if answer.late and trial.slow_is_final:
            raise TooSlow(f"{said} in time.", wait=asked)
        self._give_up_if_long(wait, trial, f"{said}.")
        await self._sleep(wait + slack(self._between))

    def _give_up_if_long(self, wait: float, trial: _Trial, detail: str) -> None:
        if wait > LONGEST_WAIT or self.clock() + wait >= trial.deadline:
            raise GraphAway(detail, wait=wait)


def _opened(answer: _Answer) -> bytes:
    """An error's body; nothing where it cannot be opened, since the status says more than half already."""
    try:
        return inflate(answer.body, answer.encoding)
    except ValueError:
        return b""


def _believing(decode: Callable[[bytes], PageT], asked: str, seen: Container[str]) -> Callable[[bytes], PageT]:
    """`decode`, refusing pages whose nextLink leads elsewhere or in a circle."""

    def believed(body: bytes) -> PageT:
        page = decode(body)
        if page.next_link is not None:
            links.check_next(asked, page.next_link)
            if page.next_link == asked or page.next_link in seen:
                raise links.ForeignLink("A page's nextLink leads back.")
        return page

    return believed


@asynccontextmanager
async def connect(
    settings: Settings,
    tokens: Tokens,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[GraphClient]:
    """A client for the running loop, with a connection pool of its own."""
    session = aiohttp.ClientSession(
        auto_decompress=False,
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Accept": "application/json", "Accept-Encoding": "gzip", "Prefer": _PREFER},
        timeout=_TIMEOUT,
        read_bufsize=1 << 20,
    )
    async with session:
        yield GraphClient(session, settings.graph_base_url, tokens, clock=clock, sleep=sleep)
