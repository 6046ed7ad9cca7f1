"""A small tenant, an emulator that serves it, and a caller who asks it politely."""

import copy
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from localdev.graph.app import Served, running
from localdev.graph.context import Emulator
from localdev.graph.mailbox import empty
from localdev.graph.tenant_files import TenantFiles

ADA = "00000000-0000-0000-0000-00000000000a"
EXCHANGE = "efb87545-963c-4e0d-99df-69c6916d9eb0"


def user(letter: str, name: str, mailbox: str = "ok", **other: Any) -> dict[str, Any]:
    return {
        "id": f"00000000-0000-0000-0000-00000000000{letter}",
        "displayName": name.title(),
        "mail": f"{name}@contoso.example",
        "userPrincipalName": f"{name}@contoso.onmicrosoft.example",
        "proxyAddresses": [f"SMTP:{name}@contoso.example", f"smtp:{name}-alias@contoso.example"],
        "userType": "Member",
        "assignedPlans": [
            {
                "assignedDateTime": "2024-01-01T00:00:00Z",
                "capabilityStatus": "Enabled",
                "service": "exchange",
                "servicePlanId": EXCHANGE,
            }
        ],
        "mailbox": mailbox,
        **other,
    }


def group(number: int, name: str, members: list[str], **other: Any) -> dict[str, Any]:
    return {
        "id": f"00000000-0000-0000-0000-0000000001{number:02d}",
        "displayName": name.title(),
        "mail": f"{name}@contoso.example",
        "proxyAddresses": [f"SMTP:{name}@contoso.example"],
        "mailEnabled": True,
        "groupTypes": [],
        "visibility": None,
        "members": members,
        **other,
    }


def person(address: str) -> dict[str, Any]:
    return {"emailAddress": {"name": address.split("@", maxsplit=1)[0], "address": address}}


def message(number: int, folder: str, **other: Any) -> dict[str, Any]:
    """One message a minute from midnight of 1 May 2026 on."""
    time = f"2026-05-01T{number // 60:02d}:{number % 60:02d}:00Z"
    return {
        "id": f"AAMkMsg{number:04d}",
        "internetMessageId": f"<{number}@mail.example>",
        "sentDateTime": time,
        "receivedDateTime": time,
        "lastModifiedDateTime": time,
        "isDraft": False,
        "from": person("ada@contoso.example"),
        "sender": person("ada@contoso.example"),
        "toRecipients": [person("carl@customer.example")],
        "ccRecipients": [],
        "bccRecipients": [],
        "conversationId": "conversation",
        "conversationIndex": None,
        "internetMessageHeaders": [],
        "parentFolderId": folder,
        "subject": "not for us",
        "bodyPreview": "not for us",
        "body": {"contentType": "text", "content": "not for us"},
        **other,
    }


def event(number: int, start: str, end: str, **other: Any) -> dict[str, Any]:
    return {
        "id": f"AAMkEvt{number:04d}",
        "iCalUId": f"uid-{number}",
        "type": "singleInstance",
        "seriesMasterId": None,
        "start": {"dateTime": f"{start}:00.0000000", "timeZone": "UTC"},
        "end": {"dateTime": f"{end}:00.0000000", "timeZone": "UTC"},
        "isAllDay": False,
        "isCancelled": False,
        "isOrganizer": True,
        "organizer": person("ada@contoso.example"),
        "attendees": [],
        "subject": "not for us",
        "body": {"contentType": "text", "content": "not for us"},
        **other,
    }


