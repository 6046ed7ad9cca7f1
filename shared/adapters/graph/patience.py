"""How long to wait before a request is made again: as Graph says, else as experience does."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_FIRST, _LONGEST = 1.0, 16.0
_MOST_FAILURES = 7  # one after the other, of which none says when to come again; they take about 40 seconds
_LATER = 60.0

Uniform = Callable[[float, float], float]
uniform: Uniform = random.SystemRandom().uniform


def retry_after(text: str, now: datetime) -> float | None:
    """The seconds of a `Retry-After` header: whole, fractional, or an HTTP date; None where it says nothing."""
    text = text.strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]*)?", text):
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())


def wait_after(failures: int, asked: float | None, between: Uniform = uniform) -> float:
    """Seconds after so many failures of one request. asked: what Graph said, None for nothing.

    Without a word from Graph waits double, with jitter, and become long after many failures: that page stays broken.
    """
    if asked is not None:
        return max(asked, 0.1 * min(failures, 10))
    if failures >= _MOST_FAILURES:
        return _LATER
    return float(min(_FIRST * 2**failures, _LONGEST)) * between(0.5, 1.0)


def slack(between: Uniform = uniform) -> float:
    """What is added to a wait, since clocks differ, and so that not all come back at once."""
    return between(0.01, 0.1)
