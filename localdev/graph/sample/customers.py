"""The sample company's customers: accounts with the story that each tells, their contacts, and both as CSV."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from localdev.graph.sample.company import DOMAIN, Person, plain

SEED = "serra"
QUIET_DAYS = 75  # how long the account that went quiet has been so
TURN_DAYS = 92  # how long ago things began to rise or fall
FIRST, LAST = (line.split() for line in Path(__file__).with_name("names.txt").read_text("utf-8").splitlines())


@dataclass(frozen=True)
class Contact:
    id: str
    name: str
    address: str


@dataclass(frozen=True)
class Customer:
    """`threads` per week, `meetings` per month on a usual day; `sellers`: ours who deal with it, the main one first."""

    id: str
    name: str
    parent: str
    industry: str
    story: str
    threads: float
    meetings: float
    contacts: tuple[Contact, ...]
    sellers: tuple[Person, ...]

    def pace(self, days_before_end: int) -> float:
        """How busy this account is, so many days before the end, compared with its usual."""
        recent = days_before_end < TURN_DAYS
        match self.story:
            case "quiet":
                return 1.0 if days_before_end > QUIET_DAYS else 0.0
            case "rising":
                return 3.0 if recent else 0.12
            case "falling":
                return 0.1 if recent else 1.4
        return 1.0

    @cached_property
    def rng(self) -> random.Random:
        """Chance of its own, so that a change of one account's story leaves the others as they are."""
        return random.Random(f"{SEED}/{self.id}")


def customers(staff: Iterable[Person]) -> list[Customer]:
    by_name = {person.name: person for person in staff}
    with Path(__file__).with_name("customers.csv").open(encoding="utf-8", newline="") as file:
        return [_customer(row, by_name) for row in csv.DictReader(file)]


def _customer(row: dict[str, str], staff: dict[str, Person]) -> Customer:
    rng = random.Random(f"{SEED}/{row['AccountId']}/contacts")
    names: list[str] = []
    while len(names) < int(row["Contacts"]):
        name = f"{rng.choice(FIRST)} {rng.choice(LAST)}"
        if name not in names:
            names.append(name)
    contacts = tuple(
        Contact(f"{row['AccountId']}-{number:02d}", name, f"{_ascii(name)}@{row['Domain']}")
        for number, name in enumerate(names, 1)
    )
    return Customer(
        row["AccountId"],
        row["Name"],
        row["ParentId"],
        row["Industry"],
        row["Story"],
        float(row["Threads"]),
        float(row["Meetings"]),
        contacts,
        tuple(staff[name] for name in row["Sellers"].split(";")),
    )


def _ascii(name: str) -> str:
    return plain(name.replace("ø", "o"))


def contacts_csv(accounts: Iterable[Customer]) -> bytes:
    """The contacts data; a few rows are as untidy as such data are: no address, no customer, twice, one of our own."""
    rows = [(c.id, account.id, c.address, c.name) for account in accounts for c in account.contacts]
    rows += [
        ("C008-90", "C008", "", "Reception"),
        ("C009-90", "C009", "ask the front desk", "Plant manager"),
        ("C013-90", "", "press@maison-clairval.example", "Press office"),
        ("C038-90", "C038", f"ada.roca@{DOMAIN}", "Ada Roca"),
        rows[0],
    ]
    return _csv(("ContactId", "AccountId", "Email", "FullName"), rows)


def accounts_csv(accounts: Iterable[Customer]) -> bytes:
    """The customers data: the accounts, and the two groups that some of them belong to."""
    groups = [("G01", "Fjordbank Group", "", "Banking"), ("G02", "Aldgate Holdings", "", "Transport")]
    rows = [(a.id, a.name, a.parent, a.industry) for a in accounts]
    return _csv(("AccountId", "Name", "ParentId", "Industry"), [*rows, *groups])


def _csv(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([header, *rows])
    return text.getvalue().encode("utf-8")
