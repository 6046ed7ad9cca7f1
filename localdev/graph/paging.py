"""Pages: how big they may be, and links that only the emulator can make and only the same query can follow."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from secrets import token_bytes
from typing import Any

from localdev.graph.wire import Call, Entity, bad_request

_SKIP_RUNS_AHEAD = 3
"""How far `$skip` of a mail link stands beyond the items given so far: items that are no messages count in it."""


@dataclass(frozen=True)
class PageRule:
    """How a collection pages: without `$top`, at most, and whether its links show a `$skip`."""

    default: int
    maximum: int
    shows_skip: bool


MAIL = PageRule(10, 1000, shows_skip=True)
DIRECTORY = PageRule(100, 999, shows_skip=False)


@dataclass
class Page:
    """One page of a collection: its items, whole count and the link to what follows, where there is more."""

    context: str
    items: list[Entity]
    count: int | None = None
    next_link: str | None = None

    def value(self) -> dict[str, Any]:
        body: dict[str, Any] = {"@odata.context": self.context}
        if self.count is not None:
            body["@odata.count"] = self.count
        body["value"] = self.items
        if self.next_link is not None:
            body["@odata.nextLink"] = self.next_link
        return body


class Links:
    """Makes and reads the token of a link; it is bound to the path and to every query option beside it."""

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key or token_bytes(32)

    def token(self, call: Call, query: Mapping[str, str], position: Any) -> str:
        payload = json.dumps(position).encode()
        return base64.urlsafe_b64encode(self._mark(call, query, payload) + payload).decode().rstrip("=")

    def position(self, call: Call, option: str) -> Any:
        """Where the link in this call stands, None where the call is no link; GraphError 400 where it is forged."""
        token = call.query.get(option)
        if token is None:
            return None
        rest = {name: value for name, value in call.query.items() if name != option}
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (binascii.Error, ValueError):
            raise bad_request("The page token is not valid.", "Request_BadRequest") from None
        mark, payload = raw[:16], raw[16:]
        if not hmac.compare_digest(mark, self._mark(call, rest, payload)):
            raise bad_request("The page token is not valid.", "Request_BadRequest")
        return json.loads(payload)

    def _mark(self, call: Call, query: Mapping[str, str], payload: bytes) -> bytes:
        bound = json.dumps([call.segments, sorted(query.items())]).encode()
        return hmac.new(self._key, bound + payload, hashlib.sha256).digest()[:16]


def page_size(call: Call, rule: PageRule) -> int:
    """How many items the caller gets at once; GraphError 400 for a `$top` outside the bounds."""
    text = call.query.get("$top")
    size = rule.default
    if text is not None:
        size = int(text) if text.isascii() and text.isdigit() else 0
        if not 1 <= size <= rule.maximum:
            message = f"Invalid page size specified: '{text}'. Must be between 1 and {rule.maximum} inclusive."
            raise bad_request(message, "Request_BadRequest" if rule is DIRECTORY else "ErrorInvalidUrlQueryOption")
    return size if call.page_limit is None else min(size, call.page_limit)


def page(links: Links, call: Call, found: list[Entity], rule: PageRule, context: str, counted: bool) -> Page:
    """The page of `found` that the call asks for; links stand at offsets, so what arrives between shifts them."""
    size = page_size(call, rule)
    if not rule.shows_skip and "$skip" in call.query:
        raise bad_request("'$skip' is not supported by the service.", "Request_BadRequest")
    start = links.position(call, "$skiptoken")
    if start is None:
        start = _skip(call)
    end = start + size
    result = Page(context, found[start:end], len(found) if counted else None)
    if end < len(found):
        query = {name: value for name, value in call.query.items() if name not in ("$skiptoken", "$skip")}
        if rule.shows_skip:
            query["$skip"] = str(end + _SKIP_RUNS_AHEAD)
        query["$skiptoken"] = links.token(call, query, end)
        result.next_link = call.link(query)
    return result


def _skip(call: Call) -> int:
    text = call.query.get("$skip", "0")
    if not (text.isascii() and text.isdigit()):
        raise bad_request(f"Invalid value '{text}' for $skip.")
    return int(text)
