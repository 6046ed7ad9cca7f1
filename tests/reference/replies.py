"""§3.5 Reply time."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from tests.reference.involvement import FROM_ACCOUNT, TO_ACCOUNT, Involvement
from tests.reference.messages import Message


@dataclass(frozen=True)
class Reply:
    """`day`: the date of the reply, whose period the value belongs to."""

    account: str
    day: date
    minutes: Fraction


def replies_of(emails: list[Involvement], limit_days: int) -> list[Reply]:
    """The replies of one account that count, from its emails.

    "A *reply* is a From-account message r; its *parent* is the latest To-account message p of the same account and
    conversation with p.sent < r.received … Only the first reply to each p counts (by received time, then sent time).
    Elapsed = r.received − p.sent …; longer than 30 days is not a reply (configurable)." Parents of one sent time are
    told apart by identity, always in the same way.
    """
    parents = [email.item for email in emails if email.direction == TO_ACCOUNT]
    answers: dict[Message, list[Involvement]] = defaultdict(list)
    for email in emails:
        if email.direction == FROM_ACCOUNT:
            before = [parent for parent in parents if _precedes(parent, email.item)]
            if before:
                answers[max(before, key=lambda parent: (parent.sent, str(parent.identity)))].append(email)
    counted = []
    for parent, candidates in answers.items():
        first = min(candidates, key=lambda reply: (reply.item.received, reply.item.sent))
        elapsed = first.item.received - parent.sent
        if elapsed <= timedelta(days=limit_days):
            counted.append(Reply(first.account, first.day, Fraction(elapsed // timedelta(microseconds=1), 60_000_000)))
    return counted


def _precedes(parent: Message, reply: Message) -> bool:
    return parent.sent < reply.received and bool(parent.conversations & reply.conversations)
