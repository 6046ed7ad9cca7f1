"""The calls and answers that a document shows, and whether an answer is the one that is shown.

How a document shows them is said in `docs/tour.md`, under "How to read it".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests

BLOCK = re.compile(r"^```http\n(.*?)^```$", re.MULTILINE | re.DOTALL)
REST, DIFFERS = "…", "~"
_STATUS = re.compile(r"HTTP/1\.1 (\d{3}) (.*)")


@dataclass(frozen=True)
class Shown:
    """A call or an answer: its first line, headers, body · line: where in the document · repeated: until the answer is
    the one that is shown.
    """

    line: int
    first: str
    headers: dict[str, str]
    body: str
    repeated: bool

    @property
    def is_answer(self) -> bool:
        return self.first.startswith("HTTP/")


def exchanges(text: str) -> Iterator[tuple[Shown, Shown]]:
    """Each call with its answer. Raises `AssertionError` where one stands without the other."""
    told = [_shown(block[1], text.count("\n", 0, block.start(1)) + 1) for block in BLOCK.finditer(text)]
    for place, one in enumerate(told):
        assert one.is_answer == bool(place % 2), f"line {one.line}: a call and its answer are to take turns"
    yield from zip(told[::2], told[1::2], strict=True)


def _shown(block: str, line: int) -> Shown:
    head, _, body = block.partition("\n\n")
    # A long address goes on in the next line, as editors that send such blocks allow it.
    lines = re.sub(r"\n\s+(?=[?&])", "", head).splitlines()
    repeated = lines[0].startswith("#")
    first, *headers = lines[repeated:]
    return Shown(line, first, dict(header.split(": ", 1) for header in headers), body.strip(), repeated)


class Yours:
    """What differs from reader to reader: texts of the document, and what stands in their place this time."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        """addresses: the document's → this time's."""
        self._texts = {quote(shown, ""): quote(found, "") for shown, found in addresses.items()} | dict(addresses)

    def put_in(self, text: str) -> str:
        """A text of the document as it is this time."""
        for shown in sorted(self._texts, key=len, reverse=True):
            text = text.replace(shown, self._texts[shown])
        return text

    def differences(self, shown: Shown, found: requests.Response) -> list[str]:
        """What is otherwise than the document shows; what it says differs is remembered."""
        told = [] if (status := _STATUS.fullmatch(shown.first)) else [f"{shown.first} is no status"]
        if status and (int(status[1]), status[2]) != (found.status_code, found.reason):
            told.append(f"status: {found.status_code} {found.reason} {found.text}")
        for name, value in shown.headers.items():
            told += self._compare(value, found.headers.get(name), name)
        return told + self._compare_bodies(shown.body, found)

    def _compare_bodies(self, shown: str, found: requests.Response) -> list[str]:
        if shown and shown != REST and "json" in found.headers.get("Content-Type", ""):
            return self._compare(json.loads(shown), found.json(), "")
        parts = [self.put_in(part.strip()) for part in shown.split(REST)]
        text = found.content.decode(errors="replace").strip()
        in_order = ".*".join(re.escape(part) for part in parts)
        return [] if re.fullmatch(in_order, text, re.DOTALL) else [f"body: {text}"]

    def _compare(self, shown: Any, found: Any, where: str) -> list[str]:
        if shown == REST:
            return []
        if isinstance(shown, str) and DIFFERS in shown:
            return self._remember(shown, found, where)
        if isinstance(shown, dict) and isinstance(found, dict):
            return self._compare_members(shown, found, where)
        if isinstance(shown, list) and isinstance(found, list):
            return self._compare_elements(shown, found, where)
        shown = self.put_in(shown) if isinstance(shown, str) else shown
        return [] if (shown, type(shown)) == (found, type(found)) else [f"{where}: {found!r}, shown is {shown!r}"]

    def _remember(self, shown: str, found: Any, where: str) -> list[str]:
        same, _, differs = shown.partition(DIFFERS)
        same = self.put_in(same)
        if not isinstance(found, str):
            return [] if isinstance(found, int | float) and not same else [f"{where}: {found!r}, shown is {shown!r}"]
        if not found.startswith(same):
            return [f"{where}: {found!r} does not begin with {same!r}"]
        self._texts[differs] = found.removeprefix(same)
        return []

    def _compare_members(self, shown: dict[str, Any], found: dict[str, Any], where: str) -> list[str]:
        more = [] if REST in shown else [f"{where}/{name} is not shown" for name in found.keys() - shown.keys()]
        names = [name for name in shown if name != REST]
        missing = [f"{where}/{name} is missing" for name in names if name not in found]
        both = [name for name in names if name in found]
        return (
            more
            + missing
            + [line for name in both for line in self._compare(shown[name], found[name], f"{where}/{name}")]
        )

    def _compare_elements(self, shown: list[Any], found: list[Any], where: str) -> list[str]:
        open_end = shown[-1:] == [REST]
        shown = shown[:-1] if open_end else shown
        if len(found) < len(shown) or (len(found) > len(shown) and not open_end):
            return [f"{where}: {len(found)} elements, {len(shown)} are shown"]
        both = zip(shown, found, strict=False)
        return [line for place, pair in enumerate(both) for line in self._compare(*pair, f"{where}/{place}")]
