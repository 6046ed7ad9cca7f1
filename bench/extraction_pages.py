"""Mailboxes of synthetic mail, and a server of their pages, ready-made: `python -m bench.extraction_pages <folder>`.

`lean` has messages with short ids and no etags, `full` the same ones with ids and etags as long as Graph's; `calendar`
has meetings. All of it is served plain and over TLS; the certificate is left in the folder.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import os
import random
import re
import ssl
import sys
from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from shared.core.plan import Plan

KEY = bytes(range(32))
MESSAGES = 30_000
CONTACTS = 1_000_000
AS_OF = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
ME = "ada.lovelace@contoso.example"
RELEVANT = 0.4
PEOPLE = ["calendar", "full", "lean"]  # in the order of the plan; the address is the first one's
EVENTS = 10_000
CERTIFICATE = "certificate.pem"

_Known = tuple[list[str], list[str], list[str], list[bytes]]  # colleagues, contacts, others, conversations


def contact(number: int) -> str:
    return f"contact{number:07d}@customer{number % 50_000:05d}.example"


@lru_cache(maxsize=1)
def contact_hashes() -> NDArray[np.uint64]:
    """In the order of the contacts' numbers."""
    import numpy as np

    from shared.core import hashes

    digest = hashes.hasher(KEY, hashes.ADDRESS)
    joined = b"".join(digest(contact(number).encode()) for number in range(CONTACTS))
    return np.frombuffer(joined, hashes.HASH).astype(np.uint64)


