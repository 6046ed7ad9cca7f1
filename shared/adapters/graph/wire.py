"""What a page of messages or events holds, decoded in one pass into exactly the properties that are needed.

A property of the wrong JSON type counts as missing (semantics §1), however deep it lies: a page that does not decode in
type is taken apart item by item. A page that is no page at all raises `WirePageBroken`; asking again may help.
Never selected: subject, body, bodyPreview, location.
"""

from __future__ import annotations

import json
from functools import lru_cache
from types import NoneType
from typing import Any, Generic, NoReturn, TypeVar, get_args, get_type_hints

import msgspec
from msgspec import Struct, field

MESSAGE_SELECT = (
    "id",
    "internetMessageId",
    "sentDateTime",
    "receivedDateTime",
    "isDraft",
    "parentFolderId",
    "from",
    "toRecipients",
    "ccRecipients",
    "bccRecipients",
    "conversationId",
    "conversationIndex",
)
CHANGED = "lastModifiedDateTime"
MESSAGE_SELECT_WITH_HEADERS = (*MESSAGE_SELECT, "internetMessageHeaders")
EVENT_SELECT = (
    "id",
    "iCalUId",
    "type",
    "start",
    "end",
    "isAllDay",
    "isCancelled",
    "isDraft",
    "sensitivity",
    "organizer",
    "attendees",
    "responseStatus",
)


class WirePageBroken(ValueError):
    """The answer is not JSON, or has no list of items. Its text holds nothing of the answer."""


class WireAddress(Struct, gc=False, frozen=True):
    address: str | None = None


class WireRecipient(Struct, gc=False, frozen=True, rename="camel"):
    email_address: WireAddress | None = None


class WireHeader(Struct, gc=False, frozen=True):
    name: str | None = None
    value: str | None = None


class WireMessage(Struct, gc=False, frozen=True):
    id: str | None = None
    odata_type: str | None = field(default=None, name="@odata.type")
    message_id: str | None = field(default=None, name="internetMessageId")
    sent: str | None = field(default=None, name="sentDateTime")
    received: str | None = field(default=None, name="receivedDateTime")
    is_draft: bool | None = field(default=None, name="isDraft")
    folder: str | None = field(default=None, name="parentFolderId")
    sender: WireRecipient | None = field(default=None, name="from")
    to: list[WireRecipient] | None = field(default=None, name="toRecipients")
    cc: list[WireRecipient] | None = field(default=None, name="ccRecipients")
    bcc: list[WireRecipient] | None = field(default=None, name="bccRecipients")
    conversation_id: str | None = field(default=None, name="conversationId")
    conversation_index: str | None = field(default=None, name="conversationIndex")
    headers: list[WireHeader] | None = field(default=None, name="internetMessageHeaders")
    changed: str | None = field(default=None, name="lastModifiedDateTime")


class WireTime(Struct, gc=False, frozen=True, rename="camel"):
    date_time: str | None = None
    time_zone: str | None = None


class WireAnswer(Struct, gc=False, frozen=True):
    response: str | None = None


class WireAttendee(Struct, gc=False, frozen=True, rename="camel"):
    email_address: WireAddress | None = None
    type: str | None = None
    status: WireAnswer | None = None


class WireEvent(Struct, gc=False, frozen=True, rename="camel"):
    id: str | None = None
    i_cal_uid: str | None = field(default=None, name="iCalUId")
    type: str | None = None
    start: WireTime | None = None
    end: WireTime | None = None
    is_all_day: bool | None = None
    is_cancelled: bool | None = None
    is_draft: bool | None = None
    sensitivity: str | None = None
    organizer: WireRecipient | None = None
    attendees: list[WireAttendee] | None = None
    response_status: WireAnswer | None = None


Item = TypeVar("Item", bound=Struct)


class Page(Struct, Generic[Item], frozen=True):
    """`next_link`: where the rest is, None on the last page; `count`: the answer to `$count=true`."""

    items: list[Item] = field(name="value")
    next_link: str | None = field(default=None, name="@odata.nextLink")
    count: int | None = field(default=None, name="@odata.count")


ItemT = TypeVar("ItemT", WireMessage, WireEvent)


def unseen(items: list[ItemT], seen: set[str | None]) -> list[ItemT]:
    """Those whose ids are not among the seen ones, to which they are added: pages repeat items where some arrive while
    they are read. One without an id is taken for another each time."""
    ids = {item.id for item in items}
    if len(ids) == len(items) and seen.isdisjoint(ids):
        seen |= ids
        return items
    fresh = []
    for item in items:
        if item.id is None or item.id not in seen:
            seen.add(item.id)
            fresh.append(item)
    return fresh


_messages = msgspec.json.Decoder(Page[WireMessage])
_events = msgspec.json.Decoder(Page[WireEvent])


def decode_messages(body: bytes) -> Page[WireMessage]:
    """A page of messages. Raises `WirePageBroken`."""
    try:
        return _messages.decode(body)
    except msgspec.MsgspecError:
        return _lenient_page(body, WireMessage)


def decode_events(body: bytes) -> Page[WireEvent]:
    """A page of events. Raises `WirePageBroken`."""
    try:
        return _events.decode(body)
    except msgspec.MsgspecError:
        return _lenient_page(body, WireEvent)


def _lenient_page(body: bytes, kind: type[Item]) -> Page[Item]:
    try:
        page = json.loads(body, parse_constant=_no_json)
    except (ValueError, RecursionError):
        raise WirePageBroken("the answer is not JSON") from None
    if not isinstance(page, dict) or not isinstance(page.get("value"), list):
        raise WirePageBroken("the answer has no list of items")
    link, count = page.get("@odata.nextLink"), page.get("@odata.count")
    if link is not None and not isinstance(link, str):
        # Taken for missing, the rest of the mailbox would be lost in silence.
        raise WirePageBroken("the answer's nextLink is not text")
    items = [_lenient(kind, item) for item in page["value"] if isinstance(item, dict)]
    return Page(items, link, count if type(count) is int else None)


def _no_json(_constant: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


@lru_cache(maxsize=16)
def _shape(kind: type[Struct]) -> list[tuple[str, str, type, type | None]]:
    """For each property its name here, its name on the wire, its type, and of a list the type of the entries."""
    hints = get_type_hints(kind)
    shape: list[tuple[str, str, type, type | None]] = []
    for name, wire_name in zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True):
        (wanted,) = (option for option in get_args(hints[name]) if option is not NoneType)
        entries = get_args(wanted)
        shape.append((name, wire_name, list, entries[0]) if entries else (name, wire_name, wanted, None))
    return shape


def _lenient(kind: type[Item], raw: dict[str, Any]) -> Item:
    """The item with every property that has the right type; the others are None."""
    values: dict[str, Any] = {}
    for name, wire_name, wanted, entries in _shape(kind):
        value = raw.get(wire_name)
        if issubclass(wanted, Struct):
            values[name] = _lenient(wanted, value) if isinstance(value, dict) else None
        elif entries is not None and isinstance(value, list):
            values[name] = [_lenient(entries, entry) for entry in value if isinstance(entry, dict)]
        elif type(value) is wanted:
            values[name] = _well_formed(value) if isinstance(value, str) else value
    return kind(**values)


def _well_formed(text: str) -> str:
    """Half a surrogate pair, which JSON can spell and UTF-8 cannot, becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")
