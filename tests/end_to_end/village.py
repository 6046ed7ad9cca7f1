"""A tenant so small that a run takes a second, in which every table still has something to say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from localdev.graph.mailbox import empty
from localdev.graph.tenant_files import TenantFiles
from tests.villagers import DATA, TENANT, person

AS_OF = datetime(2026, 6, 30, 12, tzinfo=UTC)
OURS = ("ada", "ben", "cleo", "dora", "emil", "fay")
CUSTOMERS = ("A1", "A2", "A3", "A4", "A5")
DAYS = 200
Entity = dict[str, Any]


def address(name: str) -> str:
    return f"{name}@village.example"


def contact(customer: str, number: int) -> str:
    return f"contact{number}@{customer.lower()}.example"


def user_id(name: str) -> str:
    return f"00000000-0000-0000-0000-{OURS.index(name) + 1:012d}"


def tenant() -> TenantFiles:
    """Six people, a group that holds two of them, five customers with three contacts each, one of them a parent."""
    rows = [
        f"{customer}-{number},{customer},{contact(customer, number)}" for customer in CUSTOMERS for number in range(3)
    ]
    mailboxes = {user_id(name): empty(user_id(name)) for name in OURS}
    for day in range(DAYS):
        _write(mailboxes, day)
        if day % 5 == 0:
            _meet(mailboxes, day)
    return TenantFiles(
        tenant={
            **TENANT,
            "asOf": f"{AS_OF:%Y-%m-%dT%H:%M:%SZ}",
            "timeZone": "UTC",
        },
        users=[person(user_id(name), name, address(name)) for name in OURS],
        groups=[_group()],
        mailboxes=mailboxes,
        contacts_csv="\n".join(["ContactId,AccountId,Email", *rows, ""]).encode(),
        accounts_csv=b"AccountId,Name,ParentId\nA1,One,\nA2,Two,A1\nA3,Three,\nA4,Four,\nA5,Five,\n",
        enrichment=_enrichment(),
    )


def _group() -> Entity:
    return {
        "id": "00000000-0000-0000-0001-000000000001",
        "displayName": "Crew",
        "mail": address("crew"),
        "proxyAddresses": [f"SMTP:{address('crew')}"],
        "mailEnabled": True,
        "groupTypes": [],
        "members": [user_id("ada"), user_id("ben")],
    }


def _enrichment() -> Entity:
    return {
        "addresses": [address(name) for name in ("crew", "cleo", "dora", "emil", "fay")],
        "administrators": [address("admin")],
        "consentAgreed": True,
        **DATA,
        "schedule": "off",
    }


def _write(mailboxes: dict[str, Entity], day: int) -> None:
    """A message to a customer, with a colleague in copy, and the customer's answer, in both mailboxes."""
    writer, reader = OURS[day % 6], OURS[(day // 6 + day + 1) % 6]
    customer = CUSTOMERS[day * day % 5]
    at = AS_OF - timedelta(days=day, hours=3)
    there, here = contact(customer, day % 3), [address(name) for name in dict.fromkeys((writer, reader))]
    for number, (sent, sender, recipients) in enumerate(
        [(at, address(writer), [there, *here[1:]]), (at + timedelta(hours=1 + day % 2), there, here)]
    ):
        for name in {writer, reader}:
            mailbox = mailboxes[user_id(name)]
            sender_is_owner = sender == address(name)
            mailbox["messages"].append(_message(f"{day}-{number}", sent, sender, recipients, mailbox, sender_is_owner))


def _message(
    number: str, sent: datetime, sender: str, recipients: list[str], mailbox: Entity, sender_is_owner: bool
) -> Entity:
    places = {folder["wellKnownName"]: folder["id"] for folder in mailbox["folders"]}
    return {
        "id": f"AAMkMsg-{number}-{len(mailbox['messages'])}",
        "internetMessageId": f"<{number}@village.example>",
        "sentDateTime": _instant(sent),
        "receivedDateTime": _instant(sent + timedelta(seconds=2)),
        "lastModifiedDateTime": _instant(sent),
        "isDraft": False,
        "from": _person(sender),
        "sender": _person(sender),
        "toRecipients": [_person(recipient) for recipient in recipients],
        "ccRecipients": [],
        "bccRecipients": [],
        "conversationId": f"conversation-{number.partition('-')[0]}",
        "conversationIndex": None,
        "internetMessageHeaders": [],
        "parentFolderId": places["sentitems" if sender_is_owner else "inbox"],
        "subject": "Nobody's business",
        "bodyPreview": "Nobody's business",
    }


def _meet(mailboxes: dict[str, Entity], day: int) -> None:
    """A meeting with a customer's contact, called by one of ours, in two calendars."""
    host, guest = OURS[day // 5 % 6], OURS[(day // 5 + 1) % 6]
    customer = CUSTOMERS[day // 5 % 5]
    start = AS_OF - timedelta(days=day, hours=5)
    people = [address(guest), contact(customer, 0)]
    for name in (host, guest):
        mailbox = mailboxes[user_id(name)]
        calendar = mailbox["calendars"][0]["id"]
        mailbox["events"].setdefault(calendar, []).append(
            {
                "id": f"AAMkEvt-{day}-{name}",
                "iCalUId": f"meeting-{day}",
                "type": "singleInstance",
                "seriesMasterId": None,
                "start": {"dateTime": f"{start:%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": "UTC"},
                "end": {"dateTime": f"{start + timedelta(minutes=45):%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": "UTC"},
                "isAllDay": False,
                "isCancelled": False,
                "isDraft": False,
                "isOrganizer": name == host,
                "sensitivity": "normal",
                "responseStatus": {"response": "organizer" if name == host else "accepted"},
                "organizer": _person(address(host)),
                "attendees": [
                    {**_person(each), "type": "required", "status": {"response": "accepted"}} for each in people
                ],
                "subject": "Nobody's business",
            }
        )


def _person(mail: str) -> Entity:
    return {"emailAddress": {"name": mail.partition("@")[0], "address": mail}}


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
