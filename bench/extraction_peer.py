"""What one would write by hand: requests, its json, a dictionary of contacts, page after page by nextLink."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any

import requests

from bench import extraction_pages

_OURS = "@contoso.example"


@lru_cache(maxsize=1)
def _contacts() -> dict[str, int]:
    return {extraction_pages.contact(number): number for number in range(extraction_pages.CONTACTS)}


def measure(url: str) -> tuple[float, int]:
    """CPU seconds for one mailbox, and how many of its messages have to do with an account."""
    contacts = _contacts()
    began = time.process_time()
    rows = _read(url, contacts)
    return time.process_time() - began, len(rows)


def _read(url: str, contacts: dict[str, int]) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    link = f"{url}/v1.0/users/person-0/messages?$top=1000"
    with requests.Session() as session:
        session.trust_env = False
        while link:
            page = session.get(link, timeout=60).json()
            for message in page["value"]:
                sender = _address(message["from"])
                named = {
                    _address(who) for kind in ("toRecipients", "ccRecipients", "bccRecipients") for who in message[kind]
                }
                theirs = [contacts[each] for each in named if each in contacts]
                if sender in contacts or (theirs and sender.endswith(_OURS)):
                    identity = hash(message["internetMessageId"].strip().casefold())
                    at = message["sentDateTime"], message["receivedDateTime"]
                    rows.append((identity, message["conversationIndex"], *at, contacts.get(sender, -1), theirs))
            link = page.get("@odata.nextLink", "")
    return rows


def _address(who: dict[str, Any]) -> str:
    return str(who["emailAddress"]["address"]).lower()
