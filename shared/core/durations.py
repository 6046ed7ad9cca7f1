"""ISO 8601 durations (`PT6H`, `P30D`), as settings give them."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import TypeAdapter

LONGEST = timedelta(days=36_500)


@cache
def _iso() -> TypeAdapter[timedelta]:
    # Built when a setting is read: building looks through all installed packages for plugins.
    from pydantic import TypeAdapter

    return TypeAdapter(timedelta)


def parse(text: str) -> timedelta:
    """The duration, zero or longer. A year is 365 days and a month 30, as no calendar is known here.

    Raises ValueError where the text is no ISO 8601 duration, is negative, or longer than a hundred years.
    """
    from pydantic import ValidationError

    # pydantic reads clock times (`1:00:00`) and signs too; a setting says one thing in one way.
    if not text.startswith("P") or text.endswith("T"):
        raise ValueError("is not an ISO 8601 duration such as PT15M or P30D")
    try:
        duration = _iso().validate_python(text)
    except ValidationError:
        raise ValueError("is not an ISO 8601 duration such as PT15M or P30D") from None
    if not timedelta(0) <= duration <= LONGEST:
        raise ValueError("is longer than a hundred years")
    return duration
