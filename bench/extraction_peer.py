"""What one would write by hand: a client, its json, a dictionary of contacts, page after page by nextLink.

The rows are those of the product: the same messages and meetings, whose they are, when, keyed hashes of what they are;
and they become a Parquet file, as the product's do.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from bench import extraction_pages
from bench.extraction_pages import ME

_EXCLUDED = {"folder-drafts", "folder-junkemail", "folder-outbox"}
_OUTLOOK = "040000008200e00074c5b7101a82e008"
_LIMIT = 100

Row = tuple[Any, ...]
Get = Callable[[str], dict[str, Any]]


@lru_cache(maxsize=1)
def contacts() -> dict[str, int]:
    """Address → number of the contact, from 1."""
    return {extraction_pages.contact(number): number + 1 for number in range(extraction_pages.CONTACTS)}


def by_requests(url: str, person: str, certificate: Path) -> tuple[float, list[Row]]:
    """CPU seconds for one mailbox, and its rows."""
    import requests

    known = contacts()
    began = time.process_time()
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(certificate)
        rows = _rows(_pages(lambda link: session.get(link, timeout=60).json(), url, person), person, known)
        write(rows)
    return time.process_time() - began, rows


def by_httpx(url: str, person: str, certificate: Path) -> tuple[float, list[Row]]:
    """CPU seconds for one mailbox, and its rows."""
    import ssl

    import httpx

    known = contacts()
    context = ssl.create_default_context(cafile=certificate)
    began = time.process_time()
    with httpx.Client(verify=context, trust_env=False, timeout=60) as client:
        rows = _rows(_pages(lambda link: client.get(link).json(), url, person), person, known)
        write(rows)
    return time.process_time() - began, rows


def _pages(get: Get, url: str, person: str) -> Iterator[list[dict[str, Any]]]:
    collection = "calendarView" if person == "calendar" else "messages"
    link = f"{url}/v1.0/users/{person}/{collection}?$top=1000"
    while link:
        page = get(link)
        yield page["value"]
        link = page.get("@odata.nextLink", "")


def _rows(pages: Iterable[list[dict[str, Any]]], person: str, known: dict[str, int]) -> list[Row]:
    row_of = event_row if person == "calendar" else message_row
    return [row for page in pages for item in page if (row := row_of(item, known)) is not None]


def write(rows: list[Row]) -> bytes:
    """The rows as a Parquet file, as pandas makes it."""
    import pandas as pd

    file: bytes = pd.DataFrame(rows).rename(columns=str).to_parquet(compression="zstd")
    return file


def message_row(message: dict[str, Any], known: dict[str, int]) -> Row | None:
    """(item, conversation, sent, received, sender, crowded, recipients), or None where it counts for no account."""
    if message["isDraft"] or message["parentFolderId"] in _EXCLUDED:
        return None
    if message.get("@odata.type", "").startswith("#microsoft.graph.eventMessage"):
        return None
    sender = _code(message["from"], known)
    named = [who for kind in ("toRecipients", "ccRecipients", "bccRecipients") for who in message[kind]]
    codes = {_code(who, known) for who in named}
    if sender == 0 or (sender < 0 and max(codes, default=-1) <= 0):
        return None
    return (
        _hash(message["internetMessageId"].strip().casefold().encode()),
        _hash(base64.b64decode(message["conversationIndex"])[6:22]),
        _microseconds(message["sentDateTime"]),
        _microseconds(message["receivedDateTime"]),
        sender,
        len(named) > _LIMIT and len({_address(who) for who in named}) > _LIMIT,
        sorted(codes - {0, -1}),
    )


def event_row(event: dict[str, Any], known: dict[str, int]) -> Row | None:
    """(item, start, end, organizer, own answer declined, crowded, attendees), or None where it names no contact."""
    if event["isDraft"] or event["isCancelled"] or event["isAllDay"] or event["sensitivity"] in ("private", "personal"):
        return None
    if event["type"] == "seriesMaster":
        return None
    organizer = _code(event["organizer"], known)
    people = [who for who in event["attendees"] if who["type"] != "resource"]
    entries = {(_code(who, known), int(who["status"]["response"] == "declined")) for who in people}
    if max([organizer, *(code for code, _ in entries)]) <= 0:
        return None
    identity = event["iCalUId"].casefold()
    if identity.startswith(_OUTLOOK):
        identity = identity[:32] + "0" * 8 + identity[40:]
    start = _microseconds(event["start"]["dateTime"] + "Z")
    return (
        _hash(f"{identity}\n{start}".encode()),
        start,
        _microseconds(event["end"]["dateTime"] + "Z"),
        organizer,
        event["responseStatus"]["response"] == "declined",
        len(event["attendees"]) > _LIMIT and len({_address(who) for who in event["attendees"]}) > _LIMIT,
        sorted(entry for entry in entries if entry[0] not in (0, -1)),
    )


def _code(who: dict[str, Any], known: dict[str, int]) -> int:
    """0: a third party · −1: ours · −2: a listed person · from 1: a contact."""
    address = _address(who)
    if address == ME:
        return -2
    return -1 if address.endswith("@contoso.example") else known.get(address, 0)


def _address(who: dict[str, Any]) -> str:
    return str(who["emailAddress"]["address"]).lower()


def _hash(data: bytes) -> bytes:
    return blake2b(data, digest_size=8, key=extraction_pages.KEY).digest()


def _microseconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1_000_000
