"""Published tables as cells of text, as CSV writes them (§6), so that two of them can be compared cell by cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

Cells = list[dict[str, str]]

FLOATS = ("AverageDuration_Of_Meetings", "AverageDuration_Of_AccountEmailReplies")


def cells(rows: Iterable[Mapping[str, Any]]) -> Cells:
    """§6: "CSV writes dates as `yyyy-mm-dd`, null as nothing, floats as Python's `repr` does"."""
    return [{column: _cell(value) for column, value in row.items()} for row in rows]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, date):
        return value.isoformat()
    return repr(value) if isinstance(value, float) else str(value)


def differences(expected: Cells, actual: Cells, limit: int = 20) -> list[str]:
    """Where two tables differ, in words: floats as numbers, `AsOf` as an instant, `RunId` not, all else exactly."""
    found = [f"{len(expected)} rows expected, {len(actual)} found"] if len(expected) != len(actual) else []
    for number, (left, right) in enumerate(zip(expected, actual, strict=False)):
        if list(left) != list(right):
            return [*found, f"columns {list(left)} expected, {list(right)} found"]
        name = left.get("PrimaryKey") or f"row {number}"
        found += [
            f"{name} {column}: {left[column]!r} expected, {right[column]!r} found"
            for column in left
            if _value(column, left[column]) != _value(column, right[column])
        ]
    return found[:limit]


def _value(column: str, cell: str) -> Any:
    if column in FLOATS and cell:
        return float(cell)
    if column == "AsOf":
        return datetime.fromisoformat(cell)
    return None if column == "RunId" else cell
