"""What a token's roles open, what they withhold, and what Exchange opens beside them."""

import pytest

ADA = "/users/00000000-0000-0000-0000-00000000000a"
BOB = "/users/00000000-0000-0000-0000-00000000000b"
INNER = "/groups/00000000-0000-0000-0000-000000000101"
VIEW = "calendarView?startDateTime=2026-05-01&endDateTime=2026-06-01&$select=id,subject,body"


def with_roles(graph, *roles):
    graph.emulator.consent.revoke()
    graph.emulator.consent.grant(roles)
    graph.token = graph.emulator.entra.issue("client")
    return graph


async def test_a_call_without_a_token_or_with_a_foreign_one_is_unauthorized(graph):
    missing = await graph.get("/users?$select=id", Authorization="")
    forged = await graph.get("/users?$select=id", Authorization="Bearer abc.def.ghi")

    assert [missing.code, forged.code] == ["InvalidAuthenticationToken"] * 2
    assert "WWW-Authenticate" in missing.headers


async def test_a_token_is_good_until_it_expires(graph, clock):
    before = await graph.get("/users?$select=id")
    clock.now += 3600
    after = await graph.get("/users?$select=id")

    assert (before.status, after.status) == (200, 401)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/users?$select=id", "Authorization_RequestDenied"),
        ("/groups?$select=id", "Authorization_RequestDenied"),
        ("/subscribedSkus?$select=id", "Authorization_RequestDenied"),
        (f"{ADA}/messages?$select=id", "ErrorAccessDenied"),
        (f"{ADA}/{VIEW}", "ErrorAccessDenied"),
    ],
)
async def test_without_a_role_nothing_opens(graph, path, code):
    with_roles(graph, "Application.Read.All")

    reply = await graph.get(path)

    assert (reply.status, reply.code) == (403, code)


async def test_the_spelling_without_all_is_no_role_for_calendars(graph):
    with_roles(graph, "Calendars.ReadBasic")

    assert (await graph.get(f"{ADA}/{VIEW}")).status == 403


async def test_a_role_granted_later_is_not_in_an_old_token(graph):
    with_roles(graph, "User.Read.All")
    graph.emulator.consent.grant(["Mail.ReadBasic.All"])

    old = await graph.get(f"{ADA}/messages?$select=id")
    graph.token = graph.emulator.entra.issue("client")
    new = await graph.get(f"{ADA}/messages?$select=id")

    assert (old.status, new.status) == (403, 200)


async def test_a_withdrawn_role_closes_at_once(graph):
    graph.emulator.consent.revoke(["Mail.ReadBasic.All"])

    assert (await graph.get(f"{ADA}/messages?$select=id")).status == 403
    assert (await graph.get("/users?$select=id")).status == 200


async def test_read_basic_strips_bodies_even_when_they_are_selected(graph):
    basic = (await graph.get(f"{ADA}/messages?$select=id,body,bodyPreview,subject&$top=1")).body["value"][0]
    basic_view = (await graph.get(f"{ADA}/{VIEW}")).body["value"][0]
    with_roles(graph, "Mail.Read", "Calendars.Read")
    full = (await graph.get(f"{ADA}/messages?$select=id,body&$top=1")).body["value"][0]
    full_view = (await graph.get(f"{ADA}/{VIEW}")).body["value"][0]

    assert not basic.keys() & {"body", "bodyPreview"}
    assert "subject" in basic
    assert "body" not in basic_view
    assert full["body"]["content"] == full_view["body"]["content"] == "not for us"


async def test_members_that_may_not_be_read_come_with_nothing_but_their_id(graph):
    with_roles(graph, "GroupMember.Read.All")

    found = (await graph.get(f"{INNER}/members?$select=id,mail,userType,proxyAddresses")).body["value"]

    bob = found[0]
    assert bob["@odata.type"] == "#microsoft.graph.user"
    assert bob["id"] == BOB.removeprefix("/users/")
    assert (bob["mail"], bob["userType"], bob["proxyAddresses"]) == (None, None, [])
    assert found[2]["mail"] == "outer@contoso.example"


async def test_the_basic_profile_is_all_that_a_basic_role_gives(graph):
    with_roles(graph, "User.ReadBasic.All")

    one = await graph.get(f"{ADA}?$select=mail,proxyAddresses")
    by_alias = await graph.get("/users?$select=id&$filter=proxyAddresses/any(p:p eq 'smtp:x')")

    assert one.body.keys() - {"@odata.context"} == {"mail"}
    assert by_alias.status == 403


async def test_hidden_membership_needs_a_role_of_its_own(graph):
    hidden = "/groups/00000000-0000-0000-0000-000000000103/members?$select=id"
    closed = await graph.get(hidden)
    with_roles(graph, "GroupMember.Read.All", "Member.Read.Hidden")
    opened = await graph.get(hidden)

    assert (closed.status, opened.status) == (403, 200)


async def test_a_scope_in_exchange_opens_its_mailboxes_without_a_mail_role(graph):
    with_roles(graph, "User.Read.All")
    await graph.control("POST", "scope", {"mailboxes": [ADA.removeprefix("/users/")]})

    inside = [await graph.get(f"{ADA}/messages?$select=id"), await graph.get(f"{ADA}/{VIEW}")]
    outside = await graph.get(f"{BOB}/messages?$select=id")

    assert [each.status for each in inside] == [200, 200]
    assert (outside.status, outside.body["error"]["message"]) == (403, "Access to OData is disabled.")


async def test_a_scope_may_open_mail_alone(graph):
    with_roles(graph, "User.Read.All")
    await graph.control("POST", "scope", {"mailboxes": [ADA.removeprefix("/users/")], "calendars": False})

    assert (await graph.get(f"{ADA}/messages?$select=id")).status == 200
    assert (await graph.get(f"{ADA}/{VIEW}")).status == 403


async def test_a_scope_takes_nothing_away_from_an_unscoped_role(graph):
    await graph.control("POST", "scope", {"mailboxes": [ADA.removeprefix("/users/")]})

    assert (await graph.get(f"{BOB}/messages?$select=id")).status == 200
