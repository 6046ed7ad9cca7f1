"""Containers that are folders: what the activities read and write while they are measured, without a network.

Metadata are known to who wrote them, and to nobody else.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from zlib import crc32

from shared.adapters.blobs import Entry, Storage


class FolderContainer:
    """One folder; etags are checksums."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._metadata: dict[str, dict[str, str]] = {}

    def read(self, name: str) -> bytes | None:
        path = self._folder / name
        return path.read_bytes() if path.is_file() else None

    def read_tagged(self, name: str) -> tuple[bytes, str] | None:
        data = self.read(name)
        return None if data is None else (data, _etag(data))

    def etag(self, name: str) -> str | None:
        data = self.read(name)
        return None if data is None else _etag(data)

    def write(self, name: str, data: bytes, metadata: dict[str, str] | None = None) -> str:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self._metadata[name] = metadata or {}
        return _etag(data)

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f"{path.name}.part")
        with beside.open("wb") as file:
            yield file
        beside.replace(path)

    def create(self, name: str, data: bytes, metadata: dict[str, str] | None = None) -> str | None:
        return None if (self._folder / name).exists() else self.write(name, data, metadata)

    def replace(self, name: str, data: bytes, etag: str, metadata: dict[str, str] | None = None) -> str | None:
        tagged = self.read_tagged(name)
        return self.write(name, data, metadata) if tagged and tagged[1] == etag else None

    def delete(self, name: str, etag: str | None = None) -> bool:
        tagged = self.read_tagged(name)
        if tagged is None or (etag and tagged[1] != etag):
            return False
        (self._folder / name).unlink()
        return True

    def delete_prefix(self, prefix: str) -> int:
        return sum(self.delete(entry.name) for entry in list(self.entries(prefix)))

    def entries(self, prefix: str) -> Iterator[Entry]:
        for path in sorted(path for path in self._folder.rglob("*") if path.is_file()):
            name = path.relative_to(self._folder).as_posix()
            if name.startswith(prefix):
                modified = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                etag = _etag(path.read_bytes())
                yield Entry(name, path.stat().st_size, modified, self._metadata.get(name, {}), etag)

    def newest_first(self, prefix: str) -> list[str]:
        return [entry.name for entry in self.entries(prefix)][::-1]

    def folders(self, prefix: str) -> Iterator[str]:
        yield from sorted(path.name for path in (self._folder / prefix).glob("*") if path.is_dir())


def _etag(data: bytes) -> str:
    return f"{crc32(data):08x}"


def storage(folder: Path) -> Storage:
    """The four containers below one folder."""
    return Storage(*(FolderContainer(folder / name) for name in ("input", "config", "staging", "output")))
