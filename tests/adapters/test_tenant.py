"""What must be true of the tenant, and the probe of a mailbox (interfaces §1, §2)."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from shared.adapters.graph import tenant
from shared.adapters.graph.refusals import TenantRefused
from shared.adapters.graph.tenant import Tenant
from shared.core.errors import GraphAway
from tests.fake_graph import FakeGraph, always, client_of, error

DOMAINS = [{"name": "contoso.example", "isDefault": True}, {"name": "contoso.onmicrosoft.example"}]
ENTERPRISE = {"servicePlanName": "EXCHANGE_S_ENTERPRISE", "provisioningStatus": "Success"}


def sku(*plans: dict[str, Any], status: str | None = "Enabled") -> dict[str, Any]:
    return {"id": "x", "capabilityStatus": status, "servicePlans": list(plans)}


async def read(*skus: dict[str, Any], **organization: Any) -> Tenant:
    whole = {"id": "t", "countryLetterCode": "de", "verifiedDomains": DOMAINS} | organization
    graph = FakeGraph(
        others={"/organization": lambda _: {"value": [whole]}, "/subscribedSkus": lambda _: {"value": skus}}
    )
    async with client_of(graph) as client:
        found = await tenant.read(client)
    assert all("$select" in request.query for request in graph.seen)
    return found


async def test_a_tenant_is_its_country_its_domains_and_whether_it_has_mailboxes():
    assert await read(sku(ENTERPRISE)) == Tenant("DE", ("contoso.example", "contoso.onmicrosoft.example"), True)


async def test_a_country_that_graph_does_not_give_is_none():
    assert (await read(countryLetterCode=None)).country is None


@pytest.mark.parametrize(
    ("skus", "has_exchange"),
    [
        ([sku(ENTERPRISE)], True),
        ([sku({"servicePlanName": "EXCHANGE_S_STANDARD", "provisioningStatus": "Success"})], True),
        ([sku({"servicePlanName": "EXCHANGE_S_DESKLESS", "provisioningStatus": "Success"})], True),
        ([sku({"servicePlanName": "EXCHANGE_S_FOUNDATION", "provisioningStatus": "Success"})], False),
        ([sku({"servicePlanName": "EXCHANGE_S_ARCHIVE_ADDON", "provisioningStatus": "Success"})], False),
        ([sku({"servicePlanName": "TEAMS1", "provisioningStatus": "Success"})], False),
        ([sku(ENTERPRISE | {"provisioningStatus": "Disabled"})], False),
        ([sku(ENTERPRISE, status="Suspended")], False),
        ([sku(ENTERPRISE, status="Warning")], True),
        ([sku(ENTERPRISE, status=None)], True),
        ([{"id": "x", "servicePlans": [{"servicePlanName": "EXCHANGE_S_STANDARD"}]}], True),
        ([sku(ENTERPRISE, status="Suspended"), sku(ENTERPRISE)], True),
        ([sku({"servicePlanName": None})], False),
        ([], False),
    ],
)
async def test_an_exchange_plan_is_one_in_force_that_gives_mailboxes(skus, has_exchange):
    assert (await read(*skus)).has_exchange is has_exchange


async def test_who_may_not_ask_for_the_organisation_is_refused():
    graph = FakeGraph(script=[always(lambda: error(403, "Authorization_RequestDenied"))])
    async with client_of(graph) as client:
        with pytest.raises(TenantRefused):
            await tenant.read(client)


@pytest.mark.parametrize(
    ("ending", "answer", "expected"),
    [
        ("nothing", (403, "ErrorAccessDenied"), True),
        ("/messages", (403, "ErrorAccessDenied"), False),
        ("/calendarView", (403, "ErrorAccessDenied"), False),
        ("/messages", (404, "MailboxNotEnabledForRESTAPI"), False),
        ("/calendarView", (401, "InvalidAuthenticationToken"), False),
    ],
)
async def test_a_probe_is_good_only_if_mail_and_calendar_answer(ending, answer, expected):
    graph = FakeGraph(script=[always(lambda: error(*answer), to=ending)])
    async with client_of(graph) as client:
        assert await tenant.probe(client, "ada") is expected

    assert all(request.query["$select"] == "id" and request.query["$top"] == "1" for request in graph.seen)


async def test_one_mailbox_that_answers_is_enough():
    async def all_but_the_last(request: web.Request) -> web.StreamResponse | None:
        if "/u9/" in request.path:
            return None
        return error(403, "ErrorAccessDenied") if "/u1/" in request.path else error(429, Retry_After="900")

    graph = FakeGraph(script=[all_but_the_last])
    async with client_of(graph) as client:
        assert await tenant.any_answers(client, ["u1", "u2", "u9"])
        assert not await tenant.any_answers(client, ["u1"])
        with pytest.raises(GraphAway):
            await tenant.any_answers(client, ["u1", "u2"])
