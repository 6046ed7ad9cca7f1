"""A mailbox of synthetic mail, and a server of its pages, ready-made: `python -m bench.extraction_pages`."""

from __future__ import annotations

import asyncio
import base64
import gzip
import os
import random
import re
from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec

if TYPE_CHECKING:
    from shared.core.plan import Plan

KEY = bytes(range(32))
MESSAGES = 30_000
CONTACTS = 1_000_000
AS_OF = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
ME = "ada.lovelace@contoso.example"
RELEVANT = 0.4

_Known = tuple[list[str], list[str], list[str], list[bytes]]  # colleagues, contacts, others, conversations


def contact(number: int) -> str:
    return f"contact{number:07d}@customer{number % 50_000:05d}.example"


def plan() -> Plan:
    """One person, and a million contacts of two hundred thousand accounts."""
    import numpy as np

    from shared.core import hashes
    from shared.core.addresses import AddressBook, people_index
    from shared.core.enrichment import Options
    from shared.core.facts import Contacts
    from shared.core.periods import Window, to_us
    from shared.core.plan import Plan

    domains = frozenset({"contoso.example"})
    people, person = people_index([(0, [ME])], domains, KEY)
    digest = hashes.hasher(KEY, hashes.ADDRESS)
    known = np.frombuffer(b"".join(digest(contact(number).encode()) for number in range(CONTACTS)), hashes.HASH)
    ids = [f"account{number:06d}" for number in range(CONTACTS // 5)]
    contacts = Contacts(
        pair_offsets=np.arange(CONTACTS + 1),
        account=(np.arange(CONTACTS) // 5).astype(np.int32),
        contact=np.arange(CONTACTS, dtype=np.int32),
        accounts=ids,
        top=np.arange(len(ids), dtype=np.int32),
        tops=ids,
    )
    book = AddressBook(people, person, np.sort(known.astype(np.uint64)), domains)
    return Plan(["person-0"], book, contacts, Window(to_us(AS_OF), "Europe/Berlin"), Options(), False)


def messages() -> tuple[list[bytes], list[str]]:
    """The messages of one mailbox as JSON, in the order of receipt, and when each was received."""
    rng = random.Random(11)
    colleagues = [f"colleague{number}@contoso.example" for number in range(60)]
    contacts = [contact(rng.randrange(CONTACTS)) for _ in range(600)]
    others = [f"someone{number}@elsewhere{number % 300}.example" for number in range(1500)]
    seconds = sorted(rng.randrange(364 * 86_400) for _ in range(MESSAGES))
    first = AS_OF - timedelta(days=364)
    received = [(first + timedelta(seconds=each)).strftime("%Y-%m-%dT%H:%M:%SZ") for each in seconds]
    encode = msgspec.json.Encoder().encode
    conversations = [rng.randbytes(16) for _ in range(MESSAGES // 4)]
    known = colleagues, contacts, others, conversations
    encoded = [encode(_message(rng, number, at, known)) for number, at in enumerate(received)]
    return encoded, received


def _message(rng: random.Random, number: int, at: str, known: _Known) -> dict[str, Any]:
    colleagues, contacts, others, conversations = known
    relevant = rng.random() < RELEVANT
    theirs = rng.choice(contacts if relevant else colleagues if rng.random() < 0.7 else others)
    sender, receiver = (ME, theirs) if rng.random() < 0.5 else (theirs, ME)
    named = [receiver, *rng.choices(colleagues, k=rng.choice([0, 0, 1, 3]))]
    conversation = rng.randbytes(6) + rng.choice(conversations)
    return {
        "id": f"AAMk{number:012d}",
        "internetMessageId": f"<{rng.getrandbits(160):040x}@mail{number % 90}.example>",
        "sentDateTime": at,
        "receivedDateTime": at,
        "isDraft": False,
        "parentFolderId": "AAMkInbox0000001",
        "from": _who(sender),
        "toRecipients": [_who(each) for each in named],
        "ccRecipients": [_who(each) for each in rng.choices(colleagues, k=rng.choice([0, 0, 0, 2]))],
        "bccRecipients": [],
        "conversationId": base64.b64encode(conversation[6:]).decode(),
        "conversationIndex": base64.b64encode(conversation).decode(),
    }


def _who(address: str) -> dict[str, Any]:
    return {"emailAddress": {"name": address.partition("@")[0].title(), "address": address}}


class Pages:
    """Makes whole HTTP answers to what is asked. url: where they are served."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._messages, self._received = messages()

    def answer(self, target: str) -> bytes:
        path, _, query = target.partition("?")
        asked = {name: unquote(value) for name, _, value in (each.partition("=") for each in query.split("&"))}
        if path.endswith("/messages"):
            return _response(200, self._page(path, asked))
        if path.endswith("/calendarView"):
            return _response(200, b'{"value":[],"@odata.count":0}')
        if path.endswith("/childFolders"):
            return _response(200, b'{"value":[]}')
        if path.endswith(("/drafts", "/junkemail", "/outbox")):
            return _response(200, b'{"id":"folder-' + path.rpartition("/")[2].encode() + b'"}')
        return _response(404, b'{"error":{"code":"ErrorItemNotFound","message":""}}')

    def _page(self, path: str, asked: dict[str, str]) -> bytes:
        begin, end = 0, len(self._messages)
        if "$filter" in asked:
            since, until = re.findall(r"receivedDateTime (?:ge|lt) (\S+)", asked["$filter"])
            begin, end = bisect_left(self._received, since), bisect_left(self._received, until)
        begin += int(asked.get("$skip", "0"))
        stop = min(end, begin + int(asked["$top"]))
        body = b'{"value":[' + b",".join(self._messages[begin:stop]) + b"]"
        if asked.get("$count") == "true":
            body += f',"@odata.count":{end - begin}'.encode()
        if stop < end:
            body += f',"@odata.nextLink":"{self.url}{path}?$skip={stop}&$top={asked["$top"]}"'.encode()
        return body + b"}"


def _response(status: int, body: bytes) -> bytes:
    zipped = gzip.compress(body, 6)
    head = (
        f"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n"
        f"Content-Length: {len(zipped)}\r\nrequest-id: 1\r\n\r\n"
    )
    return head.encode() + zipped


async def serve() -> None:
    answers: dict[str, bytes] = {}

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                target = head.split(b" ", 2)[1].decode()
                if target not in answers:
                    answers[target] = pages.answer(target)
                writer.write(answers[target])
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()  # the client has what it wanted

    server = await asyncio.start_server(talk, "127.0.0.1", 0, limit=1 << 20)
    pages = Pages(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    print(pages.url, flush=True)
    await server.serve_forever()


def pin(core: int) -> None:
    """Stay on one core, where there is another one for the server."""
    if hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[core]})


if __name__ == "__main__":
    pin(0)
    asyncio.run(serve())
