"""A year of mail and meetings of a large organisation, as the copies that mailboxes leave; made from a seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from shared.adapters import shuffles
from shared.adapters.plan_files import load_plan, write_plan
from shared.core import blob_names
from shared.core.addresses import AddressBook
from shared.core.columns import concat, ranges, take
from shared.core.contracts import Spread
from shared.core.enrichment import Enrichment, Options
from shared.core.facts import Contacts, MeetingCopies, MessageCopies, Ragged
from shared.core.periods import Window
from shared.core.plan import Plan
from shared.services import Services, enrichments
from shared.services.conditions import Condition
from shared.services.documents import dump

NAME, RUN = "bench", "20261120T160000Z"
AS_OF_US = 1_795_188_600_000_000
WINDOW = Window(AS_OF_US, "Europe/Berlin")
SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
PEOPLE = 2_500
HUGE = 2**63

Copies = TypeVar("Copies", MessageCopies, MeetingCopies)


@dataclass(frozen=True, slots=True)
class Size:
    """messages, meetings: items."""

    messages: int
    meetings: int
    accounts: int
    spread: Spread


def write_everything(
    svc: Services,
    size: Size,
    messages: Callable[[Any, int, Contacts], MessageCopies] | None = None,
    meetings: Callable[[Any, int, Contacts], MeetingCopies] | None = None,
) -> None:
    """The plan, the run's record and the partitions of copies.

    messages, meetings: what makes some, out of random numbers, for these contacts; `message_copies`, `meeting_copies`.
    """
    messages, meetings = messages or message_copies, meetings or meeting_copies
    random = np.random.default_rng(7)
    contacts = some_contacts(random, size.accounts)
    _write_plan(svc, contacts)
    partitions = size.spread.partitions
    for call in range(size.spread.joins):
        numbers = size.spread.of_call(call, partitions)
        kinds: list[tuple[str, list[MessageCopies] | list[MeetingCopies]]] = [
            ("messages", [messages(random, size.messages // partitions, contacts) for _ in numbers]),
            ("meetings", [meetings(random, size.meetings // partitions, contacts) for _ in numbers]),
        ]
        for kind, copies in kinds:
            shuffles.write(
                svc.storage.staging, {blob_names.partitions(NAME, RUN, call, 0, kind): partial(list, copies)}
            )


def some_contacts(random: np.random.Generator, accounts: int) -> Contacts:
    """Five contacts per account, each with one address; a tenth of the accounts lie below another one."""
    ids = [f"account-{number:06d}" for number in range(accounts)]
    number = np.arange(5 * accounts)
    top = np.arange(accounts, dtype=np.int32)
    below = random.choice(accounts, accounts // 10, replace=False)
    top[below] = below // 2
    kept = np.unique(top)
    return Contacts(
        pair_offsets=np.arange(5 * accounts + 1),
        account=(number // 5).astype(np.int32),
        contact=number.astype(np.int32),
        accounts=ids,
        top=np.searchsorted(kept, top).astype(np.int32),
        tops=[ids[one] for one in kept],
    )


def _write_plan(svc: Services, contacts: Contacts) -> None:
    none = np.zeros(0, np.uint64)
    hashes = np.arange(len(contacts.pair_offsets) - 1, dtype=np.uint64)
    plan = Plan(
        people=[f"person-{number:04d}" for number in range(PEOPLE)],
        book=AddressBook(none, np.zeros(0, np.int32), hashes, frozenset()),
        contacts=contacts,
        window=WINDOW,
        options=Options(),
        hierarchy=True,
    )
    write_plan(svc.storage.staging, NAME, RUN, plan)
    body: dict[str, Any] = {
        "displayName": NAME,
        "addresses": ["all@contoso.example", "ada@contoso.example"],
        "consentAgreed": True,
        "contacts": {"blob": "contacts.csv", "contactId": "Id", "customerId": "Account", "email": "Email"},
    }
    enrichments.save(svc, NAME, Enrichment.model_validate(body), [], PEOPLE, Condition())
    svc.storage.config.write(blob_names.run(NAME, RUN), dump({"phase": "active", "configHash": "bench"}))


def plan_of(svc: Services) -> Plan:
    return load_plan(svc.storage.staging, NAME, RUN)


def flatten(svc: Services) -> None:
    """Let every account be its own top."""
    plan = plan_of(svc)
    accounts = plan.contacts.accounts
    contacts = replace(plan.contacts, top=np.arange(len(accounts), dtype=np.int32), tops=accounts)
    svc.storage.staging.delete(blob_names.plan(NAME, RUN, "run.json"))  # a run keeps the plan that it has
    assert write_plan(svc.storage.staging, NAME, RUN, replace(plan, contacts=contacts, hierarchy=False))


def message_copies(random: np.random.Generator, count: int, contacts: Contacts) -> MessageCopies:
    """Conversations of about four messages between ours and one account; a third of the items in two copies."""
    conversation = random.integers(0, max(count // 4, 1), count)
    account = _skewed(random, len(contacts.accounts), int(conversation.max(initial=0)) + 1)[conversation]
    sent = (AS_OF_US // SECOND_US - np.sort(random.integers(0, 364 * 86_400, count))[::-1]) * SECOND_US
    from_us = random.random(count) < 0.55
    ours = -2 - random.integers(0, PEOPLE, count)
    theirs = 1 + account * 5 + random.integers(0, 5, count)
    named = 1 + (random.random(count) < 0.3).astype(np.int64)
    position = ranges(np.zeros(count, np.int64), named)
    row = np.repeat(np.arange(count), named)
    first = np.where(from_us, theirs, ours)[row]
    second = np.where(random.random(len(row)) < 0.5, 1 + account[row] * 5, -2 - random.integers(0, PEOPLE, len(row)))
    copies = MessageCopies(
        item=random.integers(0, HUGE, count).astype(np.uint64),
        conversation=(conversation.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15),
        sent=sent,
        received=sent + 3 * SECOND_US,
        owner=random.integers(0, PEOPLE, count).astype(np.int32),
        sender=np.where(from_us, ours, theirs).astype(np.int32),
        crowded=np.zeros(count, np.bool_),
        recipients=Ragged(np.concatenate([[0], np.cumsum(named)]), np.where(position, second, first).astype(np.int32)),
    )
    return _with_doubles(copies, random.random(count) < 1 / 3)


def meeting_copies(random: np.random.Generator, count: int, contacts: Contacts) -> MeetingCopies:
    """Two of ours and two of an account; a third of the items in two copies."""
    account = _skewed(random, len(contacts.accounts), count)
    start = AS_OF_US - 364 * DAY_US + random.integers(0, 363 * 48, count) * (DAY_US // 48)
    owner = random.integers(0, PEOPLE, count)
    theirs = 1 + account * 5
    attendees = np.stack([-2 - random.integers(0, PEOPLE, count), theirs, theirs + 1], axis=1)
    copies = MeetingCopies(
        item=random.integers(0, HUGE, count).astype(np.uint64),
        start=start,
        end=start + random.integers(1, 5, count) * 900_000_000,
        owner=owner.astype(np.int32),
        organizer=np.where(random.random(count) < 0.7, -2 - owner, theirs).astype(np.int32),
        has_organizer=np.ones(count, np.bool_),
        own_answer=random.integers(0, 3, count).astype(np.int8),
        crowded=np.zeros(count, np.bool_),
        attendees=Ragged(np.arange(count + 1) * 3, attendees.reshape(-1).astype(np.int32)),
        declined=random.random(3 * count) < 0.1,
    )
    return _with_doubles(copies, random.random(count) < 1 / 3)


def _skewed(random: np.random.Generator, accounts: int, count: int) -> NDArray[np.int64]:
    """Few accounts have much, most have little: the busiest has about one in a hundred."""
    drawn: NDArray[np.int64] = (accounts * random.random(count) ** 2.5).astype(np.int64)
    return drawn


def _with_doubles(copies: Copies, doubled: NDArray[np.bool_]) -> Copies:
    more = take(copies, np.flatnonzero(doubled))
    return concat([copies, replace(more, owner=(more.owner + 1) % PEOPLE)])
