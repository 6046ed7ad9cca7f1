"""What an erasure leaves of kept facts is what a reading under its tombstone finds."""

from __future__ import annotations

from dataclasses import asdict
from pprint import pformat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reference.organisation import Organisation
from tests.reference.pipeline import publish_by_kernels, publish_from_kept_facts
from tests.reference.strategies import ALIASES, OURS, RESPELT, THEIRS, THIRD, organisations, smallest, tried
from tests.reference.text import differences

SOMEBODY = st.sampled_from((*THEIRS, *OURS, *ALIASES, *RESPELT, *THIRD[:1]))


@tried(60)
@given(org=organisations(), erased=st.lists(SOMEBODY, min_size=1, max_size=3), order=st.integers(0, 3))
def test_kept_facts_without_the_erased_give_what_a_reading_without_them_gives(
    org: Organisation, erased: list[str], order: int
):
    """§8: the tables are recomputed; later runs do not bring the person back."""
    if found := unlike(org, erased, order):
        small = smallest(org, lambda smaller: bool(unlike(smaller, erased, order)))
        pytest.fail("\n".join([*found, f"Without {erased}:", pformat(asdict(small)), *unlike(small, erased, order)]))


def unlike(org: Organisation, erased: list[str], order: int) -> list[str]:
    """Where the tables differ."""
    read_anew = publish_by_kernels(org, order, partitions=2, erased=erased).tables
    recomputed = publish_from_kept_facts(org, erased, order, partitions=2).tables
    assert recomputed.keys() == read_anew.keys()
    return [line for name, rows in read_anew.items() for line in differences(rows, recomputed[name])]
