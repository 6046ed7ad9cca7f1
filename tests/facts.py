"""Facts written down row by row, for tests of the kernels."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np

from shared.core.facts import (
    NOT_DECLINED,
    Contacts,
    MeetingCopies,
    MeetingItems,
    MessageCopies,
    MessageItems,
    Ragged,
    contact_code,
    person_code,
)
from shared.core.periods import Window, to_us

HOUR = 3_600_000_000
DAY = 24 * HOUR
AS_OF = datetime(2026, 6, 30, 12, tzinfo=UTC)
AS_OF_US = to_us(AS_OF)
WINDOW = Window(AS_OF_US, "UTC")
ADA, BOB, CEM = (person_code(number) for number in range(3))


def at(text: str) -> int:
    """An instant, UTC."""
    return to_us(datetime.fromisoformat(text).replace(tzinfo=UTC))


def lists(rows: list[list[int]], kind: Any = np.int32) -> Ragged:
    offsets = np.cumsum([0, *map(len, rows)])
    return Ragged(offsets, np.array([value for row in rows for value in row], kind))


def contacts(*addresses: list[tuple[str, str]], parents: dict[str, str] | None = None) -> Contacts:
    """The (account, contact) pairs of each contact address; `parents`: account → its topmost ancestor."""
    pairs = [pair for address in addresses for pair in address]
    accounts = sorted({account for account, _ in pairs})
    ids = sorted({contact for _, contact in pairs})
    top = [(parents or {}).get(account, account) for account in accounts]
    tops = sorted(set(top))
    return Contacts(
        pair_offsets=np.cumsum([0, *map(len, addresses)]),
        account=np.array([accounts.index(account) for account, _ in pairs], np.int32),
        contact=np.array([ids.index(contact) for _, contact in pairs], np.int32),
        accounts=accounts,
        top=np.array([tops.index(name) for name in top], np.int32),
        tops=tops,
    )


def address(number: int) -> int:
    """The code of contact address `number`."""
    return contact_code(number)


def message_copies(*rows: dict[str, Any]) -> MessageCopies:
    """Each row: item, owner, sender, recipients; and conversation, sent, received, crowded where they matter."""

    def column(name: str, kind: Any, default: Any) -> Any:
        return np.array([row.get(name, default) for row in rows], kind)

    sent = column("sent", np.int64, at("2026-06-01T10:00"))
    return MessageCopies(
        item=column("item", np.uint64, 1),
        conversation=column("conversation", np.uint64, 0),
        sent=sent,
        received=np.array([row.get("received", instant) for row, instant in zip(rows, sent, strict=True)], np.int64),
        owner=column("owner", np.int32, 0),
        sender=column("sender", np.int32, ADA),
        crowded=column("crowded", np.bool_, False),
        recipients=lists([row.get("recipients", []) for row in rows]),
    )


def meeting_copies(*rows: dict[str, Any]) -> MeetingCopies:
    """Each row: item, owner, organizer, attendees as (code, declined); start, end, own_answer, crowded where needed."""

    def column(name: str, kind: Any, default: Any) -> Any:
        return np.array([row.get(name, default) for row in rows], kind)

    start = column("start", np.int64, at("2026-06-01T10:00"))
    organizer = column("organizer", np.int32, ADA)
    return MeetingCopies(
        item=column("item", np.uint64, 1),
        start=start,
        end=np.array([row.get("end", s + HOUR) for row, s in zip(rows, start, strict=True)], np.int64),
        owner=column("owner", np.int32, 0),
        organizer=organizer,
        has_organizer=organizer != 0,
        own_answer=column("own_answer", np.int8, NOT_DECLINED),
        crowded=column("crowded", np.bool_, False),
        attendees=lists([[code for code, _ in row.get("attendees", [])] for row in rows]),
        declined=np.array([said for row in rows for _, said in row.get("attendees", [])], np.bool_),
    )


def message_items(*rows: dict[str, Any]) -> MessageItems:
    """Each row: item, account, direction, sent; and received, conversations, people, contacts where they matter."""
    sent = np.array([row["sent"] for row in rows], np.int64)
    return MessageItems(
        item=np.array([row.get("item", number) for number, row in enumerate(rows)], np.uint64),
        account=np.array([row.get("account", 0) for row in rows], np.int32),
        direction=np.array([row["direction"] for row in rows], np.int8),
        sent=sent,
        received=np.array([row.get("received", instant) for row, instant in zip(rows, sent, strict=True)], np.int64),
        day=WINDOW.day_index(sent),
        conversations=lists([row.get("conversations", []) for row in rows], np.uint64),
        people=lists([row.get("people", [0]) for row in rows]),
        contacts=lists([row.get("contacts", [0]) for row in rows]),
    )


def meeting_items(*rows: dict[str, Any]) -> MeetingItems:
    """Each row: item, account, direction, start; and minutes, people, contacts where they matter."""
    start = np.array([row["start"] for row in rows], np.int64)
    return MeetingItems(
        item=np.array([row.get("item", number) for number, row in enumerate(rows)], np.uint64),
        account=np.array([row.get("account", 0) for row in rows], np.int32),
        direction=np.array([row["direction"] for row in rows], np.int8),
        start=start,
        minutes=np.array([row.get("minutes", 30.0) for row in rows], np.float64),
        day=WINDOW.day_index(start),
        people=lists([row.get("people", [0]) for row in rows]),
        contacts=lists([row.get("contacts", [0]) for row in rows]),
    )


def values(table: Any, row: int, *names: str) -> Any:
    """What stands in these columns of a row, lists as lists."""
    found = []
    for name in names:
        column = getattr(table, name)
        if isinstance(column, Ragged):
            found.append(column.values[column.offsets[row] : column.offsets[row + 1]].tolist())
        else:
            found.append(column[row].item())
    return found[0] if len(names) == 1 else found
