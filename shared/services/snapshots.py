"""Publishing: all tables of a run, then `current.json` in one conditional write (interfaces §3, §6)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from shared.adapters.blobs import Container
from shared.core import blob_names
from shared.core.periods import rfc3339, to_us
from shared.services.documents import Document, change, dump, read

if TYPE_CHECKING:
    from shared.adapters import published

RUN_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z")


@contextmanager
def writing(output: Container, name: str, run_id: str, table: str) -> Iterator[published.Table]:
    """A table of the result, to be filled frame by frame. Again for the same run: the same blobs again."""
    from shared.adapters import published

    parquet, text = _blobs(name, run_id, table)
    with output.writing(parquet) as parquet_file, output.writing(text) as text_file:
        files = published.Table(parquet_file, text_file)
        yield files
        files.end()


def about_table(name: str, run_id: str, table: str, rows: int) -> Document:
    """What `current.json` says of a table."""
    parquet, text = _blobs(name, run_id, table)
    return {"name": table, "rows": rows, "parquet": parquet, "csv": text}


def _blobs(name: str, run_id: str, table: str) -> tuple[str, str]:
    return (blob_names.table(name, run_id, table, "parquet"), blob_names.table(name, run_id, table, "csv"))


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
    may: Callable[[], bool] = lambda: True,
) -> bool:
    """Whether the snapshot is the current one now; one with a later `asOf` stays in its place.

    is_ours: whether a run is this enrichment's; what another one, now gone, has left under this name gives way · may:
    whether the run still publishes. It is asked after the current one was looked at, which is replaced only as it was
    then: an attempt that comes after the run's end changes nothing, even where a later run has the same `asOf`.
    """
    snapshot = {"runId": run_id, "asOf": rfc3339(as_of_us), "tables": tables, "configHash": config_hash}

    def newer(current: Document) -> Document | None:
        is_later = to_us(datetime.fromisoformat(current["asOf"])) > as_of_us
        return None if (is_later and is_ours(current["runId"])) or not may() else snapshot

    blob = blob_names.current(name)
    if may() and output.create(blob, dump(snapshot)) is not None:
        return True
    return change(output, blob, newer) is not None


def run_ids(container: Container, prefix: str) -> list[str]:
    """The ids of the runs that have left something directly below the prefix, of facts or of an output."""
    return [folder for folder in container.folders(prefix) if RUN_ID.fullmatch(folder)]


def outputs(container: Container) -> list[str]:
    """The names under which results lie."""
    return list(container.folders(""))


def delete(container: Container, name: str, is_gone: Callable[[str], bool]) -> None:
    """Delete the results of those runs; readers lose the name of the current one before its tables."""
    current = read(container, blob_names.current(name))
    if current and is_gone(current["runId"]):
        container.delete(blob_names.current(name))
    for run_id in run_ids(container, blob_names.results(name)):
        if is_gone(run_id):
            container.delete_prefix(blob_names.snapshot(name, run_id))
