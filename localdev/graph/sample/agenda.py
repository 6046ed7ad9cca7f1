"""A year of meetings: visits and calls with customers, series that go on for months, and what else is in calendars."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta

from localdev.graph.sample import days
from localdev.graph.sample.company import Person, rooms
from localdev.graph.sample.customers import Customer
from localdev.graph.sample.mail import Address, ours
from localdev.graph.sample.meetings import Attendee, Gathering

WE_INVITE = 0.7  # of the meetings
ANSWERS = ("accepted", "tentativelyAccepted", "none", "declined")
ANSWER_WEIGHTS = (72, 10, 11, 7)
LENGTHS = (30, 45, 60, 60, 90, 120)
KINDS = ("usual", "cancelled", "private", "all-day", "draft", "nobody", "refused")
KIND_WEIGHTS = (910, 40, 12, 12, 6, 10, 10)
STEADY_SERIES = {"key": 1, "steady": 4, "rising": 2, "single": 4}  # weeks between the dates of a series


def meetings(customer: Customer, year: days.Days) -> Iterator[Gathering]:
    """Single meetings with one account, those of the next days too, and a series where the account has one."""
    rng = random.Random(f"{customer.id}/meetings")
    ahead = [year.last + timedelta(days=number) for number in range(1, 15)]
    for day in [*year.all(), *ahead]:
        busy = days.pace(day) * customer.pace(max(year.before_end(day), 0))
        for _ in range(days.how_many(rng, customer.meetings / 21 * busy) if busy else 0):
            yield _single(rng, customer, day)
    if customer.meetings >= 2 and customer.story in STEADY_SERIES:
        yield from _series(rng, customer, year, STEADY_SERIES[customer.story])


def _single(rng: random.Random, customer: Customer, day: date) -> Gathering:
    start = _quarter(days.moment(rng, day))
    organizer, attendees = _invited(rng, customer, rng.random() < WE_INVITE)
    meeting = Gathering(
        uuid.UUID(int=rng.getrandbits(128), version=4),
        organizer,
        attendees,
        start,
        start + timedelta(minutes=rng.choice(LENGTHS)),
    )
    return _special(rng.choices(KINDS, KIND_WEIGHTS)[0], meeting, day)


def _invited(rng: random.Random, customer: Customer, we_invite: bool) -> tuple[Address, list[Attendee]]:
    """The organizer and whom the meeting names: one to three of ours, one to four of theirs, at times a room."""
    team = list(customer.sellers)
    we = [team[0], *rng.sample(team[1:], min(len(team) - 1, rng.choice((0, 0, 1, 1, 2))))]
    contacts = [Address(c.name, c.address) for c in customer.contacts]
    they = rng.sample(contacts, min(len(contacts), rng.choice((1, 1, 2, 2, 3, 4))))
    organizer = ours(we[0]) if we_invite else they[0]
    named = [address for address in [*(ours(person) for person in we), *they] if address != organizer]
    attendees = [
        Attendee(address, rng.choices(ANSWERS, ANSWER_WEIGHTS)[0], "optional" if rng.random() < 0.15 else "required")
        for address in named
    ]
    if we_invite and rng.random() < 0.3:
        attendees.append(Attendee(ours(rng.choice(rooms())), kind="resource"))
    return organizer, attendees


def _special(kind: str, meeting: Gathering, day: date) -> Gathering:
    """A meeting that is not what it seems: called off, private, a whole day, unsent, or declined by one side."""
    match kind:
        case "cancelled":
            return replace(meeting, cancelled=True)
        case "private":
            return replace(meeting, sensitivity="private")
        case "draft":
            return replace(meeting, draft=True)
        case "all-day":
            midnight = datetime.combine(day, datetime.min.time(), meeting.start.tzinfo)
            return replace(meeting, all_day=True, start=midnight, end=midnight + timedelta(days=1))
        case "nobody" | "refused":
            declined = [replace(a, answer="declined") for a in meeting.attendees if a.kind != "resource"]
            return replace(meeting, attendees=declined)
    return meeting


def _series(rng: random.Random, customer: Customer, year: days.Days, weeks: int) -> Iterator[Gathering]:
    """A weekly or less frequent call: the dates as a calendar view shows them, some moved, some called off."""
    series = uuid.UUID(int=rng.getrandbits(128), version=4)
    organizer, attendees = _invited(rng, customer, we_invite=True)
    weekday, hour = rng.randrange(1, 4), rng.choice((9.5, 10.0, 11.0, 15.0, 16.0))
    dates = [day for day in year.all() if day.weekday() == weekday][::weeks]
    start = days.at(dates[0], hour)
    end = start + timedelta(minutes=30)
    yield Gathering(series, organizer, attendees, start, end, kind="seriesMaster", series=series, every=weeks)
    for day in filter(days.is_working, dates):
        moved, off = rng.random() < 0.08, rng.random() < 0.04
        start = days.at(day, hour + 1 if moved else hour)
        answers = [replace(a, answer=rng.choices(ANSWERS, ANSWER_WEIGHTS)[0]) for a in attendees]
        yield Gathering(
            uuid.UUID(int=rng.getrandbits(128), version=4),
            organizer,
            answers if moved else attendees,
            start,
            start + timedelta(minutes=30),
            kind="exception" if moved else "occurrence",
            series=series,
            planned=day,
            cancelled=off,
        )


def team_meetings(staff: list[Person], year: days.Days) -> Iterator[Gathering]:
    """Each department's Monday, which is internal, and an appointment that each keeps to oneself."""
    rng = random.Random("serra/teams")
    for department in dict.fromkeys(person.department for person in staff):
        team = [person for person in staff if person.department == department]
        series, lead = uuid.UUID(int=rng.getrandbits(128), version=4), ours(team[0])
        attendees = [Attendee(ours(person)) for person in team[1:]]
        mondays = [day for day in year.all() if day.weekday() == 0]
        start = days.at(mondays[0], 9.25)
        end = start + timedelta(minutes=45)
        yield Gathering(series, lead, attendees, start, end, kind="seriesMaster", series=series, every=1)
        for day in filter(days.is_working, mondays):
            start = days.at(day, 9.25)
            end = start + timedelta(minutes=45)
            guid = uuid.UUID(int=rng.getrandbits(128), version=4)
            yield Gathering(guid, lead, attendees, start, end, kind="occurrence", series=series, planned=day)
    for person in staff:
        for day in rng.sample([day for day in year.all() if days.is_working(day)], 6):
            start = _quarter(days.moment(rng, day))
            guid = uuid.UUID(int=rng.getrandbits(128), version=4)
            yield Gathering(guid, ours(person), [], start, start + timedelta(hours=1), sensitivity="private")


def webinar(accounts: list[Customer], staff: list[Person], year: days.Days) -> Gathering:
    """An invitation to everybody: too many people to say anything about one account."""
    host = next(person for person in staff if person.department == "Marketing")
    everybody = [Address(contact.name, contact.address) for account in accounts for contact in account.contacts]
    start = days.at(_working_day_before(year, 60), 16.0)
    attendees = [Attendee(address, "none", "optional") for address in everybody]
    attendees += [Attendee(ours(person)) for person in staff if person.department == "Customer Success"]
    guid = uuid.uuid5(uuid.NAMESPACE_DNS, "webinar.serra.example")
    return Gathering(guid, ours(host), attendees, start, start + timedelta(hours=1))


def _working_day_before(year: days.Days, back: int) -> date:
    return next(day for day in reversed(year.all()[:-back]) if days.is_working(day))


def _quarter(instant: datetime) -> datetime:
    return instant.replace(minute=instant.minute // 15 * 15, second=0)
