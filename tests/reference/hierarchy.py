"""§11 Hierarchy: the topmost ancestor of each customer, and the coverage of scope `Hierarchy`."""

from __future__ import annotations

from collections import Counter

from tests.reference.organisation import Organisation


def parents_of(org: Organisation) -> dict[str, str] | None:
    """Customer id → parent id ("" for none), in the order of the data; None where no parent is configured.

    "A customer id given twice: the first row counts." Ids are trimmed (§1).
    """
    columns = org.enrichment.get("customers") or {}
    if not columns.get("parent"):
        return None
    parents: dict[str, str] = {}
    for row in org.accounts:
        parents.setdefault(row[columns["customerId"]].strip(), row[columns["parent"]].strip())
    return parents


def top_of(customer: str, parents: dict[str, str]) -> str:
    """ "A customer whose parent has no row in the customers data is its own top, and so is each member of a circle (and
    what hangs below a circle belongs to the member it hangs on)".
    """
    while not in_circle(customer, parents):
        parent = parents.get(customer)
        if not parent or parent not in parents:
            break
        customer = parent
    return customer


def in_circle(customer: str, parents: dict[str, str]) -> bool:
    """Whether the customer is an ancestor of itself."""
    seen: set[str] = set()
    ancestor = parents.get(customer)
    while ancestor and ancestor in parents and ancestor not in seen:
        if ancestor == customer:
            return True
        seen.add(ancestor)
        ancestor = parents[ancestor]
    return False


def tops_of(org: Organisation, parents: dict[str, str]) -> dict[str, str]:
    """Customer id → topmost ancestor, for every customer that has a row in the customers data."""
    return {customer: top_of(customer, parents) for customer in parents}


def hierarchy_reasons(org: Organisation, parents: dict[str, str]) -> Counter[str]:
    """§6 and §11: rows of the customers data by `MissingParent`, `Circle`, `Used`. A row that repeats an id has the
    reason of the id's first row, which is the one that counts.
    """
    column = org.enrichment["customers"]["customerId"]
    return Counter(_reason(row[column].strip(), parents) for row in org.accounts)


def _reason(customer: str, parents: dict[str, str]) -> str:
    parent = parents[customer]
    if parent and parent not in parents:
        return "MissingParent"
    return "Circle" if in_circle(customer, parents) else "Used"
