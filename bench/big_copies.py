"""Copies as hardly anybody has them: of one account mostly, of one message per account, of enormous lists of people."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.synthetic import AS_OF_US, DAY_US, HUGE, PEOPLE, SECOND_US, meeting_copies, message_copies
from shared.core.columns import rows_of
from shared.core.facts import NOT_DECLINED, Contacts, MeetingCopies, MessageCopies, Ragged

PER_ACCOUNT = 5  # contacts of one account, as in `synthetic`
DAYS = 364
RECIPIENTS = 500
ATTENDEES, OURS = 300, 290


def half_of_one(random: Any, count: int, contacts: Contacts) -> MessageCopies:
    """Messages, half of the conversations with the first account."""
    copies = message_copies(random, count, contacts)
    chosen, recipients = copies.conversation % 2 == 0, copies.recipients
    values = _of_first(recipients.values, chosen[rows_of(recipients)])
    return replace(copies, sender=_of_first(copies.sender, chosen), recipients=replace(recipients, values=values))


def half_with_one(random: Any, count: int, contacts: Contacts) -> MeetingCopies:
    """Meetings, half of them with the first account."""
    copies = meeting_copies(random, count, contacts)
    chosen, attendees = copies.item % 2 == 0, copies.attendees
    values = _of_first(attendees.values, chosen[rows_of(attendees)])
    return replace(copies, organizer=_of_first(copies.organizer, chosen), attendees=replace(attendees, values=values))


def _of_first(codes: NDArray[np.int32], which: NDArray[np.bool_]) -> NDArray[np.int32]:
    """These contacts are the first account's instead."""
    return np.where(which & (codes > 0), (codes - 1) % PER_ACCOUNT + 1, codes).astype(np.int32)


def one_each(random: Any, count: int, contacts: Contacts) -> MessageCopies:
    """One message to a contact of each account."""
    return _to(random, Ragged(np.arange(count + 1), (1 + PER_ACCOUNT * np.arange(count)).astype(np.int32)))


def to_many(random: Any, count: int, contacts: Contacts) -> MessageCopies:
    """Messages to 500 contacts each, next to each other, of a hundred accounts."""
    first = random.integers(1, len(contacts.accounts) * PER_ACCOUNT - RECIPIENTS, count)
    values = first[:, None] + np.arange(RECIPIENTS)
    return _to(random, Ragged(np.arange(count + 1) * RECIPIENTS, values.reshape(-1).astype(np.int32)))


def _to(random: Any, recipients: Ragged) -> MessageCopies:
    """Messages from us, each in a conversation of its own."""
    count = len(recipients.offsets) - 1
    owner = random.integers(0, PEOPLE, count).astype(np.int32)
    sent = AS_OF_US - random.integers(0, DAYS * 86_400, count) * SECOND_US
    return MessageCopies(
        item=random.integers(0, HUGE, count).astype(np.uint64),
        conversation=random.integers(1, HUGE, count).astype(np.uint64),
        sent=sent,
        received=sent + 3 * SECOND_US,
        owner=owner,
        sender=-2 - owner,
        crowded=np.zeros(count, np.bool_),
        recipients=recipients,
    )


def daily(random: Any, days: int, contacts: Contacts) -> MeetingCopies:
    """A meeting on each of these days, in the calendars of all of ours: 290 are invited, and ten contacts."""
    day, owner = np.repeat(np.arange(days), OURS), np.tile(np.arange(OURS), days)
    start = AS_OF_US // DAY_US * DAY_US - (1 + day) * DAY_US
    invited = np.concatenate([-2 - np.arange(OURS), 1 + np.arange(ATTENDEES - OURS)]).astype(np.int32)
    count = len(day)
    return MeetingCopies(
        item=random.integers(0, HUGE, days).astype(np.uint64)[day],
        start=start,
        end=start + 1800 * SECOND_US,
        owner=owner.astype(np.int32),
        organizer=np.full(count, -2, np.int32),
        has_organizer=np.ones(count, np.bool_),
        own_answer=np.full(count, NOT_DECLINED, np.int8),
        crowded=np.zeros(count, np.bool_),
        attendees=Ragged(np.arange(count + 1) * ATTENDEES, np.tile(invited, count)),
        declined=random.random(count * ATTENDEES) < 0.1,
    )


def no_messages(random: Any, count: int, contacts: Contacts) -> MessageCopies:
    return message_copies(random, 0, contacts)


def no_meetings(random: Any, count: int, contacts: Contacts) -> MeetingCopies:
    return meeting_copies(random, 0, contacts)
