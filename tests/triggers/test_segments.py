"""Segments: the six named ones, own ones, unsaved filters (interfaces §9)."""

from __future__ import annotations

from typing import Any

import pytest

from shared.core import blob_names
from shared.core.enrichment import Options
from shared.core.figures import NEVER
from shared.core.periods import DAYS
from tests.facts import AS_OF_US, DAY
from tests.fakes import fake_services
from tests.triggers.readers_stage import customer, publish, save
from tests.triggers.world import faults, request, told
from triggers import http, segments
from triggers.http import Access

CSV = "text/csv"
BUILT_IN = ["stale", "rising", "falling", "single-threaded", "one-way", "never-engaged"]
MANY = {"people_emails": 2, "contacts_emails": 2}
BOTH = {"emails_to": 2, "emails_from": 2}


@pytest.fixture
def svc(monkeypatch):
    made = fake_services()
    monkeypatch.setattr(http, "services", lambda: made)
    save(made)
    return made


async def call(what, access, method="GET", body=None, query="", accept=None, name="sales", **route):
    headers = {"Accept": accept} if accept else {}
    req = request(method, f"/api/enrichments/{name}/segments?{query}", body, headers, name=name, **route)
    return await http.respond(req, access, what)


async def all_of_them():
    response = await call(segments.list_all, Access.READ)
    assert response.status_code == 200, response.get_body()
    return {each["segment"]: each for each in told(response)["value"]}


async def get(segment, query="", accept=None):
    return await call(segments.members, Access.READ, query=query, accept=accept, segment=segment)


async def members(segment):
    response = await get(segment, "orderBy=customerId")
    assert response.status_code == 200, response.get_body()
    return [entry["customerId"] for entry in told(response)["value"]]


async def attempt(body, query="orderBy=customerId", accept=None):
    return await call(segments.attempt, Access.READ, "POST", body, query, accept)


async def chosen(where, level="Year", **more):
    response = await attempt({"level": level, "where": where, **more})
    assert response.status_code == 200, response.get_body()
    return "".join(entry["customerId"] for entry in told(response)["value"])


async def put(segment, body):
    return await call(segments.put, Access.WRITE, "PUT", body, segment=segment)


async def delete(segment):
    return await call(segments.delete, Access.WRITE, "DELETE", segment=segment)


def since(email, meeting, account="x"):
    """A customer whose last email and meeting are so many days ago; None: there was none."""
    days = {"last_email_day": email, "last_meeting_day": meeting}
    return customer(account, {11: BOTH}, **{name: _day(ago) for name, ago in days.items()}, **MANY)


def _day(ago):
    return NEVER if ago is None else DAYS - 1 - ago


@pytest.mark.parametrize(
    ("email", "meeting", "stale"),
    [(61, 61, True), (61, None, True), (None, 61, True), (60, 61, False), (61, 60, False), (0, None, False)],
)
async def test_stale_is_whose_days_since_are_both_null_or_more_than_60(svc, email, meeting, stale):
    """§9"""
    publish(svc, since(email, meeting))

    assert await members("stale") == (["x"] if stale else [])


@pytest.mark.parametrize(
    ("ours", "theirs", "single"),
    [((1, 0), (3, 2), True), ((3, 0), (1, 1), True), ((1, 2), (2, 1), False), ((2, 2), (2, 2), False)],
)
async def test_single_threaded_is_where_one_side_is_one_person(svc, ours, theirs, single):
    """§9: "the larger of the two counts of our people, or of theirs, is 1"."""
    counts = ("people_emails", "people_meetings", "contacts_emails", "contacts_meetings")
    publish(svc, customer("x", {11: BOTH}, **dict(zip(counts, (*ours, *theirs), strict=True))))

    assert await members("single-threaded") == (["x"] if single else [])


@pytest.mark.parametrize(
    ("counts", "one_way"),
    [
        ({"emails_to": 3}, True),
        ({"emails_from": 3}, True),
        ({"emails_to": 3, "emails_from": 1}, False),
        ({"emails_to": 3, "meetings": 1}, False),
        ({"emails_to": 3, "meetings_to": 1}, False),
        ({"meetings_to": 1}, False),
    ],
)
async def test_one_way_is_emails_in_one_direction_and_no_meeting(svc, counts, one_way):
    """§9: third-party meetings included."""
    publish(svc, customer("x", {11: counts}))

    assert await members("one-way") == (["x"] if one_way else [])


