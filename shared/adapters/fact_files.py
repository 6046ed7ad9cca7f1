"""Many fact files at once: what the extraction of mailboxes has left."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from shared.adapters.blobs import Container
from shared.core.errors import FactsGone

# Small blobs cost round trips, not bytes.
_AT_ONCE = 8


def contents(container: Container, names: Iterable[str]) -> Iterator[bytes]:
    """The blobs in the order of their names here, a few of them read ahead of whoever takes them.

    Raises `FactsGone` where one is missing: the stage before has written all of them.
    """
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        ahead: deque[Future[bytes | None]] = deque()
        for name in names:
            ahead.append(pool.submit(container.read, name))
            if len(ahead) == _AT_ONCE:
                yield _found(ahead.popleft())
        while ahead:
            yield _found(ahead.popleft())


def _found(read: Future[bytes | None]) -> bytes:
    data = read.result()
    if data is None:
        raise FactsGone
    return data
