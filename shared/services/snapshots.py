"""Publishing: all tables of a run, then `current.json` in one conditional write (interfaces §3, §6)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from shared.adapters.blobs import Container
from shared.core import blob_names
from shared.core.periods import rfc3339, to_us
from shared.services.documents import Document, change, dump, read

if TYPE_CHECKING:
    import pandas as pd

RUN_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z")


def write_tables(
    output: Container, name: str, run_id: str, frames: Iterable[tuple[str, Iterable[pd.DataFrame]]]
) -> list[Document]:
    """Each table as Parquet and CSV; what `current.json` says of them. Again for the same run: the same blobs again.

    frames: of each table its name and its rows, frame by frame; they are made when they are asked for.
    """
    return [_write_table(output, name, run_id, table, rows) for table, rows in frames]


def _write_table(output: Container, name: str, run_id: str, table: str, rows: Iterable[pd.DataFrame]) -> Document:
    from shared.adapters import published

    written = published.files(rows)
    parquet, csv = (blob_names.table(name, run_id, table, extension) for extension in ("parquet", "csv"))
    output.write(parquet, written.parquet)
    output.write(csv, written.csv)
    return {"name": table, "rows": written.rows, "parquet": parquet, "csv": csv}


@dataclass(frozen=True, slots=True)
class Index:
    """What readers' answers come from, as Parquet. customers: where each one stands · latest: the rows of the table
    for the Year and for the latest complete month and week.
    """

    customers: bytes
    latest: bytes


def write_index(output: Container, name: str, run_id: str, index: Index) -> None:
    """It lies beside the tables; `current.json` does not name it."""
    output.write(blob_names.latest_rows(name, run_id), index.latest)
    output.write(blob_names.index(name, run_id), index.customers)


def make_current(
    output: Container,
    name: str,
    run_id: str,
    as_of_us: int,
    tables: list[Document],
    config_hash: str,
    is_ours: Callable[[str], bool] = lambda _: True,
) -> bool:
    """Whether the snapshot is the current one now; one with a later `asOf` stays in its place.

    is_ours: whether a run is this enrichment's; what another one, now gone, has left under this name gives way.
    """
    snapshot = {"runId": run_id, "asOf": rfc3339(as_of_us), "tables": tables, "configHash": config_hash}

    def newer(current: Document) -> Document | None:
        is_later = to_us(datetime.fromisoformat(current["asOf"])) > as_of_us
        return None if is_later and is_ours(current["runId"]) else snapshot

    blob = blob_names.current(name)
    if output.create(blob, dump(snapshot)) is not None:
        return True
    return change(output, blob, newer) is not None


def run_ids(container: Container, prefix: str) -> list[str]:
    """The ids of the runs that have left something directly below the prefix, of facts or of an output."""
    below = {entry.name[len(prefix) :].partition("/") for entry in container.entries(prefix)}
    return sorted({name for name, slash, _ in below if slash and RUN_ID.fullmatch(name)})


def outputs(container: Container) -> list[str]:
    """The names under which results lie."""
    return sorted({name for name, slash, _ in (entry.name.partition("/") for entry in container.entries("")) if slash})


def delete(container: Container, name: str, is_gone: Callable[[str], bool]) -> None:
    """Delete the results of those runs; readers lose the name of the current one before its tables."""
    current = read(container, blob_names.current(name))
    if current and is_gone(current["runId"]):
        container.delete(blob_names.current(name))
    for run_id in run_ids(container, blob_names.results(name)):
        if is_gone(run_id):
            container.delete_prefix(blob_names.snapshot(name, run_id))
