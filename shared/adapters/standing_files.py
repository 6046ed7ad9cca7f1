"""The index of a result at rest: one Parquet file, one row per known customer."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from shared.core.coverage import CoverageRow
from shared.core.standing import DIRECTIONS, About, Standing

_FLAT = (
    *("presence", "score", "band", "moved", "change", "own", "meetings"),
    *("first_day", "since_email", "since_meeting", "meeting_minutes", "reply_minutes", "months_hidden"),
)
# Of a row group: what the writer holds at once.
_ROWS = 8_192
_WIDE = ("totals", "sides", "values", "points", "one_more", "months")


def write(standing: Standing) -> bytes:
    columns: dict[str, Any] = {
        "id": pa.array(standing.ids, pa.string()),
        "name": pa.array(standing.names, pa.string()),
    }
    columns |= {name: pa.array(getattr(standing, name)) for name in _FLAT}
    columns |= {name: _wide(getattr(standing, name)) for name in _WIDE}
    table = pa.table(columns).replace_schema_metadata({"about": json.dumps(_told(standing.about))})
    sink = io.BytesIO()
    how: Any = {"compression": "zstd", "compression_level": 1, "write_statistics": False}
    pq.write_table(table, sink, row_group_size=_ROWS, **how)
    return sink.getvalue()


def read(data: bytes) -> Standing:
    """What `write` wrote."""
    table = pq.read_table(pa.BufferReader(data), use_threads=False)
    about = _about(json.loads((table.schema.metadata or {})[b"about"]))
    months = int(about.window.month_of_day[-1]) + 1
    wide = {name: _matrix(table.column(name), table.num_rows) for name in _WIDE}
    return Standing(
        about=about,
        ids=_texts(table.column("id")),
        names=_texts(table.column("name")),
        **{name: table.column(name).to_numpy() for name in _FLAT},
        **(wide | {"months": wide["months"].reshape(table.num_rows, len(DIRECTIONS), months)}),
    )


def _wide(matrix: NDArray[Any]) -> Any:
    """All that stands in one row as a list of fixed length."""
    width = int(np.prod(matrix.shape[1:]))
    return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(matrix).reshape(-1)), width)


def _matrix(column: Any, rows: int) -> NDArray[Any]:
    values: NDArray[Any] = column.combine_chunks().flatten().to_numpy()
    return values.reshape(rows, column.type.list_size)


def _texts(column: Any) -> list[Any]:
    texts: list[Any] = column.to_pylist()
    return texts


def _told(about: About) -> dict[str, Any]:
    return {
        "runId": about.run_id,
        "asOfUs": about.as_of_us,
        "timeZone": about.zone,
        "coverage": about.coverage,
        "references": about.references,
        "maxima": about.maxima,
    }


def _about(told: dict[str, Any]) -> About:
    return About(
        run_id=told["runId"],
        as_of_us=told["asOfUs"],
        zone=told["timeZone"],
        coverage=tuple(CoverageRow(*row) for row in told["coverage"]),
        references=tuple(told["references"]),
        maxima=tuple(told["maxima"]),
    )
