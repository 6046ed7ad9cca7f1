"""Overview, customers and cards (interfaces §8)."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from urllib.parse import quote

import pytest

from shared.core import blob_names
from shared.core.enrichment import PARTS, Options
from shared.core.figures import NEVER
from shared.core.periods import DAYS
from tests.facts import AS_OF_US, DAY
from tests.triggers.readers_stage import customer, publish, services_over
from tests.triggers.world import request, told
from triggers import customers, http
from triggers.http import Access

NOTHING = {"to": 0, "from": 0}
NULLS = {"to": None, "from": None}


@pytest.fixture
def svc(monkeypatch):
    return services_over(monkeypatch)


async def get(what, query="", name="sales", **route):
    req = request(path=f"/api/enrichments/{name}/x?{query}", name=name, **route)
    return await http.respond(req, Access.READ, what)


async def overview():
    return told(await get(customers.overview))


async def listed(query=""):
    response = await get(customers.list_all, query)
    assert response.status_code == 200, response.get_body()
    return told(response)["value"]


async def ids(query=""):
    return [entry["customerId"] for entry in await listed(query)]


async def card(customer_id):
    response = await get(customers.card, customerId=customer_id)
    assert response.status_code == 200, response.get_body()
    return told(response)


def table(svc, run):
    text = svc.storage.output.read(blob_names.table("Office", run, "Office", "csv")).decode()
    return {row["PrimaryKey"]: row for row in csv.DictReader(io.StringIO(text))}


BUSY = customer(
    "busy",
    {9: {"emails_to": 5, "emails_from": 3, "meetings_to": 1, "meetings_from": 1, "meetings": 4}, 11: {"emails_to": 2}},
    people_emails=3,
    people_meetings=2,
    contacts_emails=4,
    contacts_meetings=1,
    first_day=280,
    last_day=360,
    last_email_day=360,
    last_meeting_day=300,
    meeting_minutes=90.0,
    reply_minutes=100.0,
    replies=4,
)
QUIET = customer("quiet", {6: {"emails_from": 1}}, last_email_day=190, last_day=190, first_day=190)
ALONE = customer("alone", {11: {"emails_to": 9}}, people=1)


@pytest.mark.parametrize("what", [customers.overview, customers.list_all, customers.card])
async def test_all_of_this_is_404_before_the_first_result(svc, what):
    """§8"""
    assert (await get(what, customerId="busy")).status_code == 404
    assert (await get(what, name="nobody", customerId="busy")).status_code == 404


async def test_the_overview_counts_what_was_read_and_who_is_known(svc):
    """§8: `selected` = listed people, `processed` = mailboxes read; `emails`, `meetings` = items counted; `days` =
    days with items; `all` = known customers.
    """
    run = publish(svc, BUSY, QUIET, listed=["silent"])

    found = await overview()
    score = int(table(svc, run)["busy|Year"]["EngagementScore"])
    assert (found["runId"], found["asOf"]) == (run, "2026-06-30T12:00:00Z")
    assert found["addresses"] == {"selected": 3, "processed": 2}
    assert (found["emails"], found["meetings"], found["days"]) == (7, 2, 200)
    assert found["customers"] == {"enriched": 2, "all": 3}
    assert {"scope": "Message", "reason": "Internal", "count": 3} in found["coverage"]
    assert {"scope": "Days", "reason": "WithoutItems", "count": 165} in found["coverage"]
    ranges = found["scores"]
    assert [(each["from"], each["to"]) for each in ranges] == [*((n, n + 9) for n in range(0, 90, 10)), (90, 100)]
    assert sum(each["customers"] for each in ranges) == 2
    assert next(each["customers"] for each in ranges if each["from"] <= score <= each["to"]) >= 1


async def test_the_overview_shows_all_results_in_the_order_of_their_as_of(svc):
    first = publish(svc, BUSY)
    later = publish(svc, BUSY, QUIET, as_of_us=AS_OF_US + DAY)
    older = publish(svc, QUIET, as_of_us=AS_OF_US - DAY)

    found = await overview()
    assert found["runId"] == later
    assert [(each["runId"], each["customers"]) for each in found["enrichedOverTime"]] == [
        (older, 1),
        (first, 1),
        (later, 2),
    ]
    assert found["enrichedOverTime"][0]["asOf"] == "2026-06-29T12:00:00Z"


async def test_known_are_the_ids_of_the_customers_data_and_those_with_a_row(svc):
    """§8: "the ids of the customers data, else of the used contact rows, and in any case those with a row"."""
    publish(svc, BUSY, listed=["contact-only"], known={"data-only": "Data", "named": None})

    assert await ids("orderBy=customerId") == ["busy", "data-only", "named"]


async def test_the_list_has_name_score_band_change_counts_and_days(svc):
    """§8: `emails` = to + from, `meetings` = all distinct ones, third-party ones too."""
    run = publish(svc, BUSY, listed=["silent"])

    busy, silent = await listed()
    score = int(table(svc, run)["busy|Year"]["EngagementScore"])
    shown = (await card("busy"))["change"]["points"]
    assert busy == {
        "customerId": "busy",
        "name": None,
        "score": score,
        "band": "high" if score >= 67 else "medium" if score >= 34 else "low",
        "change": shown,
        "emails": 10,
        "meetings": 4,
        "daysSinceLastEmail": 4,
        "daysSinceLastMeeting": 64,
    }
    assert silent == {
        "customerId": "silent",
        "name": None,
        "score": None,
        "band": "none",
        "change": None,
        "emails": 0,
        "meetings": 0,
        "daysSinceLastEmail": None,
        "daysSinceLastMeeting": None,
    }
    assert shown > 0


def hidden_ones(svc, **options):
    """`alone` is hidden: one of ours stands behind it; of `mixed` the months are."""
    mixed = customer("mixed", {10: {"emails_to": 1, "people": 1}, 11: {"emails_from": 2, "people": 2}})
    known = {"alone": "Alone Ltd", "mixed": None, "none": "None Ltd"}
    return publish(svc, ALONE, mixed, BUSY, known=known, options=Options(min_people=2, **options))


async def test_of_a_hidden_customer_only_id_and_name_are_listed(svc):
    """Semantics §8: "only id and name are shown, everything else is null"."""
    hidden_ones(svc)

    entry = next(each for each in await listed() if each["customerId"] == "alone")
    assert (entry.pop("customerId"), entry.pop("name")) == ("alone", "Alone Ltd")
    assert set(entry.values()) == {None}
    assert (await overview())["customers"] == {"enriched": 2, "all": 4}


async def test_the_card_of_a_hidden_customer_has_nulls_in_objects_that_stay(svc):
    """Semantics §8"""
    hidden_ones(svc)

    assert await card("alone") == {
        "customerId": "alone",
        "name": "Alone Ltd",
        "score": None,
        "band": None,
        "change": {"points": None, "own": None, "others": None},
        "breakdown": None,
        "totals": {"emails": NULLS, "meetings": NULLS | {"others": None}},
        "months": None,
        "people": {side: {"emails": None, "meetings": None} for side in ("ours", "theirs")},
        "engagementStartDate": None,
        "daysSinceLastEmail": None,
        "daysSinceLastMeeting": None,
        "averageMeetingMinutes": None,
        "averageReplyMinutes": None,
    }


async def test_where_min_people_left_out_the_months_they_have_no_figures_and_there_is_no_change(svc):
    """§8: "`emails` and `meetings` null where `minPeople` left them out"; semantics §10."""
    hidden_ones(svc)

    found = await card("mixed")
    assert found["score"] is not None
    assert found["change"] == {"points": None, "own": None, "others": None}
    assert len(found["months"]) == 12
    assert all(month["emails"] is month["meetings"] is None for month in found["months"])
    assert found["totals"]["emails"] == {"to": 1, "from": 2}
    assert next(each["change"] for each in await listed() if each["customerId"] == "mixed") is None


async def test_the_card_has_the_year_its_breakdown_and_every_month(svc):
    run = publish(svc, BUSY, QUIET, known={"busy": "Busy Inc"})

    found = await card("busy")
    year = table(svc, run)["busy|Year"]
    assert (found["name"], found["score"]) == ("Busy Inc", int(year["EngagementScore"]))
    assert found["totals"] == {"emails": {"to": 7, "from": 3}, "meetings": {"to": 1, "from": 1, "others": 2}}
    assert found["people"] == {"ours": {"emails": 3, "meetings": 2}, "theirs": {"emails": 4, "meetings": 1}}
    assert (found["engagementStartDate"], found["daysSinceLastEmail"]) == ("2026-04-07", 4)
    assert found["daysSinceLastMeeting"] == 64
    assert (found["averageMeetingMinutes"], found["averageReplyMinutes"]) == (22.5, 25.0)
    assert [part["part"] for part in found["breakdown"]] == list(PARTS)
    assert [part["maximum"] for part in found["breakdown"]] == [20, 15, 35, 15, 15]
    assert [part["value"] for part in found["breakdown"]] == [10, 3, 4, 4, 4]
    assert [part["reference"] for part in found["breakdown"]] == [24, 12, 6, 4, 30]
    assert sum(part["points"] for part in found["breakdown"]) == found["score"]
    assert all(part["oneMore"] >= found["score"] for part in found["breakdown"])


async def test_the_months_are_all_that_the_window_touches_and_add_up_to_the_totals(svc):
    """§8: "every month that the window touches, twelve or thirteen, so that they add up to the totals"."""
    publish(svc, BUSY, as_of_us=AS_OF_US - 10 * DAY)

    months = (await card("busy"))["months"]
    assert [months[0]["start"], months[-1]["start"], len(months)] == ["2025-06-01", "2026-06-01", 13]
    assert months[9] == {"start": "2026-03-01", "emails": {"to": 5, "from": 3}, "meetings": {"to": 1, "from": 1}}
    assert months[0] == {"start": "2025-06-01", "emails": NOTHING, "meetings": NOTHING}
    assert sum(month["emails"]["to"] for month in months) == 7


async def test_a_known_customer_without_activity_has_zeros_and_nulls_and_an_unknown_one_is_404(svc):
    """§8"""
    publish(svc, BUSY, known={"silent": "Silent GmbH"})

    found = await card("silent")
    assert (found["name"], found["score"], found["band"]) == ("Silent GmbH", None, "none")
    assert found["change"] == {"points": None, "own": None, "others": None}
    assert found["totals"] == {"emails": NOTHING, "meetings": NOTHING | {"others": 0}}
    assert found["months"][3] == {"start": "2025-10-01", "emails": NOTHING, "meetings": NOTHING}
    assert found["breakdown"][0] == {
        "part": "EmailVolume",
        "value": 0,
        "reference": None,
        "points": 0,
        "maximum": 20,
        "oneMore": None,
    }
    assert found["people"]["ours"] == {"emails": 0, "meetings": 0}
    missing = ("engagementStartDate", "daysSinceLastEmail", "daysSinceLastMeeting", "averageMeetingMinutes")
    assert [found[name] for name in missing] == [None] * 4
    assert (await get(customers.card, customerId="nobody")).status_code == 404


@pytest.mark.parametrize("customer_id", ["a/b", 'say "hi"', "a b ", "100%25", "ü|Year", "x" * 2_000, "a%2Fb"])
async def test_an_id_may_hold_anything(svc, customer_id):
    """The platform decodes a parameter, but for `%2F`; an id with that very text is found as well."""
    publish(svc, customer(customer_id.strip()))

    for spelling in {customer_id.strip(), customer_id.strip().replace("/", "%2F")}:
        assert (await card(spelling))["customerId"] == customer_id.strip()
    for unknown in (quote(customer_id) + "?", "y" * 2_000, "../../x"):
        assert (await get(customers.card, customerId=unknown)).status_code == 404


def three(svc):
    """Scores b > a = c; d has no row."""
    same = {11: {"emails_to": 2, "emails_from": 2}}
    return publish(
        svc,
        customer("a", same, last_email_day=DAYS - 10),
        customer("b", {11: {"emails_to": 30, "emails_from": 30, "meetings_to": 6}}, last_email_day=NEVER),
        customer("c", same, last_email_day=DAYS - 5),
        known={"a": "Zeta", "b": "alpha", "c": None, "d": "Beta"},
    )


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("", "bacd"),
        ("orderBy=score", "acbd"),
        ("orderBy=score desc", "bacd"),
        ("orderBy=score asc", "acbd"),
        ("orderBy=customerId desc", "cbad"),
        ("orderBy=name", "abcd"),
        ("orderBy=name desc", "bacd"),
        ("orderBy=daysSinceLastEmail", "cabd"),
        ("orderBy=daysSinceLastEmail desc", "acbd"),
        ("orderBy=emails desc", "bacd"),
        ("orderBy=meetings desc", "bacd"),
        ("orderBy=band desc", "bacd"),
        ("orderBy=daysSinceLastMeeting", "abcd"),
    ],
)
async def test_customers_come_in_the_order_that_is_asked_for(svc, query, order):
    """§8: customers without a row come last; then null; ties go by customer id."""
    three(svc)

    assert "".join(await ids(query)) == order


@pytest.mark.parametrize(
    ("query", "found"),
    [("search=ALPHA", ["b"]), ("search=eta", ["a", "d"]), ("search=C", ["c"]), ("search=%25", []), ("search=.*", [])],
)
async def test_search_finds_a_part_of_id_or_name_in_any_case(svc, query, found):
    three(svc)

    assert await ids(query) == found


async def test_pages_follow_each_other_by_their_links(svc):
    three(svc)

    first = told(await get(customers.list_all, "top=3&orderBy=customerId&code=key"))
    rest = first["nextLink"].partition("?")[2]
    assert [entry["customerId"] for entry in first["value"]] == ["a", "b", "c"]
    assert "code" not in rest
    second = told(await get(customers.list_all, rest))
    assert ([entry["customerId"] for entry in second["value"]], second["nextLink"]) == (["d"], None)


@pytest.mark.parametrize(
    "query",
    ["top=-1", "top=0", "top=1001", "skip=-1", "skip=x", "orderBy=", "orderBy=size", "orderBy=score up", "top="],
)
async def test_wrong_parameters_are_400(svc, query):
    publish(svc, BUSY)

    response = await get(customers.list_all, query)
    assert response.status_code == 400
    assert told(response)["errors"][0]["pointer"] == query.partition("=")[0]


async def test_a_result_that_was_deleted_by_hand_is_404(svc):
    """Whatever of it went."""
    run = publish(svc, BUSY)
    assert (await get(customers.card, customerId="busy")).status_code == 200

    svc.storage.output.delete(blob_names.index("Office", run))
    for what in (customers.overview, customers.list_all, customers.card):
        response = await get(what, customerId="busy")
        assert response.status_code == 404
        assert "Run the enrichment again" in told(response)["detail"]
    svc.storage.output.delete(blob_names.current("Office"))
    assert (await get(customers.overview)).status_code == 404


async def test_a_new_result_is_read_at_once(svc):
    publish(svc, BUSY)
    await listed()
    publish(svc, BUSY, QUIET, as_of_us=AS_OF_US + DAY)

    assert await ids("orderBy=customerId") == ["busy", "quiet"]


async def test_nothing_personal_lies_in_the_index(svc):
    """Ids of our people and of contacts are in no part of it."""
    run = publish(svc, BUSY, QUIET)

    from shared.adapters import standing_files

    standing = standing_files.read(svc.storage.output.read(blob_names.index("Office", run)))
    texts = repr({name: getattr(standing, name) for name in standing.__dataclass_fields__})
    assert "busy" in texts
    assert not [name for name in ("ada", "bob", "contact of") if name in texts]
    assert standing.about.window.last - standing.about.window.first == timedelta(days=364)
