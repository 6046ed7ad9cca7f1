"""Facts and figures in and out of Parquet: the files that lie between the stages of a run."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from shared.core.contracts import Counts
from shared.core.facts import MeetingCopies, MeetingItems, MessageCopies, MessageItems, Ragged
from shared.core.figures import Figures
from shared.core.ledger import Ledger, Taken

AnyFacts = MessageCopies | MeetingCopies | MessageItems | MeetingItems | Figures | Ledger
Facts = TypeVar("Facts", MessageCopies, MeetingCopies, MessageItems, MeetingItems, Figures, Ledger)

_CODES = pa.list_(pa.field("element", pa.int32(), nullable=False))
_KEYS = pa.list_(pa.field("element", pa.uint64(), nullable=False))
_FLAGS = pa.list_(pa.field("element", pa.bool_(), nullable=False))


def _schema(**columns: pa.DataType) -> pa.Schema:
    return pa.schema([pa.field(name, kind, nullable=False) for name, kind in columns.items()])


_SCHEMAS: dict[type, pa.Schema] = {
    MessageCopies: _schema(
        item=pa.uint64(),
        conversation=pa.uint64(),
        sent=pa.int64(),
        received=pa.int64(),
        owner=pa.int32(),
        sender=pa.int32(),
        crowded=pa.bool_(),
        recipients=_CODES,
    ),
    MeetingCopies: _schema(
        item=pa.uint64(),
        start=pa.int64(),
        end=pa.int64(),
        owner=pa.int32(),
        organizer=pa.int32(),
        has_organizer=pa.bool_(),
        own_answer=pa.int8(),
        crowded=pa.bool_(),
        attendees=_CODES,
        declined=_FLAGS,
    ),
    MessageItems: _schema(
        item=pa.uint64(),
        account=pa.int32(),
        direction=pa.int8(),
        sent=pa.int64(),
        received=pa.int64(),
        day=pa.int32(),
        conversations=_KEYS,
        people=_CODES,
        contacts=_CODES,
    ),
    MeetingItems: _schema(
        item=pa.uint64(),
        account=pa.int32(),
        direction=pa.int8(),
        start=pa.int64(),
        minutes=pa.float64(),
        day=pa.int32(),
        people=_CODES,
        contacts=_CODES,
    ),
    Ledger: _schema(id=pa.uint64(), received=pa.int64(), sent=pa.int64(), verdict=pa.int8()),
    Figures: _schema(
        account=pa.int32(),
        level=pa.int8(),
        **{
            name: pa.int32()
            for name in ("period", "emails_to", "emails_from", "meetings_to", "meetings_from", "meetings")
        },
        **{name: pa.int32() for name in ("people_emails", "people_meetings", "people")},
        **{name: pa.int32() for name in ("contacts_emails", "contacts_meetings", "last_day")},
        meeting_minutes=pa.float64(),
        reply_minutes=pa.float64(),
        **{name: pa.int32() for name in ("replies", "first_day", "last_email_day", "last_meeting_day")},
    ),
}

# Hashes do not repeat and instants hardly do: a dictionary of them would only cost.
_PLAIN = ("id", "item", "conversation", "conversations", "sent", "received", "start", "end")


def write_message_copies(copies: MessageCopies, counts: Counts) -> bytes:
    """A part of a mailbox; `counts`: what was left out of it and why, for messages and meetings together."""
    return write(copies, counts)


def write_meeting_copies(copies: MeetingCopies) -> bytes:
    return write(copies)


def write_ledger(ledger: Ledger, taken: Taken) -> bytes:
    return _written(ledger, {"taken": asdict(taken)})


def write(facts: AnyFacts, counts: Counts | None = None) -> bytes:
    """One Parquet file; `counts` goes into its metadata."""
    return _written(facts, {"counts": counts or {}})


def _written(facts: AnyFacts, notes: dict[str, Any]) -> bytes:
    schema = schema_of(type(facts))
    metadata = {name: json.dumps(note) for name, note in notes.items()}
    table = pa.Table.from_batches([to_arrow(facts)]).replace_schema_metadata(metadata)
    sink = io.BytesIO()
    repeating: Any = [path for path in _leaves(schema) if path.split(".")[0] not in _PLAIN]
    pq.write_table(
        table, sink, compression="zstd", compression_level=1, use_dictionary=repeating, write_statistics=False
    )
    return sink.getvalue()


def schema_of(kind: type) -> pa.Schema:
    return _SCHEMAS[kind]


def to_arrow(facts: AnyFacts) -> pa.RecordBatch:
    schema = schema_of(type(facts))
    offsets_of_flags = facts.attendees.offsets if isinstance(facts, MeetingCopies) else None
    columns = [_to_arrow(getattr(facts, field.name), field.type, offsets_of_flags) for field in schema]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _leaves(schema: pa.Schema) -> list[str]:
    return [f"{f.name}.list.element" if pa.types.is_list(f.type) else f.name for f in schema]


def _to_arrow(column: Any, kind: pa.DataType, offsets_of_flags: NDArray[np.int64] | None) -> Any:
    if not isinstance(kind, pa.ListType):
        return pa.array(column, type=kind)
    lists = column if isinstance(column, Ragged) else Ragged(_known(offsets_of_flags), column)
    values: Any = pa.array(lists.values, type=kind.value_type)
    offsets: Any = pa.array(lists.offsets.astype(np.int32))
    return pa.ListArray.from_arrays(offsets, values, type=kind)


def _known(offsets: NDArray[np.int64] | None) -> NDArray[np.int64]:
    assert offsets is not None
    return offsets


def read(kind: type[Facts], *files: bytes) -> Facts:
    """What `write` wrote, of several files one after the other; of none, no rows."""
    # A ParquetFile, not `read_table`: that one brings the whole of pyarrow.dataset along.
    tables = [pq.ParquetFile(pa.BufferReader(data)).read(use_threads=False) for data in files]
    facts = from_arrow(kind, pa.concat_tables(tables or [schema_of(kind).empty_table()]))
    del tables
    pa.default_memory_pool().release_unused()  # Arrow would keep what decoding took until the next file
    return facts


def read_counts(data: bytes) -> Counts:
    """The counts that a file carries."""
    counts: Counts = json.loads(pq.read_schema(io.BytesIO(data)).metadata[b"counts"])
    return counts


def read_taken(data: bytes) -> Taken:
    """How the ledger in a file came about."""
    return Taken(**json.loads(pq.read_schema(io.BytesIO(data)).metadata[b"taken"]))


def empty(kind: type[Facts]) -> Facts:
    return read(kind)


def from_arrow(kind: type[Facts], table: pa.Table) -> Facts:
    columns: dict[str, Any] = {}
    for name in table.column_names:
        column: Any = table.column(name).combine_chunks()
        table = table.drop_columns([name])  # column by column: nothing lies in memory twice for long
        if name == "declined":
            columns[name] = column.flatten().to_numpy(zero_copy_only=False)
        elif isinstance(column, pa.ListArray):
            columns[name] = Ragged(column.offsets.to_numpy().astype(np.int64), column.flatten().to_numpy())
        else:
            columns[name] = column.to_numpy(zero_copy_only=False)
    return kind(**columns)
