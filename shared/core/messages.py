"""What one copy of a message says: in or out (semantics §3.2), whose it is, and which item it belongs to (§3.1)."""

from __future__ import annotations

import json
from array import array
from binascii import Error as NotBase64
from binascii import a2b_base64
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.core import hashes, ledger
from shared.core.addresses import NOBODY, AddressBook, normalise
from shared.core.columns import concat
from shared.core.enrichment import Options
from shared.core.facts import OURS, THIRD_PARTY, MessageCopies, ragged
from shared.core.instants import in_window, instant_us, surely_in_window
from shared.core.ledger import IN, REASONS, UNJUDGED, Ledger, Reading
from shared.core.mailbox_items import Header, Message, Recipient
from shared.core.periods import MICROSECONDS, Window

DRAFT, FOLDER, MEETING_MESSAGE, AUTOMATIC, INTERNAL, UNRELATED = range(1, len(REASONS) + 1)
_MEETING_MESSAGE = "#microsoft.graph.eventMessage"
_GUID = slice(6, 22)
_NO_DIRECTION = frozenset({THIRD_PARTY, NOBODY})
_UNNAMED = frozenset({THIRD_PARTY, OURS, NOBODY})
_CONVERSATIONS_LIMIT = 100_000


class MessageReader:
    """Judges the copies of messages of one mailbox, page by page, and keeps those that are in as columns.

    `owner`: number of the listed person whose mailbox this is. `excluded_folders`: ids of the folders that are out,
    their sub-folders included.
    """

    def __init__(
        self,
        book: AddressBook,
        window: Window,
        options: Options,
        key: bytes,
        owner: int,
        excluded_folders: frozenset[str],
    ) -> None:
        self._codes = book.reader(key)
        self._received_between = window.read_from_us, window.read_until_us
        self._in_window = in_window(window)
        self._surely_in_window = surely_in_window(window)  # a comparison costs less than a call, for almost all
        self._limit = options.max_recipients
        self._read_headers = options.read_headers
        self._excluded = excluded_folders
        self._owner = owner
        self._identities = _Identities(key)
        self._ids = hashes.ManyHasher(key, hashes.ITEM_ID)
        self._pages: list[MessageCopies] = []
        self._ledger: list[Ledger] = []

    def add(self, messages: Iterable[Message]) -> None:
        """Judge these copies. One without a usable time of receipt, or outside the window, does not exist."""
        rows: list[_Row] = []
        seen: list[tuple[str, int, int, int]] = []
        first, last = self._received_between
        in_window = self._in_window
        surely_from, surely_until = self._surely_in_window
        for message in messages:
            received = instant_us(message.received)
            if received is None:
                continue
            sent = instant_us(message.sent)
            if sent is None:
                sent = received
            if first <= received <= last and (surely_from <= sent <= surely_until or in_window(sent)):
                verdict = self._set_aside(message) or self._keep(rows, message, sent, received)
            else:
                verdict = UNJUDGED
            seen.append((message.id or "", received, sent, verdict))
        if rows:
            self._pages.append(_columns(rows, self._owner))
        if seen:
            ids, received_at, sent_at, verdicts = zip(*seen, strict=True)
            self._ledger.append(
                Ledger(self._ids(ids), _instants(received_at), _instants(sent_at), np.array(verdicts, np.int8))
            )

    def _set_aside(self, message: Message) -> int:
        """The reason that does not depend on who takes part; IN where there is none."""
        if message.is_draft:
            return DRAFT
        if message.folder in self._excluded:
            return FOLDER
        kind = message.odata_type
        if kind is not None and kind.startswith(_MEETING_MESSAGE):
            return MEETING_MESSAGE
        if self._read_headers and message.headers and is_automatic(message.headers):
            return AUTOMATIC
        return IN

    def _keep(self, rows: list[_Row], message: Message, sent: int, received: int) -> int:
        """Take the copy in, or say why it is out."""
        codes = self._codes
        who = message.sender
        sender = codes[who.email_address.address] if who is not None and who.email_address is not None else NOBODY
        # A third party's message, or one from nobody, has no direction, whoever receives it (§3.3).
        if sender in _NO_DIRECTION:
            return UNRELATED
        named: Sequence[Recipient] = message.to or ()
        if message.cc or message.bcc:
            named = [*named, *(message.cc or ()), *(message.bcc or ())]
        recipients = {codes[who.email_address.address] for who in named if who.email_address is not None}
        if sender < 0:
            # Of the codes, ours are negative, a third party's is 0 and a contact's is positive.
            highest = max(recipients, default=OURS)
            if highest <= THIRD_PARTY:
                return INTERNAL if highest < THIRD_PARTY else UNRELATED
        identities = self._identities
        item, conversation = identities.of_message(message, sent), identities.of_conversation(message)
        crowded = len(named) > self._limit and _distinct(named) > self._limit
        rows.append((item, conversation, sent, received, sender, crowded, recipients - _UNNAMED))
        return IN

    def copies(self) -> MessageCopies:
        """The copies that are in, so far."""
        return concat([_columns([], self._owner), *self._pages])

    def reading(self) -> Reading:
        """All copies so far, and the facts of those that are in."""
        return Reading(concat([ledger.empty(), *self._ledger]), self.copies())

    @property
    def counts(self) -> dict[str, int]:
        """Reason → copies sent in the window that are out, in the order of §6."""
        return ledger.counts(concat([ledger.empty(), *self._ledger]))