# All points come from volume: ln(1+x) / ln(1+floor), with a floor of 99.
VOLUME = {
    "weights": {"emailVolume": 100, "emailTwoWay": 0, "meetings": 0, "breadth": 0, "recency": 0},
    "floors": {"month": {"emailVolume": 99}},
}


@pytest.mark.parametrize(
    ("before", "now", "segment"),
    [
        # 1 letter is worth 15 of 100, 3 are worth 30: (15 - 0) / 3 is 5 and not more than 5.
        ([0, 0, 0], [0, 0, 1], None),
        ([0, 0, 0], [0, 0, 2], "rising"),
        ([0, 0, 1], [0, 0, 0], None),
        ([0, 2, 0], [0, 0, 0], "falling"),
        ([3, 3, 3], [3, 3, 3], None),
    ],
)
async def test_rising_and_falling_are_more_than_5_points_of_the_unrounded_means(svc, before, now, segment):
    """§9: "mean score of the last three complete months − mean of the three before … is > 5, < −5"."""
    months = {6 + place: {"emails_to": number} for place, number in enumerate([*before, *now]) if number}
    publish(svc, customer("x", months), options=Options.model_validate({"score": VOLUME}))

    found = {name for name in ("rising", "falling") if await members(name)}
    assert found == ({segment} if segment else set())


async def test_never_engaged_is_known_and_has_no_year_row(svc):
    """§9"""
    publish(svc, customer("engaged", {11: BOTH}), known={"engaged": None, "silent": "Silent GmbH"})

    assert await members("never-engaged") == ["silent"]


async def test_a_hidden_customer_belongs_to_no_segment(svc):
    """Semantics §8, §10: hidden altogether: in none; hidden months: neither rising nor falling."""
    hidden = customer("hidden", {11: {"emails_to": 9}}, people=1, last_email_day=0)
    months = customer("months", {10: {"emails_to": 1, "people": 1}, 11: {"emails_to": 99, "people": 2}}, **MANY)
    publish(svc, hidden, months, options=Options(min_people=2))

    found = {name: await members(name) for name in BUILT_IN}
    assert found == {name: [] for name in BUILT_IN} | {"one-way": ["months"], "stale": ["months"]}
    everyone = {"column": "EngagementScore", "op": "ge", "value": 0}
    assert await chosen({"not": {"all": [everyone, {"not": everyone}]}}) == "months"


async def test_all_segments_are_listed_with_title_counts_and_what_joined_and_left(svc):
    """§9: `joined`, `left` are null where there is no previous result."""
    publish(svc, since(100, None, "a"), since(1, 1, "b"))
    await put("fresh", {"title": "Fresh", "level": "Year", "where": _days("lt", 50)})

    first = await all_of_them()
    assert list(first) == [*BUILT_IN, "fresh"]
    assert first["stale"] == {
        "segment": "stale",
        "title": "Gone quiet",
        "customers": 1,
        "joined": None,
        "left": None,
        "own": False,
    }
    assert first["fresh"] == {
        "segment": "fresh",
        "title": "Fresh",
        "customers": 1,
        "joined": None,
        "left": None,
        "own": True,
    }

    publish(svc, since(1, None, "a"), since(70, None, "b"), since(80, None, "c"), as_of_us=AS_OF_US + DAY)
    second = await all_of_them()
    assert [second["stale"][name] for name in ("customers", "joined", "left")] == [2, 2, 1]
    assert [second["fresh"][name] for name in ("customers", "joined", "left")] == [1, 1, 1]


async def test_the_previous_result_is_the_one_before_by_as_of_that_is_still_kept(svc):
    publish(svc, since(100, None, "a"), as_of_us=AS_OF_US - 2 * DAY)
    between = publish(svc, since(100, None, "b"), as_of_us=AS_OF_US - DAY)
    publish(svc, since(100, None, "b"), as_of_us=AS_OF_US)

    assert (await all_of_them())["stale"]["joined"] == 0
    svc.storage.output.delete_prefix(f"Office/{between}/")
    assert (await all_of_them())["stale"]["joined"] == 1
    assert (await all_of_them())["stale"]["left"] == 1


