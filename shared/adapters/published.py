"""The published tables (semantics §6): pandas frames, and the bytes of their Parquet and CSV files."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import IO, Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyarrow import csv

from shared.core.coverage import CoverageRow
from shared.core.enrichment import PARTS
from shared.core.figures import NEVER, Figures
from shared.core.periods import DAYS, LEVELS, Window, rfc3339
from shared.core.score import Scores

CHUNK = 65_536  # rows of a frame, and of a row group
_EPOCH = 719_163  # ordinal of 1970-01-01


def names(ids: Sequence[str]) -> Any:
    """The ids of customers by their numbers, as the frames below take them."""
    return pa.array(ids, pa.string())


def engagement(figures: Figures, scores: Scores, ids: Any, window: Window) -> pd.DataFrame:
    """Rows of `<output>`, or with the ids of tops of `<output>_Hierarchy`. ids: `names` of the accounts."""
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


def breakdown(figures: Figures, scores: Scores, ids: Any, window: Window) -> pd.DataFrame:
    """Rows of `<output>_ScoreBreakdown`."""
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


def _keys(figures: Figures, ids: Any, window: Window) -> tuple[Any, Any]:
    """(CustomerId, PrimaryKey)"""
    customer = ids.take(figures.account)
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


class Files(NamedTuple):
    """A table as it is published."""

    rows: int
    parquet: bytes
    csv: bytes


class Table:
    """A table on its way out, frame by frame, as Parquet and as CSV.

    CSV is RFC 4180 with `\n`: dates as yyyy-mm-dd, null as nothing, floats as `repr` writes them, quotes where needed.
    """

    def __init__(self, parquet: IO[bytes], text: IO[bytes]) -> None:
        self._parquet, self._text, self.rows = parquet, text, 0
        self._writer: pq.ParquetWriter | None = None

    def add(self, frame: pd.DataFrame) -> None:
        """One frame at least, if only to name the columns; of `CHUNK` rows each, but for the last one."""
        for step in self.steps(frame):
            step()

    def steps(self, frame: pd.DataFrame) -> tuple[Callable[[], None], Callable[[], None]]:
        """How to write the frame in each format: to be done in any order, or side by side, before the next frame's."""
        table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
        if self._writer is None:
            self._writer = _writer(self._parquet, table.schema)
            self._text.write((",".join(table.column_names) + "\n").encode())
        self.rows += table.num_rows
        pa.default_memory_pool().release_unused()  # Arrow would keep what the frame before took
        return partial(self._writer.write_table, table, row_group_size=CHUNK), partial(_write_lines, table, self._text)

    def end(self) -> None:
        assert self._writer is not None
        self._writer.close()


def files(frames: Iterable[pd.DataFrame]) -> Files:
    """The files of a `Table` that is small enough for memory."""
    parquet, text = io.BytesIO(), io.BytesIO()
    table = Table(parquet, text)
    for frame in frames:
        table.add(frame)
    table.end()
    return Files(table.rows, parquet.getvalue(), text.getvalue())


def _writer(sink: IO[bytes], schema: pa.Schema) -> pq.ParquetWriter:
    # Keys and means hardly repeat: a dictionary of them would only cost.
    repeating: Any = [f.name for f in schema if f.name != "PrimaryKey" and not pa.types.is_floating(f.type)]
    return pq.ParquetWriter(sink, schema, compression="zstd", compression_level=1, use_dictionary=repeating)


def _write_lines(table: pa.Table, text: IO[bytes]) -> None:
    columns = [_decimals(column) if pa.types.is_floating(column.type) else column for column in table.columns]
    quoted = [_quoted(column) if pa.types.is_string(column.type) else column for column in columns]
    if all(after is before for after, before in zip(quoted, columns, strict=True)):
        without_quotes = csv.WriteOptions(include_header=False, quoting_style="none")
        csv.write_csv(pa.table(columns, names=table.column_names), text, without_quotes)
        return
    # Arrow would put quotes around every text, or around none.
    texts: list[Any] = [column.cast(pa.string()) for column in quoted]
    lines = pc.binary_join_element_wise(*texts, ",", null_handling="replace")
    text.write("".join(f"{line}\n" for line in lines.to_pylist()).encode())


def _quoted(column: Any) -> Any:
    """Texts in quotes where they hold what CSV itself is made of."""
    special = pc.match_substring_regex(column, '[",\r\n]')
    if not pc.any(special).as_py():
        return column
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(column, '"', '""'), '"', "")
    return pc.if_else(special, quoted, column)


def _decimals(column: Any) -> Any:
    """Floats as `repr` writes them. Arrow has the same digits, but leaves `.0` out and has other limits for `e`."""
    size = np.abs(column.drop_null().to_numpy())
    if not ((size > 0.001) & (size < 1e15)).all():
        return pa.array([None if value is None else repr(value) for value in column.to_pylist()], pa.string())
    text = column.cast(pa.string())
    return pc.if_else(pc.match_substring(text, "."), text, pc.binary_join_element_wise(text, ".0", ""))
