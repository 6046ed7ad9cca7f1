"""Facts on their way from one stage of a run to the next: sorted into parts, several to a file, read one by one.

A file is Arrow's, each part one batch of it: Parquet spends more on a part of some thousand rows than on the rows. A
file that is made in rounds has a batch for each part in each round, and says how many parts there are.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Generic

import pyarrow as pa

from shared.adapters import fact_files, tables
from shared.adapters.blobs import Container
from shared.adapters.tables import AnyFacts, Facts

# Files that are packed and on their way.
_AT_ONCE = 4

_PARTS = b"parts"
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
        _write_batches(file, chain([first], rest))
    return sink.getvalue()


class Rounds(Generic[Facts]):
    """Files of parts that are never in memory at once: they come in rounds, and stay packed.

    parts: how many each file has.
    """

    def __init__(self, kind: type[Facts], parts: Sequence[int]) -> None:
        self._parts = parts
        self._sinks = [io.BytesIO() for _ in parts]
        schema = tables.schema_of(kind)
        self._files = [
            pa.ipc.new_file(sink, schema.with_metadata({_PARTS: str(count)}), options=_HOW)
            for sink, count in zip(self._sinks, parts, strict=True)
        ]

    def add(self, parts: Sequence[Facts]) -> None:
        """A round: the parts of the first file, then those of the second, and so on."""
        rest = iter(parts)
        of_files = [list(islice(rest, count)) for count in self._parts]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for _ in pool.map(_write_batches, self._files, of_files):
                pass

    def write(self, container: Container, names: Sequence[str]) -> None:
        """There is no further round."""
        for file in self._files:
            file.close()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for _ in pool.map(lambda name, sink: container.write(name, sink.getvalue()), names, self._sinks):
                pass


def _write_batches(file: pa.ipc.RecordBatchFileWriter, parts: Iterable[AnyFacts]) -> None:
    for part in parts:
        file.write_batch(tables.to_arrow(part))


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
        batches = [batch for file in self.files for batch in self._batches(self._open(file), number)]
        return pa.Table.from_batches(batches, tables.schema_of(self.kind))

    def _batches(self, file: Any, number: int) -> list[Any]:
        """Of each round the one of this part."""
        count = file.num_record_batches
        parts = int(file.schema.metadata[_PARTS]) if file.schema.metadata else count
        return [file.get_batch(place) for place in range(number, count, parts)]

    def _open(self, file: bytes) -> Any:
        options = pa.ipc.IpcReadOptions(use_threads=False)
        return pa.ipc.open_file(pa.BufferReader(file), options=options)


def read(container: Container, kind: type[Facts], names: Iterable[str]) -> Shuffle[Facts]:
    """Raises `FactsGone` where a file is missing: the stage before has written all of them."""
    return Shuffle(kind, list(fact_files.contents(container, names)))