async def test_segments_are_404_before_the_first_result_and_can_be_saved(svc):
    """§8"""
    assert (await call(segments.list_all, Access.READ)).status_code == 404
    assert (await get("stale")).status_code == 404
    body = {"level": "Year", "where": _days("lt", 50)}
    assert (await attempt(body)).status_code == 404
    assert (await put("fresh", body)).status_code == 201


async def test_members_are_entries_as_in_the_list_of_customers_page_by_page(svc):
    publish(svc, *(since(100, None, account) for account in "abc"))

    first = told(await get("stale", "top=2&orderBy=customerId desc"))
    assert [entry["customerId"] for entry in first["value"]] == ["c", "b"]
    assert first["value"][0]["daysSinceLastEmail"] == 100
    second = told(await get("stale", first["nextLink"].partition("?")[2]))
    assert ([entry["customerId"] for entry in second["value"]], second["nextLink"]) == (["a"], None)


async def test_members_and_counts_come_as_csv_too(svc):
    publish(svc, since(100, None, 'a,"x"'), since(100, None, "b"), known={"b": "B GmbH"})

    response = await get("stale", "orderBy=customerId", CSV)
    lines = response.get_body().decode().splitlines()
    assert response.mimetype == CSV
    assert lines[0] == "customerId,name,score,band,change,emails,meetings,daysSinceLastEmail,daysSinceLastMeeting"
    assert lines[1].startswith('"a,""x""",,')
    assert lines[2].startswith("b,B GmbH,")
    assert lines[2].endswith(",100,")
    assert len((await get("stale", "top=1", CSV)).get_body().splitlines()) == 2
    assert len((await get("falling", "", CSV)).get_body().splitlines()) == 1
    counts = (await call(segments.list_all, Access.READ, accept=CSV)).get_body().decode().splitlines()
    assert counts[:2] == ["segment,title,customers,joined,left,own", "stale,Gone quiet,2,,,false"]
    body = {"level": "Year", "where": _days("eq", 100)}
    assert len((await attempt(body, accept=CSV)).get_body().splitlines()) == 3


async def test_an_own_segment_is_saved_replaced_read_and_removed(svc):
    """§1: PUT 201 or 200, DELETE 204, what is not there: 404."""
    publish(svc, since(100, None, "a"), since(10, None, "b"))

    saved = await put("mine", {"level": "Year", "where": _days("gt", 50)})
    assert (saved.status_code, told(saved)["title"]) == (201, "mine")
    assert await members("mine") == ["a"]
    replaced = await put("mine", {"title": "Mine", "level": "Year", "where": _days("lt", 50.5)})
    assert replaced.status_code == 200
    assert told(replaced) == {
        "segment": "mine",
        "title": "Mine",
        "level": "Year",
        "where": _days("lt", 50.5),
        "own": True,
    }
    assert await members("mine") == ["b"]
    assert told(await get("mine"))["filter"] == {"title": "Mine", "level": "Year", "where": _days("lt", 50.5)}
    assert "filter" not in told(await get("stale"))
    assert (await delete("mine")).status_code == 204
    assert (await delete("mine")).status_code == 404
    assert (await get("mine")).status_code == 404


async def test_segments_belong_to_their_enrichment(svc):
    save(svc, "other", output="Other")
    await put("mine", {"level": "Year", "where": _days("gt", 50)})
    publish(svc, name="other")

    response = await call(segments.list_all, Access.READ, name="other")
    assert [each["segment"] for each in told(response)["value"]] == BUILT_IN


@pytest.mark.parametrize("segment", BUILT_IN)
async def test_a_named_segment_is_neither_replaced_nor_removed(svc, segment):
    """§1: "a built-in one 409"."""
    assert (await put(segment, {"level": "Year", "where": _days("gt", 1)})).status_code == 409
    assert (await delete(segment)).status_code == 409


@pytest.mark.parametrize("segment", ["Mine", "1a", "a" * 61, "a b", "a/b", "ü", ""])
async def test_a_segment_is_called_as_enrichments_are(svc, segment):
    assert (await put(segment, {"level": "Year", "where": _days("gt", 1)})).status_code == 400
    assert (await delete(segment)).status_code == 404