def plan(contacts: int = CONTACTS) -> Plan:
    """Three mailboxes, and the first of a million contacts, five of an account."""
    import numpy as np

    from shared.core.addresses import AddressBook, people_index
    from shared.core.enrichment import Options
    from shared.core.facts import Contacts
    from shared.core.periods import Window, to_us
    from shared.core.plan import Plan

    domains = frozenset({"contoso.example"})
    people, person = people_index([(0, [ME])], domains, KEY)
    ids = [f"account{number:06d}" for number in range(contacts // 5)]
    hashes = contact_hashes() if contacts else np.zeros(0, np.uint64)
    return Plan(
        people=PEOPLE,
        book=AddressBook(people, person, np.sort(hashes[:contacts]), domains),
        contacts=Contacts(
            pair_offsets=np.arange(contacts + 1),
            account=(np.arange(contacts) // 5).astype(np.int32),
            contact=np.arange(contacts, dtype=np.int32),
            accounts=ids,
            top=np.arange(len(ids), dtype=np.int32),
            tops=ids,
        ),
        window=Window(to_us(AS_OF), "Europe/Berlin"),
        options=Options(),
        hierarchy=False,
    )


def messages() -> tuple[list[dict[str, Any]], list[str]]:
    """The messages of a mailbox, in the order of receipt, and when each was received: no two in one second."""
    rng = random.Random(11)
    colleagues = [f"colleague{number}@contoso.example" for number in range(60)]
    contacts = [contact(rng.randrange(CONTACTS)) for _ in range(600)]
    others = [f"someone{number}@elsewhere{number % 300}.example" for number in range(1500)]
    received = _seconds(rng, MESSAGES)
    conversations = [rng.randbytes(16) for _ in range(MESSAGES // 4)]
    known = colleagues, contacts, others, conversations
    return [_message(rng, number, at, known) for number, at in enumerate(received)], received


def _seconds(rng: random.Random, count: int) -> list[str]:
    first = AS_OF - timedelta(days=364)
    seconds = sorted(rng.sample(range(364 * 86_400), count))
    return [(first + timedelta(seconds=each)).strftime("%Y-%m-%dT%H:%M:%SZ") for each in seconds]


def _with_etag(message: dict[str, Any]) -> dict[str, Any]:
    """With an id and an etag as long as Graph's."""
    number = int(message["id"][4:])
    return {"@odata.etag": f'W/"CQAAABYAAAC{number:021d}"', **message, "id": f"AAMk{number:0148d}"}


def events() -> tuple[list[dict[str, Any]], list[str]]:
    """The meetings of a calendar, in the order of their starts, and when each starts."""
    rng = random.Random(13)
    colleagues = [f"colleague{number}@contoso.example" for number in range(60)]
    contacts = [contact(rng.randrange(CONTACTS)) for _ in range(600)]
    starts = _seconds(rng, EVENTS)
    return [_event(rng, number, at, colleagues, contacts) for number, at in enumerate(starts)], starts


def _event(rng: random.Random, number: int, start: str, colleagues: list[str], contacts: list[str]) -> dict[str, Any]:
    end = datetime.fromisoformat(start) + timedelta(minutes=rng.choice([25, 30, 60]))
    named = [ME, *rng.sample(colleagues, k=rng.choice([0, 1, 2, 4]))]
    named += rng.sample(contacts, k=rng.choice([1, 2])) if rng.random() < RELEVANT else []
    answers = [rng.choice(["accepted", "accepted", "none", "tentativelyAccepted", "declined"]) for _ in named]
    return {
        "id": f"AAMk{number:012d}",
        "iCalUId": f"040000008200E00074C5B7101A82E00800000000{rng.getrandbits(256):064X}",
        "type": "occurrence",
        "start": {"dateTime": f"{start[:-1]}.0000000", "timeZone": "UTC"},
        "end": {"dateTime": f"{end:%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": "UTC"},
        "isAllDay": False,
        "isCancelled": False,
        "isDraft": False,
        "sensitivity": "normal",
        "organizer": _who(rng.choice(named)),
        "attendees": [
            {"type": "required", "status": {"response": answer, "time": "0001-01-01T00:00:00Z"}, **_who(address)}
            for address, answer in zip(named, answers, strict=True)
        ],
        "responseStatus": {"response": answers[0], "time": start},
    }


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
    """Makes whole HTTP answers to what is asked of the mailboxes of PEOPLE."""

    def __init__(self) -> None:
        import msgspec

        encode = msgspec.json.Encoder().encode
        mail, received = messages()
        meetings, starts = events()
        self._messages = {
            "lean": ([encode(one) for one in mail], received),
            "full": ([encode(_with_etag(one)) for one in mail], received),
        }
        self._events = {"calendar": ([encode(one) for one in meetings], starts)}

    def answer(self, base: str, target: str) -> bytes:
        """base: the address under which the server was asked, where its nextLinks lead."""
        path, _, query = target.partition("?")
        asked = {name: unquote(value) for name, _, value in (each.partition("=") for each in query.split("&"))}
        person = path.split("/")[3]
        if path.endswith("/messages"):
            return _response(200, self._page(base + path, asked, self._messages.get(person, ([], []))))
        if path.endswith("/calendarView"):
            return _response(200, self._page(base + path, asked, self._events.get(person, ([], []))))
        if path.endswith("/childFolders"):
            return _response(200, b'{"value":[]}')
        if path.endswith(("/drafts", "/junkemail", "/outbox")):
            return _response(200, b'{"id":"folder-' + path.rpartition("/")[2].encode() + b'"}')
        return _response(404, b'{"error":{"code":"ErrorItemNotFound","message":""}}')

    def _page(self, link: str, asked: dict[str, str], items: tuple[list[bytes], list[str]]) -> bytes:
        """Of the items whose time lies in the window that is asked for, as many as are wanted."""
        encoded, times = items
        window = re.findall(r"receivedDateTime (?:ge|lt) (\S+)", asked.get("$filter", ""))
        if "startDateTime" in asked:
            window = [asked["startDateTime"], asked["endDateTime"]]
        begin, end = [bisect_left(times, each) for each in window] or [0, len(times)]
        first = begin + int(asked.get("$skip", "0"))
        stop = min(end, first + int(asked["$top"]))
        body = b'{"value":[' + b",".join(encoded[first:stop]) + b"]"
        if asked.get("$count") == "true":
            body += f',"@odata.count":{end - begin}'.encode()
        if stop < end:
            rest = {**asked, "$skip": str(stop - begin)}
            body += f',"@odata.nextLink":"{link}?{"&".join(f"{k}={quote(v)}" for k, v in rest.items())}"'.encode()
        return body + b"}"


def _response(status: int, body: bytes) -> bytes:
    zipped = gzip.compress(body, 6)
    head = (
        f"HTTP/1.1 {status} OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n"
        f"Content-Length: {len(zipped)}\r\nrequest-id: 1\r\n\r\n"
    )
    return head.encode() + zipped


async def serve(folder: Path) -> None:
    """Says on two lines where it serves, plain and over TLS."""
    pages = Pages()
    for context in (None, _certified(folder)):
        answers: dict[str, bytes] = {}
        talk = partial(_talk, pages, answers, "https" if context else "http")
        server = await asyncio.start_server(talk, "127.0.0.1", 0, limit=1 << 20, ssl=context)
        port = server.sockets[0].getsockname()[1]
        print(f"{'https' if context else 'http'}://localhost:{port}", flush=True)
        await server.start_serving()
    await asyncio.Event().wait()


async def _talk(
    pages: Pages, answers: dict[str, bytes], scheme: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    base = f"{scheme}://localhost:{writer.get_extra_info('sockname')[1]}"
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            target = head.split(b" ", 2)[1].decode()
            if target not in answers:
                answers[target] = pages.answer(base, target)
            writer.write(answers[target])
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()  # the client has what it wanted


def _certified(folder: Path) -> ssl.SSLContext:
    """A server's context with a certificate for localhost, made for this day."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / CERTIFICATE).write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(secret)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / CERTIFICATE, folder / "key.pem")
    return context


def pin(core: int) -> None:
    """Stay on one core, where there is another one for the server."""
    if hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[core]})


if __name__ == "__main__":
    pin(0)
    asyncio.run(serve(Path(sys.argv[1])))
