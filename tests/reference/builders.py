"""Tiny organisations, written by hand: people, mailboxes, messages and meetings in Graph's own shape (interfaces §10).

The usual cast: Ada and Bob are listed, `own.example` is the tenant's domain, Kim (`K1`) is a contact of account `A`,
Lee (`L1`) of account `B`, Zoe is a third party. The window ends on 2026-11-20 in UTC unless said otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from tests.reference.organisation import Json, Organisation

ADA, BOB, CYD = "11111111-ada", "22222222-bob", "33333333-cyd"
ADAS, BOBS, CYDS = "ada@own.example", "bob@own.example", "cyd@own.example"
KIM, LEE, ZOE = "kim@a.example", "lee@b.example", "zoe@third.example"
AS_OF = "2026-11-20T15:30:00Z"

WELL_KNOWN = ("inbox", "sentitems", "deleteditems", "archive", "drafts", "outbox", "junkemail", "conversationhistory")
BELOW = {"projects": "inbox", "scheduled": "drafts", "quarantine": "junkemail", "deep": "quarantine"}


def mail_of(user: str) -> str:
    """The address that `user()` gives to one of the cast: to Ada `ADAS`."""
    return user.rpartition("-")[2] + "@own.example"


def user(id: str, *aliases: str, mail: str | None = None, mailbox: str = "ok", guest: bool = False) -> Json:
    address = mail or mail_of(id)
    return {
        "id": id,
        "displayName": id,
        "mail": address,
        "userPrincipalName": address,
        "proxyAddresses": [f"SMTP:{address}", *(a if ":" in a else f"smtp:{a}" for a in aliases)],
        "userType": "Guest" if guest else "Member",
        "accountEnabled": True,
        "mailbox": mailbox,
    }


def group(id: str, mail: str, members: Sequence[str]) -> Json:
    return {"id": id, "displayName": id, "mail": mail, "proxyAddresses": [f"SMTP:{mail}"], "members": list(members)}


def participant(address: Any) -> Any:
    """A recipient; what is no text is taken as it is (a property of the wrong type)."""
    return {"emailAddress": {"name": "", "address": address}} if isinstance(address, str) else address


def message(
    sender: Any,
    /,
    to: Iterable[Any] = (),
    sent: str | None = "2026-11-02T10:00:00Z",
    *,
    cc: Iterable[Any] = (),
    bcc: Iterable[Any] = (),
    received: str | None = None,
    id: str | None = None,
    folder: str = "inbox",
    conversation: str | None = None,
    **properties: Any,
) -> Json:
    """One copy. `id`: the internetMessageId (None: there is none) · `properties`: further or replaced ones."""
    return {
        "id": "",
        "internetMessageId": id,
        "sentDateTime": sent,
        "receivedDateTime": received or sent,
        "isDraft": False,
        "from": participant(sender),
        "toRecipients": [participant(address) for address in to],
        "ccRecipients": [participant(address) for address in cc],
        "bccRecipients": [participant(address) for address in bcc],
        "conversationId": conversation,
        "conversationIndex": None,
        "parentFolderId": folder,
        **properties,
    }


def attendee(address: Any, answer: str = "none", type: str = "required") -> Any:
    who = participant(address)
    return {**who, "type": type, "status": {"response": answer}} if isinstance(who, dict) else who


def at(instant: str) -> Json:
    """A `dateTimeTimeZone` in UTC, as Graph writes it when asked for UTC."""
    return {"dateTime": instant.removesuffix("Z").partition(".")[0] + ".0000000", "timeZone": "UTC"}


def after(instant: str, **step: float) -> str:
    """`instant` moved by a timedelta's keywords, in the same notation."""
    moved = datetime.fromisoformat(instant) + timedelta(**step)
    return moved.isoformat().replace("+00:00", "Z")


def event(
    organizer: Any,
    /,
    attendees: Iterable[Any] = (),
    start: str = "2026-11-02T10:00:00Z",
    *,
    end: str | None = None,
    minutes: float = 30,
    uid: str | None = "uid-1",
    answer: str | None = "accepted",
    **properties: Any,
) -> Json:
    """One copy of a meeting. `attendees`: addresses or `attendee(…)` · `answer`: the owner's own `responseStatus`."""
    return {
        "id": "",
        "iCalUId": uid,
        "type": "singleInstance",
        "start": at(start),
        "end": at(end or after(start, minutes=minutes)),
        "isAllDay": False,
        "isCancelled": False,
        "isDraft": False,
        "sensitivity": "normal",
        "organizer": participant(organizer),
        "attendees": [attendee(one) if isinstance(one, str) else one for one in attendees],
        "responseStatus": {"response": answer} if answer else None,
        **properties,
    }


