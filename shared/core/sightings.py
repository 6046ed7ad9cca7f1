"""Distinct persons per account and period, at every level from one sort.

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
    """Distinct (account, who, day), sorted.

    keys: packed, `who_bits` of each for the person · account, day: taken out of the keys · fresh: whether account or
    person differ from the row before.
    """

    keys: NDArray[np.int64]
    who_bits: int
    account: NDArray[np.int32]
    day: NDArray[np.int16]
    fresh: NDArray[np.bool_]

    def persons(self, period_of_day: NDArray[np.int32], periods: int, accounts: int) -> NDArray[np.int64]:
        """For each slot (account · periods + period) how many distinct persons were seen."""
        if periods == 1:
            return np.bincount(self.account[self.fresh], minlength=accounts)
        period = period_of_day[self.day]
        first = self.fresh.copy()
        first[1:] |= period[1:] != period[:-1]
        rows = np.flatnonzero(first)
        return np.bincount(self.account[rows].astype(np.int64) * periods + period[rows], minlength=accounts * periods)


def sightings(account: Ints, who: Ints, day: Ints) -> Sightings:
    who_bits = int(who.max(initial=0)).bit_length()
    assert int(account.max(initial=0)).bit_length() + who_bits + _DAY_BITS < 64
    keys = (account.astype(np.int64) << who_bits) | who
    keys <<= _DAY_BITS
    keys |= day
    keys.sort()
    return _distinct(keys, who_bits)


def both(first: Sightings, second: Sightings) -> Sightings:
    """What is in either."""
    bits = max(first.who_bits, second.who_bits)
    keys = np.concatenate([_widened(first, bits), _widened(second, bits)])
    keys.sort(kind="stable")  # two sorted runs: merging is all there is to do
    return _distinct(keys, bits)


def _widened(some: Sightings, bits: int) -> NDArray[np.int64]:
    if some.who_bits == bits:
        return some.keys
    low = _DAY_BITS + some.who_bits
    return ((some.keys >> low) << (_DAY_BITS + bits)) | (some.keys & ((1 << low) - 1))


def _distinct(keys: NDArray[np.int64], who_bits: int) -> Sightings:
    keys = keys[starts(keys)]
    account = (keys >> (_DAY_BITS + who_bits)).astype(np.int32)
    day = (keys & _DAY_MASK).astype(np.int16)
    return Sightings(keys, who_bits, account, day, starts(keys >> _DAY_BITS))
