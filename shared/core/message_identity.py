"""Which item a copy of a message belongs to (semantics §3.1), and which conversation (§3.5), as keyed hashes."""

from __future__ import annotations

import json
from binascii import Error as NotBase64
from binascii import a2b_base64
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shared.core import hashes
from shared.core.addresses import normalise
from shared.core.mailbox_items import Message, Recipient
from shared.core.periods import MICROSECONDS

_GUID = slice(6, 22)


class MessageIdentities:
    """Hashes many messages at once."""

    def __init__(self, key: bytes) -> None:
        self._message_id = hashes.ManyHasher(key, hashes.MESSAGE_ID)
        self._message_text = hashes.ManyHasher(key, hashes.MESSAGE_TEXT)
        self._guid = hashes.ManyHasher(key, hashes.CONVERSATION_GUID)
        self._conversation_id = hashes.ManyHasher(key, hashes.CONVERSATION_ID)

    def items(self, messages: Sequence[Message], sent: NDArray[np.int64]) -> NDArray[np.uint64]:
        """§3.1: of `internetMessageId`, else of what the message says. `sent`: when each was sent."""
        found = self._message_id([(message.message_id or "").strip().casefold().encode() for message in messages])
        unnamed = np.flatnonzero(found == 0)
        if len(unnamed):
            texts = [_text(messages[row], at) for row, at in zip(unnamed.tolist(), sent[unnamed].tolist(), strict=True)]
            found[unnamed] = self._message_text(texts)
        return found

    def conversations(self, messages: Sequence[Message]) -> NDArray[np.uint64]:
        """§3.5: of bytes 6–21 of `conversationIndex`, else of `conversationId`; 0 where both are missing."""
        found = self._guid([_guid(message.conversation_index) for message in messages])
        without = np.flatnonzero(found == 0)
        if len(without):
            ids = [(messages[row].conversation_id or "").encode() for row in without.tolist()]
            found[without] = self._conversation_id(ids)
        return found


def _guid(index: str | None) -> bytes:
    """Nothing where the index is missing, shorter or not base64."""
    if index is None:
        return b""
    try:
        guid = a2b_base64(index, strict_mode=True)[_GUID]
    except (NotBase64, ValueError):
        return b""
    return guid if len(guid) == 16 else b""


def _text(message: Message, sent: int) -> bytes:
    """From, the sent time to the second, the sorted distinct normalised addresses of To and Cc."""
    recipients = distinct_addresses([*(message.to or ()), *(message.cc or ())])
    sender = normalise(_address(message.sender) or "")
    return json.dumps([sender, sent // MICROSECONDS, sorted(recipients)]).encode()


def distinct_addresses(named: Sequence[Recipient]) -> set[str]:
    """Their distinct normalised addresses, tags kept; a participant without one is nobody."""
    return {normalise(_address(who) or "") for who in named} - {""}


def _address(who: Recipient | None) -> str | None:
    return who.email_address.address if who is not None and who.email_address is not None else None
