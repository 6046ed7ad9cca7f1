"""Random messages: a few letters, each with copies in several mailboxes that may tell it differently (§3)."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from tests.reference.builders import message
from tests.reference.organisation import Json

if TYPE_CHECKING:
    from tests.reference.strategies import Cast

FOLDERS = (
    "inbox",
    "inbox",
    "inbox",
    "sentitems",
    "deleteditems",
    "archive",
    "projects",
    "scheduled",
    "deep",
    "junkemail",
)
ODD: tuple[Json, ...] = (
    {},
    {},
    {},
    {"isDraft": True},
    {"isDraft": "true"},
    {"@odata.type": "#microsoft.graph.eventMessageRequest"},
    {"@odata.type": "#microsoft.graph.message"},
    {"toRecipients": "everybody"},
    {"from": None},
    {"sentDateTime": None},
    {"sentDateTime": 5},
    {"receivedDateTime": None},
    {"receivedDateTime": 5},
    {"parentFolderId": 5},
)
HEADERS: tuple[list[Json], ...] = (
    [],
    [],
    [{"name": "Auto-Submitted", "value": "auto-replied"}],
    [{"name": "AUTO-SUBMITTED", "value": " No "}],
    [{"name": "List-Id", "value": "<l.example>"}],
    [{"name": "precedence", "value": "Bulk"}],
    [{"name": "Precedence", "value": "first-class"}],
)
CONVERSATIONS = (b"\x01" * 22, b"\x02" * 22 + b"child", b"\x01" * 6 + b"\x02" * 16, b"short")
INDEXES = (*(b64encode(header).decode() for header in CONVERSATIONS), "no base64!", None, 5)


def stamp(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


@st.composite
def message_copies(draw: st.DrawFn, cast: Cast) -> dict[str, list[Json]]:
    """Owner → copies."""
    boxes: dict[str, list[Json]] = {owner: [] for owner in cast.owners}
    for number in range(draw(st.integers(2, 10))):
        letter = draw(letters(cast, number))
        for owner in draw(st.lists(st.sampled_from(cast.owners), min_size=1, max_size=3)):
            boxes[owner].append(letter[owner])
            if draw(st.integers(0, 7)) == 0:
                boxes[owner][-1] = {**letter[owner], "parentFolderId": draw(st.sampled_from(FOLDERS))}
    return boxes


@st.composite
def letters(draw: st.DrawFn, cast: Cast, number: int) -> dict[str, Json]:
    """One letter as each mailbox would tell it. Of one mailbox every copy has the same sender and times."""
    ours_first = draw(st.booleans())
    sender: Any = draw(cast.ours if ours_first else cast.theirs)
    to = [draw(cast.theirs if ours_first else cast.ours), *draw(st.lists(cast.anyone, max_size=3))]
    sent = draw(st.sampled_from(cast.instants))
    named = draw(st.sampled_from((f"<{number}@x>", f" <{number}@X> ", None, 7)))
    conversation = {
        "conversation": draw(st.sampled_from(("c1", "c2", None))),
        "conversationIndex": draw(st.sampled_from((*INDEXES[:1] * 4, *INDEXES))),
    }
    told = {}
    for owner in cast.owners:
        # Most mailboxes agree; one draw says whether this one tells the letter in its own way.
        own_way = draw(st.integers(0, 3)) == 0
        own = draw(st.fixed_dictionaries(_variations(cast, sender, sent, conversation))) if own_way else {}
        told[owner] = _copy(named, {"sender": sender, "sent": sent, "delay": 20, **conversation} | own, to)
    return told


def _variations(cast: Cast, sender: Any, sent: datetime, conversation: Json) -> dict[str, st.SearchStrategy[Any]]:
    return {
        "sender": st.just(sender) | cast.anyone,
        "sent": st.sampled_from((sent, sent - timedelta(seconds=1), *cast.instants[:3])),
        "delay": st.sampled_from((0, 20, -1, 3600, 24 * 3600, 24 * 3600 + 1, -24 * 3600)),
        "more": st.lists(cast.anyone, max_size=2),
        "bcc": st.lists(cast.anyone, max_size=1),
        "odd": st.sampled_from(ODD),
        "headers": st.sampled_from(HEADERS),
        "conversationIndex": st.sampled_from((conversation["conversationIndex"], *INDEXES)),
        "folder": st.sampled_from(FOLDERS),
    }


def _copy(named: Any, told: Json, to: list[Any]) -> Json:
    copy = message(
        told["sender"],
        to,
        stamp(told["sent"]),
        cc=told.get("more", []),
        bcc=told.get("bcc", []),
        received=stamp(told["sent"] + timedelta(seconds=told["delay"])),
        id=named,
        folder=told.get("folder", "inbox"),
        conversation=told["conversation"],
        conversationIndex=told["conversationIndex"],
        internetMessageHeaders=told.get("headers", []),
    )
    return {**copy, **told.get("odd", {})}
