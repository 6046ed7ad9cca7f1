"""Who was asked to a meeting and who declined, over all its copies (semantics §4.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.core.columns import rows_of, starts
from shared.core.copies import Flags, Groups
from shared.core.facts import DECLINED, SILENT, Contacts, MeetingCopies
from shared.core.whose import is_contact, is_person, pairs_of


@dataclass(frozen=True, slots=True)
class Attendees:
    """Persons of items, one row per item and person, sorted by both.

    who: the code of one of our people (≤ −2), or the number of a contact (≥ 0) · declined: the person's answer.
    """

    item: NDArray[np.int64]
    who: NDArray[np.int32]
    declined: Flags


def attendees(copies: MeetingCopies, groups: Groups, organized: Flags, contacts: Contacts) -> Attendees:
    """`organized`: for each copy whether it is the one of its item's organizer; there it is the item's first."""
    copy, who, declined = _entries(copies, contacts)
    in_copy, declined = _each(_key(copy, who), declined, np.logical_and)
    copy, key = in_copy >> 32, _key(groups.item[in_copy >> 32], _who(in_copy))
    persons, answer = _each(key, declined, np.logical_or)
    own, own_answer = _own_answers(copies, groups)
    _overrule(persons, answer, own, own_answer)
    by_organizer = organized[copy]
    _overrule(persons, answer, key[by_organizer], declined[by_organizer])
    return Attendees(persons >> 32, _who(persons), answer)


def _entries(copies: MeetingCopies, contacts: Contacts) -> tuple[NDArray[np.int64], NDArray[np.int32], Flags]:
    """(copy, who, declined) for each entry and each person that its address stands for."""
    copy, code, declined = rows_of(copies.attendees), copies.attendees.values, copies.declined
    ours, theirs = np.flatnonzero(is_person(code)), np.flatnonzero(is_contact(code))
    position, _, contact = pairs_of(code[theirs], contacts)
    entry = np.concatenate([ours, theirs[position]])
    return copy[entry], np.concatenate([code[ours], contact]), declined[entry]


def _own_answers(copies: MeetingCopies, groups: Groups) -> tuple[NDArray[np.int64], Flags]:
    """What the owners of copies answered themselves, where they did; several copies of one: each must say declined."""
    spoken = copies.own_answer != SILENT
    key = _key(groups.item[spoken], -2 - copies.owner[spoken])
    return _each(key, copies.own_answer[spoken] == DECLINED, np.logical_and)


def _key(row: NDArray[np.int64], who: NDArray[np.int32]) -> NDArray[np.int64]:
    return (row << 32) | (who.astype(np.int64) + 2**31)


def _who(key: NDArray[np.int64]) -> NDArray[np.int32]:
    return ((key & 0xFFFFFFFF) - 2**31).astype(np.int32)


def _each(key: NDArray[np.int64], said: Flags, together: Any) -> tuple[NDArray[np.int64], Flags]:
    """The distinct keys, sorted, and what all that was said under each comes to."""
    if len(key) == 0:
        return key, said
    order = np.argsort(key, kind="stable")
    first = np.flatnonzero(starts(key[order]))
    return key[order][first], together.reduceat(said[order], first)


def _overrule(keys: NDArray[np.int64], answer: Flags, better: NDArray[np.int64], better_answer: Flags) -> None:
    """Put the better answers in the place of those under the same keys, which are sorted; others have no place."""
    place = np.searchsorted(keys, better)
    known = np.flatnonzero(place < len(keys))
    known = known[keys[place[known]] == better[known]]
    answer[place[known]] = better_answer[known]
