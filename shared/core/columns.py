"""Rows and lists as numpy columns: choose rows, lay tables below each other, distinct pairs; for all of `facts`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from shared.core.facts import Ragged

Table = TypeVar("Table")
Ints = NDArray[np.integer[Any]]

# A column that runs along the values of a list column instead of the rows.
_ALONGSIDE = {"declined": "attendees"}


def take(table: Table, rows: Ints) -> Table:
    """These rows, in this order."""
    columns: dict[str, Any] = {}
    for name, column in _columns(table):
        if name in _ALONGSIDE:
            columns[name] = column[_spread(getattr(table, _ALONGSIDE[name]), rows)]
        else:
            columns[name] = take_lists(column, rows) if isinstance(column, Ragged) else column[rows]
    return type(table)(**columns)


def concat(tables: Sequence[Table]) -> Table:
    """The rows of all tables, one table after the other; at least one table."""
    if len(tables) == 1:
        return tables[0]
    columns: dict[str, Any] = {}
    for name, column in _columns(tables[0]):
        parts = [getattr(table, name) for table in tables]
        columns[name] = concat_lists(parts) if isinstance(column, Ragged) else np.concatenate(parts)
    return type(tables[0])(**columns)


def _columns(table: Any) -> list[tuple[str, Any]]:
    return [(field.name, getattr(table, field.name)) for field in fields(table)]


def lengths(lists: Ragged) -> NDArray[np.int64]:
    return np.diff(lists.offsets)


def rows_of(lists: Ragged) -> NDArray[np.int64]:
    """For each value the number of the row that holds it."""
    return np.repeat(np.arange(len(lists.offsets) - 1), lengths(lists))


def take_lists(lists: Ragged, rows: Ints) -> Ragged:
    return Ragged(_offsets(lengths(lists)[rows]), lists.values[_spread(lists, rows)])


def _spread(lists: Ragged, rows: Ints) -> NDArray[np.int64]:
    """Positions of the values of these rows."""
    return ranges(lists.offsets[:-1][rows], lengths(lists)[rows])


def ranges(starts: Ints, counts: Ints) -> NDArray[np.int64]:
    """start, start + 1, … for each start as many as its count says, one range after the other."""
    ends = np.cumsum(counts, dtype=np.int64)
    total = int(ends[-1]) if len(ends) else 0
    positions: NDArray[np.int64] = np.arange(total) + np.repeat(starts - (ends - counts), counts)
    return positions


def concat_lists(parts: Sequence[Ragged]) -> Ragged:
    return Ragged(_offsets(np.concatenate([lengths(p) for p in parts])), np.concatenate([p.values for p in parts]))


def _offsets(counts: Ints) -> NDArray[np.int64]:
    offsets = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets


def lists_from(rows: Ints, values: NDArray[Any], count: int) -> Ragged:
    """Lists for the rows 0 … count − 1 from pairs that are sorted by row."""
    return Ragged(_offsets(np.bincount(rows, minlength=count)), values)


def distinct_pairs(rows: Ints, values: Ints) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The distinct pairs, sorted. Rows are not negative; both fit into 32 bits, values with their sign."""
    if len(rows) == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int32)
    key = (rows.astype(np.int64) << 32) | (values.astype(np.int64) + 2**31)
    key.sort()
    key = key[starts(key)]
    return key >> 32, ((key & 0xFFFFFFFF) - 2**31).astype(np.int32)


def sort_rows(*columns: Ints) -> tuple[NDArray[np.int64], ...]:
    """The rows sorted by the first column, then the second, and so on; nothing in them is negative."""
    bits = [int(column.max(initial=0)).bit_length() for column in columns]
    if sum(bits) > 63:
        order = np.lexsort(columns[::-1])
        return tuple(column[order].astype(np.int64) for column in columns)
    key = columns[0].astype(np.int64)
    for column, width in zip(columns[1:], bits[1:], strict=True):
        key <<= width
        key |= column
    key.sort()
    found = []
    for width in bits[::-1]:
        found.append(key & ((1 << width) - 1))
        key >>= width
    return tuple(found[::-1])


def starts(*sorted_columns: NDArray[Any]) -> NDArray[np.bool_]:
    """For rows that are sorted: whether a row differs from the one before it in any of these columns."""
    first = np.ones(len(sorted_columns[0]), np.bool_)
    if len(first):
        first[1:] = False
        for column in sorted_columns:
            first[1:] |= column[1:] != column[:-1]
    return first


def split(table: Table, number: Ints, count: int) -> list[Table]:
    """Tables 0 … count − 1: the rows with this number, in the order in which they were; views of one table."""
    assert count <= 2**16
    order = np.argsort(number.astype(np.uint16), kind="stable")  # of 16 bits: numpy counts, and does not compare
    bounds = _offsets(np.bincount(number, minlength=count))
    table = take(table, order)
    return [cut(table, bounds[i], bounds[i + 1]) for i in range(count)]


def cut(table: Table, begin: int, end: int) -> Table:
    """The rows begin … end − 1, without a copy of them."""
    columns: dict[str, Any] = {}
    for name, column in _columns(table):
        if name in _ALONGSIDE:
            offsets = getattr(table, _ALONGSIDE[name]).offsets
            columns[name] = column[offsets[begin] : offsets[end]]
        else:
            columns[name] = _cut_lists(column, begin, end) if isinstance(column, Ragged) else column[begin:end]
    return type(table)(**columns)


def _cut_lists(lists: Ragged, begin: int, end: int) -> Ragged:
    offsets = lists.offsets[begin : end + 1]
    return Ragged(offsets - offsets[0], lists.values[offsets[0] : offsets[-1]])
