"""A small tenant behind the Graph emulator, and the services of an app that reads it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import azure.functions as func

from localdev.graph.app import running
from localdev.graph.context import Emulator
from localdev.graph.tenant_files import TenantFiles
from shared.adapters.graph import client
from shared.adapters.identity import TokenSource
from shared.services import Services
from tests.fakes import fake_services

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TENANT_ID = "11111111-2222-3333-4444-555555555555"
CONTACTS = b"Id,Account,Email\n1,A1,carl@customer.example\n"
BODY: dict[str, Any] = {
    "addresses": ["ada@contoso.example", "bob@contoso.example"],
    "consentAgreed": True,
    "contacts": {"blob": "contacts.csv", "contactId": "Id", "customerId": "Account", "email": "Email"},
}


def user(number: int, name: str, **other: Any) -> dict[str, Any]:
    return {
        "id": f"00000000-0000-0000-0000-{number:012d}",
        "mail": f"{name}@contoso.example",
        "userPrincipalName": f"{name}@contoso.example",
        "proxyAddresses": [f"SMTP:{name}@contoso.example"],
        "userType": "Member",
        "mailbox": "ok",
        **other,
    }


def group(number: int, name: str, members: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": f"00000000-0000-0000-0001-{number:012d}",
        "mail": f"{name}@contoso.example",
        "proxyAddresses": [f"SMTP:{name}@contoso.example"],
        "members": [each["id"] for each in members],
    }


def tenant(**about: Any) -> TenantFiles:
    """Ada, Bob and a guest; a group of all three, one of nobody, two that hold each other, and one of 2,501."""
    people = [user(1, "ada"), user(2, "bob"), user(3, "guest", userType="Guest", mailbox="NotEnabled")]
    crowd = [user(1000 + number, f"p{number}") for number in range(2_501)]
    groups = [group(1, "sales", people), group(2, "nobody", []), group(5, "crowd", crowd)]
    groups += [group(3, "left", [*people, {"id": "00000000-0000-0000-0001-000000000004"}])]
    groups += [group(4, "right", [groups[-1]])]
    files = {
        "tenantId": TENANT_ID,
        "displayName": "Contoso",
        "countryLetterCode": "DE",
        "verifiedDomains": [{"name": "contoso.example", "isDefault": True, "isInitial": True}],
        "asOf": "2026-11-01T00:00:00Z",
        "timeZone": "UTC",
        "subscribedSkus": [
            {
                "id": "sku",
                "capabilityStatus": "Enabled",
                "servicePlans": [{"servicePlanName": "EXCHANGE_S_ENTERPRISE", "provisioningStatus": "Success"}],
            }
        ],
    }
    return TenantFiles(files | about, people + crowd, groups, {})


@dataclass
class World:
    svc: Services
    emulator: Emulator


@asynccontextmanager
async def world(files: TenantFiles | None = None, *, granted: bool = True, **environment: str) -> AsyncIterator[World]:
    """Services over memory and the emulator; `contacts.csv` lies in the input container."""
    emulator = Emulator(files or tenant(), granted=granted)
    async with running(emulator) as served:
        made = fake_services(
            NOW,
            TENANT_ID=TENANT_ID,
            GRAPH_BASE_URL=served.graph_url,
            ENTRA_LOOPBACK_URL=served.url,
            **environment,
        )
        tokens = TokenSource(made.settings)
        svc = replace(made, tokens=tokens, graph=lambda: client.connect(made.settings, tokens))
        svc.storage.input.write("contacts.csv", CONTACTS)
        yield World(svc, emulator)


def request(
    method: str = "GET",
    path: str = "/api/enrichments/sales",
    body: Any = None,
    headers: dict[str, str] | None = None,
    **route: str,
) -> func.HttpRequest:
    """A request as the platform hands it over; `path` may have a query."""
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return func.HttpRequest(
        method=method,
        url=f"https://app.example{path}",
        headers=headers or {},
        params=dict(parse_qsl(urlsplit(path).query, keep_blank_values=True)),
        route_params=route,
        body=raw,
    )


def told(response: func.HttpResponse) -> Any:
    return json.loads(response.get_body())


def faults(response: func.HttpResponse) -> set[str]:
    return {each["pointer"] for each in told(response)["errors"]}
