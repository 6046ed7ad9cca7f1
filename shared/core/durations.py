"""ISO 8601 durations (`PT6H`, `P30D`), as settings give them."""

from __future__ import annotations

from datetime import timedelta

from pydantic import TypeAdapter, ValidationError

LONGEST = timedelta(days=36_500)

_ISO = TypeAdapter(timedelta)


def parse(text: str) -> timedelta:
    """The duration, zero or longer. A year is 365 days and a month 30, as no calendar is known here.

    Raises ValueError where the text is no ISO 8601 duration, is negative, or longer than a hundred years.
    """
    # pydantic reads clock times (`1:00:00`) and signs too; a setting says one thing in one way.
    if not text.startswith("P") or text.endswith("T"):
        raise ValueError("is not an ISO 8601 duration such as PT15M or P30D")
    try:
        duration = _ISO.validate_python(text)
    except ValidationError:
        raise ValueError("is not an ISO 8601 duration such as PT15M or P30D") from None
    if not timedelta(0) <= duration <= LONGEST:
        raise ValueError("is longer than a hundred years")
    return duration