def _ada() -> dict[str, Any]:
    box = empty(ADA)
    folders = {each["wellKnownName"]: each["id"] for each in box["folders"]}
    inside = {"displayName": "Inside", "parentFolderId": folders["inbox"], "unreadItemCount": 0, "wellKnownName": None}
    box["folders"].append({"id": "AAMkInside", "isHidden": False, **inside})
    box["folders"].append({"id": "AAMkHidden", "isHidden": True, **inside, "parentFolderId": folders["msgfolderroot"]})
    box["messages"] = [message(number, folders["inbox"]) for number in range(25)]
    box["messages"].append(
        message(25, folders["inbox"], **{"@odata.type": "#microsoft.graph.eventMessageRequest", "type": None})
    )
    box["messages"].append(message(26, "AAMkInside", receivedDateTime=None))
    calendar = box["calendars"][0]["id"]
    box["calendars"].append({"id": "AAMkSide", "name": "Side", "isDefaultCalendar": False, "canEdit": True})
    box["events"][calendar] = [
        event(1, "2026-05-04T09:00", "2026-05-04T10:00", type="occurrence", seriesMasterId="AAMkEvt0009"),
        event(2, "2026-05-05T09:00", "2026-05-05T10:00"),
        event(9, "2026-05-04T09:00", "2026-05-04T10:00", type="seriesMaster"),
    ]
    box["events"]["AAMkSide"] = [event(3, "2026-05-06T09:00", "2026-05-06T10:00")]
    return box


def small_tenant() -> TenantFiles:
    people = [
        user("a", "ada"),
        user("b", "bob"),
        user("c", "guest", "NotEnabled", userType="Guest", assignedPlans=[]),
        user("d", "onprem", "NotEnabled"),
        user("e", "refused", "AccessDenied"),
        user("f", "gone", "NotFound"),
    ]
    ids = {each["displayName"].lower(): each["id"] for each in people}
    inner = group(1, "inner", [ids["bob"], ids["guest"], "00000000-0000-0000-0000-000000000102"])
    outer = group(2, "outer", [ids["ada"], inner["id"], "nobody"])
    hidden = group(3, "hidden", [ids["ada"]], visibility="HiddenMembership")
    about = {
        "tenantId": "11111111-2222-3333-4444-555555555555",
        "displayName": "Contoso",
        "countryLetterCode": "DE",
        "verifiedDomains": [{"name": "contoso.example", "isDefault": True, "isInitial": False}],
        "asOf": "2026-06-01T00:00:00Z",
        "timeZone": "UTC",
    }
    return TenantFiles(about, people, [inner, outer, hidden], {ADA: copy.deepcopy(_ada())})


class Clock:
    """A clock that goes only when it is told to."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Reply:
    status: int
    body: Any
    headers: dict[str, str]

    @property
    def ids(self) -> list[str]:
        return [each["id"] for each in self.body["value"]]

    @property
    def code(self) -> str:
        return str(self.body["error"]["code"])

    @property
    def next(self) -> str:
        return str(self.body["@odata.nextLink"])


class Caller:
    """Asks an emulator as a registered app does; paths are those below `/v1.0`, full links are followed as they are."""

    def __init__(self, served: Served, session: aiohttp.ClientSession) -> None:
        self.served = served
        self.emulator = served.emulator
        self.session = session
        self.token = served.emulator.entra.issue("client")

    async def get(self, path: str, **headers: str) -> Reply:
        return await self.send("GET", path, **headers)

    async def send(self, method: str, path: str, json: Any = None, **headers: str) -> Reply:
        url = path if path.startswith("http") else self.served.graph_url + path
        sent = {
            "Authorization": f"Bearer {self.token}",
            **{name.replace("_", "-"): text for name, text in headers.items()},
        }
        async with self.session.request(method, url, headers=sent, json=json) as response:
            return Reply(response.status, await response.json(), dict(response.headers))

    async def control(self, method: str, name: str, json: Any = None) -> Reply:
        async with self.session.request(method, f"{self.served.url}/_emulator/{name}", json=json) as response:
            return Reply(response.status, await response.json(), dict(response.headers))

    def complaints(self) -> dict[str, int]:
        return dict(self.emulator.stats.complaint_counts)


@asynccontextmanager
async def calling(emulator: Emulator) -> AsyncIterator[Caller]:
    async with running(emulator) as served, aiohttp.ClientSession() as session:
        yield Caller(served, session)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def open_emulator(clock: Clock) -> Callable[..., Any]:
    """Start an emulator of the small tenant with other options than the usual ones."""

    def start(**options: Any) -> Any:
        return calling(Emulator(small_tenant(), **{"granted": True, "clock": clock, **options}))

    return start


@pytest.fixture
async def graph(open_emulator: Callable[..., Any]) -> AsyncIterator[Caller]:
    """A caller of an emulator whose tenant has consented to what the app asks for."""
    async with open_emulator() as caller:
        yield caller
