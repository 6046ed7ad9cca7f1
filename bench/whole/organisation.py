"""The organisation that the whole size is tried with: its people, its customers, what a tenant folder would hold."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from localdev.graph.tenant_files import TenantFiles

DOMAIN = "contoso.example"
NAME = "whole"
OUTPUT = "Office"
AS_OF = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
EVERYBODY = f"everybody@{DOMAIN}"
TEAM = 10  # people who write and meet together: copies of one item lie in mailboxes of one team
CONTACTS_PER_CUSTOMER = 10
_EXCHANGE_PLAN = "efb87545-963c-4e0d-99df-69c6916d9eb0"


@dataclass(frozen=True, slots=True)
class Size:
    """mailboxes: a multiple of ten · messages, meetings: copies in each of them · customers: with ten contacts each."""

    mailboxes: int = 2_500
    messages: int = 2_000
    meetings: int = 200
    customers: int = 10_000

    @property
    def teams(self) -> range:
        return range(self.mailboxes // TEAM)

    @property
    def contacts(self) -> int:
        return self.customers * CONTACTS_PER_CUSTOMER

    def as_json(self) -> dict[str, int]:
        return asdict(self)


def person_id(number: int) -> str:
    return _identity("person", number)


def address(number: int) -> str:
    return f"person{number:04d}@{DOMAIN}"


def customer_id(number: int) -> str:
    return f"A{number:05d}"


def contact_address(customer: int, number: int) -> str:
    """number: of the contact within the customer."""
    return f"contact{number}@customer{customer:05d}.example"


def tenant_files(size: Size, mailboxes: Mapping[str, Any]) -> TenantFiles:
    """Everything but what lies in the mailboxes."""
    numbers = range(size.mailboxes)
    return TenantFiles(
        tenant={
            "tenantId": _identity("tenant", 0),
            "displayName": f"An organisation of {size.mailboxes:,} people",
            "countryLetterCode": "DE",
            "verifiedDomains": [{"name": DOMAIN, "isDefault": True, "isInitial": True}],
            "timeZone": "UTC",
        },
        users=[_user(number) for number in numbers],
        groups=[_group([person_id(number) for number in numbers])],
        mailboxes=mailboxes,
        contacts_csv=_csv("ContactId,AccountId,Email", _contact_rows(size)),
        accounts_csv=_csv("AccountId,Name,ParentId", [_customer_row(number) for number in range(size.customers)]),
        enrichment={
            "displayName": "The whole size",
            "output": OUTPUT,
            "addresses": [EVERYBODY],
            "consentAgreed": True,
            "contacts": {"blob": "contacts.csv", "contactId": "ContactId", "customerId": "AccountId", "email": "Email"},
            "customers": {"blob": "accounts.csv", "customerId": "AccountId", "name": "Name", "parent": "ParentId"},
            "timeZone": "UTC",
            "schedule": "off",
        },
    )


def _user(number: int) -> dict[str, Any]:
    mail = address(number)
    plan = {"capabilityStatus": "Enabled", "service": "exchange", "servicePlanId": _EXCHANGE_PLAN}
    return {
        "id": person_id(number),
        "displayName": f"Person {number:04d}",
        "mail": mail,
        "userPrincipalName": mail,
        "proxyAddresses": [f"SMTP:{mail}"],
        "userType": "Member",
        "accountEnabled": True,
        "mailNickname": mail.partition("@")[0],
        "assignedPlans": [{"assignedDateTime": "2024-01-08T00:00:00Z", **plan}],
        "mailbox": "ok",
    }


def _group(members: list[str]) -> dict[str, Any]:
    return {
        "id": _identity("group", 0),
        "displayName": "Everybody",
        "mail": EVERYBODY,
        "mailEnabled": True,
        "securityEnabled": False,
        "groupTypes": [],
        "mailNickname": EVERYBODY.partition("@")[0],
        "visibility": None,
        "proxyAddresses": [f"SMTP:{EVERYBODY}"],
        "members": members,
    }


def _contact_rows(size: Size) -> list[str]:
    return [
        f"C{customer * CONTACTS_PER_CUSTOMER + number:06d},{customer_id(customer)},{contact_address(customer, number)}"
        for customer in range(size.customers)
        for number in range(CONTACTS_PER_CUSTOMER)
    ]


def _customer_row(number: int) -> str:
    """Every tenth customer belongs to a larger one."""
    parent = customer_id(number // 20) if number % 10 == 9 else ""
    return f"{customer_id(number)},Customer {number:05d},{parent}"


def _csv(head: str, rows: list[str]) -> bytes:
    return "\r\n".join([head, *rows, ""]).encode()


def _identity(kind: str, number: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{kind}{number}.{DOMAIN}"))
