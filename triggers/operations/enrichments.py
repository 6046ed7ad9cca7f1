"""Enrichments and their consent (interfaces §1, §2)."""

from __future__ import annotations

from shared.core.answer_shapes import Consent, EnrichmentAnswer, Page, Preview, PreviewRefused
from shared.core.enrichment import Enrichment
from triggers.http import Access
from triggers.operations.operation import (
    CONDITION_FAILED,
    ETAG,
    IF_MATCH,
    IF_NONE_MATCH,
    PAGING,
    PROBLEM,
    Answer,
    Operation,
    ok,
    query,
)

ONE = "api/enrichments/{name}"
CONDITIONS = (IF_MATCH, IF_NONE_MATCH)

BEING_REMOVED = "The enrichment is being removed."

OPERATIONS = (
    Operation(
        "preview_make",
        "POST",
        "api/preview",
        Access.READ,
        "What an enrichment would read and what that costs, by counts alone; nothing is saved.",
        {200: ok(Preview, "The addresses, the contact rows and the estimate.")},
        {
            409: Answer(
                "Consent is missing (then with `consent`), or the tenant cannot be read.", {PROBLEM: PreviewRefused}
            )
        },
        body=Enrichment,
    ),
    Operation(
        "enrichments_list",
        "GET",
        "api/enrichments",
        Access.READ,
        "All enrichments, by name.",
        {200: ok(Page[EnrichmentAnswer], "One page of them.")},
        parameters=PAGING,
    ),
    Operation(
        "enrichments_one_get",
        "GET",
        ONE,
        Access.READ,
        "One enrichment, with the state of its consent and its last run.",
        {200: ok(EnrichmentAnswer, "The enrichment.", ETAG)},
    ),
    Operation(
        "enrichments_one_put",
        "PUT",
        ONE,
        Access.WRITE,
        "Validate, look the addresses up, save; ask the administrators for consent where it is missing.",
        {
            200: ok(EnrichmentAnswer, "Replaced.", ETAG),
            201: ok(EnrichmentAnswer, "New.", ETAG),
        },
        {
            409: "Another enrichment has this output, this one is being removed, or the tenant cannot be read.",
            412: CONDITION_FAILED,
        },
        CONDITIONS,
        Enrichment,
    ),
    Operation(
        "enrichments_one_delete",
        "DELETE",
        ONE,
        Access.WRITE,
        "Remove the enrichment; its published tables stay unless `purge` is true.",
        {204: Answer("Removed; an active run is cancelled first.")},
        {409: "A run is publishing its result. Nothing was changed.", 412: CONDITION_FAILED},
        (*CONDITIONS, query("purge", {"type": "boolean", "default": False}, "Remove its published tables too.")),
    ),
    Operation(
        "enrichments_one_activate",
        "POST",
        ONE + "/activate",
        Access.WRITE,
        "Let runs start again, by schedule and by hand.",
        {200: ok(EnrichmentAnswer, "It is active.", ETAG)},
        {409: BEING_REMOVED, 412: CONDITION_FAILED},
        CONDITIONS,
    ),
    Operation(
        "enrichments_one_deactivate",
        "POST",
        ONE + "/deactivate",
        Access.WRITE,
        "Let no more runs start.",
        {200: ok(EnrichmentAnswer, "It is inactive.", ETAG)},
        {409: BEING_REMOVED, 412: CONDITION_FAILED},
        CONDITIONS,
    ),
    Operation(
        "enrichments_one_consent",
        "POST",
        ONE + "/consent",
        Access.WRITE,
        "Ask the administrators for consent again.",
        {202: ok(Consent, "They were asked, or `problem` says why no mail went out; the link is there to be sent.")},
        {409: "Consent is granted already, or the enrichment is being removed."},
    ),
)
