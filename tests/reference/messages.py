"""§3.1–§3.4 Messages: from copies in mailboxes to counted items, and each item as its accounts see it."""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.reference import wire
from tests.reference.involvement import FROM_ACCOUNT, TO_ACCOUNT, Involvement
from tests.reference.organisation import Json, Options
from tests.reference.people import AddressBook
from tests.reference.periods import Window

EXCLUDED_FOLDERS = (
    "drafts",
    "outbox",
    "junkemail",
    "conversationhistory",
    "syncissues",
    "recoverableitemsdeletions",
)


@dataclass(frozen=True)
class MessageCopy:
    """A copy that is in (§3.2). Addresses are normalised, tags kept; `conversation` None: it has none."""

    owner: str
    identity: Hashable
    sent: datetime
    received: datetime
    sender: str | None
    recipients: frozenset[str]
    conversation: Hashable | None


@dataclass(frozen=True)
class Message:
    """A counted item, joined from its copies; `owners`: whose mailboxes hold a copy that is in."""

    identity: Hashable
    sent: datetime
    received: datetime
    sender: str | None
    recipients: frozenset[str]
    conversations: frozenset[Hashable]
    owners: frozenset[str]


def read_messages(
    mailboxes: dict[str, Json], book: AddressBook, options: Options, window: Window
) -> tuple[list[Message], Counter[str]]:
    """The counted messages, and the coverage of scope `Message` (§6): one reason per copy sent in the window."""
    reasons: Counter[str] = Counter()
    copies: dict[Hashable, list[MessageCopy]] = {}
    for owner, mailbox in mailboxes.items():
        excluded = excluded_folders(mailbox)
        for message in mailbox["messages"]:
            copy = _copy(owner, message, window)
            if copy is None:
                continue
            reason = why_out(message, copy, excluded, book, options)
            if reason:
                reasons[reason] += 1
            else:
                copies.setdefault(copy.identity, []).append(copy)
    items = []
    for identity, joined in copies.items():
        if any(len(copy.recipients) > options.max_recipients for copy in joined):
            reasons["TooManyRecipients"] += len(joined)
            continue
        reasons["Counted"] += 1
        reasons["Duplicate"] += len(joined) - 1
        items.append(join(identity, joined))
    return items, reasons


def _copy(owner: str, message: Any, window: Window) -> MessageCopy | None:
    """What a copy says, or None where it does not exist or was not sent in the window.

    §1: one without a usable time of receipt does not exist; nothing after `as_of` exists.
    §3.1: "one received before the local day before the window, or more than 24 hours after `as_of`, does not exist";
    "The sent time is `sentDateTime`, or `receivedDateTime` where it is null".
    """
    received = wire.instant(message, "receivedDateTime")
    if received is None or received > window.as_of + timedelta(hours=24):
        return None
    if window.date_of(received) < window.first - timedelta(days=1):
        return None
    sent = wire.instant(message, "sentDateTime") or received
    if sent > window.as_of or not window.contains(sent):
        return None
    sender = wire.address(wire.part(message, "from"))
    return MessageCopy(
        owner=owner,
        identity=identity(message, sender, sent),
        sent=sent,
        received=received,
        sender=sender,
        recipients=_addresses(message, "toRecipients", "ccRecipients", "bccRecipients"),
        conversation=conversation(message),
    )


def _addresses(message: Any, *kinds: str) -> frozenset[str]:
    found = (wire.address(entry) for kind in kinds for entry in wire.entries(message, kind))
    return frozenset(address for address in found if address)


def identity(message: Any, sender: str | None, sent: datetime) -> Hashable:
    """§3.1: "`internetMessageId`, trimmed and casefolded … Without an id: a hash of (from, sent time to the second,
    the sorted distinct normalised addresses of To and Cc)". Tags are kept (the organisations' `3.1-hash-tags`).
    """
    named = (wire.text(message, "internetMessageId") or "").strip().casefold()
    if named:
        return ("id", named)
    return ("hash", sender, sent.replace(microsecond=0), _addresses(message, "toRecipients", "ccRecipients"))


