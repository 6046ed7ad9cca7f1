"""Mailboxes larger than anybody's, served page by page: `python -m bench.big_mailbox`.

`many` has as many messages as are asked for, 40 % of them with a contact; `crowded` has messages from one of ours to
500 contacts each. Messages are one out of some hundred forms, with an id, an instant and a conversation of their own.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from subprocess import PIPE, Popen
from sys import argv, executable
from typing import Any
from urllib.parse import quote

from aiohttp import web

from bench import extraction_pages
from bench.extraction_pages import AS_OF, CONTACTS, ME, RELEVANT, contact
from shared.core.plan import Plan

MANY, CROWDED = "many", "crowded"
RECIPIENTS = 500
LIMIT = 1_000  # recipients of a message that still counts, so that 500 do
_DAYS = 364
_FORMS, _THEIRS = 500, 2_000


def plan() -> Plan:
    """A million contacts, two mailboxes."""
    small = extraction_pages.plan()
    options = small.options.model_copy(update={"max_recipients": LIMIT})
    return replace(small, people=[CROWDED, MANY], options=options)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """count: messages, received one after the other at equal distances · form: the JSON of message n, but for what is
    its own.
    """

    count: int
    form: Callable[[int], str]

    @property
    def step(self) -> int:
        """Seconds between two messages."""
        return _DAYS * 86_400 // self.count

    def page(self, link: str, asked: dict[str, str]) -> bytes:
        """Of the messages received in the window that is asked for, as many as are wanted."""
        window = re.findall(r"receivedDateTime (?:ge|lt) (\S+)", asked["$filter"])
        begin, end = (self._after(datetime.fromisoformat(each)) for each in window)
        first = begin + int(asked.get("$skip", "0"))
        stop = max(first, min(end, first + int(asked["$top"])))
        body: dict[str, Any] = {"@odata.count": end - begin} if asked.get("$count") == "true" else {}
        if stop < end:
            rest = {**asked, "$skip": str(stop - begin)}
            body["@odata.nextLink"] = f"{link}?{'&'.join(f'{key}={quote(value)}' for key, value in rest.items())}"
        messages = ",".join(self._message(number) for number in range(first, stop))
        return f'{{"value":[{messages}]{"," if body else ""}{json.dumps(body)[1:]}'.encode()

    def _after(self, instant: datetime) -> int:
        """The number of the first message at this instant, or after it."""
        seconds = int((instant - _first()).total_seconds())
        return min(max(-(-seconds // self.step), 0), self.count)

    def _message(self, number: int) -> str:
        at = f"{_first() + timedelta(seconds=number * self.step):%Y-%m-%dT%H:%M:%SZ}"
        thread = base64.b64encode(b"\1" * 6 + (number // 4).to_bytes(16)).decode()
        return (
            f'{{"id":"AAMk{number:012d}","internetMessageId":"<{number:040x}@mail{number % 90}.example>",'
            f'"sentDateTime":"{at}","receivedDateTime":"{at}","conversationIndex":"{thread}","conversationId":"{thread}",'
            f"{self.form(number)}"
        )


def _first() -> datetime:
    return AS_OF - timedelta(days=_DAYS)


def mailboxes(many: int, crowded: int) -> dict[str, Mailbox]:
    return {MANY: Mailbox(many, _forms(_usual)), CROWDED: Mailbox(crowded, _forms(_to_many))}


def _forms(make: Callable[[random.Random], dict[str, Any]]) -> Callable[[int], str]:
    rng = random.Random(17)
    rest = {"isDraft": False, "parentFolderId": "AAMkInbox0000001", "bccRecipients": []}
    forms = [json.dumps(rest | make(rng), separators=(",", ":"))[1:] for _ in range(_FORMS)]
    return lambda number: forms[number * 7919 % _FORMS]


def _usual(rng: random.Random) -> dict[str, Any]:
    theirs = contact(rng.randrange(CONTACTS)) if rng.random() < RELEVANT else f"someone{rng.random()}@elsewhere.example"
    sender, receiver = rng.sample([ME, theirs], 2)
    colleagues = [f"colleague{rng.randrange(60)}@contoso.example" for _ in range(rng.choice([0, 0, 1, 3]))]
    return {"from": _who(sender), "toRecipients": [_who(each) for each in (receiver, *colleagues)], "ccRecipients": []}


def _to_many(rng: random.Random) -> dict[str, Any]:
    named = [_who(contact(number)) for number in rng.sample(range(_THEIRS), RECIPIENTS)]
    return {"from": _who(ME), "toRecipients": named, "ccRecipients": []}


def _who(address: str) -> dict[str, Any]:
    return {"emailAddress": {"name": address.partition("@")[0].title(), "address": address}}


@contextmanager
def serving(many: int, crowded: int) -> Iterator[str]:
    """A server in a process of its own; its address."""
    command = [executable, "-m", "bench.big_mailbox", str(many), str(crowded)]
    with Popen(command, stdout=PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


async def _answer(known: dict[str, Mailbox], request: web.Request) -> web.Response:
    path = request.path
    mailbox = known[path.split("/")[3]]
    if path.endswith("/messages"):
        body = mailbox.page(str(request.url.with_query(None)), dict(request.query))
    elif path.endswith(("/drafts", "/junkemail", "/outbox")):
        body = b'{"id":"folder-' + path.rpartition("/")[2].encode() + b'"}'
    elif path.endswith(("/childFolders", "/calendarView")):
        body = b'{"value":[]}'
    else:
        raise web.HTTPNotFound
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip", "request-id": "1"}
    return web.Response(body=gzip.compress(body, 1), headers=headers)


async def _serve(many: int, crowded: int) -> None:
    """Says on a line where it serves."""
    app = web.Application()
    app.router.add_get("/{path:.*}", partial(_answer, mailboxes(many, crowded)))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(f"http://localhost:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    extraction_pages.pin(0)
    asyncio.run(_serve(*map(int, argv[1:])))
