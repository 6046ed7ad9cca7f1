"""Minutes added up exactly, so that a mean depends neither on the order of the items nor on how they were partitioned.

A duration is whole microseconds, as a float of minutes (§4.4, §3.5). Each float is taken apart into whole numbers, the
numbers are added, and the sum is rounded once, as `math.fsum` does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

MICROSECONDS_PER_MINUTE = 60_000_000

# One microsecond is more than 2⁻²⁶ minutes, so that no minutes have a digit below 2⁻⁷⁸.
_COARSE, _FINE, _HALF = 26, 52, 26


def minutes_of(microseconds: NDArray[np.int64]) -> NDArray[np.float64]:
    minutes: NDArray[np.float64] = microseconds / MICROSECONDS_PER_MINUTE
    return minutes


def sums(slot: NDArray[np.integer[Any]], minutes: NDArray[np.float64], slots: int) -> NDArray[np.float64]:
    """The sum of the minutes in each slot."""
    scaled = minutes * 2.0**_COARSE
    coarse = np.floor(scaled)
    fine = ((scaled - coarse) * 2.0**_FINE).astype(np.int64)
    # In two halves the fine digits of a hundred billion items still fit into 64 bits.
    low = _add(slot, fine & ((1 << _HALF) - 1), slots)
    high = _add(slot, fine >> _HALF, slots) + (low >> _HALF)
    whole = _add(slot, coarse.astype(np.int64), slots) + (high >> (_FINE - _HALF))
    rest = ((high & ((1 << (_FINE - _HALF)) - 1)) << _HALF) | (low & ((1 << _HALF) - 1))
    total: NDArray[np.float64] = whole * 2.0**-_COARSE + rest * 2.0 ** -(_COARSE + _FINE)
    return total


def _add(slot: NDArray[np.integer[Any]], values: NDArray[np.int64], slots: int) -> NDArray[np.int64]:
    total = np.zeros(slots, np.int64)
    np.add.at(total, slot, values)
    return total
