"""How much room copies take while they are partitioned and joined: long lists of people do, whatever the rows."""

from __future__ import annotations

from shared.core.facts import MeetingCopies, MessageCopies

# People and contacts that a copy names in the room that is reckoned for one; hardly anybody's name more on average.
NAMED = 3


def weight(copies: MessageCopies | MeetingCopies) -> int:
    """In copies of the usual size, at least as many as there are."""
    named = copies.recipients if isinstance(copies, MessageCopies) else copies.attendees
    return max(len(copies.item), len(named.values) // NAMED)
