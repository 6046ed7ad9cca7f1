"""The sample company: its people, guests, rooms and groups, as Microsoft Graph's directory holds them."""

from __future__ import annotations

import csv
import unicodedata
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAME = "Serra Instruments"
DOMAIN = "serra.example"
INITIAL_DOMAIN = "serra.onmicrosoft.example"
LABS_DOMAIN = "serra-labs.example"
TENANT_ID = "6f0c4a52-6f4e-4c3e-9d0b-7a4f0a3f5e10"
EXCHANGE_PLAN = "efb87545-963c-4e0d-99df-69c6916d9eb0"
SALES = ("Sales Iberia", "Sales Europe", "Sales Americas")
SUCCESS = "Customer Success"
PROJECTS = f"projects@{DOMAIN}"  # the mailing list that customers write to
GUESTS = ("Mireia Ros", "Tomàs Quer", "Ulla Berg")
ROOMS = ("Montseny", "Cadí", "Pedraforca")


@dataclass(frozen=True)
class Person:
    """One of the company's people. `mailbox`: its state, in the emulator's words."""

    id: str
    name: str
    address: str
    department: str
    title: str
    mailbox: str

    @property
    def readable(self) -> bool:
        return self.mailbox == "ok"


def identity(*parts: object) -> str:
    """A directory id that is always the same for the same thing."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, "/".join([DOMAIN, *(str(part) for part in parts)])))


def plain(name: str) -> str:
    """A name as the local part of an address: `Núria Serra` → `nuria.serra`."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return ".".join("".join(c for c in word if c.isalnum()) for word in letters.lower().replace("&", " ").split())


def people() -> list[Person]:
    with Path(__file__).with_name("people.csv").open(encoding="utf-8", newline="") as file:
        return [
            Person(
                identity("person", row["Name"]),
                row["Name"],
                f"{plain(row['Name'])}@{DOMAIN}",
                row["Department"],
                row["Title"],
                row["Mailbox"],
            )
            for row in csv.DictReader(file)
        ]


def rooms() -> list[Person]:
    """Rooms are directory users that nobody signs in as; their calendars are mailboxes like others."""
    return [Person(identity("room", n), f"Sala {n}", f"sala.{plain(n)}@{DOMAIN}", "Rooms", "", "ok") for n in ROOMS]


def shared_mailbox() -> Person:
    """A mailbox that is nobody's own; in the directory it is a user too."""
    return Person(identity("shared", "info"), "Serra Info", f"info@{DOMAIN}", "Marketing", "", "ok")


def users(staff: list[Person]) -> list[dict[str, Any]]:
    """Everybody in the directory: people, rooms, a shared mailbox, guests."""
    members = [_member(person) for person in staff]
    unmanned = [_member(person, enabled=False) for person in [*rooms(), shared_mailbox()]]
    return [*members, *unmanned, *(_guest(name) for name in GUESTS)]


def _member(person: Person, enabled: bool = True) -> dict[str, Any]:
    first, _, last = person.name.partition(" ")
    aliases = [f"smtp:{plain(first)}.{plain(last).replace('.', '')[:1]}@{LABS_DOMAIN}"] if enabled else []
    unlicensed = person.title == "Trainee"
    plan = {
        "assignedDateTime": "2024-01-08T00:00:00Z",
        "capabilityStatus": "Enabled",
        "service": "exchange",
        "servicePlanId": EXCHANGE_PLAN,
    }
    return {
        "id": person.id,
        "displayName": person.name,
        "givenName": first,
        "surname": last,
        "mail": person.address,
        "userPrincipalName": person.address,
        "proxyAddresses": [f"SMTP:{person.address}", *aliases, f"X500:/o=ExchangeLabs/cn={person.id[:8]}"],
        "userType": "Member",
        "accountEnabled": enabled,
        "mailNickname": person.address.partition("@")[0],
        "department": person.department,
        "jobTitle": person.title or None,
        "usageLocation": "ES",
        "otherMails": [],
        "assignedPlans": [] if unlicensed or not enabled else [plan],
        "mailbox": person.mailbox,
    }


def _guest(name: str) -> dict[str, Any]:
    first, _, last = name.partition(" ")
    address = f"{plain(name)}@consultants.example"
    return {
        "id": identity("guest", name),
        "displayName": f"{name} (guest)",
        "givenName": first,
        "surname": last,
        "mail": address,
        "userPrincipalName": f"{address.replace('@', '_')}#EXT#@{INITIAL_DOMAIN}",
        "proxyAddresses": [f"SMTP:{address}"],
        "userType": "Guest",
        "accountEnabled": True,
        "mailNickname": plain(name),
        "usageLocation": "ES",
        "otherMails": [address],
        "assignedPlans": [],
        "mailbox": "NotEnabled",
    }


def groups(staff: list[Person]) -> list[dict[str, Any]]:
    """Sales holds its three regions as nested groups; guests sit in two groups; `projects` is the mailing list."""

    def of(*departments: str) -> list[str]:
        return [person.id for person in staff if person.department in departments]

    guests = [identity("guest", name) for name in GUESTS]
    director = [person.id for person in staff if person.title == "Sales Director"]
    regions = [_group(region, of(region) + (guests[:1] if region == "Sales Europe" else [])) for region in SALES]
    return [
        _group("Sales", [region["id"] for region in regions] + director),
        *regions,
        _group(SUCCESS, of(SUCCESS) + guests[1:]),
        _group("Projects", [*of("Support"), *of(SUCCESS)[:5]]),
        _group("Everyone", [person.id for person in staff]),
    ]


def _group(name: str, members: list[str]) -> dict[str, Any]:
    address = f"{plain(name).replace('.', '-')}@{DOMAIN}"
    return {
        "id": identity("group", name),
        "displayName": name,
        "mail": address,
        "mailEnabled": True,
        "securityEnabled": False,
        "groupTypes": [],
        "mailNickname": address.partition("@")[0],
        "visibility": None,
        "proxyAddresses": [f"SMTP:{address}", f"smtp:{address.replace(DOMAIN, LABS_DOMAIN)}"],
        "members": members,
    }


def tenant(as_of: str) -> dict[str, Any]:
    """`as_of`: RFC 3339."""
    domains = [(DOMAIN, True, False), (INITIAL_DOMAIN, False, True), (LABS_DOMAIN, False, False)]
    return {
        "tenantId": TENANT_ID,
        "displayName": NAME,
        "countryLetterCode": "ES",
        "verifiedDomains": [{"name": n, "isDefault": default, "isInitial": initial} for n, default, initial in domains],
        "asOf": as_of,
        "timeZone": "Europe/Madrid",
    }


def enrichment() -> dict[str, Any]:
    """The body of PUT that goes with this company."""
    return {
        "displayName": NAME,
        "output": "Office",
        "administrators": [f"eudald.fabregas@{DOMAIN}"],
        "addresses": [
            f"sales@{DOMAIN}",
            f"customer-success@{DOMAIN}",
            f"nuria.serra@{DOMAIN}",
            f"helena.prat@{DOMAIN}",
        ],
        "consentAgreed": True,
        "contacts": {"blob": "contacts.csv", "contactId": "ContactId", "customerId": "AccountId", "email": "Email"},
        "customers": {"blob": "accounts.csv", "customerId": "AccountId", "name": "Name", "parent": "ParentId"},
        "timeZone": "Europe/Madrid",
        "internalDomains": [],
        "schedule": "weekly",
    }