def mailbox(messages: Iterable[Json] = (), events: Iterable[Json] = (), other: Iterable[Json] = ()) -> Json:
    """A mailbox whose folder ids are the well-known names; `other`: events in a calendar that is not the default."""
    folders = [{"id": name, "displayName": name, "wellKnownName": name, "parentFolderId": None} for name in WELL_KNOWN]
    folders += [{"id": id, "displayName": "Drafts", "parentFolderId": up} for id, up in BELOW.items()]
    return {
        "folders": folders,
        "messages": [{**one, "id": f"m{number}"} for number, one in enumerate(messages)],
        "calendars": [{"id": "main", "isDefaultCalendar": True}, {"id": "side", "isDefaultCalendar": False}],
        "events": {
            "main": [{**one, "id": f"e{number}"} for number, one in enumerate(events)],
            "side": [{**one, "id": f"s{number}"} for number, one in enumerate(other)],
        },
    }


def contact(id: str, customer: str, email: str) -> dict[str, str]:
    return {"ContactId": id, "AccountId": customer, "Email": email}


def customer(id: str, parent: str = "") -> dict[str, str]:
    return {"AccountId": id, "Name": f"Customer {id}", "ParentId": parent}


CONTACTS = (contact("K1", "A", KIM), contact("L1", "B", LEE))


def organisation(
    mailboxes: Mapping[str, Json] | None = None,
    *,
    users: Sequence[Json] | None = None,
    groups: Sequence[Json] = (),
    addresses: Sequence[str] | None = None,
    contacts: Sequence[dict[str, str]] = CONTACTS,
    accounts: Sequence[dict[str, str]] | None = None,
    as_of: str = AS_OF,
    zone: str = "UTC",
    internal: Sequence[str] = (),
    verified: Sequence[str] = ("own.example",),
    **options: Any,
) -> Organisation:
    """An organisation of Ada and Bob with these mailboxes; `options`: those of the enrichment, in camelCase."""
    people = list(users) if users is not None else [user(ADA), user(BOB)]
    enrichment: Json = {
        "addresses": list(addresses) if addresses is not None else [one["mail"] for one in people],
        "consentAgreed": True,
        "contacts": {"blob": "contacts.csv", "contactId": "ContactId", "customerId": "AccountId", "email": "Email"},
        "timeZone": zone,
        "internalDomains": list(internal),
        "options": options,
    }
    if accounts is not None:
        columns = {"blob": "accounts.csv", "customerId": "AccountId", "name": "Name", "parent": "ParentId"}
        enrichment["customers"] = columns
    boxes = {one["id"]: mailbox() for one in people if one["mailbox"] == "ok"} | dict(mailboxes or {})
    return Organisation(
        tenant={"tenantId": "t", "verifiedDomains": [{"name": name} for name in verified], "countryLetterCode": "GB"},
        users=people,
        groups=list(groups),
        mailboxes=boxes,
        contacts=list(contacts),
        accounts=list(accounts or ()),
        enrichment=enrichment,
        as_of=datetime.fromisoformat(as_of),
    )


def mails(*messages: Json, owner: str = ADA, **options: Any) -> Organisation:
    """An organisation in which one mailbox holds these messages."""
    return organisation({owner: mailbox(messages)}, **options)


def meetings(*events: Json, owner: str = ADA, **options: Any) -> Organisation:
    """An organisation in which one calendar holds these meetings."""
    return organisation({owner: mailbox(events=events)}, **options)


def calendars(*told: Json, **options: Any) -> Organisation:
    """One copy of a meeting in Ada's calendar, the next in Bob's, the next in Cyd's; all three are listed."""
    boxes = {owner: mailbox(events=[copy]) for owner, copy in zip((ADA, BOB, CYD), told, strict=False)}
    users = [user(ADA), user(BOB), user(CYD)]
    return organisation(boxes, users=options.pop("users", users), **options)
