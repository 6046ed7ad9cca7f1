"""Who stands behind the addresses of an enrichment (interfaces §2 Addresses; semantics §1, §2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from aiohttp import web

from shared.adapters.graph import directory
from shared.adapters.graph.directory import Resolution, ResolvedEntry
from shared.adapters.graph.refusals import TenantRefused
from tests.fake_graph import FakeGraph, always, client_of, error, once, page

ADVANCED = "eventual"


def user(name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": f"id-{name}",
        "userType": "Member",
        "mail": f"{name}@contoso.example",
        "userPrincipalName": f"{name}@contoso.onmicrosoft.example",
        "proxyAddresses": [f"SMTP:{name}@contoso.example", f"smtp:{name}.alias@contoso.example", f"X500:/o={name}"],
        **more,
    }


def group(name: str) -> dict[str, Any]:
    return {"id": f"g-{name}", "mail": f"{name}@contoso.example", "proxyAddresses": [f"smtp:{name}-2@contoso.example"]}


class Directory(FakeGraph):
    """Users and groups that are found by the filters Graph knows; `members`: group id → users, nested ones too."""

    def __init__(
        self, users: list[dict[str, Any]], groups: Sequence[dict[str, Any]] = (), members: dict[str, Any] | None = None
    ) -> None:
        super().__init__()
        self.users, self.groups, self.members = list(users), list(groups), members or {}
        self.size = 999
        self.filters: list[str] = []

    def answer(self, request: web.Request) -> web.Response:
        path = request.path.removeprefix("/v1.0")
        if path in ("/users", "/groups"):
            self.filters.append(request.query["$filter"])
            matches = _matcher(request.query["$filter"])
            return self._page(request, [one for one in getattr(self, path[1:]) if matches(one)])
        members = re.fullmatch(r"/groups/(.+)/transitiveMembers/microsoft.graph.user", path)
        if members:
            if request.headers.get("ConsistencyLevel") != ADVANCED or request.query.get("$count") != "true":
                return error(400, "Request_UnsupportedQuery")
            return self._page(request, self.members.get(members[1], []))
        (one,) = [one for one in self.users if path == f"/users/{one['id']}"]
        return page(one)

    def _page(self, request: web.Request, items: list[dict[str, Any]]) -> web.Response:
        skip = int(request.query.get("$skiptoken", "0"))
        content: dict[str, Any] = {"value": items[skip : skip + self.size]}
        if skip + self.size < len(items):
            content["@odata.nextLink"] = str(request.url.update_query({"$skiptoken": str(skip + self.size)}))
        return page(content)


def _matcher(text: str) -> Callable[[dict[str, Any]], bool]:
    literals = {found.replace("''", "'").casefold() for found in re.findall(r"'((?:[^']|'')*)'", text)}
    assert len(literals) <= 15, "Graph takes 15 expressions"
    if text.startswith("proxyAddresses/any"):
        return lambda one: any(proxy.casefold() in literals for proxy in one["proxyAddresses"])
    name, _, rest = text.partition(" ")
    assert rest.startswith("in (")
    return lambda one: (one.get(name) or "").casefold() in literals


async def resolve(graph: FakeGraph, *addresses: str) -> Resolution:
    async with client_of(graph) as client:
        return await directory.resolve(client, addresses)


def kinds(resolution: Resolution) -> list[tuple[str, str, int, int]]:
    return [(entry.pointer, entry.kind, entry.people, entry.guests) for entry in resolution.entries]


@pytest.mark.parametrize(
    "address",
    [
        "ada@contoso.example",
        "ADA@Contoso.Example",
        "ada.alias@contoso.example",
        "ada@contoso.onmicrosoft.example",
        "Ada Lovelace <ada@contoso.example>",
        "SMTP:ada@contoso.example",
        " ada@contoso.example ",
        "ada+news@contoso.example",
    ],
)
async def test_a_user_is_found_by_each_of_her_addresses(address):
    """§2: one of our people is one directory id, with `mail`, `userPrincipalName` and SMTP `proxyAddresses`."""
    resolution = await resolve(Directory([user("ada"), user("bob")]), address)

    assert resolution.entries == [ResolvedEntry("/addresses/0", address, "user", 1, 0)]
    assert resolution.people == {
        "id-ada": frozenset({"ada@contoso.example", "ada@contoso.onmicrosoft.example", "ada.alias@contoso.example"})
    }


async def test_signs_in_addresses_reach_graph_as_they_are():
    odd = [user("o'neil"), user("a#b"), user("c&d=e"), user("x%y")]
    resolution = await resolve(Directory(odd), *(one["mail"] for one in odd))

    assert len(resolution.people) == 4


async def test_a_domain_may_be_written_in_its_own_script():
    """§2: the domain is compared by its A-label; a directory may hold either spelling."""
    eve, zoe = user("eve", mail="eve@bücher.example"), user("zoe", mail="zoe@xn--bcher-kva.example")
    resolution = await resolve(Directory([eve, zoe]), "eve@xn--bcher-kva.example", "zoe@bücher.example")

    assert set(resolution.people) == {"id-eve", "id-zoe"}


async def test_a_local_part_that_folding_changes_is_found_as_it_was_given():
    strasse = user("x", mail="straße@contoso.example")
    resolution = await resolve(Directory([strasse]), "straße@contoso.example")

    assert set(resolution.people) == {"id-x"}


async def test_a_group_stands_for_its_members_nested_ones_too():
    members = {"g-sales": [user("ada"), user("bob"), user("ada")]}
    resolution = await resolve(Directory([], [group("sales")], members), "sales-2@contoso.example")

    assert kinds(resolution) == [("/addresses/0", "group", 2, 0)]
    assert set(resolution.people) == {"id-ada", "id-bob"}


async def test_a_large_group_is_read_to_its_last_page():
    members = {"g-all": [user(f"u{number}") for number in range(25)]}
    graph = Directory([], [group("all")], members)
    graph.size = 10
    resolution = await resolve(graph, "all@contoso.example")

    assert kinds(resolution) == [("/addresses/0", "group", 25, 0)]
    assert all(request.headers["ConsistencyLevel"] == ADVANCED for request in graph.asked("graph.user"))


async def test_guests_are_never_listed_but_told():
    """§1: users whose `userType` is `Guest` are never listed people. Interfaces §2: one named directly has people 0."""
    guest, other = user("g1", userType="Guest"), user("g2", userType="guest")
    members = {"g-sales": [user("ada"), guest, other]}
    graph = Directory([guest], [group("sales")], members)
    resolution = await resolve(graph, "sales@contoso.example", "g1@contoso.example")

    assert kinds(resolution) == [("/addresses/0", "group", 1, 2), ("/addresses/1", "user", 0, 1)]
    assert set(resolution.people) == {"id-ada"}
    assert resolution.guests == {"id-g1", "id-g2"}


async def test_a_group_without_members_is_a_group_of_nobody():
    assert kinds(await resolve(Directory([], [group("empty")]), "empty@contoso.example")) == [
        ("/addresses/0", "group", 0, 0)
    ]


async def test_an_unknown_address_is_told_by_its_place():
    resolution = await resolve(Directory([user("ada")]), "ada@contoso.example", "nobody@contoso.example", "no address")

    assert [(entry.pointer, entry.kind) for entry in resolution.entries] == [
        ("/addresses/0", "user"),
        ("/addresses/1", "unknown"),
        ("/addresses/2", "unknown"),
    ]


async def test_an_address_given_twice_counts_once():
    """Interfaces §2."""
    resolution = await resolve(Directory([user("ada")]), "ada@contoso.example", "x@y.example", "ADA@contoso.example")

    assert [entry.pointer for entry in resolution.entries] == ["/addresses/0", "/addresses/1"]


async def test_a_person_reached_in_several_ways_is_one_person():
    members = {"g-sales": [user("ada")], "g-all": [user("ada"), user("bob")]}
    graph = Directory([user("ada")], [group("sales"), group("all")], members)
    resolution = await resolve(graph, "ada@contoso.example", "sales@contoso.example", "all@contoso.example")

    assert [entry.people for entry in resolution.entries] == [1, 1, 2]
    assert list(resolution.people) == ["id-ada", "id-bob"]


async def test_an_address_of_two_users_stands_for_the_smaller_directory_id():
    """§2."""
    one, other = user("z", userPrincipalName="shared@contoso.example"), user("a", mail="shared@contoso.example")
    resolution = await resolve(Directory([one, other]), "shared@contoso.example")

    assert set(resolution.people) == {"id-a"}


async def test_2500_addresses_are_asked_for_fifteen_at_a_time():
    graph = Directory([user(f"u{number}") for number in range(2500)])
    resolution = await resolve(graph, *(f"u{number}@contoso.example" for number in range(2500)))

    assert len(resolution.people) == 2500
    assert len(graph.seen) == 3 * 167


async def test_long_addresses_are_asked_for_in_shorter_filters():
    long = [user(f"{number}" + "ü" * 200) for number in range(15)]
    graph = Directory(long)
    resolution = await resolve(graph, *(one["mail"] for one in long))

    assert len(resolution.people) == 15
    assert max(len(str(request.rel_url)) for request in graph.seen) < 8000


async def test_a_member_that_was_not_shown_is_looked_up():
    """Limited information: `id` alone, all else null (graph-facts §1); such a one is no person without addresses."""
    hidden = {"id": "id-ada", "userType": None, "mail": None, "userPrincipalName": None, "proxyAddresses": None}
    resolution = await resolve(
        Directory([user("ada", userType="Guest")], [group("sales")], {"g-sales": [hidden]}), "sales@contoso.example"
    )

    assert resolution.guests == {"id-ada"}


async def test_what_is_removed_meanwhile_is_passed_over():
    hidden = {"id": "id-gone"}
    graph = Directory([], [group("sales"), group("old")], {"g-sales": [hidden, user("ada")]})
    graph.script.append(always(lambda: error(404, "Request_ResourceNotFound"), to="/users/id-gone"))
    graph.script.append(
        always(lambda: error(404, "Request_ResourceNotFound"), to="/g-old/transitiveMembers/microsoft.graph.user")
    )
    resolution = await resolve(graph, "sales@contoso.example", "old@contoso.example")

    assert [entry.people for entry in resolution.entries] == [2, 0]


async def test_who_may_not_ask_is_refused_by_the_tenant():
    graph = Directory([])
    graph.script.append(always(lambda: error(403, "Authorization_RequestDenied")))
    with pytest.raises(TenantRefused):
        await resolve(graph, "ada@contoso.example")


async def test_a_failed_page_is_asked_for_again_by_its_old_link():
    members = {"g-all": [user(f"u{number}") for number in range(25)]}
    graph = Directory([], [group("all")], members)
    graph.size = 10

    async def fail_once(request: web.Request) -> web.StreamResponse | None:
        repeated = [one for one in graph.seen if one.url == request.url]
        return error(503) if "$skiptoken" in request.query and len(repeated) == 1 else None

    graph.script.append(fail_once)
    resolution = await resolve(graph, "all@contoso.example")

    assert len(resolution.people) == 25


async def test_every_call_selects():
    """§8: every Graph call that returns entities, directory ones too, names its properties."""
    graph = Directory([user("ada")], [group("sales")], {"g-sales": [user("bob")]})
    graph.script.append(once(error(429, Retry_After="1")))
    await resolve(graph, "ada@contoso.example", "sales@contoso.example")

    assert all("$select" in request.query for request in graph.seen)
