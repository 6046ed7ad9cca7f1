"""Exact sums of minutes."""

from __future__ import annotations

from math import fsum

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.core.minutes import minutes_of, sums

MONTH_US = 31 * 24 * 3_600_000_000


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(-MONTH_US, MONTH_US)), max_size=60))
@settings(max_examples=300, derandomize=True, deadline=None)
def test_sums_are_rounded_once_whatever_the_order(items):
    """§4.4, §3.5: mean minutes; §1: a pure function of the items, whatever their order."""
    slot = np.array([place for place, _ in items], np.int64)
    minutes = minutes_of(np.array([us for _, us in items], np.int64))

    expected = [fsum(minutes[slot == place]) for place in range(3)]
    assert sums(slot, minutes, 3).tolist() == expected
    assert sums(slot[::-1], minutes[::-1], 3).tolist() == expected


def test_many_small_rests_carry_over():
    minutes = np.full(100_000, 1 / 3)

    assert sums(np.zeros(100_000, np.int64), minutes, 1).tolist() == [fsum(minutes)]
