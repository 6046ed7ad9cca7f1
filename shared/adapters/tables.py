"""Facts and figures in and out of Parquet: the files that lie between the stages of a run."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, replace
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from shared.adapters import arrays
from shared.core.columns import concat
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

# Hashes do not repeat: a dictionary of them would only cost. Those of conversations do.
_PLAIN = ("id", "item")

# Of two instants the first is stored as steps from row to row, the second as its distance, which is often the same.
_NEAR: dict[type, tuple[str, str]] = {
    MessageCopies: ("received", "sent"),
    MeetingCopies: ("start", "end"),
    Ledger: ("received", "sent"),
}
_SECOND = 1_000_000
_UNIT = "microseconds"


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
    near, unit = _brought_near(facts)
    metadata = {name: json.dumps(note) for name, note in {**notes, _UNIT: unit}.items()}
    table = pa.Table.from_batches([to_arrow(near)]).replace_schema_metadata(metadata)
    in_steps = _NEAR.get(type(facts), ())[:1]
    how: Any = {
        "use_dictionary": [path for path in _leaves(table.schema) if path not in (*_PLAIN, *in_steps)],
        "column_encoding": dict.fromkeys(in_steps, "DELTA_BINARY_PACKED") or None,
    }
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", compression_level=1, write_statistics=False, **how)
    return sink.getvalue()


def _brought_near(facts: AnyFacts) -> tuple[AnyFacts, int]:
    """(the facts with small numbers instead of instants, how many microseconds they count)"""
    if type(facts) not in _NEAR:
        return facts, 1
    first, second = _NEAR[type(facts)]
    instant = getattr(facts, first)
    distance = getattr(facts, second) - instant
    unit = 1 if (instant % _SECOND).any() or (distance % _SECOND).any() else _SECOND
    return replace(facts, **{first: instant // unit, second: distance // unit}), unit


def _as_they_were(facts: Facts, unit: int) -> Facts:
    first, second = _NEAR[type(facts)]
    instant = getattr(facts, first) * unit
    return replace(facts, **{first: instant, second: instant + getattr(facts, second) * unit})


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
        return arrays.to_arrow(column)
    lists = column if isinstance(column, Ragged) else Ragged(_known(offsets_of_flags), column)
    offsets = arrays.to_arrow(lists.offsets.astype(np.int32))
    return pa.ListArray.from_arrays(offsets, arrays.to_arrow(lists.values), type=kind)


def _known(offsets: NDArray[np.int64] | None) -> NDArray[np.int64]:
    assert offsets is not None
    return offsets


def read(kind: type[Facts], *files: bytes) -> Facts:
    """What `write` wrote, of several files one after the other; of none, no rows."""
    if not files:
        return from_arrow(kind, schema_of(kind).empty_table())
    return concat([_read(kind, data) for data in files])


def _read(kind: type[Facts], data: bytes) -> Facts:
    # A ParquetFile, not `read_table`: that one brings the whole of pyarrow.dataset along.
    table = pq.ParquetFile(pa.BufferReader(data)).read(use_threads=False)
    unit = json.loads((table.schema.metadata or {}).get(_UNIT.encode(), b"0"))
    facts = from_arrow(kind, table)
    del table
    pa.default_memory_pool().release_unused()  # Arrow would keep what decoding took until the next file
    # Files of earlier versions hold the instants themselves.
    return _as_they_were(facts, unit) if unit and kind in _NEAR else facts


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
            columns[name] = arrays.to_numpy(column.flatten())
        elif isinstance(column, pa.ListArray):
            offsets = arrays.to_numpy(column.offsets).astype(np.int64)
            columns[name] = Ragged(offsets, arrays.to_numpy(column.flatten()))
        else:
            columns[name] = arrays.to_numpy(column)
    return kind(**columns)
