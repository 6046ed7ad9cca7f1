"""Segments: the six named ones, and own ones that are saved (interfaces §9)."""

from __future__ import annotations

import pytest

from shared.core.enrichment import Options
from tests.facts import AS_OF_US, DAY
from tests.triggers.readers_stage import customer, publish, save, services_over
from tests.triggers.segment_calls import (
    BOTH,
    MANY,
    all_of_them,
    attempt,
    call,
    chosen,
    days,
    delete,
    get,
    members,
    put,
    since,
)
from tests.triggers.world import told
from triggers import segments
from triggers.http import Access

CSV = "text/csv"
BUILT_IN = ["stale", "rising", "falling", "single-threaded", "one-way", "never-engaged"]


@pytest.fixture
def svc(monkeypatch):
    return services_over(monkeypatch)


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
    await put("fresh", {"title": "Fresh", "level": "Year", "where": days("lt", 50)})

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
    body = {"level": "Year", "where": days("lt", 50)}
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
    body = {"level": "Year", "where": days("eq", 100)}
    assert len((await attempt(body, accept=CSV)).get_body().splitlines()) == 3


async def test_an_own_segment_is_saved_replaced_read_and_removed(svc):
    """§1: PUT 201 or 200, DELETE 204, what is not there: 404."""
    publish(svc, since(100, None, "a"), since(10, None, "b"))

    saved = await put("mine", {"level": "Year", "where": days("gt", 50)})
    assert (saved.status_code, told(saved)["title"]) == (201, "mine")
    assert await members("mine") == ["a"]
    replaced = await put("mine", {"title": "Mine", "level": "Year", "where": days("lt", 50.5)})
    assert replaced.status_code == 200
    assert told(replaced) == {
        "segment": "mine",
        "title": "Mine",
        "level": "Year",
        "where": days("lt", 50.5),
        "own": True,
    }
    assert await members("mine") == ["b"]
    assert told(await get("mine"))["filter"] == {"title": "Mine", "level": "Year", "where": days("lt", 50.5)}
    assert "filter" not in told(await get("stale"))
    assert (await delete("mine")).status_code == 204
    assert (await delete("mine")).status_code == 404
    assert (await get("mine")).status_code == 404


async def test_segments_belong_to_their_enrichment(svc):
    save(svc, "other", output="Other")
    await put("mine", {"level": "Year", "where": days("gt", 50)})
    publish(svc, name="other")

    response = await call(segments.list_all, Access.READ, name="other")
    assert [each["segment"] for each in told(response)["value"]] == BUILT_IN


@pytest.mark.parametrize("segment", BUILT_IN)
async def test_a_named_segment_is_neither_replaced_nor_removed(svc, segment):
    """§1: "a built-in one 409"."""
    assert (await put(segment, {"level": "Year", "where": days("gt", 1)})).status_code == 409
    assert (await delete(segment)).status_code == 409


@pytest.mark.parametrize("segment", ["Mine", "1a", "a" * 61, "a b", "a/b", "ü", ""])
async def test_a_segment_is_called_as_enrichments_are(svc, segment):
    assert (await put(segment, {"level": "Year", "where": days("gt", 1)})).status_code == 400
    assert (await delete(segment)).status_code == 404


async def test_an_enrichment_has_at_most_200_own_segments(svc):
    body = {"level": "Year", "where": days("gt", 1)}
    for number in range(200):
        assert (await put(f"s{number}", body)).status_code == 201

    assert (await put("more", body)).status_code == 409
    assert (await put("s0", body)).status_code == 200
