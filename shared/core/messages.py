"""What the copies of messages in a mailbox say: in or out (semantics §3.2), whose they are, and of which items (§3.1).

A page is judged at once, in columns: what is done for each message by itself is little more than reading it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from shared.core import hashes, ledger
from shared.core.addresses import NOBODY, AddressBook, AddressReader
from shared.core.columns import concat, distinct_pairs, lists_from
from shared.core.enrichment import Options
from shared.core.facts import OURS, THIRD_PARTY, MessageCopies, Ragged
from shared.core.instants import NEVER, instants_us
from shared.core.ledger import IN, REASONS, UNJUDGED, Ledger, Reading
from shared.core.mailbox_items import Header, Message, Recipient
from shared.core.message_identity import MessageIdentities, distinct_addresses
from shared.core.periods import Window

DRAFT, FOLDER, MEETING_MESSAGE, AUTOMATIC, INTERNAL, UNRELATED = range(1, len(REASONS) + 1)
_MEETING_MESSAGE = "#microsoft.graph.eventMessage"

Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]


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
        self._window = window
        self._limit = options.max_recipients
        self._read_headers = options.read_headers
        self._excluded = excluded_folders
        self._owner = owner
        self._identities = MessageIdentities(key)
        self._ids = hashes.ManyHasher(key, hashes.ITEM_ID)
        self._copies: list[MessageCopies] = []
        self._ledger: list[Ledger] = []

    def add(self, messages: Iterable[Message]) -> None:
        """Judge these copies. One without a usable time of receipt, or outside the window, does not exist."""
        every = list(messages)
        times = instants_us([message.received for message in every] + [message.sent for message in every])
        received, sent = times[: len(every)], times[len(every) :]
        there = np.flatnonzero(received != NEVER)
        if not len(there):
            return
        every, received, sent = _chosen(every, there), received[there], sent[there]
        sent = np.where(sent == NEVER, received, sent)
        ids = self._ids.of_texts([message.id or "" for message in every])
        seen = Ledger(ids, received, sent, np.full(len(every), UNJUDGED, np.int8))
        held = np.flatnonzero(ledger.exists(seen, self._window))
        seen.verdict[held] = self._judge(_chosen(every, held), sent[held], received[held])
        self._ledger.append(seen)

    def _judge(self, messages: list[Message], sent: Ints, received: Ints) -> NDArray[np.int8]:
        """The verdicts; the copies that are in are kept."""
        named = _named(messages, self._codes)
        aside = self._set_aside(messages)
        verdicts = np.where(aside == IN, named.verdicts(), aside)
        self._keep(messages, verdicts == IN, sent, received, named)
        return verdicts

    def _set_aside(self, messages: Sequence[Message]) -> NDArray[np.int8]:
        """The reasons that do not depend on who takes part; IN where there is none."""
        folders = self._excluded
        reasons = [
            DRAFT
            if message.is_draft
            else FOLDER
            if message.folder in folders
            else MEETING_MESSAGE
            if message.odata_type is not None and message.odata_type.startswith(_MEETING_MESSAGE)
            else IN
            for message in messages
        ]
        found = np.array(reasons, np.int8)
        if self._read_headers:
            automatic = [is_automatic(message.headers or ()) for message in messages]
            found[(found == IN) & np.array(automatic, np.bool_)] = AUTOMATIC
        return found

    def _keep(self, messages: list[Message], is_in: Flags, sent: Ints, received: Ints, named: _Named) -> None:
        rows = np.flatnonzero(is_in)
        messages, sent = _chosen(messages, rows), sent[rows]
        crowded = named.number[rows] > self._limit
        for row in np.flatnonzero(crowded).tolist():
            crowded[row] = len(distinct_addresses(_recipients(messages[row]))) > self._limit
        self._copies.append(
            MessageCopies(
                item=self._identities.items(messages, sent),
                conversation=self._identities.conversations(messages),
                sent=sent,
                received=received[rows],
                owner=np.full(len(rows), self._owner, np.int32),
                sender=named.sender[rows],
                crowded=crowded,
                recipients=named.recipients_of(is_in),
            )
        )

    def copies(self) -> MessageCopies:
        """The copies that are in, so far."""
        return concat([_NO_COPIES, *self._copies])

    def reading(self) -> Reading:
        """All copies so far, and the facts of those that are in."""
        return Reading(concat([ledger.empty(), *self._ledger]), self.copies())

    @property
    def counts(self) -> dict[str, int]:
        """Reason → copies sent in the window that are out, in the order of §6."""
        return ledger.counts(concat([ledger.empty(), *self._ledger]))


@dataclass(frozen=True, slots=True)
class _Named:
    """Who takes part in some messages. sender: code of each · number: how many recipients each has, repeated ones
    included · message, recipient: a message's place here and a code, for each recipient.
    """

    sender: NDArray[np.int32]
    number: Ints
    message: Ints
    recipient: NDArray[np.int32]

    def verdicts(self) -> NDArray[np.int8]:
        """What it means for each message who takes part."""
        # Of the codes, ours are negative, a third party's is 0 and a contact's is positive.
        verdicts = np.full(len(self.sender), INTERNAL, np.int8)
        verdicts[self.message[self.recipient == THIRD_PARTY]] = UNRELATED
        verdicts[self.message[self.recipient > THIRD_PARTY]] = IN
        verdicts[self.sender > THIRD_PARTY] = IN
        # A third party's message, or one from nobody, has no direction, whoever receives it (§3.3).
        verdicts[(self.sender == THIRD_PARTY) | (self.sender == NOBODY)] = UNRELATED
        return verdicts

    def recipients_of(self, kept: Flags) -> Ragged:
        """For each of these messages the distinct codes of the people and contacts who receive it."""
        code = self.recipient
        of_one = (code > THIRD_PARTY) | ((code > NOBODY) & (code < OURS))
        pairs = np.flatnonzero(kept[self.message] & of_one)
        place = np.cumsum(kept) - 1
        return lists_from(*distinct_pairs(place[self.message[pairs]], code[pairs]), int(kept.sum()))


def _named(messages: Sequence[Message], codes: AddressReader) -> _Named:
    senders = [message.sender for message in messages]
    recipients = [_recipients(message) if message.cc or message.bcc else message.to or () for message in messages]
    number = np.fromiter(map(len, recipients), np.int64, len(recipients))
    found = codes.codes(
        [
            who.email_address.address if who is not None and who.email_address is not None else None
            for who in chain.from_iterable([senders, *recipients])
        ]
    )
    return _Named(found[: len(senders)], number, np.repeat(np.arange(len(number)), number), found[len(senders) :])


def _recipients(message: Message) -> Sequence[Recipient]:
    return [*(message.to or ()), *(message.cc or ()), *(message.bcc or ())]


def _chosen(messages: list[Message], rows: Ints) -> list[Message]:
    return messages if len(rows) == len(messages) else [messages[row] for row in rows.tolist()]


_NO_COPIES = MessageCopies(
    item=np.zeros(0, np.uint64),
    conversation=np.zeros(0, np.uint64),
    sent=np.zeros(0, np.int64),
    received=np.zeros(0, np.int64),
    owner=np.zeros(0, np.int32),
    sender=np.zeros(0, np.int32),
    crowded=np.zeros(0, np.bool_),
    recipients=Ragged(np.zeros(1, np.int64), np.zeros(0, np.int32)),
)


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