async def test_an_enrichment_has_at_most_200_own_segments(svc):
    body = {"level": "Year", "where": _days("gt", 1)}
    for number in range(200):
        assert (await put(f"s{number}", body)).status_code == 201

    assert (await put("more", body)).status_code == 409
    assert (await put("s0", body)).status_code == 200


def _days(op, value):
    return {"column": "DaysSinceLastEmail", "op": op, "value": value}


@pytest.fixture
def four(svc):
    """a: 10 days since the last email, b: 60, c: 100, n: never."""
    return publish(svc, since(10, 5, "a"), since(60, None, "b"), since(100, 5, "c"), since(None, 5, "n"))


NULL: dict[str, Any] = {"column": "DaysSinceLastEmail", "op": "isNull"}
TRUE = {"column": "CustomerId", "op": "ge", "value": ""}


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (_days("eq", 60), "b"),
        (_days("ne", 60), "ac"),
        (_days("lt", 60), "a"),
        (_days("le", 60), "ab"),
        (_days("gt", 60), "c"),
        (_days("ge", 60), "bc"),
        (_days("in", [10, 100, 7]), "ac"),
        (NULL, "n"),
        (NULL | {"value": False}, "abc"),
        ({"not": NULL}, "abc"),
        # A comparison with null is unknown, so is `not` of unknown; only true selects.
        ({"not": _days("gt", 60)}, "ab"),
        ({"not": _days("in", [10])}, "bc"),
        ({"any": [_days("gt", 60), NULL]}, "cn"),
        ({"any": [_days("gt", 60), TRUE]}, "abcn"),
        ({"all": [_days("gt", 5), TRUE]}, "abc"),
        ({"not": {"all": [_days("gt", 60), {"not": TRUE}]}}, "abcn"),
        ({"not": {"all": [_days("gt", 60), TRUE]}}, "ab"),
        (_days("eq", None), ""),
        ({"not": _days("eq", None)}, ""),
        (_days("in", [10, None]), "a"),
        ({"not": _days("in", [10, None])}, ""),
        # Whole numbers beside fractions, texts, dates, means.
        (_days("gt", 59.5), "bc"),
        (_days("in", [59.5, 60]), "b"),
        (_days("lt", 1e3), "abc"),
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
        (_days("gt", "60"), {"/where/value"}),
        (_days("gt", True), {"/where/value"}),
        (_days("gt", [60]), {"/where/value"}),
        (_days("gt", 10**30), {"/where/value"}),
        (_days("in", 60), {"/where/value"}),
        (_days("in", []), {"/where/value"}),
        (_days("in", [60, "60", {}]), {"/where/value/1", "/where/value/2"}),
        (_days("isNull", 60), {"/where/value"}),
        ({"column": "CustomerId", "op": "eq", "value": 7}, {"/where/value"}),
        ({"column": "EngagementStartDate", "op": "eq", "value": "2026-02-30"}, {"/where/value"}),
        ({"column": "EngagementStartDate", "op": "eq", "value": "20260101"}, {"/where/value"}),
        ({"all": []}, {"/where/all"}),
        ({"any": []}, {"/where/any"}),
        ({"any": {}}, {"/where/any"}),
        ({"not": []}, {"/where/not"}),
        ({"all": [NULL], "any": [NULL]}, {"/where"}),
        (NULL | {"also": 1}, {"/where"}),
        ({"all": [NULL, {"not": _days("gt", "x")}, 7]}, {"/where/all/1/not/value", "/where/all/2"}),
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


async def test_a_table_that_was_deleted_by_hand_is_404_to_filters(svc):
    run = publish(svc, since(1, 1))
    svc.storage.output.delete(blob_names.table("Office", run, "Office", "parquet"))

    assert (await attempt({"level": "Year", "where": NULL})).status_code == 404
    assert await members("stale") == []


def test_the_columns_of_filters_are_those_of_the_output_table(svc):
    """Semantics §6"""
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    from shared.core.filters import COLUMNS

    run = publish(svc, since(1, 1))
    data = svc.storage.output.read(blob_names.table("Office", run, "Office", "parquet"))
    kinds = {pa.string(): "text", pa.int32(): "whole", pa.int64(): "whole", pa.float64(): "number", pa.date32(): "date"}
    assert {field.name: kinds[field.type] for field in pq.read_schema(io.BytesIO(data))} == COLUMNS
