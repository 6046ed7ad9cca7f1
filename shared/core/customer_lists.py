"""Customers as lists show them: one entry each, searched, ordered and cut (interfaces §8)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.core.answer_shapes import CustomerEntry
from shared.core.change import BANDS
from shared.core.figures import NEVER
from shared.core.standing import HIDDEN, SHOWN, Standing

COLUMNS = tuple(CustomerEntry.__annotations__)
DEFAULT_ORDER = ("score", True)


def entries(standing: Standing, rows: Iterable[int]) -> list[CustomerEntry]:
    return [entry(standing, int(row)) for row in rows]


def entry(standing: Standing, row: int) -> CustomerEntry:
    hidden, shown = standing.presence[row] == HIDDEN, standing.presence[row] == SHOWN
    return {
        "customerId": standing.ids[row],
        "name": standing.names[row],
        "score": int(standing.score[row]) if shown else None,
        "band": None if hidden else BANDS[standing.band[row]],
        "change": int(standing.change[row]) if shown and not standing.months_hidden[row] else None,
        "emails": None if hidden else int(standing.totals[row, :2].sum()),
        "meetings": None if hidden else int(standing.meetings[row]),
        "daysSinceLastEmail": day_or_none(standing.since_email[row]),
        "daysSinceLastMeeting": day_or_none(standing.since_meeting[row]),
    }


def day_or_none(days: np.integer[Any]) -> int | None:
    return None if days == NEVER else int(days)


def search(standing: Standing, text: str) -> NDArray[np.int64]:
    """The customers whose id or name holds the text, whatever its case."""
    wanted = text.casefold()
    return np.array([row for row, told in enumerate(standing.search_texts) if wanted in told], np.int64)


def order_of(text: str) -> tuple[str, bool] | None:
    """(column, descending) from `score`, `score asc` or `score desc`; None where it is none of these."""
    column, _, direction = text.strip().partition(" ")
    if column not in COLUMNS or direction.strip() not in ("", "asc", "desc"):
        return None
    return column, direction.strip() == "desc"


def ordered(standing: Standing, rows: Sequence[int] | NDArray[np.int64], order: tuple[str, bool]) -> NDArray[np.int64]:
    """The rows by a column. Customers without a row that is shown come last, then null does; ties go by customer id."""
    chosen = np.sort(np.asarray(rows, np.int64))
    column, descending = order
    values = _column(standing, column)[chosen]
    missing = np.isnan(values)
    values = np.where(missing, 0, -values if descending else values)
    found: NDArray[np.int64] = chosen[np.lexsort((chosen, values, missing, standing.presence[chosen] != SHOWN))]
    return found


def _column(standing: Standing, column: str) -> NDArray[np.float64]:
    """Numbers in the order of the column's values, NaN for null; bands in the order none, low, medium, high."""
    if column == "customerId":
        return np.arange(len(standing.ids), dtype=np.float64)
    if column == "name":
        return standing.name_ranks
    shown = standing.presence == SHOWN
    told: dict[str, tuple[NDArray[Any], NDArray[np.bool_]]] = {
        "score": (standing.score, shown),
        "band": (standing.band, standing.presence != HIDDEN),
        "change": (standing.change, shown & ~standing.months_hidden),
        "emails": (standing.totals[:, :2].sum(axis=1), standing.presence != HIDDEN),
        "meetings": (standing.meetings, standing.presence != HIDDEN),
        "daysSinceLastEmail": (standing.since_email, standing.since_email != NEVER),
        "daysSinceLastMeeting": (standing.since_meeting, standing.since_meeting != NEVER),
    }
    values, known = told[column]
    return np.where(known, values.astype(np.float64), np.nan)
