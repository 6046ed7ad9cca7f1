"""What this process has read of blobs, kept by name and etag: a request costs a question for the etag, no more."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

from shared.adapters.blobs import Container

T = TypeVar("T")


class Kept(Generic[T]):
    """The last few things that were read."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._read: OrderedDict[tuple[str, str, Hashable], T] = OrderedDict()
        self._lock = Lock()

    def get(self, container: Container, name: str, parse: Callable[[bytes], T], variant: Hashable = None) -> T | None:
        """What `parse` makes of the blob; None where there is none. variant: what else `parse` depends on."""
        etag = container.etag(name)
        if etag is None:
            return None
        # One thread reads, others wait for it instead of reading the same.
        with self._lock:
            found = self._read.get((name, etag, variant))
            if found is None:
                tagged = container.read_tagged(name)
                if tagged is None:
                    return None
                found = parse(tagged[0])
                etag = tagged[1]
            self._read[name, etag, variant] = found
            self._read.move_to_end((name, etag, variant))
            while len(self._read) > self._most:
                self._read.popitem(last=False)
        return found