def conversation(message: Any) -> Hashable | None:
    """§3.5: "bytes 6–21 of `conversationIndex` …; where it is missing, shorter or not base64, `conversationId`"."""
    index = wire.text(message, "conversationIndex")
    try:
        decoded = base64.b64decode(index or "", validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if len(decoded) >= 22:
        return ("index", decoded[6:22])
    named = wire.text(message, "conversationId")
    return ("id", named) if named else None


def excluded_folders(mailbox: Json) -> set[str]:
    """§3.2: ids of the excluded folders and "any sub-folder of these, known by well-known name, never by display
    name (a folder that a mailbox lacks is skipped)".
    """
    excluded = {folder["id"] for folder in mailbox["folders"] if folder.get("wellKnownName") in EXCLUDED_FOLDERS}
    while True:
        below = {folder["id"] for folder in mailbox["folders"] if folder.get("parentFolderId") in excluded}
        if below <= excluded:
            return excluded
        excluded |= below


def why_out(message: Any, copy: MessageCopy, excluded: set[str], book: AddressBook, options: Options) -> str | None:
    """§3.2 for one copy, with the reasons of §6 in their order; None where the copy is in."""
    participants = [copy.sender, *copy.recipients]
    if wire.flag(message, "isDraft"):
        return "Draft"
    if wire.text(message, "parentFolderId") in excluded:
        return "Folder"
    if (wire.text(message, "@odata.type") or "").startswith("#microsoft.graph.eventMessage"):
        return "MeetingMessage"
    if options.read_headers and is_automatic(message):
        return "Automatic"
    if copy.sender and all(book.ours(participant) for participant in participants):
        return "Internal"
    if not directions(copy.sender, copy.recipients, book):
        return "Unrelated"
    return None


def is_automatic(message: Any) -> bool:
    """§3.2: "`Auto-Submitted` other than `no`, or `List-Id`/`List-Unsubscribe`/`Precedence: bulk, list, junk`"."""
    for header in wire.entries(message, "internetMessageHeaders"):
        name = (wire.text(header, "name") or "").strip().casefold()
        value = (wire.text(header, "value") or "").strip().casefold()
        if name == "auto-submitted" and value != "no":
            return True
        if name in ("list-id", "list-unsubscribe"):
            return True
        if name == "precedence" and value in ("bulk", "list", "junk"):
            return True
    return False


def directions(sender: str | None, recipients: frozenset[str], book: AddressBook) -> dict[str, str]:
    """§3.3: account → direction, for every account that has one.

    "**To account**: `from` ∈ O and at least one contact of the account among the recipients. **From account**: `from`
    is a contact of the account."
    """
    if book.ours(sender):
        return {account: TO_ACCOUNT for address in recipients for account, _ in book.contacts(address)}
    return {account: FROM_ACCOUNT for account, _ in book.contacts(sender)}


def join(identity: Hashable, copies: list[MessageCopy]) -> Message:
    """§3.1: "Recipients = union over the copies. Where sent times or senders of the copies differ, the earliest sent
    time wins, and among equal times the copy whose mailbox owner has the smallest directory id (code points)."
    """
    winner = min(copies, key=lambda copy: (copy.sent, copy.owner))
    return Message(
        identity=identity,
        sent=winner.sent,
        received=min(copy.received for copy in copies),
        sender=winner.sender,
        recipients=frozenset().union(*(copy.recipients for copy in copies)),
        conversations=frozenset(copy.conversation for copy in copies if copy.conversation),
        owners=frozenset(copy.owner for copy in copies),
    )


def our_people(message: Message, book: AddressBook) -> frozenset[str]:
    """§3.4: "distinct **M** among sender and named recipients of the counted message; if no one of M is named (it
    came through a list), the owners of the mailboxes that hold a copy that is in".
    """
    named = {book.person(address) for address in (message.sender, *message.recipients)} - {None}
    return frozenset(person for person in named if person) or message.owners


def involve_message(message: Message, book: AddressBook, window: Window) -> list[Involvement]:
    """The message as each account sees it that has a direction in it (§3.3, §3.4)."""
    participants = (message.sender, *message.recipients)
    pairs = {pair for address in participants for pair in book.contacts(address)}
    return [
        Involvement(
            account=account,
            kind="email",
            direction=direction,
            day=window.date_of(message.sent),
            ours=our_people(message, book),
            theirs=frozenset(contact for owner, contact in pairs if owner == account),
            item=message,
        )
        for account, direction in directions(message.sender, message.recipients, book).items()
    ]
