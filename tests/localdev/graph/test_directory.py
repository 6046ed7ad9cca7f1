"""How the directory is asked: by address, by id, through groups, and by the rules of advanced queries."""

from urllib.parse import quote

import pytest

INNER = "/groups/00000000-0000-0000-0000-000000000101"
OUTER = "/groups/00000000-0000-0000-0000-000000000102"
CAST = f"{OUTER}/transitiveMembers/microsoft.graph.user"


@pytest.mark.parametrize(
    "condition",
    [
        "mail eq 'ADA@contoso.example'",
        "userPrincipalName eq 'ada@contoso.onmicrosoft.example'",
        "proxyAddresses/any(p:p eq 'smtp:ada-alias@contoso.example')",
        "mail in ('nobody@contoso.example','ada@contoso.example')",
        "mail eq 'x' or proxyAddresses/any(a:a eq 'SMTP:ada@contoso.example')",
        "startswith(mail,'ada')",
        "displayName eq 'Ada' and userType eq 'Member'",
    ],
)
async def test_a_person_is_found_by_any_address_without_advanced_headers(graph, condition):
    found = await graph.get(f"/users?$select=id,mail&$filter={quote(condition)}")

    assert [each["mail"] for each in found.body["value"]] == ["ada@contoso.example"]


async def test_quotes_in_a_literal_are_doubled(graph):
    graph.emulator.tenant.users.all[0]["displayName"] = "Ada O'Hara"

    found = await graph.get("/users?$select=mail&$filter=displayName eq 'Ada O''Hara'")

    assert found.body["value"] == [{"mail": "ada@contoso.example"}]


async def test_a_plus_that_is_not_encoded_is_a_space(graph):
    graph.emulator.tenant.users.all[0]["displayName"] = "a+b"

    bare = await graph.get("/users?$select=id&$filter=displayName%20eq%20'a+b'")
    encoded = await graph.get("/users?$select=id&$filter=displayName%20eq%20'a%2Bb'")

    assert (len(bare.body["value"]), len(encoded.body["value"])) == (0, 1)


async def test_an_object_is_found_by_id_and_principal_name_but_not_by_alias(graph):
    by_name = await graph.get("/users/ada@contoso.onmicrosoft.example?$select=id")
    by_alias = await graph.get("/users/ada-alias@contoso.example?$select=id")

    assert by_name.body["id"].endswith("a")
    assert (by_alias.status, by_alias.code) == (404, "Request_ResourceNotFound")


@pytest.mark.parametrize("condition", ["mail ne 'x'", "not (mail eq 'x')", "endswith(mail,'example')"])
async def test_an_advanced_filter_needs_both_the_header_and_the_count(graph, condition):
    asked = f"/users?$select=id&$filter={quote(condition)}"

    without = await graph.get(asked)
    half = await graph.get(asked, ConsistencyLevel="eventual")
    whole = await graph.get(f"{asked}&$count=true", ConsistencyLevel="eventual")

    assert [without.code, half.code] == ["Request_UnsupportedQuery"] * 2
    assert whole.body["@odata.count"] == 6


async def test_a_count_without_the_header_is_silently_ignored(graph):
    reply = await graph.get("/users?$select=id&$count=true")

    assert reply.status == 200
    assert "@odata.count" not in reply.body


async def test_a_filter_holds_at_most_fifteen_alternatives(graph):
    def asked(number):
        return f"/users?$select=id&$filter=mail in ({','.join(['%27x%27'] * number)})"

    fifteen, sixteen = await graph.get(asked(15)), await graph.get(asked(16))

    assert fifteen.status == 200
    assert sixteen.code == "Request_UnsupportedQuery"


async def test_members_are_direct_and_typed_and_what_is_no_object_is_left_out(graph):
    found = await graph.get(f"{OUTER}/members?$select=id,mail")

    assert [(each["@odata.type"], each["mail"]) for each in found.body["value"]] == [
        ("#microsoft.graph.user", "ada@contoso.example"),
        ("#microsoft.graph.group", "inner@contoso.example"),
    ]


async def test_nesting_is_flattened_although_the_groups_contain_one_another(graph):
    found = await graph.get(f"{CAST}?$select=mail&$count=true", ConsistencyLevel="eventual")

    assert [each["mail"] for each in found.body["value"]] == [
        "ada@contoso.example",
        "bob@contoso.example",
        "guest@contoso.example",
    ]


async def test_the_cast_needs_the_advanced_headers_on_every_page(graph):
    without = await graph.get(f"{CAST}?$select=id")
    first = await graph.get(f"{CAST}?$select=id&$top=2&$count=true", ConsistencyLevel="eventual")
    bare = await graph.get(first.next)
    second = await graph.get(first.next, ConsistencyLevel="eventual")

    assert [without.code, bare.code] == ["Request_UnsupportedQuery"] * 2
    assert (len(first.ids), len(second.ids)) == (2, 1)
    assert "@odata.nextLink" not in second.body


async def test_pages_of_the_directory_have_a_hundred_and_at_most_999(open_emulator):
    async with open_emulator() as graph:
        people = graph.emulator.tenant.users.all
        people.extend({**people[0], "id": f"id-{number}"} for number in range(200))

        usual = await graph.get("/users?$select=id")
        most = await graph.get("/users?$select=id&$top=999")
        too_many = await graph.get("/users?$select=id&$top=1000")

    assert (len(usual.ids), len(most.ids)) == (100, 206)
    assert (too_many.status, too_many.code) == (400, "Request_BadRequest")


async def test_the_directory_refuses_to_skip(graph):
    assert (await graph.get("/users?$select=id&$skip=1")).status == 400


async def test_default_properties_of_a_user_are_few(graph):
    whole = (await graph.get("/users/ada@contoso.onmicrosoft.example")).body

    assert "mail" in whole
    assert not whole.keys() & {"proxyAddresses", "assignedPlans", "userType", "mailbox"}


async def test_what_no_user_of_graph_sees_is_never_sent(graph):
    people = (await graph.get("/users?$select=id,userType")).body["value"]
    groups = (await graph.get("/groups")).body["value"]

    assert {frozenset(each) for each in people} == {frozenset(("id", "userType"))}
    assert all("members" not in each for each in groups)


async def test_a_property_that_does_not_exist_is_refused(graph):
    assert (await graph.get("/users?$select=id,mailbox")).status == 400
    assert (await graph.get("/users?$select=id&$filter=nonsense eq 'a'")).status == 400


async def test_the_organisation_and_its_plans_can_be_changed(graph):
    plans = (await graph.get("/subscribedSkus?$select=servicePlans")).body["value"]
    await graph.control("POST", "tenant", {"countryLetterCode": None, "subscribedSkus": []})
    country = (await graph.get("/organization?$select=countryLetterCode")).body["value"]
    gone = (await graph.get("/subscribedSkus?$select=servicePlans")).body["value"]

    assert [plan["servicePlanName"] for plan in plans[0]["servicePlans"]] == ["EXCHANGE_S_ENTERPRISE"]
    assert country == [{"countryLetterCode": None}]
    assert gone == []
