"""Items → figures: what each account has in each year, month and week (semantics §3–§6, §11)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from shared.core.columns import Ints, concat, rows_of, starts, take
from shared.core.facts import FROM_ACCOUNT, NEITHER, TO_ACCOUNT, MeetingItems, MessageItems
from shared.core.figures import NEVER, Figures
from shared.core.minutes import minutes_of, sums
from shared.core.periods import DAYS, LEVELS, Window
from shared.core.replies import Replies, replies
from shared.core.sightings import Sightings, both, sightings

Items = TypeVar("Items", MessageItems, MeetingItems)


def by_account(messages: MessageItems, meetings: MeetingItems, window: Window, reply_limit_us: int) -> Figures:
    """The figures of each account that has items."""
    own = messages.direction != NEITHER
    if not own.all():
        messages = take(messages, np.flatnonzero(own))
    return _figures(messages, messages, meetings, meetings, window, reply_limit_us)


def by_top(
    accounts: Figures,
    messages: MessageItems,
    meetings: MeetingItems,
    top: NDArray[np.int32],
    window: Window,
    reply_limit_us: int,
) -> Figures:
    """The figures of each topmost customer: its accounts' items once, their people and contacts together.

    accounts: the figures of the accounts; those of one that is alone below its top are its top's too · top: for each
    account its top (`Contacts.top`).
    """
    alone = np.bincount(top)[top] == 1
    own = take(accounts, np.flatnonzero(alone[accounts.account]))
    messages = take(messages, np.flatnonzero(~alone[messages.account]))
    meetings = take(meetings, np.flatnonzero(~alone[meetings.account]))
    messages = replace(messages, account=top[messages.account])
    meetings = replace(meetings, account=top[meetings.account])
    families = _figures(messages, _once(messages), meetings, _once(meetings), window, reply_limit_us)
    return concat([replace(own, account=top[own.account]), families])


def _once(items: Items) -> Items:
    """One row per item and account, the one with a direction if there is any. Rows of one item lie together."""
    alike = np.zeros(len(items.item) + 1, np.bool_)
    alike[1:-1] = items.item[1:] == items.item[:-1]
    shared = np.flatnonzero(alike[1:] | alike[:-1])
    if len(shared) == 0:
        return items
    shared = shared[np.lexsort((-items.direction[shared], items.account[shared], items.item[shared]))]
    kept = ~(alike[1:] | alike[:-1])
    kept[shared[starts(items.item[shared], items.account[shared])]] = True
    return take(items, np.flatnonzero(kept))


@dataclass(frozen=True, slots=True)
class _Grid:
    """Accounts, by local number, times the periods of one level: what is counted falls into slots."""

    accounts: int
    period_of_day: NDArray[np.int32]

    @property
    def periods(self) -> int:
        return int(self.period_of_day[-1]) + 1

    @property
    def slots(self) -> int:
        return self.accounts * self.periods

    def slot(self, account: Ints, day: Ints) -> NDArray[np.int64]:
        return account.astype(np.int64) * self.periods + self.period_of_day[day]

    def directions(self, slot: Ints, direction: Ints) -> NDArray[np.int64]:
        """How many items of each direction fall into each slot."""
        return np.bincount(slot * 3 + direction, minlength=self.slots * 3).reshape(-1, 3)

    def persons(self, seen: Sightings) -> NDArray[np.int64]:
        return seen.persons(self.period_of_day, self.periods, self.accounts)


@dataclass(frozen=True, slots=True)
class _Seen:
    """Our people and account contacts of all accounts."""

    people: Sightings
    contacts: Sightings


@dataclass(frozen=True, slots=True)
class _Counted:
    """Rows that count themselves, who was seen in the rows that name people, and what follows for all levels.

    accounts: the numbers of the accounts · email_account, meeting_account: the rows' positions therein.
    """

    accounts: NDArray[np.int32]
    messages: MessageItems
    meetings: MeetingItems
    email_account: NDArray[np.int32]
    meeting_account: NDArray[np.int32]
    in_emails: _Seen
    in_meetings: _Seen
    people: Sightings
    replies: Replies
    reply_minutes: NDArray[np.float64]


def _figures(
    named: MessageItems,
    messages: MessageItems,
    attended: MeetingItems,
    meetings: MeetingItems,
    window: Window,
    reply_limit_us: int,
) -> Figures:
    """named, attended: rows whose people and contacts count · messages, meetings: those that count themselves."""
    accounts, local = _numbered(messages.account, meetings.account)
    in_emails, in_meetings = _seen(named, local), _seen(attended, local)
    answered = replies(messages, reply_limit_us)
    counted = _Counted(
        accounts=accounts,
        messages=messages,
        meetings=meetings,
        email_account=local[messages.account],
        meeting_account=local[meetings.account],
        in_emails=in_emails,
        in_meetings=in_meetings,
        people=both(in_emails.people, in_meetings.people),
        replies=answered,
        reply_minutes=minutes_of(answered.elapsed_us),
    )
    return concat([_at_level(counted, number, window.period_of_day(level)) for number, level in enumerate(LEVELS)])


def _numbered(*some: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """(the accounts that occur, ascending; for each account number its position therein)"""
    occurs = np.zeros(max(int(accounts.max(initial=-1)) for accounts in some) + 1, np.bool_)
    for accounts in some:
        occurs[accounts] = True
    return np.flatnonzero(occurs).astype(np.int32), (np.cumsum(occurs) - 1).astype(np.int32)


def _seen(items: MessageItems | MeetingItems, local: NDArray[np.int32]) -> _Seen:
    account = local[items.account]
    of_people, of_contacts = rows_of(items.people), rows_of(items.contacts)
    return _Seen(
        people=sightings(account[of_people], items.people.values, items.day[of_people]),
        contacts=sightings(account[of_contacts], items.contacts.values, items.day[of_contacts]),
    )


def _at_level(counted: _Counted, number: int, period_of_day: NDArray[np.int32]) -> Figures:
    grid = _Grid(len(counted.accounts), period_of_day)
    email_slot = grid.slot(counted.email_account, counted.messages.day)
    meeting_slot = grid.slot(counted.meeting_account, counted.meetings.day)
    emails = grid.directions(email_slot, counted.messages.direction)
    meetings = grid.directions(meeting_slot, counted.meetings.direction)
    rows = np.flatnonzero(emails.any(axis=1) | meetings.any(axis=1))
    account = rows // grid.periods
    in_emails, in_meetings = counted.in_emails, counted.in_meetings
    reply_slot = email_slot[counted.replies.row]
    columns = {
        "emails_to": emails[:, TO_ACCOUNT],
        "emails_from": emails[:, FROM_ACCOUNT],
        "meetings_to": meetings[:, TO_ACCOUNT],
        "meetings_from": meetings[:, FROM_ACCOUNT],
        "meetings": meetings.sum(axis=1),
        "people_emails": grid.persons(in_emails.people),
        "people_meetings": grid.persons(in_meetings.people),
        "people": grid.persons(counted.people),
        "contacts_emails": grid.persons(in_emails.contacts),
        "contacts_meetings": grid.persons(in_meetings.contacts),
        "last_day": np.maximum(
            _last(email_slot, counted.messages.day, grid.slots), _last(meeting_slot, counted.meetings.day, grid.slots)
        ),
        "replies": np.bincount(reply_slot, minlength=grid.slots),
    }
    return Figures(
        account=counted.accounts[account],
        level=np.full(len(rows), number, np.int8),
        period=(rows % grid.periods).astype(np.int32),
        **{name: column[rows].astype(np.int32) for name, column in columns.items()},
        meeting_minutes=sums(meeting_slot, counted.meetings.minutes, grid.slots)[rows],
        reply_minutes=sums(reply_slot, counted.reply_minutes, grid.slots)[rows],
        **_of_whole_window(counted, account),
    )


def _last(slot: Ints, day: NDArray[np.int32], slots: int) -> NDArray[np.int32]:
    last = np.full(slots, NEVER, np.int32)
    np.maximum.at(last, slot, day)
    return last


def _of_whole_window(counted: _Counted, account: NDArray[np.int64]) -> dict[str, NDArray[np.int32]]:
    """What is the same on every row of an account."""
    size = len(counted.accounts)
    first = np.full(size, DAYS, np.int32)
    np.minimum.at(first, counted.email_account, counted.messages.day)
    np.minimum.at(first, counted.meeting_account, counted.meetings.day)
    return {
        "first_day": first[account],
        "last_email_day": _last(counted.email_account, counted.messages.day, size)[account],
        "last_meeting_day": _last(counted.meeting_account, counted.meetings.day, size)[account],
    }
