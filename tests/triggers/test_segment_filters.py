"""Filters: the grammar, what a condition selects, and what is wrong with one (interfaces §9)."""

from __future__ import annotations

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.core import blob_names
from shared.core.filters import COLUMNS
from tests.facts import AS_OF_US, DAY
from tests.triggers.readers_stage import customer, publish, services_over
from tests.triggers.segment_calls import attempt, chosen, days, get, members, put, since
from tests.triggers.world import faults


@pytest.fixture
def svc(monkeypatch):
    return services_over(monkeypatch)


@pytest.fixture
def four(svc):
    """a: 10 days since the last email, b: 60, c: 100, n: never."""
    return publish(svc, since(10, 5, "a"), since(60, None, "b"), since(100, 5, "c"), since(None, 5, "n"))


NULL: dict[str, Any] = {"column": "DaysSinceLastEmail", "op": "isNull"}
TRUE = {"column": "CustomerId", "op": "ge", "value": ""}


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (days("eq", 60), "b"),
        (days("ne", 60), "ac"),
        (days("lt", 60), "a"),
        (days("le", 60), "ab"),
        (days("gt", 60), "c"),
        (days("ge", 60), "bc"),
        (days("in", [10, 100, 7]), "ac"),
        (NULL, "n"),
        (NULL | {"value": False}, "abc"),
        ({"not": NULL}, "abc"),
        # A comparison with null is unknown, so is `not` of unknown; only true selects.
        ({"not": days("gt", 60)}, "ab"),
        ({"not": days("in", [10])}, "bc"),
        ({"any": [days("gt", 60), NULL]}, "cn"),
        ({"any": [days("gt", 60), TRUE]}, "abcn"),
        ({"all": [days("gt", 5), TRUE]}, "abc"),
        ({"not": {"all": [days("gt", 60), {"not": TRUE}]}}, "abcn"),
        ({"not": {"all": [days("gt", 60), TRUE]}}, "ab"),
        (days("eq", None), ""),
        ({"not": days("eq", None)}, ""),
        (days("in", [10, None]), "a"),
        ({"not": days("in", [10, None])}, ""),
        # Whole numbers beside fractions, texts, dates, means.
        (days("gt", 59.5), "bc"),
        (days("in", [59.5, 60]), "b"),
        (days("lt", 1e3), "abc"),
        ({"column": "CustomerId", "op": "in", "value": ["a", "x"]}, "a"),
        ({"column": "CustomerId", "op": "gt", "value": "b"}, "cn"),
        ({"column": "EngagementStartDate", "op": "eq", "value": "2025-07-01"}, "abcn"),
        ({"column": "AggregationStartDate", "op": "lt", "value": "2025-07-01"}, ""),
        ({"column": "AverageDuration_Of_Meetings", "op": "isNull"}, "abcn"),
        ({"column": "AverageDuration_Of_Meetings", "op": "gt", "value": 1}, ""),
        ({"column": "CustomerId", "op": "eq", "value": "a' OR '1'='1"}, ""),
    ],
)
async def test_a_filter_selects_where_its_condition_is_true(four, where, found):
    """§9: the grammar, and SQL's logic of three values."""
    assert await chosen(where) == found


async def test_month_and_week_are_the_latest_complete_ones_or_a_period(svc):
    """§9: "for Month and Week the latest complete period, or `"period": "2026-10-01"`"."""
    week = {"account": "a", "level": "Week", "period": 51, "people": 2, "emails_to": 1, "first_day": 0}
    publish(
        svc,
        [*customer("a", {11: {"emails_to": 3}, 12: {"emails_to": 1}}), week],
        customer("b", {11: {"emails_to": 4}}),
        as_of_us=AS_OF_US - DAY,
    )
    some = {"column": "NoOfEmails_ToAccount", "op": "ge", "value": 1}

    # As of 29 June, June is not over; the week of 22 June is the last that is.
    assert await chosen(some, "Month") == "ab"
    assert await chosen({"column": "NoOfEmails_ToAccount", "op": "eq", "value": 1}, "Month", period="2026-06-01") == "a"
    assert await chosen(some, "Month", period="2024-06-01") == ""
    assert await chosen(some, "Week") == "a"
    assert await chosen(some, "Week", period="2026-06-15") == ""


def nested(depth):
    where: dict[str, Any] = NULL
    for _ in range(depth):
        where = {"not": where}
    return where


