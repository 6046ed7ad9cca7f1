"""What messages and meetings have in common when copies are joined into items: groups of copies, lists per item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from shared.core.columns import Ints, distinct_pairs, lists_from, ranges, sort_rows, starts
from shared.core.facts import Ragged
from shared.core.periods import DAYS

Items = TypeVar("Items")
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Join(Generic[Items]):
    """Items as rows per account; the reason of each copy (semantics §6); the days of the window with an item."""

    items: Items
    counts: dict[str, int]
    days: Flags


@dataclass(frozen=True, slots=True)
class Groups:
    """Copies that lie together by item. first: position of each item's first copy · item: each copy's item number."""

    first: NDArray[np.int64]
    item: NDArray[np.int64]

    @property
    def count(self) -> int:
        return len(self.first)

    @property
    def sizes(self) -> NDArray[np.int64]:
        return np.bincount(self.item, minlength=self.count)

    def any(self, of_copies: Flags) -> Flags:
        """For each item whether it is so for one of its copies."""
        return np.bincount(self.item[of_copies], minlength=self.count) > 0

    def least(self, of_copies: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.minimum.reduceat(of_copies, self.first) if self.count else of_copies

    def greatest(self, of_copies: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.maximum.reduceat(of_copies, self.first) if self.count else of_copies


def group(sorted_items: NDArray[np.uint64]) -> Groups:
    begins = starts(sorted_items)
    return Groups(np.flatnonzero(begins), np.cumsum(begins) - 1)


def people_or_owners(
    groups: Groups, item: NDArray[np.int64], person: NDArray[np.int32], nobody: Flags, owner: NDArray[np.int32]
) -> Ragged:
    """Our people of each item: those of the pairs (item, person), which are sorted.

    nobody: for each copy whether its item names nobody of M; then the copy's owner counts.
    """
    more_items, more_people = distinct_pairs(groups.item[nobody], owner[nobody])
    items, people = np.concatenate([item, more_items]), np.concatenate([person, more_people])
    order = np.argsort(items, kind="stable")
    return lists_from(items[order], people[order], groups.count)


def distinct_keys(groups: Groups, keys: NDArray[np.uint64]) -> Ragged:
    """The distinct keys of each item's copies, but for 0, which is none."""
    of_first = keys[groups.first]
    differing = groups.any(keys != of_first[groups.item])
    alike = np.flatnonzero(~differing & (of_first != 0))
    copies = np.flatnonzero(differing[groups.item] & (keys != 0))
    copies = copies[np.lexsort((keys[copies], groups.item[copies]))]
    copies = copies[starts(groups.item[copies], keys[copies])]
    items = np.concatenate([alike, groups.item[copies]])
    order = np.argsort(items, kind="stable")
    return lists_from(items[order], np.concatenate([of_first[alike], keys[copies]])[order], groups.count)


def rows_with_contacts(
    item: Ints, account: Ints, contact: Ints, calls: Flags
) -> tuple[NDArray[np.int64], NDArray[np.int32], Flags, Ragged]:
    """One row per distinct (item, account), sorted: (items, accounts, whether one of its triples calls, contacts).

    calls: for each triple whether it is the sender's or the organizer's.
    """
    items, accounts, contacts, silent = sort_rows(item, account, contact, (~calls).astype(np.int8))
    first = starts(items, accounts)
    rows = np.flatnonzero(first)
    row = np.cumsum(first) - 1
    calling = np.bincount(row[silent == 0], minlength=len(rows)) > 0
    once = np.flatnonzero(first | starts(contacts))
    lists = lists_from(row[once], contacts[once].astype(np.int32), len(rows))
    return items[rows], accounts[rows].astype(np.int32), calling, lists


def sort_copies(item: NDArray[np.uint64], *by: NDArray[Any]) -> NDArray[np.int64]:
    """The order of the copies by item; of an item's copies that one comes first which is the least by these columns, by
    the first of them, then the second, and so on. The rest come in any order."""
    order = np.argsort(item)
    first = np.flatnonzero(starts(item[order]))
    sizes = np.diff(first, append=len(order))
    first, sizes = first[sizes > 1], sizes[sizes > 1]
    at, group = ranges(first, sizes), np.repeat(np.arange(len(first)), sizes)
    begin = np.cumsum(sizes) - sizes
    for column in by:
        if len(at) == len(first):
            break
        values = column[order[at]]
        least = values == np.minimum.reduceat(values, begin)[group]
        at, group = at[least], group[least]
        begin = np.flatnonzero(starts(group))
    order[first], order[at[begin]] = order[at[begin]], order[first]
    return order


def tally(groups: Groups, **reasons: Flags) -> dict[str, int]:
    """Copies by reason: an item has the first of these reasons that holds for it, all its copies share it; one of the
    copies of any other item is `Counted`, the rest are `Duplicate`."""
    sizes, left = groups.sizes, np.ones(groups.count, np.bool_)
    counts = {}
    for reason, holds in reasons.items():
        counts[reason] = int(sizes[left & holds].sum())
        left &= ~holds
    counts["Counted"] = int(left.sum())
    counts["Duplicate"] = int(sizes[left].sum()) - counts["Counted"]
    return {reason: count for reason, count in counts.items() if count}


def days_with(day: NDArray[np.int32]) -> Flags:
    return np.bincount(day, minlength=DAYS) > 0


def days_as_hex(days: Flags) -> str:
    """The days as a hexadecimal number, bit i for day i."""
    return format(int.from_bytes(np.packbits(days, bitorder="little").tobytes(), "little"), "x")
