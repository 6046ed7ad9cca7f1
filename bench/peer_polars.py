"""The same figures by Polars: frames that are exploded, joined with the periods and grouped, as in `peers`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import cast

os.environ["POLARS_MAX_THREADS"] = "1"  # to compare like with like; read when Polars is imported

import polars as pl
import pyarrow as pa
from polars import DataFrame, Expr, col

from bench.peers import KEYS, REPLY_LIMIT_US, _buckets, _periods

_TO, _FROM = col("direction") == 1, col("direction") == 2
_EMAIL, _MEETING = col("kind") == 1, col("kind") == 2


def by_polars(folder: Path) -> DataFrame:
    levels = DataFrame(_periods().to_dict("list")).cast({"level": pl.Int8, "day": pl.Int32, "period": pl.Int32})
    return pl.concat(_bucket(_frame(messages), _frame(meetings), levels) for messages, meetings in _buckets(folder))


def _frame(rows: pa.Table) -> DataFrame:
    return cast("DataFrame", pl.from_arrow(rows))


def _bucket(messages: DataFrame, meetings: DataFrame, levels: DataFrame) -> DataFrame:
    messages = messages.filter(col("direction") > 0).with_row_index("row")
    items = pl.concat([messages.select("account", "day", kind=1), meetings.select("account", "day", kind=2)])

    def grouped(frame: DataFrame, **figures: Expr) -> DataFrame:
        return frame.join(levels, on="day").group_by(KEYS).agg(**figures)

    def named(column: str) -> DataFrame:
        return pl.concat(
            frame.select("account", "day", column, kind=kind).explode(column)
            for frame, kind in ((messages, 1), (meetings, 2))
        ).drop_nulls(column)

    def distinct(column: str, of: Expr) -> Expr:
        return col(column).filter(of).n_unique()

    parts = [
        grouped(messages, emails_to=_TO.sum(), emails_from=_FROM.sum()),
        grouped(
            meetings,
            meetings_to=_TO.sum(),
            meetings_from=_FROM.sum(),
            meetings=pl.len(),
            meeting_minutes=col("minutes").sum(),
        ),
        grouped(
            named("people"),
            people=col("people").n_unique(),
            people_emails=distinct("people", _EMAIL),
            people_meetings=distinct("people", _MEETING),
        ),
        grouped(
            named("contacts"),
            contacts_emails=distinct("contacts", _EMAIL),
            contacts_meetings=distinct("contacts", _MEETING),
        ),
        grouped(_replies(messages), replies=pl.len(), reply_minutes=col("elapsed").sum() / 60e6),
    ]
    whole = items.group_by("account").agg(
        first_day=col("day").min(),
        last_email_day=col("day").filter(_EMAIL).max(),
        last_meeting_day=col("day").filter(_MEETING).max(),
    )
    return _beside(grouped(items, last_day=col("day").max()), parts).join(whole, on="account")


def _beside(figures: DataFrame, parts: Sequence[DataFrame]) -> DataFrame:
    for part in parts:
        figures = figures.join(part, on=KEYS, how="left")
    return figures


def _replies(messages: DataFrame) -> DataFrame:
    """The answers in time: account, day, elapsed."""
    events = messages.explode("conversations").drop_nulls("conversations")
    thread = ["account", "conversations"]
    asked = events.filter(_TO).select(*thread, "sent", parent="row", asked="sent")
    answers = events.filter(_FROM).select("row", *thread, "day", "sent", "received")
    links = answers.sort("received").join_asof(
        asked.sort("sent"),
        left_on="received",
        right_on="sent",
        by=thread,
        allow_exact_matches=False,
        check_sortedness=False,  # it cannot check within groups, and says so
    )
    return (
        links.drop_nulls("parent")
        .sort("asked")
        .unique("row", keep="last", maintain_order=True)
        .sort("received", "sent")
        .unique("parent", keep="first", maintain_order=True)
        .with_columns(elapsed=col("received") - col("asked"))
        .filter(col("elapsed") <= REPLY_LIMIT_US)
    )
