"""The topmost ancestor of each customer (semantics §11)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """tops: customer id → id of its topmost ancestor, for each customer of the data · counts: rows of the customers
    data by `MissingParent`, `Circle` and `Used`; a row that repeats an id has the reason of the first one.
    """

    tops: dict[str, str]
    counts: dict[str, int]

    def top_of(self, customer: str) -> str:
        """A customer without a row in the customers data is its own top."""
        return self.tops.get(customer, customer)


def build(rows: Iterable[tuple[str, str]]) -> Hierarchy:
    """From (customer id, parent id, blank for none), in the order of the data: the first row of an id counts."""
    parents: dict[str, str] = {}
    repeated: Counter[str] = Counter()
    for customer, parent in ((customer.strip(), parent.strip()) for customer, parent in rows):
        repeated[customer] += 1
        parents.setdefault(customer, parent)
    tops, circles = _climb(parents)
    counts: Counter[str] = Counter()
    for customer, parent in parents.items():
        missing = parent != "" and parent not in parents
        reason = "MissingParent" if missing else "Circle" if customer in circles else "Used"
        counts[reason] += repeated[customer]
    return Hierarchy(tops, dict(counts))


def _climb(parents: dict[str, str]) -> tuple[dict[str, str], set[str]]:
    """The top of each customer, and the members of circles, each of which is its own top."""
    tops: dict[str, str] = {}
    circles: set[str] = set()
    for start in list(parents):
        path: dict[str, None] = {}  # in the order of the climb
        customer = start
        while customer not in tops and customer not in path:
            path[customer] = None
            parent = parents[customer]
            if not parent or parent not in parents:
                tops[customer] = customer
            else:
                customer = parent
        climbed = list(path)
        if customer not in tops:
            members = climbed[climbed.index(customer) :]
            circles.update(members)
            tops.update((member, member) for member in members)
        for below in reversed(climbed):
            if below not in tops:
                tops[below] = tops[parents[below]]
    return tops, circles
