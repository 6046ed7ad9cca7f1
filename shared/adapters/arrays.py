"""Between numpy's arrays and Arrow's, without a copy and without pandas.

`pyarrow.array` and `to_numpy` import pandas, where it is installed, only to see that what they are given is none of its
own: 40 MB and a fifth of a second for an activity that has no use for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_KINDS: dict[str, Any] = {
    "u1": pa.uint8(), "u4": pa.uint32(), "u8": pa.uint64(),
    "i1": pa.int8(), "i4": pa.int32(), "i8": pa.int64(), "f8": pa.float64(),
}  # fmt: skip


def to_arrow(values: NDArray[Any]) -> Any:
    """A column without nulls, of the array's own kind; flags become bits."""
    flags = values.dtype == np.bool_
    plain: Any = np.packbits(values, bitorder="little") if flags else np.ascontiguousarray(values)
    kind = pa.bool_() if flags else _KINDS[values.dtype.str[1:]]
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(plain)])


def texts_to_arrow(texts: Sequence[str | None]) -> Any:
    """A column of texts; null where there is None."""
    known = np.fromiter((text is not None for text in texts), np.bool_, len(texts))
    encoded = [text.encode() if text is not None else b"" for text in texts]
    ends = np.cumsum(np.fromiter(map(len, encoded), np.int32, len(encoded)), dtype=np.int32)
    offsets: Any = np.concatenate([np.zeros(1, np.int32), ends])
    flags: Any = np.packbits(known, bitorder="little")
    nulls = None if known.all() else pa.py_buffer(flags)
    return pa.StringArray.from_buffers(len(texts), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded)), nulls)


def to_numpy(column: Any) -> NDArray[Any]:
    """Of a column of numbers or flags without nulls, in one piece or several; to be read only."""
    whole: Any = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_boolean(whole.type):
        bits = np.unpackbits(np.frombuffer(whole.buffers()[1], np.uint8), axis=None, bitorder="little")
        return bits[whole.offset : whole.offset + len(whole)].view(np.bool_)
    values: NDArray[Any] = np.from_dlpack(whole)
    return values
