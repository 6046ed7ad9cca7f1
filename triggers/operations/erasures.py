"""Erasures (interfaces §1, semantics §8)."""

from __future__ import annotations

from shared.core.answer_shapes import Erasure, Page
from shared.core.erasure_request import ErasureRequest
from triggers.http import Access
from triggers.operations.operation import PAGING, Operation, ok

ROUTE = "api/erasures"

OPERATIONS = (
    Operation(
        "erasures_request",
        "POST",
        ROUTE,
        Access.WRITE,
        "Erase a person: a contact, or one of our own. Later runs do not bring them back.",
        {
            202: ok(
                Erasure,
                "The tables are being recomputed without the person, each as soon as no run of its enrichment reads.",
                {"Location": "The erasure's absolute address.", "Retry-After": "Seconds until it is worth a look."},
            )
        },
        {409: "People were erased under a key that is unknown now; no run could start."},
        body=ErasureRequest,
    ),
    Operation(
        "erasures_list",
        "GET",
        ROUTE,
        Access.READ,
        "All erasures, the newest first; never an address.",
        {200: ok(Page[Erasure], "One page of them.")},
        parameters=PAGING,
    ),
    Operation(
        "erasures_get",
        "GET",
        ROUTE + "/{id}",
        Access.READ,
        "How far an erasure has come.",
        {200: ok(Erasure, "The erasure.")},
    ),
)
