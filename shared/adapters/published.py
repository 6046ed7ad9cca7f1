"""The published tables (semantics §6): pandas frames, and the bytes of their Parquet and CSV files."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from shared.core.coverage import CoverageRow
from shared.core.enrichment import PARTS
from shared.core.figures import NEVER, Figures
from shared.core.periods import DAYS, LEVELS, Window, rfc3339
from shared.core.score import Scores

_EPOCH = 719_163  # ordinal of 1970-01-01
_CHUNK = 131_072  # rows that are put into text, or into a row group, at a time


def engagement(figures: Figures, scores: Scores, ids: Sequence[str], window: Window) -> pd.DataFrame:
    """`<output>`, and `<output>_Hierarchy` with the ids of tops. ids: of each account number in the figures."""
    customer, key = _keys(figures, ids, window)
    columns = {
        "PrimaryKey": key,
        "CustomerId": customer,
        "EngagementScore": pa.array(scores.score),
        "NoOfEmails_ToAccount": _long(figures.emails_to),
        "NoOfEmails_FromAccount": _long(figures.emails_from),
        "NoOfMeetings_FromAccount": _long(figures.meetings_from),
        "NoOfMeetings_ToAccount": _long(figures.meetings_to),
        "NoOfContactsInvolved_Meetings": pa.array(figures.people_meetings),
        "NoOfContactsInvolved_Emails": pa.array(figures.people_emails),
        "NoOfAccountContactsInvolved_Meetings": pa.array(figures.contacts_meetings),
        "NoOfAccountContactsInvolved_Emails": pa.array(figures.contacts_emails),
        "EngagementStartDate": _dates(window.first.toordinal() - _EPOCH + figures.first_day),
        "DaysSinceLastEmail": _days_since(figures.last_email_day),
        "DaysSinceLastMeeting": _days_since(figures.last_meeting_day),
        "AverageDuration_Of_Meetings": _mean(figures.meeting_minutes, figures.meetings),
        "AverageDuration_Of_AccountEmailReplies": _mean(figures.reply_minutes, figures.replies),
        "AggregationStartDate": _dates(_starts(figures, window)),
        "AggregationLevel": pa.array(LEVELS).take(figures.level),
    }
    return _frame(columns)


def breakdown(figures: Figures, scores: Scores, ids: Sequence[str], window: Window) -> pd.DataFrame:
    """`<output>_ScoreBreakdown`."""
    columns = {"PrimaryKey": _keys(figures, ids, window)[1]}
    columns |= {part: pa.array(scores.points[:, i]) for i, part in enumerate(PARTS)}
    for i, part in enumerate(PARTS):
        columns[f"{part}_Value"] = pa.array(scores.values[:, i])
        columns[f"{part}_Reference"] = pa.array(scores.references[:, i])
    return _frame(columns)


def people(directory_ids: Sequence[str]) -> pd.DataFrame:
    """`<output>_UserEntity`; the ids come sorted."""
    return _frame({"UserId": pa.array(directory_ids, pa.string())})


def coverage(rows: Sequence[CoverageRow], run_id: str, as_of_us: int) -> pd.DataFrame:
    """`<output>_Coverage`."""
    columns = {
        "RunId": pa.array([run_id] * len(rows), pa.string()),
        "Scope": pa.array([row.scope for row in rows], pa.string()),
        "Reason": pa.array([row.reason for row in rows], pa.string()),
        "Count": pa.array([row.number for row in rows], pa.int64()),
        "AsOf": pa.array([rfc3339(as_of_us)] * len(rows), pa.string()),
    }
    return _frame(columns)


def _frame(columns: dict[str, Any]) -> pd.DataFrame:
    return pa.table(columns).to_pandas(types_mapper=pd.ArrowDtype)


def _long(counts: NDArray[np.int32]) -> Any:
    return pa.array(counts.astype(np.int64))


def _keys(figures: Figures, ids: Sequence[str], window: Window) -> tuple[Any, Any]:
    """(CustomerId, PrimaryKey)"""
    customer: Any = pa.array(ids, pa.string()).take(figures.account)
    suffixes: list[str] = []
    place = np.zeros((len(LEVELS), 64), np.int32)
    for number, level in enumerate(LEVELS):
        for period in range(_periods(window, level)):
            place[number, period] = len(suffixes)
            start = window.period_start(level, period)
            suffixes.append("|Year" if level == "Year" else f"|{level}|{start:%Y%m%d}")
    suffix: Any = pa.array(suffixes, pa.string()).take(place[figures.level, figures.period])
    return customer, pc.binary_join_element_wise(customer, suffix, "")


def _periods(window: Window, level: str) -> int:
    return int(window.period_of_day(level)[-1]) + 1


def _starts(figures: Figures, window: Window) -> NDArray[np.int64]:
    """The first day of each row's period, in days since 1970."""
    start = np.zeros(len(figures.level), np.int64)
    for number, level in enumerate(LEVELS):
        periods = range(_periods(window, level))
        first = np.array([window.period_start(level, period).toordinal() for period in periods]) - _EPOCH
        rows = figures.level == number
        start[rows] = first[figures.period[rows]]
    return start


def _dates(days: NDArray[Any]) -> Any:
    return pa.array(days.astype(np.int32)).cast(pa.date32())


def _days_since(last: NDArray[np.int32]) -> Any:
    return pa.array((DAYS - 1 - last).astype(np.int32), mask=last == NEVER)


def _mean(total: NDArray[np.float64], number: NDArray[np.int32]) -> Any:
    return pa.array(total / np.maximum(number, 1), mask=number == 0)


def to_parquet(frame: pd.DataFrame) -> bytes:
    sink = io.BytesIO()
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(table, sink, compression="zstd", compression_level=1, row_group_size=_CHUNK)
    return sink.getvalue()


def to_csv(frame: pd.DataFrame) -> bytes:
    """RFC 4180 with `\\n`: dates as yyyy-mm-dd, null as nothing, floats as `repr` writes them; quotes where needed."""
    header = ",".join(frame.columns) + "\n"
    return header.encode() + b"".join(_lines(pa.Table.from_pandas(frame, preserve_index=False)))


def _lines(table: pa.Table) -> Iterator[bytes]:
    for chunk in table.to_batches(max_chunksize=_CHUNK):
        columns = [_text(column) for column in chunk.columns]
        columns[-1] = pc.binary_join_element_wise(columns[-1], "\n", "", null_handling="replace")
        lines = pc.binary_join_element_wise(*columns, ",", null_handling="replace")
        yield b"".join(lines.cast(pa.binary()).to_pylist())


def _text(column: Any) -> Any:
    """One text per value, quoted where it holds what CSV itself is made of."""
    if pa.types.is_floating(column.type):
        return pa.array([None if value is None else repr(value) for value in column.to_pylist()], pa.string())
    if not pa.types.is_string(column.type):
        return column.cast(pa.string())
    special = pc.match_substring_regex(column, '[",\r\n]')
    if not pc.any(special).as_py():
        return column
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(column, '"', '""'), '"', "")
    return pc.if_else(special, quoted, column)
