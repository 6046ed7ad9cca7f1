"""A year of mail between the company and its customers: threads with answers, each account in its own way."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from localdev.graph.sample import days
from localdev.graph.sample.company import PROJECTS, Person
from localdev.graph.sample.customers import Customer
from localdev.graph.sample.mail import Address, Letter, Thread, message_id, ours

WE_START = 0.6  # of the threads
COLLEAGUE_IN_COPY = 0.25
SECOND_CONTACT = 0.3
BLIND_COPY = 0.03
OUR_HOURS, THEIR_HOURS = 2.0, 4.0  # median time to answer
MORE_MESSAGES = 1.6  # beside the first one of a thread, on average
LIST = Address("Projects", PROJECTS)


def letters(customer: Customer, year: days.Days) -> Iterator[Letter]:
    """All messages exchanged with one account, up to the end of the year."""
    rng = customer.rng
    for day in year.all():
        busy = days.pace(day) * customer.pace(year.before_end(day))
        for _ in range(days.how_many(rng, customer.threads / 5 * busy) if busy else 0):
            yield from _thread(rng, customer, day, year.as_of)


def _thread(rng: random.Random, customer: Customer, day: date, as_of: datetime) -> Iterator[Letter]:
    first = sent = days.moment(rng, day)
    one_way = customer.story == "one-way"
    we_write = one_way or (rng.random() < WE_START and customer.story != "list")
    seller, colleague = _of_ours(rng, customer)
    contact, second = _of_theirs(rng, customer)
    conversation = Thread.started(rng, sent)
    for _ in range(1 if one_way else 1 + days.how_many(rng, MORE_MESSAGES)):
        if sent > as_of:
            return
        if we_write:
            yield _we_write(rng, conversation, sent, (seller, colleague), (contact, second))
        else:
            via_list = customer.story == "list"
            yield _they_write(rng, conversation, sent, (contact, second), (seller, colleague), via_list)
        we_write = not we_write
        wait = rng.lognormvariate(0, 1) * (OUR_HOURS if we_write else THEIR_HOURS)
        sent = days.in_office(rng, sent + timedelta(hours=wait))
        conversation = conversation.followed(sent - first)


def _of_ours(rng: random.Random, customer: Customer) -> tuple[Person, Person | None]:
    """The one of ours who writes, the main seller more often than others, and maybe a colleague in copy."""
    team = customer.sellers
    writer = team[0] if rng.random() < 0.6 else rng.choice(team)
    others = [person for person in team if person is not writer]
    return writer, rng.choice(others) if others and rng.random() < COLLEAGUE_IN_COPY else None


def _of_theirs(rng: random.Random, customer: Customer) -> tuple[Address, Address | None]:
    """Their contact, the first ones more often than the last, and maybe a second one."""
    contacts = [Address(contact.name, contact.address) for contact in customer.contacts]
    first = contacts[min(int(rng.expovariate(0.7)), len(contacts) - 1)]
    others = [contact for contact in contacts if contact != first]
    return first, rng.choice(others) if others and rng.random() < SECOND_CONTACT else None


def _we_write(
    rng: random.Random,
    conversation: Thread,
    sent: datetime,
    we: tuple[Person, Person | None],
    they: tuple[Address, Address | None],
) -> Letter:
    (seller, colleague), (contact, second) = we, they
    blind = colleague is not None and rng.random() < BLIND_COPY
    copied = [a for a in (second, ours(colleague) if colleague and not blind else None) if a]
    return Letter(
        message_id(rng, seller.address),
        ours(seller),
        [contact],
        sent,
        conversation,
        cc=copied,
        bcc=[ours(colleague)] if colleague and blind else [],
    )


def _they_write(
    rng: random.Random,
    conversation: Thread,
    sent: datetime,
    they: tuple[Address, Address | None],
    we: tuple[Person, Person | None],
    via_list: bool,
) -> Letter:
    """Their message; some programs write the addresses in their own way, and some customers write to the list."""
    (contact, second), (seller, colleague) = they, we
    if rng.random() < 0.1:
        contact = Address(contact.name, contact.address.title())
    to = [LIST] if via_list else [ours(seller)]
    copied = [a for a in (second, ours(colleague) if colleague and not via_list else None) if a]
    folder = rng.choices((None, "archive", "Clientes", "deleteditems"), (75, 10, 10, 5))[0]
    return Letter(message_id(rng, contact.address), contact, to, sent, conversation, cc=copied, folder=folder)
