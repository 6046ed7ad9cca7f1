"""Evaluates a filter over rows of the output table with Arrow's own functions, in SQL's logic of three values."""

from __future__ import annotations

from datetime import date
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from shared.adapters import result_rows
from shared.core.filters import COLUMNS, Comparison, Condition, Together

_COMPARE: dict[str, Any] = {
    "eq": pc.equal,
    "ne": pc.not_equal,
    "lt": pc.less,
    "le": pc.less_equal,
    "gt": pc.greater,
    "ge": pc.greater_equal,
}


def rows_of(parquet: bytes, level: str, start: date | None) -> pa.Table:
    """The rows of a level, and of the period that begins on this day (None: of all)."""
    table = result_rows.select(parquet, level, None)
    if start is not None:
        table = table.filter(pc.equal(table["AggregationStartDate"], pa.scalar(start, pa.date32())))
    return table


def customers(rows: pa.Table, condition: Condition) -> list[str]:
    """The customers of the rows for which the condition is true; unknown is not true."""
    selected = rows.filter(truth(rows, condition))
    ids: list[Any] = selected["CustomerId"].to_pylist()
    return ids


def truth(rows: pa.Table, condition: Condition) -> Any:
    """True, false or null (unknown) for each row."""
    if isinstance(condition, Comparison):
        return _compare(rows[condition.column], condition)
    if isinstance(condition, Together):
        join: Any = pc.and_kleene if condition.how == "all" else pc.or_kleene
        return reduce(join, (truth(rows, each) for each in condition.conditions))
    return pc.invert(truth(rows, condition.condition))


def _compare(column: Any, comparison: Comparison) -> Any:
    if comparison.op == "isNull":
        is_null = pc.is_null(column)
        return is_null if comparison.value else pc.invert(is_null)
    listed = comparison.value if isinstance(comparison.value, tuple) else (comparison.value,)
    kind = _kind(comparison.column, listed)
    if comparison.op == "in":
        return _among(column.cast(kind), [value for value in listed if value is not None], kind, None in listed)
    return _COMPARE[comparison.op](column.cast(kind), pa.scalar(listed[0], kind))


def _among(column: Any, values: list[Any], kind: pa.DataType, with_null: bool) -> Any:
    """Null stays unknown; beside a null in the list, what is not found is unknown too."""
    found: Any = pc.is_in(column, pa.array(values, kind))
    known = pc.or_kleene(found, pa.scalar(None, pa.bool_())) if with_null else found
    return pc.if_else(pc.is_valid(column), known, pa.scalar(None, pa.bool_()))


def _kind(column: str, values: tuple[Any, ...]) -> pa.DataType:
    """What both sides are compared as: whole numbers exactly, unless a fraction is among the values."""
    kind = COLUMNS[column]
    if kind == "text":
        return pa.string()
    if kind == "date":
        return pa.date32()
    fractions = kind == "number" or any(isinstance(value, float) for value in values)
    return pa.float64() if fractions else pa.int64()
