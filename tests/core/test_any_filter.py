"""Filters of any shape: told as they were read, and Arrow selects what SQL's three values do (interfaces §9)."""

from __future__ import annotations

import operator
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.adapters import filter_rows
from shared.core import filter_bodies, filters
from shared.core.filters import COLUMNS, Comparison, Condition, Negation, Together

ROWS: list[dict[str, Any]] = [
    {
        "CustomerId": "a",
        "DaysSinceLastEmail": 1,
        "AverageDuration_Of_Meetings": 60.0,
        "EngagementStartDate": date(2026, 1, 1),
    },
    {
        "CustomerId": "b",
        "DaysSinceLastEmail": None,
        "AverageDuration_Of_Meetings": 2.5,
        "EngagementStartDate": date(2026, 2, 1),
    },
    {
        "CustomerId": "ü",
        "DaysSinceLastEmail": 2,
        "AverageDuration_Of_Meetings": None,
        "EngagementStartDate": date(2026, 2, 1),
    },
]
KINDS: dict[str, pa.DataType] = {
    "CustomerId": pa.string(),
    "DaysSinceLastEmail": pa.int32(),
    "AverageDuration_Of_Meetings": pa.float64(),
    "EngagementStartDate": pa.date32(),
}
TABLE = pa.Table.from_pylist(ROWS, pa.schema(KINDS))
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "CustomerId": st.sampled_from(["", "a", "b", "ü", "z"]),
    "DaysSinceLastEmail": st.sampled_from([0, 1, 2, Decimal("1.5"), Decimal("2.0"), 10**15]),
    "AverageDuration_Of_Meetings": st.sampled_from([2, 60, Decimal("2.5"), Decimal("1e-30")]),
    "EngagementStartDate": st.sampled_from(["2026-01-01", "2026-02-01", "1999-12-31"]),
}
COMPARE: dict[str, Any] = {name: getattr(operator, name) for name in ("eq", "ne", "lt", "le", "gt", "ge")}


@st.composite
def comparisons(draw: st.DrawFn) -> dict[str, Any]:
    column = draw(st.sampled_from(sorted(VALUES)))
    op = draw(st.sampled_from([*COMPARE, "in", "isNull"]))
    value = VALUES[column] | st.none()
    if op == "isNull":
        return {"column": column, "op": op} | draw(st.sampled_from([{}, {"value": True}, {"value": False}]))
    return {"column": column, "op": op, "value": draw(st.lists(value, min_size=1) if op == "in" else value)}


conditions = st.recursive(
    comparisons(),
    lambda inner: (
        st.builds(
            lambda how, some: {how: some}, st.sampled_from(["all", "any"]), st.lists(inner, min_size=1, max_size=3)
        )
        | st.builds(lambda one: {"not": one}, inner)
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(where=conditions)
def test_arrow_selects_what_three_values_do(where: dict[str, Any]):
    """§9: "A comparison with null is unknown, so is `not` of unknown, as in SQL; only true selects"."""
    wanted, faults = filter_bodies.judge({"level": "Year", "where": where})

    assert wanted is not None, faults
    expected = [row["CustomerId"] for row in ROWS if holds(wanted.where, row) is True]
    assert filter_rows.customers(TABLE, wanted.where) == expected


def holds(condition: Condition, row: dict[str, Any]) -> bool | None:
    if isinstance(condition, Negation):
        inner = holds(condition.condition, row)
        return None if inner is None else not inner
    if isinstance(condition, Together):
        found = [holds(each, row) for each in condition.conditions]
        decisive = condition.how == "any"
        return decisive if decisive in found else None if None in found else not decisive
    return compared(condition, row[condition.column])


def compared(comparison: Comparison, cell: Any) -> bool | None:
    if comparison.op == "isNull":
        return (cell is None) == comparison.value
    if isinstance(comparison.value, tuple):
        found = [compared(Comparison(comparison.column, "eq", value), cell) for value in comparison.value]
        return True if True in found else None if None in found else False
    if cell is None or comparison.value is None:
        return None
    return bool(COMPARE[comparison.op](cell, comparison.value))


@settings(max_examples=200, deadline=None)
@given(where=conditions)
def test_what_is_told_of_a_filter_reads_as_the_same_filter(where: dict[str, Any]):
    """An own segment is kept as it is told."""
    wanted, _ = filter_bodies.judge({"level": "Year", "where": where})

    assert wanted is not None
    again, faults = filter_bodies.judge({"level": "Year", "where": filters.to_json(wanted.where)})
    assert (again, faults) == (wanted, [])


names = st.sampled_from(["all", "any", "not", "column", "op", "value", "level", "where", "period", "x@y.example"])
scalars = st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | st.text()
anything = st.recursive(
    scalars | st.sampled_from([*COLUMNS, *filters.OPS, "Year", "2026-10-01"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=500, deadline=None)
@given(body=st.dictionaries(names, anything, max_size=4))
def test_of_anything_either_a_filter_is_made_or_its_faults_are_told(body: dict[str, Any]):
    """No fault repeats a value: it could be an address."""
    wanted, faults = filter_bodies.judge(body)

    assert (wanted is None) == bool(faults)
    assert not [fault for fault in faults if "@" in fault.pointer + fault.detail]
    assert all(fault.pointer == "" or fault.pointer.startswith("/") for fault in faults)
