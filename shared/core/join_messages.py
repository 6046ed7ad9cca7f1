"""One message from its copies (semantics §3): who wrote it, who was named, which accounts it is to or from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.core.columns import Ints, distinct_pairs, rows_of, take, take_lists
from shared.core.copies import (
    Groups,
    Join,
    days_with,
    distinct_keys,
    group,
    people_or_owners,
    rows_with_contacts,
    sort_copies,
    tally,
)
from shared.core.facts import FROM_ACCOUNT, NEITHER, TO_ACCOUNT, Contacts, MessageCopies, MessageItems, Ragged
from shared.core.periods import Window
from shared.core.whose import is_contact, is_ours, is_person, pairs_of, people_of


def join_messages(copies: MessageCopies, contacts: Contacts, window: Window) -> Join[MessageItems]:
    """Copies that are in, in any order, all copies of an item among them; items come out sorted by their hash.

    The winner's sent time and sender stand for the message, recipients are the union (§3.1); an item of which one copy
    is crowded is out (§3.2).
    """
    copies = take(copies, sort_copies(copies.item, copies.sent, copies.owner, copies.sender))
    groups = group(copies.item)
    crowded = groups.any(copies.crowded)
    counts = tally(groups, TooManyRecipients=crowded)
    if crowded.any():
        copies = take(copies, np.flatnonzero(~crowded[groups.item]))
        groups = group(copies.item)
    day = window.day_index(copies.sent[groups.first])
    return Join(_rows(copies, groups, contacts, day), counts, days_with(day))


def _rows(copies: MessageCopies, groups: Groups, contacts: Contacts, day: NDArray[np.int32]) -> MessageItems:
    sender = copies.sender[groups.first]
    recipient_item, recipient = distinct_pairs(groups.item[rows_of(copies.recipients)], copies.recipients.values)
    named_item = np.concatenate([np.arange(groups.count), recipient_item])
    item, account, direction, theirs = _accounts(sender, named_item, np.concatenate([sender, recipient]), contacts)
    ours = _our_people(copies, groups, named_item, np.concatenate([sender, recipient]))
    return MessageItems(
        item=copies.item[groups.first][item],
        account=account,
        direction=direction,
        sent=copies.sent[groups.first][item],
        received=groups.least(copies.received)[item],
        day=day[item],
        conversations=take_lists(distinct_keys(groups, copies.conversation), item),
        people=take_lists(ours, item),
        contacts=theirs,
    )


def _our_people(copies: MessageCopies, groups: Groups, item: Ints, code: NDArray[np.int32]) -> Ragged:
    """Per item: M among sender and recipients; where nobody of M is named, the owners of the copies (§3.4)."""
    listed = is_person(code)
    items, people = distinct_pairs(item[listed], people_of(code[listed]))
    nobody = np.bincount(items, minlength=groups.count) == 0
    return people_or_owners(groups, items, people, nobody[groups.item], copies.owner)


def _accounts(
    sender: NDArray[np.int32], item: Ints, code: NDArray[np.int32], contacts: Contacts
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int8], Ragged]:
    """(item, account, direction, contacts of the account) for each account that the item is to or from (§3.3).

    item, code: who is named where; the senders come first, one per item. An account that has no direction, below a top
    that the message is from, comes along as NEITHER: its contacts are its top's (§11).
    """
    theirs = np.flatnonzero(is_contact(code))
    position, account, contact = pairs_of(code[theirs], contacts)
    named = theirs[position]
    items, accounts, sends, lists = rows_with_contacts(item[named], account, contact, named < len(sender))
    direction = np.where(is_ours(sender)[items], TO_ACCOUNT, NEITHER).astype(np.int8)
    direction[sends] = FROM_ACCOUNT
    lost = direction == NEITHER
    if lost.any():
        family = (items << 32) | contacts.top[accounts]
        lost[lost] = ~np.isin(family[lost], family[sends])
        kept = np.flatnonzero(~lost)
        items, accounts, direction, lists = items[kept], accounts[kept], direction[kept], take_lists(lists, kept)
    return items, accounts, direction, lists
