"""Overview, customers and cards (interfaces §8)."""

from __future__ import annotations

from shared.core.answer_shapes import Card, CustomerEntry, Overview, Page
from triggers.http import Access
from triggers.operations.operation import PAGING, Operation, Parameter, Schema, ok, query

ONE = "api/enrichments/{name}"

ORDERS: Schema = {
    "type": "string",
    "pattern": f"^({'|'.join(CustomerEntry.__annotations__)})( (asc|desc))?$",
    "default": "score desc",
}
ORDER_BY: Parameter = query("orderBy", ORDERS, "A column, with `asc` (default) or `desc` behind it.")

OPERATIONS = (
    Operation(
        "overview_get",
        "GET",
        ONE + "/overview",
        Access.READ,
        "What the current result is made of.",
        {200: ok(Overview, "The overview.")},
    ),
    Operation(
        "customers_list",
        "GET",
        ONE + "/customers",
        Access.READ,
        "Customers with their score of the year.",
        {200: ok(Page[CustomerEntry], "One page of them.")},
        parameters=(
            query("search", {"type": "string"}, "A part of the id or the name, whatever its case."),
            *PAGING,
            ORDER_BY,
        ),
    ),
    Operation(
        "customers_one_get",
        "GET",
        ONE + "/customers/{customerId}",
        Access.READ,
        "The card of one customer.",
        {200: ok(Card, "The card.")},
    ),
)
