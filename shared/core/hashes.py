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

ADDRESS = b"address"
MESSAGE_ID = b"message id"
MESSAGE_TEXT = b"message"
CONVERSATION_GUID = b"conversation"
CONVERSATION_ID = b"conversation id"
MEETING_ID = b"meeting id"
MEETING_TEXT = b"meeting"
ITEM_ID = b"item id"
FOLDERS = b"folders"
PERSON_ID = b"person id"
CONTACT_ID = b"contact id"
KEY_ID = b"key id"

_BLOCK = 16  # bytes; a cipher's
_LONGEST = 256  # bytes; of texts that are hashed side by side


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
    """Hashes a page of texts at once, in less than half of the time that one by one would take.

    Each hash is 64 bits of a CBC-MAC under AES-256, the text's length in front (a pseudorandom function, as `hasher` is
    one), under a key derived from `key` for this purpose. The steps of all texts are taken side by side.
    """

    def __init__(self, key: bytes, purpose: bytes) -> None:
        # Imported here: who hashes a single address needs no cipher.
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        derived = blake2b(b"AES-256 CBC-MAC", key=key, digest_size=32, person=purpose).digest()
        self._encrypt = Cipher(algorithms.AES(derived), modes.ECB()).encryptor().update  # noqa: S305 - chained by us
        self._one = hasher(key, purpose)

    def __call__(self, texts: Sequence[bytes]) -> NDArray[np.uint64]:
        """One hash each, none of them 0; the empty text's is 0."""
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        if lengths.max(initial=0) <= _LONGEST:
            return self._chained(texts, lengths)
        hashes = np.zeros(len(texts), HASH)
        short = np.flatnonzero(lengths <= _LONGEST)
        hashes[short] = self([texts[row] for row in short.tolist()])
        for row in np.flatnonzero(lengths > _LONGEST).tolist():
            hashes[row] = max(int.from_bytes(self._one(texts[row]), "little"), 1)
        return hashes

    def of_texts(self, texts: Sequence[str]) -> NDArray[np.uint64]:
        """The same of their UTF-8."""
        joined, length = "".join(texts), len(texts[0]) if texts else 0
        if 0 < length <= _LONGEST and joined.isascii() and set(map(len, texts)) == {length}:
            # Ids of one mailbox are of one length: then they lie side by side as they are.
            return self._chained(np.frombuffer(joined.encode(), f"S{length}"), np.full(len(texts), length))
        return self([text.encode() for text in texts])

    def _chained(self, texts: Sequence[bytes] | NDArray[np.bytes_], lengths: NDArray[np.int64]) -> NDArray[np.uint64]:
        steps = -(-lengths // _BLOCK)
        width = max(int(steps.max(initial=0)), 1)
        blocks = np.array(texts, f"S{width * _BLOCK}").view(HASH).reshape(len(texts), width, 2)
        chains = np.zeros((len(texts), 2), HASH)
        chains[:, 0] = lengths
        chains = self._encrypted(chains)
        links = np.empty((width, len(texts)), HASH)
        for step in range(width):
            chains = self._encrypted(chains ^ blocks[:, step])
            links[step] = chains[:, 0]
        hashes = np.maximum(links[steps - 1, np.arange(len(texts))], 1)
        hashes[lengths == 0] = 0
        return hashes

    def _encrypted(self, blocks: NDArray[np.uint64]) -> NDArray[np.uint64]:
        return np.frombuffer(self._encrypt(blocks.tobytes()), HASH).reshape(blocks.shape)
