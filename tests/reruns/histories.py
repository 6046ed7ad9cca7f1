"""Random histories of a small tenant: what people, mail servers and administrators do between two runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any

from localdev.graph.mailbox import Mailbox, empty
from localdev.graph.tenant_files import TenantFiles
from tests.reruns.world import World
from tests.villagers import DATA, TENANT, person

Entity = dict[str, Any]

PEOPLE = ("ada", "ben", "cleo")
CONTACTS = ("k1@a.example", "k2@a.example", "l1@b.example", "m1@c.example")
OTHERS = ("zoe@third.example", "bot@village.example")
FOLDERS = ("inbox", "sentitems", "deleteditems", "drafts", "junkemail", "custom", "spam")
ROWS = ("K1,A,k1@a.example", "K2,A,k2@a.example", "L1,B,l1@b.example", "M1,C,m1@c.example", "L1,C,l1@b.example")


def user_id(name: str) -> str:
    return f"00000000-0000-0000-0000-{PEOPLE.index(name) + 1:012d}"


def address(name: str) -> str:
    return f"{name}@village.example"


def tenant(r: Random, at: datetime) -> TenantFiles:
    """Three people with some mail of the last year, in custom folders and below Junk too, and some meetings."""
    mailboxes = {user_id(name): _mailbox(r, name, at) for name in PEOPLE}
    return TenantFiles(
        tenant=dict(TENANT),
        users=[person(user_id(name), name, address(name)) for name in PEOPLE],
        groups=[],
        mailboxes=mailboxes,
        contacts_csv="\n".join(["ContactId,AccountId,Email", *ROWS[:4], ""]).encode(),
        accounts_csv=b"AccountId,Name,ParentId\nA,One,\nB,Two,A\nC,Three,\n",
        enrichment=configuration(),
    )


def configuration(**options: Any) -> Entity:
    return {
        "addresses": [address(name) for name in PEOPLE],
        "consentAgreed": True,
        **DATA,
        "schedule": "off",
        "timeZone": "Europe/Berlin",
        "options": options,
    }


def _mailbox(r: Random, name: str, at: datetime) -> Entity:
    mailbox = empty(user_id(name))
    root = mailbox["folders"][0]["id"]
    for folder, parent in (("custom", root), ("spam", folder_id(name, "junkemail"))):
        mailbox["folders"].append({"id": folder_id(name, folder), "displayName": folder, "parentFolderId": parent})
    mailbox["messages"] = [
        {**message(r, name, _earlier(r, at)), "lastModifiedDateTime": _text(at - timedelta(days=1))}
        for _ in range(r.choice((0, 10, 40)))
    ]
    (calendar,) = mailbox["events"]
    mailbox["events"][calendar] = [event(r, name, at) for _ in range(r.choice((0, 4)))]
    return mailbox


def _earlier(r: Random, at: datetime) -> datetime:
    """Within the year, often about the time at which a run may look back."""
    about = at - timedelta(days=r.choice((0, 2, 40)))
    return r.choice(
        (about - timedelta(minutes=r.randrange(-120, 1440)), at - timedelta(minutes=r.randrange(370 * 1440)))
    )


def folder_id(name: str, folder: str) -> str:
    return f"AAMkFolder{user_id(name)}-{folder}"


def message(r: Random, name: str, received: datetime) -> Entity:
    """A copy in the mailbox of `name`; now and then sent long before, or by a clock that is ahead."""
    sent = received - r.choice((timedelta(seconds=2), timedelta(seconds=2), timedelta(days=20), -timedelta(hours=3)))
    sender = r.choice((address(name), *map(address, PEOPLE), *CONTACTS, *OTHERS[:1]))
    named = r.sample((address(name), *CONTACTS, *CONTACTS, *OTHERS), r.choice((1, 2, 3)))
    number = r.randrange(10**9)
    return {
        "id": f"AAMk{number:010d}",
        "internetMessageId": f"<{number % 40}@mail.example>" if r.random() < 0.7 else None,
        "sentDateTime": _text(sent),
        "receivedDateTime": _text(received),
        "isDraft": r.random() < 0.1,
        "from": {"emailAddress": {"address": sender}},
        "toRecipients": [{"emailAddress": {"address": each}} for each in named],
        "ccRecipients": [],
        "bccRecipients": [],
        "conversationId": f"conversation-{number % 7}",
        "conversationIndex": None,
        "parentFolderId": folder_id(name, r.choice((*FOLDERS, "inbox", "inbox", "custom", "custom"))),
        **({"@odata.type": "#microsoft.graph.eventMessageRequest"} if r.random() < 0.05 else {}),
    }


def event(r: Random, name: str, at: datetime) -> Entity:
    start = at - timedelta(minutes=r.randrange(-2 * 1440, 370 * 1440))
    number = r.randrange(30)
    return {
        "id": f"AAMkEvent{r.randrange(10**9)}",
        "iCalUId": f"meeting-{number}",
        "type": "singleInstance",
        "start": {"dateTime": f"{start:%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": "UTC"},
        "end": {"dateTime": f"{start + timedelta(minutes=45):%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": "UTC"},
        "isAllDay": False,
        "isCancelled": r.random() < 0.1,
        "isDraft": False,
        "sensitivity": "normal",
        "responseStatus": {"response": r.choice(("accepted", "declined", "none"))},
        "organizer": {"emailAddress": {"address": r.choice((address(name), *CONTACTS))}},
        "attendees": [
            {"emailAddress": {"address": each}, "type": "required", "status": {"response": "none"}}
            for each in r.sample((*map(address, PEOPLE), *CONTACTS), 3)
        ],
    }


def happens(r: Random, world: World) -> None:
    """One thing that happens in the tenant, at the time it is."""
    deeds: tuple[tuple[int, Callable[[Random, World, str], None]], ...] = (
        (6, _arrives),
        (3, _arrives_late),
        (1, _arrives_early),
        (3, _vanishes),
        (3, _moves),
        (2, _is_edited),
        (2, _draft_is_sent),
        (1, _loses_its_date),
        (3, _folder_moves),
        (1, _folder_comes),
        (3, _calendar_changes),
        (1, _mailbox_closes_or_opens),
        (1, _contacts_change),
        (1, _rules_change),
    )
    deed = r.choice([each for weight, each in deeds for _ in range(weight)])
    deed(r, world, r.choice(PEOPLE))


def _arrives(r: Random, world: World, name: str) -> None:
    _deliver(world, name, [message(r, name, world.time.now()) for _ in range(r.choice((1, 1, 3)))])


def _arrives_late(r: Random, world: World, name: str) -> None:
    """From another mailbox, a backup or a server that was down: its time of receipt is long gone."""
    _deliver(world, name, [message(r, name, world.time.now() - timedelta(seconds=r.randrange(372 * 86_400)))])


def _arrives_early(r: Random, world: World, name: str) -> None:
    """By a clock that is ahead: received hours or days from now."""
    _deliver(world, name, [message(r, name, world.time.now() + timedelta(hours=r.choice((1, 20, 30, 60))))])


def _vanishes(r: Random, world: World, name: str) -> None:
    found = _some(r, world, name)
    world.emulator.remove(user_id(name), [each["id"] for each in found])


def _moves(r: Random, world: World, name: str) -> None:
    _change(world, name, _some(r, world, name), parentFolderId=folder_id(name, r.choice(FOLDERS)))


def _is_edited(r: Random, world: World, name: str) -> None:
    found = _some(r, world, name)
    _change(world, name, found, toRecipients=message(r, name, world.time.now())["toRecipients"])


def _draft_is_sent(r: Random, world: World, name: str) -> None:
    now = _text(world.time.now())
    drafts = [each for each in _all(world, name) if each["isDraft"]]
    place = folder_id(name, "sentitems")
    _change(world, name, drafts[:1], isDraft=False, receivedDateTime=now, sentDateTime=now, parentFolderId=place)


def _loses_its_date(r: Random, world: World, name: str) -> None:
    """A broken item: without a time of receipt it does not exist."""
    _change(world, name, _some(r, world, name)[:1], receivedDateTime=None)


def _folder_moves(r: Random, world: World, name: str) -> None:
    """In or out of Junk; its messages do not show it."""
    folder = _box(world, name).folder(folder_id(name, r.choice(("custom", "spam"))))
    folder["parentFolderId"] = folder_id(name, r.choice(("msgfolderroot", "junkemail", "drafts")))


def _folder_comes(r: Random, world: World, name: str) -> None:
    new = {"id": folder_id(name, f"new{r.randrange(10**6)}"), "displayName": "New"}
    parent = r.choice(("junkemail", "inbox"))
    _box(world, name).add_folder({**new, "parentFolderId": folder_id(name, parent)})
    _change(world, name, _some(r, world, name)[:2], parentFolderId=new["id"])


def _calendar_changes(r: Random, world: World, name: str) -> None:
    """Meetings come, move, are cancelled or taken out."""
    box = _box(world, name)
    calendar = box.calendar_id(None)
    at = world.time.now()
    now = box.view(calendar, at - timedelta(days=500), at + timedelta(days=500))
    kept = [{**each, "isCancelled": r.random() < 0.3} for each in now if r.random() < 0.7]
    moved = [{**each, "start": each["end"], "end": event(r, name, at)["end"]} for each in kept[:1]]
    box.schedule(calendar, [*kept[1:], *moved, *(event(r, name, at) for _ in range(r.choice((0, 1, 2))))])


def _mailbox_closes_or_opens(r: Random, world: World, name: str) -> None:
    user = world.emulator.tenant.user(user_id(name))
    user["mailbox"] = r.choice(("ok", "ok", "NotEnabled", "AccessDenied"))


def _contacts_change(r: Random, world: World, name: str) -> None:
    rows = r.sample(ROWS, r.choice((3, 4, 5)))
    world.storage.input.write("contacts.csv", "\n".join(["ContactId,AccountId,Email", *rows, ""]).encode())


def _rules_change(r: Random, world: World, name: str) -> None:
    options = r.choice(({}, {"maxRecipients": 2}, {"bands": {"high": 80, "medium": 20}}, {"minPeople": 2}))
    body = configuration(**options)
    if r.random() < 0.3:
        body["addresses"] = body["addresses"][:2]
    world.configure(body)


def _box(world: World, name: str) -> Mailbox:
    return world.emulator.tenant.changing(user_id(name))


def _all(world: World, name: str) -> list[Entity]:
    return _box(world, name).received_between(None, None)


def _some(r: Random, world: World, name: str) -> list[Entity]:
    found = _all(world, name)
    return r.sample(found, min(len(found), r.choice((1, 1, 2, 8))))


def _deliver(world: World, name: str, messages: list[Entity]) -> None:
    world.emulator.deliver(user_id(name), messages)


def _change(world: World, name: str, messages: list[Entity], **properties: Any) -> None:
    _deliver(world, name, [{"id": each["id"], **properties} for each in messages])


def _text(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
