"""The figures of a large result, before it is published: what publishing and its readers are measured with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.synthetic import AS_OF_US, NAME, WINDOW
from shared.adapters import shuffles
from shared.adapters.plan_files import write_plan
from shared.core import blob_names
from shared.core.addresses import AddressBook
from shared.core.columns import split
from shared.core.contracts import PublishOrder
from shared.core.enrichment import Enrichment, Options
from shared.core.facts import Contacts
from shared.core.figures import Figures, ranges_of
from shared.core.periods import DAYS, LEVELS
from shared.core.plan import Plan
from shared.services import Services, enrichments
from shared.services.conditions import Condition
from shared.services.documents import dump

COUNTS = {"Mailbox": {"Read": 2_500}, "Message": {"Counted": 4_000_000}, "Meeting": {"Counted": 400_000}}


def unpublished(svc: Services, run: str, number: int, seed: int) -> tuple[PublishOrder, int]:
    """Everything that publishing reads: customers with a row for the year, each month and each week; how many rows."""
    _write_plan(svc, run, number)
    figures = _figures(np.random.default_rng(seed), number)
    size, ranges = ranges_of(number)
    name = blob_names.figures(NAME, run, 0, "accounts")
    shuffles.write(svc.storage.staging, {name: lambda: split(figures, figures.account // size, ranges)})
    record = {"phase": "active", "configHash": "bench", "status": {"state": "Succeeded"}}
    svc.storage.config.write(blob_names.run(NAME, run), dump(record))
    order = PublishOrder(enrichment=NAME, run_id=run, as_of_us=AS_OF_US, parts=1, counts=COUNTS, days_with_items=365)
    return order, len(figures.account)


def _write_plan(svc: Services, run: str, number: int) -> None:
    """One contact per customer, who has a name."""
    ids = [f"account-{each:06d}" for each in range(number)]
    none, each = np.zeros(0, np.uint64), np.arange(number, dtype=np.int32)
    plan = Plan(
        people=["ada", "bob"],
        book=AddressBook(none, np.zeros(0, np.int32), each.astype(np.uint64), frozenset()),
        contacts=Contacts(np.arange(number + 1), each, each, ids, each, ids),
        window=WINDOW,
        options=Options(),
        hierarchy=False,
        customers={customer: f"Customer {customer[-3:]} {customer[8:]}" for customer in ids},
    )
    write_plan(svc.storage.staging, NAME, run, plan)
    body = {
        "displayName": NAME,
        "addresses": ["ada@contoso.example", "bob@contoso.example"],
        "consentAgreed": True,
        "contacts": {"blob": "contacts.csv", "contactId": "Id", "customerId": "Account", "email": "Email"},
    }
    enrichments.save(svc, NAME, Enrichment.model_validate(body), [], 2, Condition())


def _figures(random: np.random.Generator, number: int) -> Figures:
    periods = [(level, period) for level, name in enumerate(LEVELS) for period in range(_periods(name))]
    level, period = (np.tile([each[place] for each in periods], number) for place in range(2))
    account = np.repeat(np.arange(number), len(periods))
    last_email, last_meeting = (np.repeat(random.integers(0, DAYS, number), len(periods)) for _ in range(2))
    ends = np.array([WINDOW.period_last_day(LEVELS[each], at) for each, at in periods])
    known = {
        "account": account,
        "level": level,
        "period": period,
        "people": np.full(len(account), 5),
        "last_day": np.tile(ends, number),
        "first_day": np.zeros(len(account)),
        "last_email_day": last_email,
        "last_meeting_day": last_meeting,
    }
    busy = np.repeat(1 + 9 * random.random(number) ** 3, len(periods)) * np.where(
        level == 0, 12, np.where(level == 1, 3, 1)
    )

    def counted() -> NDArray[Any]:
        return random.poisson(busy)

    names = Figures.__dataclass_fields__
    kinds = {"level": np.int8, "meeting_minutes": np.float64, "reply_minutes": np.float64}
    columns: dict[str, Any] = {
        name: (known[name] if name in known else counted()).astype(kinds.get(name, np.int32)) for name in names
    }
    columns["meetings"] = columns["meetings_to"] + columns["meetings_from"]
    return Figures(**columns)


def _periods(level: str) -> int:
    return int(WINDOW.period_of_day(level)[-1]) + 1
