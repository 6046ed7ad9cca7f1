"""Facts on their way from one stage of a run to the next: sorted into parts, several to a file, read one by one.

A file is Arrow's, each part one batch of it: Parquet spends more on a part of some thousand rows than on the rows.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import Any, Generic

import pyarrow as pa

from shared.adapters import fact_files, tables
from shared.adapters.blobs import Container
from shared.adapters.tables import AnyFacts, Facts

# Files that are packed and on their way.
_AT_ONCE = 4

_HOW = pa.ipc.IpcWriteOptions(compression="zstd", use_threads=False)


def write(container: Container, files: Mapping[str, Callable[[], Iterable[AnyFacts]]]) -> None:
    """files: blob name → what makes its parts, all of one kind, at least one. They are made when it is their turn."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for _ in pool.map(lambda name: container.write(name, pack(files[name]())), files):
            pass


def pack(parts: Iterable[AnyFacts]) -> bytes:
    """The file of these parts."""
    sink, rest = io.BytesIO(), iter(parts)
    first = next(rest)
    with pa.ipc.new_file(sink, tables.schema_of(type(first)), options=_HOW) as file:
        for part in chain([first], rest):
            file.write_batch(tables.to_arrow(part))
    return sink.getvalue()


@dataclass(frozen=True, slots=True)
class Shuffle(Generic[Facts]):
    """The files that one reader has before it; they stay packed in memory."""

    kind: type[Facts]
    files: Sequence[bytes]

    def part(self, number: int) -> Facts:
        """The facts of this part of all files, one file after the other."""
        facts = tables.from_arrow(self.kind, self._together(number))
        pa.default_memory_pool().release_unused()  # Arrow would keep what unpacking took
        return facts

    def _together(self, number: int) -> pa.Table:
        batches = [self._open(file).get_batch(number) for file in self.files]
        return pa.Table.from_batches(batches, tables.schema_of(self.kind))

    def _open(self, file: bytes) -> Any:
        options = pa.ipc.IpcReadOptions(use_threads=False)
        return pa.ipc.open_file(pa.BufferReader(file), options=options)


def read(container: Container, kind: type[Facts], names: Iterable[str]) -> Shuffle[Facts]:
    """Raises `FactsGone` where a file is missing: the stage before has written all of them."""
    return Shuffle(kind, list(fact_files.contents(container, names)))
