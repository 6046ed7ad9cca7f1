"""Puts the sample tenant together; the mailboxes are filled only when the first of them is looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from localdev.graph.sample import agenda, background, correspondence
from localdev.graph.sample.company import Person, enrichment, groups, people, tenant, users
from localdev.graph.sample.customers import Customer, accounts_csv, contacts_csv, customers
from localdev.graph.sample.days import Days
from localdev.graph.sample.mailboxes import PostOffice
from localdev.graph.tenant_files import TenantFiles

AS_OF = datetime(2026, 9, 30, 16, 0, tzinfo=UTC)


def build(as_of: datetime | None = None) -> TenantFiles:
    """The sample tenant, whose year ends at `as_of` (aware; default `AS_OF`): the same instant, the same tenant."""
    ends = (as_of or AS_OF).astimezone(UTC).replace(microsecond=0)
    staff = people()
    accounts = customers(staff)
    return TenantFiles(
        tenant=tenant(f"{ends:%Y-%m-%dT%H:%M:%SZ}"),
        users=users(staff),
        groups=groups(staff),
        mailboxes=Mailboxes(ends),
        contacts_csv=contacts_csv(accounts),
        accounts_csv=accounts_csv(accounts),
        enrichment=enrichment(),
    )


class Mailboxes(Mapping[str, dict[str, Any]]):
    """User id → mailbox, told as one story and therefore all at once."""

    def __init__(self, as_of: datetime) -> None:
        self._year = Days(as_of)

    @cached_property
    def _all(self) -> dict[str, dict[str, Any]]:
        return fill(self._year)

    def __getitem__(self, user_id: str) -> dict[str, Any]:
        return self._all[user_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)


def fill(year: Days) -> dict[str, dict[str, Any]]:
    """The year itself: who wrote to whom, who met whom, and what else arrived."""
    staff = people()
    accounts = customers(staff)
    post = PostOffice(staff, groups(staff))
    _tell_mail(post, staff, accounts, year)
    gatherings = [
        *(meeting for account in accounts for meeting in agenda.meetings(account, year)),
        *agenda.team_meetings(staff, year),
        agenda.webinar(accounts, staff, year),
    ]
    for gathering in gatherings:
        post.meet(gathering)
        for letter in background.invitations(gathering, year):
            post.send(letter)
    return post.files()


def _tell_mail(post: PostOffice, staff: list[Person], accounts: list[Customer], year: Days) -> None:
    for account in accounts:
        for letter in correspondence.letters(account, year):
            post.send(letter)
    readable = [person for person in staff if person.readable]
    for letters in (
        background.in_house(readable, year),
        background.newsletters(readable, year),
        background.offers(accounts, staff, year),
        background.away_notices(accounts, year),
    ):
        for letter in letters:
            post.send(letter)
    for person in readable:
        for folder, letter in background.strays(person, accounts, year):
            post.keep(person.address, letter, folder)