@pytest.mark.parametrize(
    ("where", "pointers"),
    [
        ({"column": "UserId", "op": "eq", "value": "x"}, {"/where/column"}),
        ({"column": "EmailVolume_Value", "op": "eq", "value": 1}, {"/where/column"}),
        ({"column": "x@y.example", "op": "like", "value": 1}, {"/where/column", "/where/op"}),
        ({"column": 5, "op": None, "value": 1}, {"/where/column", "/where/op"}),
        ({}, {"/where/column", "/where/op", "/where/value"}),
        (days("gt", "60"), {"/where/value"}),
        (days("gt", True), {"/where/value"}),
        (days("gt", [60]), {"/where/value"}),
        (days("gt", 10**30), {"/where/value"}),
        (days("in", 60), {"/where/value"}),
        (days("in", []), {"/where/value"}),
        (days("in", [60, "60", {}]), {"/where/value/1", "/where/value/2"}),
        (days("isNull", 60), {"/where/value"}),
        ({"column": "CustomerId", "op": "eq", "value": 7}, {"/where/value"}),
        ({"column": "EngagementStartDate", "op": "eq", "value": "2026-02-30"}, {"/where/value"}),
        ({"column": "EngagementStartDate", "op": "eq", "value": "20260101"}, {"/where/value"}),
        ({"all": []}, {"/where/all"}),
        ({"any": []}, {"/where/any"}),
        ({"any": {}}, {"/where/any"}),
        ({"not": []}, {"/where/not"}),
        ({"all": [NULL], "any": [NULL]}, {"/where"}),
        (NULL | {"also": 1}, {"/where"}),
        ({"all": [NULL, {"not": days("gt", "x")}, 7]}, {"/where/all/1/not/value", "/where/all/2"}),
        (None, {"/where"}),
        ("DROP TABLE", {"/where"}),
        (nested(50), {"/where" + "/not" * 50}),
        ({"all": [NULL] * 1_000}, {"/where/all/999"}),
    ],
)
async def test_what_is_wrong_with_a_filter_is_told_at_its_place(svc, where, pointers):
    """§9: "Unknown columns, wrong types and empty lists are faults with pointers"."""
    publish(svc, since(1, 1))
    body = {"level": "Year", "where": where}

    for response in (await attempt(body), await put("mine", body)):
        assert response.status_code == 400
        assert faults(response) == pointers
        assert b"@y" not in response.get_body()
    assert svc.storage.config.read(blob_names.segments("sales")) is None


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, {"/level", "/where"}),
        ({"level": "Day", "where": NULL}, {"/level"}),
        ({"level": None, "where": {"all": []}}, {"/level", "/where/all"}),
        ({"level": "Year", "where": NULL, "period": "2026-06-01"}, {"/period"}),
        ({"level": "Month", "where": NULL, "period": "2026-06-02"}, {"/period"}),
        ({"level": "Week", "where": NULL, "period": "2026-06-02"}, {"/period"}),
        ({"level": "Week", "where": NULL, "period": "soon"}, {"/period"}),
        ({"level": "Week", "where": NULL, "period": 7}, {"/period"}),
        ({"level": "Year", "where": NULL, "table": "Office_UserEntity"}, {"/table"}),
    ],
)
async def test_what_is_wrong_beside_the_condition_is_told_too(svc, body, pointers):
    publish(svc, since(1, 1))

    response = await attempt(body)
    assert response.status_code == 400
    assert faults(response) == pointers


async def test_a_filter_may_be_49_deep_and_one_that_is_1000_deep_is_refused(svc):
    publish(svc, since(1, 1))

    assert (await attempt({"level": "Year", "where": nested(49)})).status_code == 200
    assert (await attempt({"level": "Year", "where": nested(300)})).status_code == 400
    deep = b'{"level": "Year", "where": ' + b'{"not": ' * 1_000 + b"1" + b"}" * 1_001
    assert (await attempt(deep)).status_code == 400


@pytest.mark.parametrize("query", ["top=-1", "top=1001", "skip=x", "orderBy=nothing"])
async def test_wrong_parameters_are_400(svc, query):
    publish(svc, since(1, 1))

    assert (await get("stale", query)).status_code == 400
    assert (await attempt({"level": "Year", "where": NULL}, query)).status_code == 400


@pytest.mark.parametrize("segment", ["nothing", "x" * 2_000, "../stale", "stale ", "STALE"])
async def test_an_unknown_segment_is_404(svc, segment):
    publish(svc, since(1, 1))

    assert (await get(segment)).status_code == 404


async def test_rows_that_were_deleted_by_hand_are_404_to_filters(svc):
    run = publish(svc, since(1, 1))
    svc.storage.output.delete(blob_names.table("Office", run, "Office", "parquet"))
    svc.storage.output.delete(blob_names.latest_rows("Office", run))

    assert (await attempt({"level": "Year", "where": NULL})).status_code == 404
    assert (await attempt({"level": "Month", "period": "2026-06-01", "where": NULL})).status_code == 404
    assert await members("stale") == []


def test_the_columns_of_filters_are_those_of_the_output_table(svc):
    """Semantics §6"""
    run = publish(svc, since(1, 1))
    data = svc.storage.output.read(blob_names.table("Office", run, "Office", "parquet"))
    kinds = {pa.string(): "text", pa.int32(): "whole", pa.int64(): "whole", pa.float64(): "number", pa.date32(): "date"}
    assert {field.name: kinds[field.type] for field in pq.read_schema(io.BytesIO(data))} == COLUMNS
