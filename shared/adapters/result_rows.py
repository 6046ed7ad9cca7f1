"""Rows of a published table: read from its Parquet file, filtered, cut, and told as JSON, CSV or Parquet."""

from __future__ import annotations

import io
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from shared.adapters import published

# What a key of semantics §6 ends with, after the customer; an id may hold such signs itself.
_SUFFIX = {"Year": r"\|Year$", "Month": r"\|Month\|[0-9]{8}$", "Week": r"\|Week\|[0-9]{8}$"}
_ANY_SUFFIX = r"\|(Year|(Month|Week)\|[0-9]{8})$"


def select(parquet: bytes, level: str | None, customer_id: str | None) -> pa.Table:
    """The rows of a level and a customer (None: of all), in their order; tables without these columns go by the key."""
    table = pq.read_table(io.BytesIO(parquet))
    by_key = "AggregationLevel" not in table.column_names
    if level is not None:
        if by_key:
            table = table.filter(pc.match_substring_regex(table["PrimaryKey"], _SUFFIX[level]))
        else:
            table = table.filter(pc.equal(table["AggregationLevel"], pa.scalar(level)))
    if customer_id is not None:
        customer = pc.replace_substring_regex(table["PrimaryKey"], _ANY_SUFFIX, "") if by_key else table["CustomerId"]
        table = table.filter(pc.equal(customer, pa.scalar(customer_id)))
    return table


def to_json(rows: pa.Table) -> list[dict[str, Any]]:
    """One object per row, under the table's own column names; dates are `date`."""
    listed: list[dict[str, Any]] = rows.to_pylist()
    return listed


def to_csv(rows: pa.Table) -> bytes:
    return published.files([_frame(rows)]).csv


def to_parquet(rows: pa.Table) -> bytes:
    return published.files([_frame(rows)]).parquet


def _frame(rows: pa.Table) -> pd.DataFrame:
    return rows.to_pandas(types_mapper=pd.ArrowDtype)
