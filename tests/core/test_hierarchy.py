"""§11 Hierarchy: the topmost ancestor of each customer, and what is reported."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.hierarchy import build
from tests.reference.hierarchy import in_circle, top_of


@pytest.mark.parametrize(
    ("rows", "tops", "counts"),
    [
        pytest.param([("a", "b"), ("b", "c"), ("c", "")], {"a": "c", "b": "c", "c": "c"}, {"Used": 3}, id="chain"),
        pytest.param(
            [("a", "gone"), ("b", "a")], {"a": "a", "b": "a"}, {"MissingParent": 1, "Used": 1}, id="missing parent"
        ),
        pytest.param([("a", "a"), ("b", "a")], {"a": "a", "b": "a"}, {"Circle": 1, "Used": 1}, id="its own parent"),
        pytest.param(
            [("x", "y"), ("y", "b"), ("a", "b"), ("b", "a")],
            {"x": "b", "y": "b", "a": "a", "b": "b"},
            {"Circle": 2, "Used": 2},
            id="below a circle",
        ),
        pytest.param([(" a ", " b"), ("b", " ")], {"a": "b", "b": "b"}, {"Used": 2}, id="ids are trimmed"),
        pytest.param([("a", "B"), ("b", "")], {"a": "a", "b": "b"}, {"MissingParent": 1, "Used": 1}, id="case counts"),
        pytest.param([("a", "b"), ("a", "gone"), ("b", "")], {"a": "b", "b": "b"}, {"Used": 3}, id="first row counts"),
        pytest.param(
            [("a", "gone"), ("a", "")], {"a": "a"}, {"MissingParent": 2}, id="a repeated row reports the same"
        ),
    ],
)
def test_the_topmost_ancestor(rows, tops, counts):
    """§11: a customer whose parent has no row is its own top, and so is each member of a circle; what hangs below a
    circle belongs to the member it hangs on; of an id given twice the first row counts.
    """
    found = build(rows)

    assert (found.tops, found.counts) == (tops, counts)


def test_a_customer_without_a_row_is_its_own_top():
    assert build([("a", "")]).top_of("stray") == "stray"


IDS = st.sampled_from("abcdefg")


@given(st.lists(st.tuples(IDS, IDS | st.just("") | st.just("gone")), max_size=12))
def test_it_is_what_climbing_from_each_customer_finds(rows):
    parents: dict[str, str] = {}
    for customer, parent in rows:
        parents.setdefault(customer, parent)

    found = build(rows)

    assert found.tops == {customer: top_of(customer, parents) for customer in parents}
    assert found.counts.get("Circle", 0) == sum(in_circle(customer, parents) for customer, _ in rows)
    assert Counter(found.counts).total() == len(rows)


def test_a_chain_of_a_hundred_thousand_is_climbed_once():
    rows = [(str(number), str(number + 1)) for number in range(100_000)]

    assert build(rows).tops["0"] == "99999"
