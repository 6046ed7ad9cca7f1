"""Mail that says nothing about a customer: talk in the house, newsletters, junk, drafts, invitations, notices."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta

from localdev.graph.sample import days
from localdev.graph.sample.company import DOMAIN, Person
from localdev.graph.sample.customers import Customer
from localdev.graph.sample.mail import Address, Letter, Thread, message_id, ours
from localdev.graph.sample.meetings import Gathering

THREADS_IN_HOUSE = 0.5  # per person and working day
NEWSLETTERS = (
    ("Optics Weekly", "news@optics-weekly.example"),
    ("Trade Fair News", "hello@tradefairs.example"),
    ("Cloud Digest", "digest@cloud-digest.example"),
)
EVERYONE = Address("Everyone", f"everyone@{DOMAIN}")


def in_house(staff: list[Person], year: days.Days) -> Iterator[Letter]:
    """Threads among colleagues, and a notice to everybody each month."""
    rng = random.Random("serra/in-house")
    for day in year.all():
        for _ in range(days.how_many(rng, THREADS_IN_HOUSE * len(staff) / 4 * days.pace(day))):
            people = rng.sample(staff, rng.choice((2, 2, 3, 4)))
            sent = first = days.moment(rng, day)
            thread = Thread.started(rng, sent)
            for turn in range(rng.choice((1, 2, 2, 3))):
                sender = people[turn % len(people)]
                to = [ours(person) for person in people if person is not sender]
                if sent <= year.as_of:
                    yield Letter(message_id(rng, sender.address), ours(sender), to, sent, thread)
                sent = days.in_office(rng, sent + timedelta(hours=rng.lognormvariate(0, 1)))
                thread = thread.followed(sent - first)
        if day.day == 3 and days.at(day, 9) <= year.as_of:
            sent = days.at(day, 9)
            thread = Thread.started(rng, sent)
            yield Letter(message_id(rng, DOMAIN), ours(staff[2]), [EVERYONE], sent, thread)


def newsletters(staff: list[Person], year: days.Days) -> Iterator[Letter]:
    """From people who are nobody's contact, with the headers that mailing programs set."""
    rng = random.Random("serra/newsletters")
    for name, address in NEWSLETTERS:
        readers = rng.sample(staff, len(staff) // 3)
        headers = [
            {"name": "List-Id", "value": f"<{address.partition('@')[2]}>"},
            {"name": "Precedence", "value": "bulk"},
        ]
        for day in year.all()[rng.randrange(7) :: 7]:
            sent = days.at(day, 7 + rng.random())
            if sent <= year.as_of:
                to, thread = [ours(person) for person in readers], Thread.started(rng, sent)
                yield Letter(message_id(rng, address), Address(name, address), to, sent, thread, headers=headers)


def offers(accounts: Iterable[Customer], staff: list[Person], year: days.Days) -> Iterator[Letter]:
    """Each quarter the Sales Director writes to every contact at once: too many recipients to be a conversation."""
    rng = random.Random("serra/offers")
    sender = next(person for person in staff if person.title == "Sales Director")
    everybody = [Address(contact.name, contact.address) for account in accounts for contact in account.contacts]
    for day in year.all()[40::91]:
        sent = days.at(day, 10)
        yield Letter(message_id(rng, sender.address), ours(sender), everybody, sent, Thread.started(rng, sent))


def strays(person: Person, accounts: list[Customer], year: days.Days) -> Iterator[tuple[str, Letter]]:
    """What lies in a person's junk and drafts, with the folder: some of it names customers, and none of it counts."""
    rng = random.Random(f"serra/{person.address}/strays")
    history = year.all()
    for number in range(12):
        sent = days.moment(rng, rng.choice(history[:-1]))
        contact = rng.choice(rng.choice(accounts).contacts)
        known = Address(contact.name, contact.address)
        spam = Address("Prize Office", f"win{rng.randrange(99)}@prizes.example")
        letter = Letter(message_id(rng, DOMAIN), ours(person), [known], sent, Thread.started(rng, sent))
        if number % 3 == 0:
            yield "junkemail", replace(letter, sender=known if number == 9 else spam, to=[ours(person)])
        elif number % 3 == 1:
            yield "drafts", replace(letter, draft=True)
        elif number == 2:
            yield "Plantillas", letter


def invitations(meeting: Gathering, year: days.Days) -> Iterator[Letter]:
    """The messages that arrange a meeting or a series: the request, and the attendees' answers to the organizer."""
    if meeting.draft or not meeting.attendees or meeting.kind in ("occurrence", "exception"):
        return
    rng = random.Random(f"serra/{meeting.guid}")
    sent = days.in_office(rng, meeting.start - timedelta(days=rng.choice((2, 5, 7, 9)), hours=rng.random() * 4))
    if sent > year.as_of or sent >= meeting.start:
        return
    thread = Thread.started(rng, sent)
    people = [attendee for attendee in meeting.attendees if attendee.kind != "resource"]
    to = [attendee.address for attendee in people]
    yield Letter(
        message_id(rng, meeting.organizer.address), meeting.organizer, to, sent, thread, kind="eventMessageRequest"
    )
    for attendee in people:
        answered = sent + timedelta(hours=rng.lognormvariate(0, 1))
        if attendee.answer != "none" and answered <= year.as_of and len(people) < 20:
            yield Letter(
                message_id(rng, attendee.address.address),
                attendee.address,
                [meeting.organizer],
                answered,
                thread.followed(answered - sent),
                kind="eventMessageResponse",
            )


def away_notices(accounts: list[Customer], year: days.Days) -> Iterator[Letter]:
    """Answers that a program gave while somebody was on leave."""
    rng = random.Random("serra/away")
    active = [account for account in accounts if account.story in ("steady", "key")]
    for _ in range(60):
        account = rng.choice(active)
        contact = rng.choice(account.contacts)
        sent = days.moment(rng, rng.choice(year.all()[:-1]))
        headers = [{"name": "Auto-Submitted", "value": "auto-replied"}]
        sender, seller = Address(contact.name, contact.address), account.sellers[0]
        thread = Thread.started(rng, sent)
        yield Letter(message_id(rng, contact.address), sender, [ours(seller)], sent, thread, headers=headers)
