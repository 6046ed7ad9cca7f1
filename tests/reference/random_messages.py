"""Random threads of messages, each letter with copies in several mailboxes that may tell it differently (§3)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from tests.reference.builders import message
from tests.reference.organisation import Json

if TYPE_CHECKING:
    from tests.reference.strategies import Cast

FOLDERS = ("sentitems", "deleteditems", "archive", "projects", "scheduled", "deep", "junkemail")
ODD: tuple[Json, ...] = (
    {"isDraft": True},
    {"isDraft": "true"},
    {"@odata.type": "#microsoft.graph.eventMessageRequest"},
    {"@odata.type": "#microsoft.graph.message"},
    {"toRecipients": "everybody"},
    {"from": None},
    {"from": None},
    {"sentDateTime": None},
    {"sentDateTime": 5},
    {"receivedDateTime": None},
    {"parentFolderId": 5},
)
HEADERS: tuple[list[Json], ...] = (
    [{"name": "Auto-Submitted", "value": "auto-replied"}],
    [{"name": "AUTO-SUBMITTED", "value": " No "}],
    [{"name": "List-Id", "value": "<l.example>"}],
    [{"name": "precedence", "value": "Bulk"}],
    [{"name": "Precedence", "value": "first-class"}],
)
ONE, TWO = (b64encode(bytes([number]) * 22).decode() for number in (1, 2))
# The same conversation as ONE, in its bytes 6 to 21; and what is none of either.
SAME = (ONE, b64encode(b"\x01" * 22 + b"child").decode(), b64encode(b"\x09" * 6 + b"\x01" * 16).decode())
NONE = (b64encode(b"\x01" * 21).decode(), f"!{ONE}", "no base64!", "", None, 5)
MIXED = (b64encode(b"\x01" * 6 + b"\x02" * 16).decode(), TWO, *SAME, *NONE)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
GAPS = (timedelta(), MINUTE, MINUTE, 60 * MINUTE, DAY, 30 * DAY, timedelta(seconds=1))
STEPS = (timedelta(seconds=-1), timedelta(milliseconds=250), MINUTE, -MINUTE, -DAY, -40 * DAY)
DELAYS = (0, -1, 59, 60, 61, 3600, 24 * 3600, -24 * 3600)


def stamp(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


@dataclass(frozen=True)
class Letter:
    """One letter as its writer would tell it; `id`: the internetMessageId, `index`: the conversationIndex."""

    sender: Any
    to: tuple[Any, ...]
    sent: datetime
    delay: int
    id: Any
    conversation: str | None
    index: Any

    def told(self, own: Json) -> Json:
        """The copy of a mailbox that has some of it in its own way."""
        sent = self.sent + own.get("step", timedelta())
        received = own.get("received") or sent + timedelta(seconds=own.get("delay", self.delay))
        to = [*self.to[own.get("less", 0) :], *own.get("more", [])]
        sender = own.get("sender", self.sender)
        if "inside" in own:
            sender, to = own["inside"], ["bob@own.example", *own.get("more", [])]
        copy = message(
            tagged(sender) if own.get("tagged") == "sender" else sender,
            [tagged(one) for one in to] if own.get("tagged") == "to" else to,
            stamp(sent),
            cc=own.get("cc", []),
            bcc=own.get("bcc", []),
            received=stamp(received),
            id=f" {self.id.upper()}" if own.get("respelt") and isinstance(self.id, str) else self.id,
            folder=own.get("folder", "inbox"),
            conversation=own.get("conversation", self.conversation),
            conversationIndex=own.get("index", self.index),
            internetMessageHeaders=own.get("headers", []),
        )
        return {**(respelt(copy) if own.get("respelt") else copy), **own.get("odd", {})}


def tagged(who: Any) -> Any:
    """The address with a tag, where it is a bare one."""
    return who.replace("@", "+t@") if isinstance(who, str) and "<" not in who else who


def respelt(copy: Json) -> Json:
    """The copy with its recipients in other spellings of the same addresses."""

    def other(entry: Any) -> Any:
        address = entry["emailAddress"].get("address") if isinstance(entry, dict) and entry["emailAddress"] else None
        bare = isinstance(address, str) and "@" in address and "<" not in address
        return {"emailAddress": {"address": f"Somebody <{address.strip().upper()}>"}} if bare and address else entry

    return {**copy, "toRecipients": [other(entry) for entry in copy["toRecipients"]]}


def message_copies(r: Random, cast: Cast) -> dict[str, list[Json]]:
    """Owner → copies. Of one mailbox all copies of a letter have the same sender and times."""
    boxes: dict[str, list[Json]] = {owner: [] for owner in cast.owners}
    for thread in range(r.randint(1, 4)):
        for letter in letters(r, cast, thread):
            for owner in r.sample(cast.owners, r.choice((1, 2, 2, 3))):
                copy = letter.told(cast.ways(r, WAYS))
                boxes[owner].append(copy)
                if r.random() < 0.1:
                    boxes[owner].append({**copy, "parentFolderId": r.choice(FOLDERS)})
    return boxes


def letters(r: Random, cast: Cast, thread: int) -> list[Letter]:
    """Letters to and fro between one of ours and one of theirs, and whoever else is named."""
    ours, theirs = cast.ours(r), cast.theirs(r)
    conversation, indexes = r.choice(("c1", "c2", None)), r.choice((SAME, SAME, NONE, MIXED))
    sent, written = r.choice(cast.instants), []
    for number in range(r.randint(1, 4)):
        to_account = r.random() < 0.5
        named = f"<{thread}.{number}@x>"
        to = [theirs if to_account else ours, *cast.others(r)]
        written.append(
            Letter(
                sender=ours if to_account else theirs,
                to=tuple(to),
                sent=sent,
                delay=r.choice((0, 0, 20)),
                id=r.choice((named, named, None, 7)),
                conversation=conversation,
                index=r.choice(indexes),
            )
        )
        sent += r.choice(GAPS)
    return written


# In what a mailbox may differ.
WAYS: dict[str, Callable[[Random, Cast], Any]] = {
    "sender": lambda r, cast: cast.anyone(r),
    "step": lambda r, _: r.choice(STEPS),
    "delay": lambda r, _: r.choice(DELAYS),
    "received": lambda r, cast: r.choice(cast.receipts),
    "more": lambda r, cast: [cast.anyone(r) for _ in range(r.randint(1, 2))],
    "less": lambda r, _: 1,
    "inside": lambda r, _: r.choice((None, "ada@own.example")),
    "tagged": lambda r, _: r.choice(("sender", "to")),
    "respelt": lambda r, _: True,
    "cc": lambda r, cast: [cast.anyone(r) for _ in range(r.randint(1, 2))],
    "bcc": lambda r, cast: [cast.anyone(r)],
    "folder": lambda r, _: r.choice(FOLDERS),
    "headers": lambda r, _: r.choice(HEADERS),
    "conversation": lambda r, _: r.choice(("c1", "c2", None)),
    "index": lambda r, _: r.choice(MIXED),
    "odd": lambda r, _: r.choice(ODD),
}
