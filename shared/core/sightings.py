"""Distinct days and persons per account and period, at every level from one sort.

Keys are packed as account | who | day and sorted: within an account and a person days ascend, so do weeks and months.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.core.columns import starts

_DAY_BITS = 9
_DAY_MASK = (1 << _DAY_BITS) - 1
Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Sightings:
    """Distinct (account, who, day), sorted. keys: packed · who_bits: how many bits of a key `who` takes."""

    keys: NDArray[np.int64]
    who_bits: int

    @property
    def account(self) -> NDArray[np.int64]:
        return self.keys >> (_DAY_BITS + self.who_bits)

    @property
    def day(self) -> NDArray[np.int64]:
        return self.keys & _DAY_MASK

    def persons(self, period_of_day: NDArray[np.int32], periods: int, accounts: int) -> NDArray[np.int64]:
        """For each slot (account · periods + period) how many distinct persons were seen."""
        period = period_of_day[self.day]
        first = starts(self.keys >> _DAY_BITS, period)
        return np.bincount(self.account[first] * periods + period[first], minlength=accounts * periods)


def sightings(account: Ints, who: Ints, day: Ints) -> Sightings:
    who_bits = int(who.max(initial=0)).bit_length()
    assert int(account.max(initial=0)).bit_length() + who_bits + _DAY_BITS < 64
    keys = (account.astype(np.int64) << (_DAY_BITS + who_bits)) | (who.astype(np.int64) << _DAY_BITS) | day
    return Sightings(_distinct(keys), who_bits)


def days(account: Ints, day: Ints) -> Sightings:
    """The distinct days of each account, nobody in particular being seen."""
    return sightings(account, np.zeros(1, np.int8), day)


def both(first: Sightings, second: Sightings) -> Sightings:
    """What is in either."""
    bits = max(first.who_bits, second.who_bits)
    return Sightings(_distinct(np.concatenate([_widened(first, bits), _widened(second, bits)])), bits)


def _widened(some: Sightings, bits: int) -> NDArray[np.int64]:
    if some.who_bits == bits:
        return some.keys
    low = _DAY_BITS + some.who_bits
    return ((some.keys >> low) << (_DAY_BITS + bits)) | (some.keys & ((1 << low) - 1))


def _distinct(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    keys = np.sort(keys)
    return keys[starts(keys)]


def first_day(seen: Sightings, slot: Ints, slots: int, never: int) -> NDArray[np.int32]:
    """The first of the days in each slot. seen: of `days` · slot: of each of its keys, ascending."""
    first = np.full(slots, never, np.int32)
    first[slot[::-1]] = seen.day[::-1]  # of equal slots the last assignment stays
    return first


def last_day(seen: Sightings, slot: Ints, slots: int, never: int) -> NDArray[np.int32]:
    """The last of the days in each slot, likewise."""
    last = np.full(slots, never, np.int32)
    last[slot] = seen.day
    return last
