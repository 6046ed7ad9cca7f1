"""§1: a property of the wrong JSON type counts as missing. One reader per type; each gives None for what is missing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tests.reference.addresses import normalise


def text(thing: Any, name: str) -> str | None:
    value = thing.get(name) if isinstance(thing, dict) else None
    return value if isinstance(value, str) else None


def flag(thing: Any, name: str) -> bool:
    """A flag that is missing is not set."""
    return isinstance(thing, dict) and thing.get(name) is True


def entries(thing: Any, name: str) -> list[Any]:
    value = thing.get(name) if isinstance(thing, dict) else None
    return value if isinstance(value, list) else []


def part(thing: Any, name: str) -> Any:
    return thing.get(name) if isinstance(thing, dict) else None


def address(participant: Any) -> str | None:
    """The normalised address of a recipient, tag kept; None for a participant without one, who is nobody (§1)."""
    raw = text(part(participant, "emailAddress"), "address")
    return (normalise(raw) or None) if raw is not None else None


def instant(thing: Any, name: str) -> datetime | None:
    """A `DateTimeOffset`; None where it is no usable time."""
    moment = _parse(text(thing, name))
    return moment.astimezone(UTC) if moment and moment.tzinfo else None


def zoned(thing: Any, name: str) -> datetime | None:
    """A `dateTimeTimeZone`: a local time and the zone it is in; None where it is no usable time."""
    value = part(thing, name)
    moment, zone = _parse(text(value, "dateTime")), text(value, "timeZone")
    if moment is None or zone is None:
        return None
    try:
        return moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    except (ZoneInfoNotFoundError, ValueError):
        return None


def _parse(raw: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(raw) if raw is not None else None
    except ValueError:
        return None
