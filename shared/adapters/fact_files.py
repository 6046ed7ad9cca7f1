"""Many fact files at once: what the extraction of mailboxes has left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from shared.adapters import tables
from shared.adapters.blobs import Container
from shared.adapters.tables import Facts
from shared.core.errors import FactsGone

# Small blobs cost round trips, not bytes.
AT_ONCE = 8


def contents(container: Container, names: Iterable[str]) -> Iterator[bytes]:
    """The blobs in the order of their names here. Raises `FactsGone` where one is missing: the stage before has written
    all of them."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for data in pool.map(container.read, names):
            if data is None:
                raise FactsGone
            yield data


def read_all(container: Container, kind: type[Facts], names: Iterable[str]) -> Facts:
    """The facts of all files, one after the other."""
    return tables.read(kind, *contents(container, names))
