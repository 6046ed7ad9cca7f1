"""Keyed 64-bit hashes: what staging holds in place of identities and addresses (semantics §8).

A hash is written as eight bytes; `np.frombuffer(…, HASH)` reads a run of them. The same text hashes differently for
different purposes, so that a message's identity never equals an address.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b

import numpy as np

HASH = np.dtype("<u8")
NO_HASH = bytes(8)

ADDRESS = b"address"
MESSAGE_ID = b"message id"
MESSAGE_TEXT = b"message"
CONVERSATION_GUID = b"conversation"
CONVERSATION_ID = b"conversation id"
MEETING_ID = b"meeting id"
MEETING_TEXT = b"meeting"


def hasher(key: bytes, purpose: bytes) -> Callable[[bytes], bytes]:
    """A function from bytes to their eight-byte hash. `key`: up to 64 bytes; `purpose`: one of the constants above."""
    # Copying a prepared state costs half of what making one does.
    prepared = blake2b(key=key, digest_size=8, person=purpose).copy

    def digest(data: bytes) -> bytes:
        state = prepared()
        state.update(data)
        return state.digest()

    return digest
