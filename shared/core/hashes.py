"""Keyed 64-bit hashes: what staging holds in place of identities and addresses (semantics §8).

A hash is written as eight bytes; `np.frombuffer(…, HASH)` reads a run of them. The same text hashes differently for
different purposes, so that a message's identity never equals an address.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

HASH = np.dtype("<u8")
NO_HASH = bytes(8)

ADDRESS = b"address"
MESSAGE_ID = b"message id"
MESSAGE_TEXT = b"message"
CONVERSATION_GUID = b"conversation"
CONVERSATION_ID = b"conversation id"
MEETING_ID = b"meeting id"
MEETING_TEXT = b"meeting"
ITEM_ID = b"item id"
FOLDERS = b"folders"


def hasher(key: bytes, purpose: bytes) -> Callable[[bytes], bytes]:
    """A function from bytes to their eight-byte hash. `key`: up to 64 bytes; `purpose`: one of the constants above."""
    # Copying a prepared state costs half of what making one does.
    prepared = blake2b(key=key, digest_size=8, person=purpose).copy

    def digest(data: bytes) -> bytes:
        state = prepared()
        state.update(data)
        return state.digest()

    return digest


class ManyHasher:
    """Hashes the ids that Graph gives to items, a page at a time: one by one they would take a tenth of the reading.

    Two different ids of one length have the same hash with a chance of 2^-64 (multilinear hashing: sums of 32-bit words
    times secret numbers). It tells items apart; it is not made to withstand somebody who chooses the ids.
    """

    def __init__(self, key: bytes, purpose: bytes) -> None:
        self._key, self._purpose = key, purpose
        self._numbers = np.zeros((0, 2), np.uint64)

    def __call__(self, texts: Sequence[str]) -> NDArray[np.uint64]:
        """One hash each, none of them 0; the empty text's is 0."""
        together = "".join(texts)
        if together.isascii() and len(set(map(len, texts))) == 1 and together:
            return self._of_length(together.encode(), len(texts[0]))
        hashes = np.zeros(len(texts), np.uint64)
        encoded = [text.encode() for text in texts]
        lengths = np.fromiter(map(len, encoded), np.int64, len(encoded))
        for length in set(lengths.tolist()) - {0}:
            rows = np.flatnonzero(lengths == length)
            hashes[rows] = self._of_length(b"".join(encoded[row] for row in rows.tolist()), length)
        return hashes

    def _of_length(self, data: bytes, length: int) -> NDArray[np.uint64]:
        words = -(-length // 4)
        padded = np.zeros((len(data) // length, 4 * words), np.uint8)
        padded[:, :length] = np.frombuffer(data, np.uint8).reshape(-1, length)
        numbers = self._secret(words + 1)
        sums = padded.view("<u4").astype(np.uint64) @ numbers[1:] + numbers[0] * np.uint64(length)
        found: NDArray[np.uint64] = (sums[:, 0] & np.uint64(0xFFFFFFFF00000000)) | (sums[:, 1] >> np.uint64(32))
        return np.maximum(found, np.uint64(1))

    def _secret(self, count: int) -> NDArray[np.uint64]:
        """Two secret numbers for each word."""
        if len(self._numbers) < count:
            blocks = (
                blake2b(block.to_bytes(4, "little"), key=self._key, person=self._purpose).digest()
                for block in range(-(-count // 4))
            )
            self._numbers = np.frombuffer(b"".join(blocks), HASH).astype(np.uint64).reshape(-1, 2)
        return self._numbers[:count]
