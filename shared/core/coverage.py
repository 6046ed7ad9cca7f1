"""What became of each thing that was looked at, as counts (semantics §6, `_Coverage`)."""

from __future__ import annotations

from typing import NamedTuple

from shared.core.contracts import Counts
from shared.core.periods import DAYS


class CoverageRow(NamedTuple):
    scope: str
    reason: str
    number: int


def rows(counts: Counts, days_with_items: int) -> list[CoverageRow]:
    """One row per scope and reason that occurred, sorted by both."""
    days = {"WithItems": days_with_items, "WithoutItems": DAYS - days_with_items}
    scopes = {**counts, "Days": days}
    return sorted(
        CoverageRow(scope, reason, count)
        for scope, reasons in scopes.items()
        for reason, count in reasons.items()
        if count
    )
