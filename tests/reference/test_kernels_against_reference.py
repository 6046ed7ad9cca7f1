"""The app's kernels give what the slow reference gives, on random small organisations, table by table."""

from __future__ import annotations

from dataclasses import asdict
from pprint import pformat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.reference.organisation import Organisation
from tests.reference.pipeline import publish_by_kernels
from tests.reference.publish import publish
from tests.reference.strategies import organisations, smallest, tried
from tests.reference.text import cells, differences


@tried(150)
@given(org=organisations(), order=st.integers(0, 3))
def test_both_publish_the_same_tables(org: Organisation, order: int):
    """§1–§8, §11; through several partitions, buckets and groups, and in any order of pages and copies."""
    if found := unlike(org, order):
        small = smallest(org, lambda smaller: bool(unlike(smaller, order)))
        pytest.fail("\n".join([*found, "The smallest example:", pformat(asdict(small)), *unlike(small, order)]))


def unlike(org: Organisation, order: int) -> list[str]:
    """Where the kernels' tables differ from the reference's."""
    expected = publish(org).tables
    found = publish_by_kernels(org, order, partitions=2, buckets=2).tables
    assert found.keys() == expected.keys()
    return [line for name, rows in expected.items() for line in differences(cells(rows), found[name])]
