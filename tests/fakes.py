"""Stand-ins of a few lines for what lies outside the app."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import IO, Any

from shared.adapters.blobs import Entry, Storage
from shared.services import Services
from shared.settings import Settings


class MemoryContainer:
    """A container that is a dictionary; every write gives a new etag, as Blob Storage does."""

    # One count for all: what was read is remembered by name and etag, from one test to the next.
    _etags = itertools.count(1)

    def __init__(self) -> None:
        self.blobs: dict[str, tuple[bytes, str, dict[str, str]]] = {}

    def read(self, name: str) -> bytes | None:
        return self.blobs[name][0] if name in self.blobs else None

    def read_tagged(self, name: str) -> tuple[bytes, str] | None:
        return self.blobs[name][:2] if name in self.blobs else None

    def etag(self, name: str) -> str | None:
        return self.blobs[name][1] if name in self.blobs else None

    def write(self, name: str, data: bytes, metadata: dict[str, str] | None = None) -> str:
        etag = f'"{next(self._etags)}"'
        self.blobs[name] = (bytes(data), etag, dict(metadata or {}))
        return etag

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        written = io.BytesIO()
        yield written
        self.write(name, written.getvalue())

    def create(self, name: str, data: bytes, metadata: dict[str, str] | None = None) -> str | None:
        return None if name in self.blobs else self.write(name, data, metadata)

    def replace(self, name: str, data: bytes, etag: str, metadata: dict[str, str] | None = None) -> str | None:
        return self.write(name, data, metadata) if name in self.blobs and self.blobs[name][1] == etag else None

    def delete(self, name: str, etag: str | None = None) -> bool:
        if name not in self.blobs or (etag and self.blobs[name][1] != etag):
            return False
        del self.blobs[name]
        return True

    def delete_prefix(self, prefix: str) -> int:
        return sum(self.delete(name) for name in [n for n in self.blobs if n.startswith(prefix)])

    def entries(self, prefix: str) -> Iterator[Entry]:
        for name in sorted(n for n in self.blobs if n.startswith(prefix)):
            data, etag, metadata = self.blobs[name]
            yield Entry(name, len(data), datetime(2026, 1, 1, tzinfo=UTC), metadata, etag)

    def newest_first(self, prefix: str) -> list[str]:
        return [entry.name for entry in self.entries(prefix)][::-1]

    def folders(self, prefix: str) -> Iterator[str]:
        below = (name[len(prefix) :].partition("/") for name in self.blobs if name.startswith(prefix))
        yield from sorted({name for name, slash, _ in below if slash})


def memory_storage() -> Storage:
    return Storage(MemoryContainer(), MemoryContainer(), MemoryContainer(), MemoryContainer())


ENVIRONMENT = {
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "TENANT_ID": "11111111-1111-4111-8111-111111111111",
    "CLIENT_ID": "22222222-2222-4222-8222-222222222222",
    "CLIENT_SECRET": "not-a-secret",
    "PSEUDONYM_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
}


def fake_services(now: datetime = datetime(2026, 11, 24, 12, 0, tzinfo=UTC), **environment: str) -> Services:
    """Services over memory, at a time of the test's choosing; no Graph, no tokens until the test puts them in."""
    settings = Settings.from_environ(ENVIRONMENT | environment)
    nothing: Any = None
    return Services(settings, memory_storage(), nothing, nothing, lambda: now)


class FakeDurable:
    """A durable client that only remembers what it was asked."""

    def __init__(self) -> None:
        self.started: dict[str, Any] = {}
        self.ended: set[str] = set()
        self.statuses: dict[str, Any] = {}
        self.away = False

    async def start_new(self, orchestration_function_name: str, instance_id: str, client_input: Any) -> str:
        if self.away:
            raise ConnectionError("the durable backend is away")
        self.started[instance_id] = client_input
        return instance_id

    async def get_status(self, instance_id: str) -> SimpleNamespace:
        if instance_id not in self.started:
            return SimpleNamespace(runtime_status=None, custom_status=None)
        name = "Terminated" if instance_id in self.ended else "Running"
        return SimpleNamespace(runtime_status=SimpleNamespace(name=name), custom_status=self.statuses.get(instance_id))

    async def terminate(self, instance_id: str, reason: str) -> None:
        self.ended.add(instance_id)
