"""Lists that are answered as JSON, as CSV too: the same names, in the form of the published tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pyarrow as pa

from shared.adapters import result_rows

_KINDS: dict[type, pa.DataType] = {str: pa.string(), int: pa.int64(), bool: pa.bool_()}


def to_csv(entries: Sequence[Mapping[str, Any]], kind: type) -> bytes:
    """kind: the typed dictionary that the entries are; it names the columns where there is no entry."""
    fields = [(name, _kind(hint)) for name, hint in get_type_hints(kind).items()]
    return result_rows.to_csv(pa.Table.from_pylist([dict(entry) for entry in entries], pa.schema(fields)))


def _kind(hint: Any) -> pa.DataType:
    """The column of values of this type, which may be optional or one of some literals."""
    if get_origin(hint) is Literal:
        return _KINDS[type(get_args(hint)[0])]
    return _KINDS[hint] if hint in _KINDS else _kind(get_args(hint)[0])
