"""Segments (interfaces §9)."""

from __future__ import annotations

from shared.core.answer_shapes import Members, Page, SavedSegment, SegmentEntry
from shared.core.filter_bodies import FilterBody, SegmentBody
from triggers.http import Access
from triggers.operations.operation import CSV, JSON, PAGING, Answer, Operation, ok
from triggers.operations.readers import ORDER_BY

SEGMENTS = "api/enrichments/{name}/segments"
ONE = SEGMENTS + "/{segment}"
TEXT = {"type": "string"}
COUNTED = {JSON: Page[SegmentEntry], CSV: TEXT}
MEMBERS = Answer("The members; as CSV all of them, unless `top` or `skip` cuts.", {JSON: Members, CSV: TEXT})

OPERATIONS = (
    Operation(
        "segments_list",
        "GET",
        SEGMENTS,
        Access.READ,
        "The six named segments, then the own ones, with their counts.",
        {200: Answer("The segments; as CSV all, unless `top` or `skip` cuts.", COUNTED)},
        parameters=PAGING,
    ),
    Operation(
        "segments_try",
        "POST",
        SEGMENTS,
        Access.READ,
        "Members of a filter that is not saved.",
        {200: MEMBERS},
        parameters=(*PAGING, ORDER_BY),
        body=FilterBody,
    ),
    Operation(
        "segments_one_get",
        "GET",
        ONE,
        Access.READ,
        "Members of a segment.",
        {200: MEMBERS},
        parameters=(*PAGING, ORDER_BY),
    ),
    Operation(
        "segments_one_put",
        "PUT",
        ONE,
        Access.WRITE,
        "Save an own segment.",
        {200: ok(SavedSegment, "Replaced."), 201: ok(SavedSegment, "New.")},
        {409: "It is one of the six named ones, or there are too many own ones."},
        body=SegmentBody,
    ),
    Operation(
        "segments_one_delete",
        "DELETE",
        ONE,
        Access.WRITE,
        "Remove an own segment.",
        {204: Answer("Removed.")},
        {409: "It is one of the six named ones."},
    ),
)
