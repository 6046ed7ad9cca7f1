"""The client where Graph refuses the whole tenant: everybody in the process waits, then keeps a pace (docs/pace.md)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import web

from shared.adapters.graph.client import GraphClient
from shared.adapters.graph.wire import decode_messages
from shared.core.errors import GraphAway
from tests.fake_graph import Clock, FakeGraph, client_of, error, once

ONE = {"id": "m1", "receivedDateTime": "2026-01-01T00:00:00Z"}
OF_TENANT = {"x_ms_throttle_scope": "Tenant_Application/Read/app/tenant"}


async def ask(client: GraphClient, mailbox: str, **how: Any) -> None:
    link = client.address(f"/users/{mailbox}/messages", {"$top": "10"})
    assert len((await client.page(link, decode=decode_messages, **how)).items) == 1


def noting(graph: FakeGraph, clock: Clock) -> list[tuple[str, float]]:
    """Which mailbox is asked, and when, from now on."""
    seen: list[tuple[str, float]] = []

    async def note(request: web.Request) -> None:
        seen.append((request.path.split("/")[3] if "/users/" in request.path else "directory", clock.now))

    graph.script.insert(0, note)
    return seen


async def test_nobody_asks_before_the_wait_of_a_refusal_of_the_tenant_is_over():
    clock = Clock()
    graph = FakeGraph([ONE], script=[once(error(429, Retry_After="9", **OF_TENANT))])
    graph.others["/organization"] = lambda _: {"value": []}
    seen = noting(graph, clock)
    async with client_of(graph, clock) as client:
        await ask(client, "ada")
        await asyncio.gather(
            *(ask(client, mailbox) for mailbox in ("ada", "bob", "cleo")),
            client.fetch("/organization", decode=decode_messages),
        )

    (_, first), *later = seen
    assert len(later) == 5
    assert all(at >= first + 9 for _, at in later)


async def test_other_mailboxes_are_read_on_while_one_is_told_to_wait():
    clock = Clock()
    graph = FakeGraph([ONE], script=[once(error(429, "ApplicationThrottled", Retry_After="60"), to="ada/messages")])
    async with client_of(graph, clock) as client:
        with pytest.raises(GraphAway):
            await ask(client, "ada")
        await asyncio.gather(*(ask(client, f"m{number}") for number in range(40)))

    assert clock.slept == []


async def test_where_graph_does_not_say_so_four_mailboxes_in_a_row_speak_for_all():
    clock = Clock()
    four = [f"m{number}" for number in range(4)]
    graph = FakeGraph([ONE], script=[once(*(error(429, "TooManyRequests", Retry_After="9") for _ in four))])
    seen = noting(graph, clock)
    async with client_of(graph, clock) as client:
        await asyncio.gather(*(ask(client, mailbox) for mailbox in four))
        await ask(client, "cleo")

    first = seen[0][1]
    assert {mailbox for mailbox, _ in seen} == {*four, "cleo"}
    assert all(at >= first + 9 for _, at in seen[4:])


async def test_a_long_wait_of_the_tenants_is_told_to_everybody_and_costs_no_further_request():
    graph = FakeGraph([ONE], script=[once(error(429, Retry_After="600", **OF_TENANT))])
    async with client_of(graph) as client:
        for mailbox in ("ada", "bob", "cleo"):
            with pytest.raises(GraphAway) as away:
                await ask(client, mailbox)
            assert away.value.wait == 600

    assert len(graph.seen) == 1


async def test_the_directorys_refusals_are_not_the_mailboxes():
    """Its limit is one of its own (graph-facts §3, Identity)."""
    clock = Clock()
    graph = FakeGraph([ONE], script=[once(error(429, "TooManyRequests", Retry_After="60", **OF_TENANT), to="/users")])
    async with client_of(graph, clock) as client:
        with pytest.raises(GraphAway):
            await client.fetch("/users", decode=decode_messages)
        await ask(client, "ada")

    assert clock.slept == []


async def test_after_a_refusal_requests_keep_the_pace_in_the_order_of_their_coming():
    """Twenty answers in the ten seconds that end with the wait: nine tenths of two a second, and four are the least."""
    clock = Clock()
    graph = FakeGraph([ONE])
    async with client_of(graph, clock) as client:
        await asyncio.gather(*(ask(client, f"m{number}") for number in range(20)))
        clock.now += 5
        graph.script.append(once(error(429, Retry_After="5", **OF_TENANT)))
        await ask(client, "ada")
        seen, slept = noting(graph, clock), len(clock.slept)
        await asyncio.gather(*(ask(client, f"m{number}") for number in range(20)))

    assert 19 / 4.5 <= sum(clock.slept[slept:]) <= 20 / 4
    assert [mailbox for mailbox, _ in seen] == [f"m{number}" for number in range(20)]


async def test_a_turn_that_would_come_after_the_deadline_is_not_waited_for():
    clock = Clock()
    graph = FakeGraph([ONE])
    async with client_of(graph, clock) as client:
        await ask(client, "ada")
        graph.script.append(once(error(429, Retry_After="1", **OF_TENANT)))
        await ask(client, "ada")
        asked = len(graph.seen)
        told = await asyncio.gather(
            *(ask(client, f"m{number}", deadline=clock.now + 2) for number in range(20)), return_exceptions=True
        )

    refused = [each for each in told if each is not None]
    assert all(isinstance(each, GraphAway) and each.wait and each.wait >= 1.5 for each in refused)
    assert 0 < len(graph.seen) - asked == 20 - len(refused) <= 10
