"""Reads the customer's data, CSV or Parquet, into columns of text (interfaces §2).

Nothing is guessed: `007`, `NA` and `1E5` stay text, a blank is a blank. What is wrong is told as `Invalid`, every fault
with a pointer into the enrichment (`/contacts/blob`, `/contacts/email`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from shared.adapters.blobs import Container
from shared.core.contacts import ContactRows, Text
from shared.core.enrichment import ContactsData, CustomersData
from shared.core.errors import Fault, Invalid

_MARK = b"\xef\xbb\xbf"
_PARQUET = b"PAR1"
_SEPARATORS = ",;\t"
_BLOCK = 8 << 20
_AT_ONCE = 65_536
_MOST_NAMES, _LONGEST_NAME = 12, 60


@dataclass(frozen=True, slots=True)
class CustomerRows:
    """Columns of the customers data, as they stand in the file; None where no column is configured."""

    customer_id: Text
    name: Text | None
    parent: Text | None


def read_contacts(container: Container, source: ContactsData) -> ContactRows:
    """Raises `Invalid`. Whether a row can be used is judged later (`contacts.read`)."""
    named = {"contactId": source.contact_id, "customerId": source.customer_id, "email": source.email}
    columns = _read(container, "contacts", source.blob, named)
    return ContactRows(columns["contactId"], columns["customerId"], columns["email"])


def read_customers(container: Container, source: CustomersData) -> CustomerRows:
    """Raises `Invalid`."""
    named = {"customerId": source.customer_id, "name": source.name, "parent": source.parent}
    columns = _read(container, "customers", source.blob, {field: name for field, name in named.items() if name})
    if not any(text.strip() for text in _values(columns["customerId"])):
        raise _unusable("customers", f"{_name(source.blob)} has no row with a customer id.")
    return CustomerRows(columns["customerId"], columns.get("name"), columns.get("parent"))


def nothing_usable(source: ContactsData, counts: dict[str, int]) -> Invalid:
    """What to say of contacts data whose rows are all out."""
    rows = sum(counts.values())
    told = ", ".join(f"{reason} {number}" for reason, number in sorted(counts.items()))
    return _unusable("contacts", f"{_name(source.blob)} has no usable row: of {rows} rows {told}.")


def _values(column: Text) -> Iterator[str]:
    for chunk in column.chunks:
        yield from map(str, chunk.to_pylist())


def _unusable(part: str, detail: str) -> Invalid:
    return _invalid(part, [Fault(f"/{part}/blob", detail)])


def _invalid(part: str, faults: Sequence[Fault]) -> Invalid:
    return Invalid(f"The {part} data cannot be used", " ".join(fault.detail for fault in faults), faults)


class _Broken(Exception):
    """The file cannot be read; the text completes “The blob …”."""


def _read(container: Container, part: str, blob: str, named: dict[str, str]) -> dict[str, Text]:
    """Field of the enrichment → its column."""
    data = container.read(blob)
    if data is None:
        raise _unusable(part, f"There is no blob {_name(blob)} in the input container.")
    try:
        file = _ParquetFile(data) if data.startswith(_PARQUET) else _CsvFile(data, list(named.values()))
        missing = [
            Fault(f"/{part}/{field}", f"{_name(blob)} has no column {_name(name)}; it has {_list(file.columns)}.")
            for field, name in named.items()
            if name.strip() not in file.columns
        ]
        if missing:
            raise _invalid(part, missing)
        columns = file.read(sorted({name.strip() for name in named.values()}))
        pa.default_memory_pool().release_unused()  # what parsing took, which is as much again as the columns
    except _Broken as broken:
        raise _unusable(part, f"{_name(blob)} {broken}.") from None
    if not len(columns[next(iter(columns))]):
        raise _unusable(part, f"{_name(blob)} has no rows.")
    return {field: columns[name.strip()] for field, name in named.items()}


def _name(text: str) -> str:
    """A name of a blob or a column as it may be told: an address is not, and a long one is cut."""
    if "@" in text:
        return "(a name with @, not repeated here)"
    return f"“{text}”" if len(text) <= _LONGEST_NAME else f"“{text[:_LONGEST_NAME]}…”"


def _list(columns: Sequence[str]) -> str:
    if any("@" in name for name in columns):
        # Somebody's data, which no answer tells.
        return f"{len(columns)} columns, whose names look like a row of data: the first row must name the columns"
    shown = ", ".join(_name(name) for name in columns[:_MOST_NAMES])
    return shown if len(columns) <= _MOST_NAMES else f"{shown} and {len(columns) - _MOST_NAMES} more"


class _CsvFile:
    """A CSV file; `wanted` decides between separators that both seem possible."""

    def __init__(self, data: bytes, wanted: Sequence[str]) -> None:
        if not data.removeprefix(_MARK).strip():
            raise _Broken("is empty")
        # Then perhaps one is never closed, and would swallow all that follows it.
        self._strict = data.count(b'"') % 2 == 1
        self._data = data
        _check_utf8(data)
        headers = {separator: self._header(separator) for separator in _SEPARATORS}

        def fitness(separator: str) -> tuple[int, int]:
            columns = headers[separator][1]
            return len({name.strip() for name in wanted} & set(columns)), len(columns)

        self._separator = max(_SEPARATORS, key=fitness)
        self._lines_before, self.columns = headers[self._separator]
        if not self.columns:
            raise _Broken("is not CSV: its header does not end, probably a quote is never closed")

    def _records(self, separator: str) -> Iterator[list[str]]:
        stream = io.TextIOWrapper(io.BytesIO(self._data), "utf-8-sig", newline="")
        return csv.reader(stream, delimiter=separator, strict=self._strict)

    def _header(self, separator: str) -> tuple[int, list[str]]:
        """How many records to skip to come to the data, and the names of the columns."""
        try:
            for number, record in enumerate(self._records(separator), 1):
                if any(field.strip() for field in record):
                    return number, [field.strip() for field in record]
        except csv.Error:
            return 0, []
        return 0, []

    def read(self, names: Sequence[str]) -> dict[str, Text]:
        positions = {name: self.columns.index(name) for name in names}
        if not self._strict:
            with suppress(pa.ArrowInvalid):  # rows of unequal length
                return self._read_fast(positions)
        return self._read_patiently(positions)

    def _read_fast(self, positions: dict[str, int]) -> dict[str, Text]:
        numbers = [str(position) for position in range(len(self.columns))]
        wanted = {name: str(position) for name, position in positions.items()}
        source: Any = pa.BufferReader(self._data)
        table = pa_csv.read_csv(
            source,
            pa_csv.ReadOptions(column_names=numbers, skip_rows_after_names=self._lines_before, block_size=_BLOCK),
            pa_csv.ParseOptions(delimiter=self._separator, newlines_in_values=True),
            pa_csv.ConvertOptions(
                check_utf8=False,
                include_columns=list(dict.fromkeys(wanted.values())),
                column_types=dict.fromkeys(numbers, pa.string()),
                strings_can_be_null=False,
            ),
        )
        return {name: table.column(number) for name, number in wanted.items()}

    def _read_patiently(self, positions: dict[str, int]) -> dict[str, Text]:
        """Record by record: what a short one lacks is blank, what a long one has too much is nothing."""
        chunks: dict[str, list[Any]] = {name: [] for name in positions}
        records = (record for record in islice(self._records(self._separator), self._lines_before, None) if record)
        try:
            while some := list(islice(records, _AT_ONCE)):
                for name, at in positions.items():
                    column = [record[at] if at < len(record) else "" for record in some]
                    chunks[name].append(pa.array(column, pa.string()))
        except csv.Error:
            raise _Broken("is not CSV: it has a field without an end, probably a quote that is never closed") from None
        return {name: pa.chunked_array(columns, pa.string()) for name, columns in chunks.items()}


def _check_utf8(data: bytes) -> None:
    stream = io.TextIOWrapper(io.BytesIO(data), "utf-8")
    try:
        while stream.read(1 << 20):
            pass
    except UnicodeDecodeError:
        raise _Broken("is not UTF-8; save it as “CSV UTF-8”") from None


class _ParquetFile:
    def __init__(self, data: bytes) -> None:
        try:
            self._file = pq.ParquetFile(pa.BufferReader(data))
        except (pa.ArrowException, OSError):
            raise _Broken("begins like a Parquet file and cannot be read as one") from None
        names = self._file.schema_arrow.names
        self._position = {name.strip(): position for position, name in reversed(list(enumerate(names)))}
        self.columns = [name.strip() for name in names]

    def read(self, names: Sequence[str]) -> dict[str, Text]:
        fields = self._file.schema_arrow
        try:
            table = self._file.read(columns=[fields.names[self._position[name]] for name in names])
            return {name: _as_text(table.column(fields.names[self._position[name]])) for name in names}
        except (pa.ArrowException, OSError, KeyError):
            raise _Broken(f"holds something else than text or numbers in one of the columns {_list(names)}") from None


def _as_text(column: Any) -> Text:
    """Whole numbers without `.0`, nothing as a blank. Raises `ArrowException` where a column has no text form."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _as_text(column.cast(kind.value_type))
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return pa.chunked_array(
            [[_number(value) for value in chunk.to_pylist()] for chunk in column.chunks], pa.string()
        )
    if isinstance(kind, pa.BaseExtensionType):
        return pa.chunked_array(
            [["" if value is None else str(value) for value in chunk.to_pylist()] for chunk in column.chunks],
            pa.string(),
        )
    text: Text = column.cast(pa.string()).fill_null("")
    text.validate(full=True)
    return text


def _number(value: float | Decimal | None) -> str:
    if value is None or value != value:
        return ""
    if value in (float("inf"), float("-inf")):
        return str(value)
    if value == int(value):
        return str(int(value))
    return format(value.normalize(), "f") if isinstance(value, Decimal) else repr(value)
