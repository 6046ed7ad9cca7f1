"""§8: keyed hashes; what they are of cannot be read from them, and nothing else has the same one."""

from __future__ import annotations

from hashlib import blake2b

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from shared.core import hashes
from shared.core.hashes import ManyHasher

KEY = bytes(range(32))


def cbc_mac(text: bytes) -> int:
    """64 bits of the last block of the text, its length in front, as the library chains blocks."""
    derived = blake2b(b"AES-256 CBC-MAC", key=KEY, digest_size=32, person=hashes.ITEM_ID).digest()
    encryptor = Cipher(algorithms.AES(derived), modes.CBC(bytes(16))).encryptor()
    padded = text + bytes(-len(text) % 16)
    return int.from_bytes(encryptor.update(len(text).to_bytes(16, "little") + padded)[-16:-8], "little")


@given(st.lists(st.binary(min_size=1, max_size=256), max_size=6))
def test_texts_of_any_lengths_side_by_side_are_hashed_as_each_by_itself(texts):
    assert ManyHasher(KEY, hashes.ITEM_ID)(texts).tolist() == [cbc_mac(text) for text in texts]


@given(
    st.lists(st.text(max_size=300), max_size=6)
    | st.integers(0, 300).flatmap(
        lambda length: st.lists(st.text(st.characters(max_codepoint=127), min_size=length, max_size=length), max_size=6)
    )
)
def test_texts_are_hashed_as_their_utf_8_is(texts):
    hasher = ManyHasher(KEY, hashes.ITEM_ID)

    assert hasher.of_texts(texts).tolist() == hasher([text.encode() for text in texts]).tolist()


@pytest.mark.parametrize("length", [1, 3, 16, 17, 151, 152, 256, 300])
def test_ids_that_differ_in_any_place_have_different_hashes(length):
    """§8: keyed hashes; the same id has the same hash in every page, whatever stands beside it."""
    hasher = ManyHasher(bytes(32), hashes.ITEM_ID)
    text = b"A" * length
    others = [text[:place] + letter + text[place + 1 :] for place in range(length) for letter in (b"B", b"a", b"\0")]
    found = hasher([text, b"", *others, text + b"A"])

    assert len(set(found.tolist())) == len(others) + 3
    assert found[1] == 0
    assert hasher([text]).tolist() == [int(found[0])]
    assert ManyHasher(bytes([1] * 32), hashes.ITEM_ID)([text]).tolist() != [int(found[0])]