_Row = tuple[bytes, bytes, int, int, int, bool, set[int]]  # in the order of the columns, without the owner


def _columns(rows: list[_Row], owner: int) -> MessageCopies:
    columns: Iterable[tuple[Any, ...]] = zip(*rows, strict=True) if rows else ((),) * 7
    items, conversations, sent, received, senders, crowded, recipients = columns
    return MessageCopies(
        item=np.frombuffer(b"".join(items), hashes.HASH),
        conversation=np.frombuffer(b"".join(conversations), hashes.HASH),
        sent=np.array(sent, np.int64),
        received=np.array(received, np.int64),
        owner=np.full(len(rows), owner, np.int32),
        sender=np.array(senders, np.int32),
        crowded=np.array(crowded, np.bool_),
        recipients=ragged(recipients),
    )


def _instants(instants: Sequence[int]) -> NDArray[np.int64]:
    # An array of Python's own takes numbers in faster than numpy does.
    return np.frombuffer(array("q", instants), np.int64)


def _address(who: Recipient | None) -> str | None:
    return who.email_address.address if who is not None and who.email_address is not None else None


def _distinct(named: Sequence[Recipient]) -> int:
    """How many distinct normalised addresses there are, tags kept; a participant without one is nobody."""
    return len({normalise(_address(who) or "") for who in named} - {""})


def is_automatic(headers: Iterable[Header]) -> bool:
    """Whether one of the four headers says that no person wrote this to somebody (§3.2)."""
    for header in headers:
        name = (header.name or "").strip().casefold()
        if name in ("list-id", "list-unsubscribe"):
            return True
        if header.value is None:
            continue
        value = header.value.partition(";")[0].strip().casefold()
        if name == "auto-submitted" and value != "no":
            return True
        if name == "precedence" and value in ("bulk", "list", "junk"):
            return True
    return False


class _Identities:
    """Keyed hashes of messages (§3.1) and conversations (§3.5)."""

    def __init__(self, key: bytes) -> None:
        self._message_id = hashes.hasher(key, hashes.MESSAGE_ID)
        self._message_text = hashes.hasher(key, hashes.MESSAGE_TEXT)
        self._guid = hashes.hasher(key, hashes.CONVERSATION_GUID)
        self._conversation_id = hashes.hasher(key, hashes.CONVERSATION_ID)
        self._guids: dict[bytes, bytes] = {}

    def of_message(self, message: Message, sent: int) -> bytes:
        text = message.message_id
        if text is not None and (text := text.strip().casefold()):
            return self._message_id(text.encode())
        named = [*(message.to or ()), *(message.cc or ())]
        recipients = sorted({normalise(_address(who) or "") for who in named} - {""})
        sender = normalise(_address(message.sender) or "")
        return self._message_text(json.dumps([sender, sent // MICROSECONDS, recipients]).encode())

    def of_conversation(self, message: Message) -> bytes:
        """Bytes 6–21 of `conversationIndex`, else `conversationId`; `NO_HASH` where both are missing."""
        index = message.conversation_index
        if index is not None:
            try:
                guid = a2b_base64(index, strict_mode=True)[_GUID]
            except (NotBase64, ValueError):
                guid = b""
            if len(guid) == 16:
                return self._of_guid(guid)
        if not message.conversation_id:
            return hashes.NO_HASH
        return self._conversation_id(message.conversation_id.encode())

    def _of_guid(self, guid: bytes) -> bytes:
        known = self._guids.get(guid)
        if known is None:
            if len(self._guids) >= _CONVERSATIONS_LIMIT:
                self._guids.clear()
            known = self._guids[guid] = self._guid(guid)
        return known
