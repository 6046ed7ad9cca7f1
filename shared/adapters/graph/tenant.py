"""What must be true of the tenant, and whether the app may read a mailbox of it (interfaces §1, §2)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from shared.adapters.graph import links
from shared.adapters.graph.client import GraphClient
from shared.adapters.graph.refusals import MailboxRefused, TenantRefused

# Plans named like one of Exchange Online that give nobody a mailbox.
_NO_MAILBOX = ("EXCHANGE_S_FOUNDATION", "EXCHANGE_S_ARCHIVE", "EXCHANGE_ANALYTICS")
_IN_FORCE = frozenset({"enabled", "warning"})


@dataclass(frozen=True, slots=True)
class Tenant:
    """country: two letters, None where Graph gives none · has_exchange: some licence in force gives mailboxes."""

    country: str | None
    verified_domains: tuple[str, ...]
    has_exchange: bool


class _Domain(msgspec.Struct):
    name: str


class _Organization(msgspec.Struct):
    country: str | None = msgspec.field(default=None, name="countryLetterCode")
    domains: list[_Domain] | None = msgspec.field(default=None, name="verifiedDomains")


class _Organizations(msgspec.Struct):
    value: list[_Organization]


class _Plan(msgspec.Struct):
    name: str | None = msgspec.field(default=None, name="servicePlanName")
    status: str | None = msgspec.field(default=None, name="provisioningStatus")

    @property
    def gives_mailboxes(self) -> bool:
        name = (self.name or "").upper()
        return (
            name.startswith("EXCHANGE_")
            and not name.startswith(_NO_MAILBOX)
            and (self.status is None or self.status.casefold() == "success")
        )


class _Sku(msgspec.Struct):
    """Both states may be null: then nothing speaks against the licence."""

    status: str | None = msgspec.field(default=None, name="capabilityStatus")
    plans: list[_Plan] | None = msgspec.field(default=None, name="servicePlans")

    @property
    def in_force(self) -> bool:
        return self.status is None or self.status.casefold() in _IN_FORCE


class _Skus(msgspec.Struct):
    value: list[_Sku]


_decode_organizations = msgspec.json.Decoder(_Organizations).decode
_decode_skus = msgspec.json.Decoder(_Skus).decode


async def read(graph: GraphClient) -> Tenant:
    """The tenant as the directory describes it. Raises `TenantRefused` where the app may not ask."""
    select = {"$select": "id,countryLetterCode,verifiedDomains"}
    organizations = (await graph.fetch("/organization", select, decode=_decode_organizations)).value
    select = {"$select": "id,capabilityStatus,servicePlans"}
    skus = (await graph.fetch("/subscribedSkus", select, decode=_decode_skus)).value
    return Tenant(
        country=next((one.country.upper() for one in organizations if one.country), None),
        verified_domains=tuple(domain.name for one in organizations for domain in one.domains or []),
        has_exchange=any(plan.gives_mailboxes for sku in skus if sku.in_force for plan in sku.plans or []),
    )


async def probe(graph: GraphClient, user_id: str) -> bool:
    """Whether this mailbox answers for both its mail and its calendar; nothing of the answers is looked at.

    Raises `GraphAway` where it cannot be told now.
    """
    mailbox = f"/users/{links.segment(user_id)}"
    one = {"$top": "1", "$select": "id"}
    some_day = {"startDateTime": "2020-01-01T00:00:00Z", "endDateTime": "2020-01-02T00:00:00Z"}
    try:
        await graph.fetch(f"{mailbox}/messages", one, decode=_decode_any)
        await graph.fetch(f"{mailbox}/calendarView", some_day | one, decode=_decode_any)
    except (MailboxRefused, TenantRefused):
        return False
    return True


async def any_answers(graph: GraphClient, people: Sequence[str]) -> bool:
    """Whether one of these mailboxes answers the probe. Raises `GraphAway` where none did, maybe for the moment."""
    answers = await asyncio.gather(*(probe(graph, person) for person in people), return_exceptions=True)
    if True in answers:
        return True
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return False


class _AnyPage(msgspec.Struct):
    value: list[Any]


_decode_any = msgspec.json.Decoder(_AnyPage).decode
