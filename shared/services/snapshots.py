"""Publishing: all tables of a run, then `current.json` in one conditional write (interfaces §3, §6)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from shared.adapters.blobs import Container
from shared.core import blob_names
from shared.core.periods import rfc3339, to_us
from shared.services.documents import Document, change, dump

if TYPE_CHECKING:
    import pandas as pd


def write_tables(
    output: Container, name: str, run_id: str, frames: Mapping[str, Callable[[], pd.DataFrame]]
) -> list[Document]:
    """Each table as Parquet and CSV; what `current.json` says of them. Again for the same run: the same blobs again.

    frames: table name → what makes its frame; one frame at a time is held.
    """
    from shared.adapters import published

    entries = []
    for table, make in frames.items():
        frame = make()
        parquet, csv = (blob_names.table(name, run_id, table, extension) for extension in ("parquet", "csv"))
        output.write(parquet, published.to_parquet(frame))
        output.write(csv, published.to_csv(frame))
        entries.append({"name": table, "rows": len(frame), "parquet": parquet, "csv": csv})
    return entries


def make_current(
    output: Container, name: str, run_id: str, as_of_us: int, tables: list[Document], config_hash: str
) -> bool:
    """Whether the snapshot is the current one now; one with a later `asOf` stays in its place."""
    snapshot = {"runId": run_id, "asOf": rfc3339(as_of_us), "tables": tables, "configHash": config_hash}

    def newer(current: Document) -> Document | None:
        return snapshot if to_us(datetime.fromisoformat(current["asOf"])) <= as_of_us else None

    blob = blob_names.current(name)
    if output.create(blob, dump(snapshot)) is not None:
        return True
    return change(output, blob, newer) is not None
