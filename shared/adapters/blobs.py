"""Blob Storage, as far as this app needs it: whole blobs, conditional writes, prefixes.

Synchronous on purpose (one client, one way): asynchronous callers go through `asyncio.to_thread`. A storage that does
not answer raises `StorageAway`, after the SDK's own retries.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any, Protocol, cast

from shared.core.errors import StorageAway

if TYPE_CHECKING:
    from azure.storage.blob import BlobBlock, BlobServiceClient, ContainerClient

# What `writing` sends at once, and holds in memory.
_BLOCK = 4 * 1024 * 1024
_AT_ONCE = 8  # deletions


@dataclass(frozen=True, slots=True)
class Entry:
    name: str
    size: int
    modified: datetime
    metadata: dict[str, str] = field(default_factory=dict)
    etag: str = ""


class Container(Protocol):
    """One container. Names are those of `shared.core.blob_names`."""

    def read(self, name: str) -> bytes | None:
        """The blob's content, or None where there is none."""

    def read_tagged(self, name: str) -> tuple[bytes, str] | None:
        """The blob's content and its etag."""

    def etag(self, name: str) -> str | None:
        """The blob's etag, without its content; None where there is none."""

    def write(self, name: str, data: bytes, metadata: dict[str, str] | None = None) -> str:
        """Create or overwrite; the new etag."""

    def writing(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Create or overwrite piece by piece: the blob is there, whole, when the context ends; not where it fails."""

    def create(self, name: str, data: bytes, metadata: dict[str, str] | None = None) -> str | None:
        """Create; None, and nothing changed, where the blob is there already."""

    def replace(self, name: str, data: bytes, etag: str, metadata: dict[str, str] | None = None) -> str | None:
        """Overwrite the blob that has this etag; None, and nothing changed, where it has another or is gone."""

    def delete(self, name: str, etag: str | None = None) -> bool:
        """Whether there was one (with this etag) to delete."""

    def delete_prefix(self, prefix: str) -> int:
        """How many blobs were deleted."""

    def entries(self, prefix: str) -> Iterator[Entry]:
        """The blobs below the prefix, in the order of their names."""

    def newest_first(self, prefix: str) -> list[str]:
        """Names below the prefix, in descending order."""

    def folders(self, prefix: str) -> Iterator[str]:
        """The names of the folders directly below the prefix (empty, or one that ends in a slash), in their order.

        A folder is there while a blob is in it. What is in it is not listed: it takes no longer the more there is.
        """


@dataclass(frozen=True, slots=True)
class Storage:
    """The four containers (interfaces §6)."""

    input: Container
    config: Container
    staging: Container
    output: Container

    def reachable(self) -> bool:
        """Whether the storage answers, and has the four containers, which are made where they are missing."""
        try:
            for container in (self.input, self.config, self.staging, self.output):
                container.read("health")
        except StorageAway:
            return False
        return True


CONTAINERS = ("enrichment-input", "enrichment-config", "enrichment-staging", "enrichment-output")


@contextmanager
def _storage_answers() -> Iterator[None]:
    from azure.core.exceptions import AzureError

    try:
        yield
    except AzureError as error:
        # The error's text may name the account and a signature; its kind says enough.
        raise StorageAway(f"Blob Storage did not do what was asked ({type(error).__name__}).") from None


class AzureContainer:
    """A container in Blob Storage or Azurite; made where it is missing."""

    def __init__(self, client: ContainerClient) -> None:
        self._client = client

    def read(self, name: str) -> bytes | None:
        tagged = self.read_tagged(name)
        return tagged[0] if tagged else None

    def read_tagged(self, name: str) -> tuple[bytes, str] | None:
        from azure.core.exceptions import ResourceNotFoundError
        from azure.storage.blob import StorageErrorCode

        with _storage_answers():
            try:
                download = self._client.download_blob(name, max_concurrency=2)
                return download.readall(), download.properties.etag
            except ResourceNotFoundError as missing:
                if getattr(missing, "error_code", None) == StorageErrorCode.CONTAINER_NOT_FOUND:
                    self._make()
                return None

    def etag(self, name: str) -> str | None:
        from azure.core.exceptions import ResourceNotFoundError

        with _storage_answers():
            try:
                return str(self._client.get_blob_client(name).get_blob_properties().etag)
            except ResourceNotFoundError:
                return None

    def _make(self) -> None:
        """Make the container, unless somebody else has just done so."""
        from azure.core.exceptions import ResourceExistsError

        with suppress(ResourceExistsError):
            self._client.create_container()

    def write(self, name: str, data: bytes, metadata: dict[str, str] | None = None) -> str:
        etag = self._upload(name, data, metadata=metadata, overwrite=True)
        assert etag is not None
        return etag

    @contextmanager
    def writing(self, name: str) -> Iterator[IO[bytes]]:
        blocks = _Blocks(lambda number, data: self._stage(name, number, data))
        yield cast("IO[bytes]", blocks)
        if not blocks.staged:
            self.write(name, blocks.rest)
            return
        with _storage_answers():
            self._client.get_blob_client(name).commit_block_list(blocks.end())

    def _stage(self, name: str, number: str, data: bytes) -> None:
        from azure.core.exceptions import ResourceNotFoundError

        blob = self._client.get_blob_client(name)
        with _storage_answers():
            try:
                blob.stage_block(number, data)
            except ResourceNotFoundError:
                self._make()
                blob.stage_block(number, data)

    def create(self, name: str, data: bytes, metadata: dict[str, str] | None = None) -> str | None:
        return self._upload(name, data, metadata=metadata, overwrite=False)

    def replace(self, name: str, data: bytes, etag: str, metadata: dict[str, str] | None = None) -> str | None:
        from azure.core import MatchConditions

        condition: dict[str, Any] = {"etag": etag, "match_condition": MatchConditions.IfNotModified}
        return self._upload(name, data, metadata=metadata, overwrite=True, **condition)

    def _upload(self, name: str, data: bytes, **how: Any) -> str | None:
        from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError

        with _storage_answers():
            try:
                answer = self._client.get_blob_client(name).upload_blob(data, **how)
            except (ResourceExistsError, ResourceModifiedError):
                return None
            except ResourceNotFoundError:
                if "etag" in how:
                    return None
                self._make()
                answer = self._client.get_blob_client(name).upload_blob(data, **how)
        return str(answer["etag"])

    def delete(self, name: str, etag: str | None = None) -> bool:
        from azure.core import MatchConditions
        from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError

        condition: dict[str, Any] = {"etag": etag, "match_condition": MatchConditions.IfNotModified} if etag else {}
        with _storage_answers():
            try:
                self._client.delete_blob(name, **condition)
            except (ResourceNotFoundError, ResourceModifiedError):
                return False
        return True

    def delete_prefix(self, prefix: str) -> int:
        names = [entry.name for entry in self.entries(prefix)]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return sum(pool.map(self.delete, names))

    def entries(self, prefix: str) -> Iterator[Entry]:
        from azure.core.exceptions import ResourceNotFoundError

        with _storage_answers():
            try:
                for blob in self._client.list_blobs(name_starts_with=prefix, include=["metadata"]):
                    # A list gives etags without the quotes that everything else gives them.
                    etag = '"' + blob.etag.strip('"') + '"'
                    yield Entry(blob.name, blob.size, blob.last_modified, blob.metadata or {}, etag)
            except ResourceNotFoundError:
                return

    def newest_first(self, prefix: str) -> list[str]:
        return [entry.name for entry in self.entries(prefix)][::-1]

    def folders(self, prefix: str) -> Iterator[str]:
        from azure.core.exceptions import ResourceNotFoundError
        from azure.storage.blob import BlobPrefix

        with _storage_answers():
            try:
                for found in self._client.walk_blobs(name_starts_with=prefix, delimiter="/"):
                    if isinstance(found, BlobPrefix):
                        yield found.name[len(prefix) : -1]
            except ResourceNotFoundError:
                return


class _Blocks(io.RawIOBase):
    """Sends what is written in blocks of one size: two that write the same bytes at once do not disturb each other."""

    def __init__(self, stage: Callable[[str, bytes], None]) -> None:
        self._stage, self._pending, self.staged = stage, bytearray(), 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._pending += data
        while len(self._pending) >= _BLOCK:
            self._send(_BLOCK)
        return len(data)

    @property
    def rest(self) -> bytes:
        return bytes(self._pending)

    def end(self) -> list[BlobBlock]:
        """Send the rest, too; all blocks in their order."""
        from azure.storage.blob import BlobBlock

        if self._pending:
            self._send(len(self._pending))
        return [BlobBlock(_number(block)) for block in range(self.staged)]

    def _send(self, size: int) -> None:
        with memoryview(self._pending) as pending:
            block = bytes(pending[:size])
        self._stage(_number(self.staged), block)
        del self._pending[:size]
        self.staged += 1


def _number(block: int) -> str:
    return f"{block:05d}"


def connect(connection_string: str | None, account_url: str | None) -> Storage:
    """The storage behind a connection string, or behind an account's address with the app's managed identity."""
    service = _service(connection_string, account_url)
    return Storage(*(AzureContainer(service.get_container_client(name)) for name in CONTAINERS))


def _service(connection_string: str | None, account_url: str | None) -> BlobServiceClient:
    from azure.storage.blob import BlobServiceClient

    # Few and short retries: the platform retries activities, callers retry requests.
    patience: dict[str, Any] = {
        "retry_total": 3,
        "initial_backoff": 1,
        "increment_base": 1,
        "random_jitter_range": 1,
        "connection_timeout": 5,
        "read_timeout": 60,
    }
    if connection_string:
        return BlobServiceClient.from_connection_string(connection_string, **patience)
    from azure.identity import DefaultAzureCredential

    assert account_url is not None
    return BlobServiceClient(account_url, credential=DefaultAzureCredential(), **patience)
