"""One meeting from its copies (semantics §4): who called it, who of us was there, whose contacts were involved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.core.answers import Attendees, attendees
from shared.core.columns import distinct_pairs, lengths, rows_of, take, take_lists
from shared.core.copies import Groups, Join, days_with, group, people_or_owners, rows_with_contacts, sort_copies, tally
from shared.core.facts import (
    DECLINED,
    FROM_ACCOUNT,
    NEITHER,
    TO_ACCOUNT,
    Contacts,
    MeetingCopies,
    MeetingItems,
    Ragged,
)
from shared.core.minutes import minutes_of
from shared.core.periods import Window
from shared.core.whose import is_contact, is_ours, is_person, pairs_of, people_of


def join_meetings(copies: MeetingCopies, contacts: Contacts, window: Window) -> Join[MeetingItems]:
    """Copies that are in, in any order, all copies of an item among them; items come out sorted by their hash.

    The organizer's own copy decides who the organizer is and when it ended, else the copy of the smallest owner and the
    latest end (§4.1).
    """
    by_owner = copies.organizer == -2 - copies.owner
    order = sort_copies(copies.item, ~by_owner, copies.owner, copies.organizer, -copies.end)
    copies, by_owner = take(copies, order), by_owner[order]
    groups = group(copies.item)
    deciding = np.zeros(len(copies.item), np.bool_)
    deciding[groups.first] = True
    asked = attendees(copies, groups, deciding & by_owner, contacts)
    people = _present(copies, groups, asked)
    rows = _accounts(copies, groups, asked, contacts)
    present, involved = lengths(people) > 0, np.bincount(rows.item, minlength=groups.count) > 0
    crowded = groups.any(copies.crowded)
    counts = tally(groups, TooManyAttendees=crowded, NobodyPresent=~present, NoContactInvolved=~involved)
    end = np.where(by_owner[groups.first], copies.end[groups.first], groups.greatest(copies.end))
    day = window.day_index(copies.start[groups.first])
    counted = ~crowded & present & involved
    items = _items(copies, groups, take(rows, np.flatnonzero(counted[rows.item])), people, end, day)
    return Join(items, counts, days_with(day[counted]))


@dataclass(frozen=True, slots=True)
class _Rows:
    """One row per item and account with an involved contact; contacts: the involved ones of the account."""

    item: NDArray[np.int64]
    account: NDArray[np.int32]
    direction: NDArray[np.int8]
    contacts: Ragged


def _present(copies: MeetingCopies, groups: Groups, asked: Attendees) -> Ragged:
    """Per item: the organizer and who has not declined; where nobody of M is named, the owners who did not (§4.2)."""
    organizer = copies.organizer[groups.first]
    organized = np.flatnonzero(is_person(organizer))
    ours = is_person(asked.who)
    named = np.bincount(np.concatenate([organized, asked.item[ours]]), minlength=groups.count) > 0
    there = ours & ~asked.declined
    item = np.concatenate([organized, asked.item[there]])
    item, person = distinct_pairs(item, people_of(np.concatenate([organizer[organized], asked.who[there]])))
    stand_in = ~named[groups.item] & (copies.own_answer != DECLINED)
    return people_or_owners(groups, item, person, stand_in, copies.owner)


def _accounts(copies: MeetingCopies, groups: Groups, asked: Attendees, contacts: Contacts) -> _Rows:
    """Pairs of account and contact come from the addresses that are named, the answer is the contact's."""
    organizer = copies.organizer[groups.first]
    organized = np.flatnonzero(is_contact(organizer))
    theirs = np.flatnonzero(is_contact(copies.attendees.values))
    code = np.concatenate([organizer[organized], copies.attendees.values[theirs]])
    named_in = np.concatenate([organized, groups.item[rows_of(copies.attendees)[theirs]]])
    position, account, contact = pairs_of(code, contacts)
    item, calls = named_in[position], position < len(organized)
    person = (item << 32) | contact
    coming = (asked.who >= 0) & ~asked.declined
    involved = np.isin(person, person[calls]) | np.isin(person, (asked.item[coming] << 32) | asked.who[coming])
    items, accounts, calling, lists = rows_with_contacts(
        item[involved], account[involved], contact[involved], calls[involved]
    )
    direction = np.where(is_ours(organizer)[items], TO_ACCOUNT, NEITHER).astype(np.int8)
    direction[calling] = FROM_ACCOUNT
    return _Rows(items, accounts, direction, lists)


def _items(
    copies: MeetingCopies, groups: Groups, rows: _Rows, people: Ragged, end: NDArray[np.int64], day: NDArray[np.int32]
) -> MeetingItems:
    start = copies.start[groups.first]
    return MeetingItems(
        item=copies.item[groups.first][rows.item],
        account=rows.account,
        direction=rows.direction,
        start=start[rows.item],
        minutes=minutes_of(end - start)[rows.item],
        day=day[rows.item],
        people=take_lists(people, rows.item),
        contacts=rows.contacts,
    )
