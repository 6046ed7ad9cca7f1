"""An enrichment with results, published from figures that a test writes down."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from activities import publish_results
from shared.adapters import shuffles
from shared.adapters.plan_files import write_plan
from shared.core import blob_names
from shared.core.addresses import AddressBook
from shared.core.contracts import PublishOrder
from shared.core.enrichment import Enrichment, Options
from shared.core.figures import NEVER, Figures
from shared.core.periods import DAYS, LEVELS, Window
from shared.core.plan import Plan
from shared.services import Services, enrichments
from shared.services.conditions import Condition
from tests.facts import AS_OF_US, contacts
from tests.fakes import fake_services
from tests.triggers.world import BODY
from triggers import http

# The window of tests/facts: 1 July 2025 to 30 June 2026, twelve whole months.
COUNTS = {
    "Mailbox": {"Read": 2, "NotEnabled": 1},
    "Message": {"Counted": 7, "Internal": 3},
    "Meeting": {"Counted": 2},
    "Contact": {"Used": 5},
}
Row = dict[str, Any]

_seconds = itertools.count()


def services_over(monkeypatch: pytest.MonkeyPatch) -> Services:
    """Services over memory, which the triggers use, with an enrichment in them."""
    made = fake_services()
    monkeypatch.setattr(http, "services", lambda: made)
    save(made)
    return made


def save(svc: Services, name: str = "sales", **changes: Any) -> None:
    body = Enrichment.model_validate(BODY | changes, by_alias=True, by_name=False)
    enrichments.save(svc, name, body, [], None, Condition())


def customer(account: str, months: dict[int, Row] | None = None, **year: Any) -> list[Row]:
    """The Year row and the month rows of a customer, without weeks.

    months: by ordinal; what the Year row does not say is their sum, for people their largest · year: figures of the
    Year row, days as indexes into the window; `people`: ours on every row, by default 2.
    """
    rows = [
        {"account": account, "level": "Month", "period": period, "people": year.get("people", 2), **told}
        for period, told in (months or {0: {}}).items()
    ]
    for row in rows:
        row.setdefault("meetings", row.get("meetings_to", 0) + row.get("meetings_from", 0))
    summed = {
        name: sum(row.get(name, 0) for row in rows)
        for name in ("emails_to", "emails_from", "meetings_to", "meetings_from", "meetings")
    }
    largest = {
        name: max(row.get(name, 0) for row in rows)
        for name in ("people_emails", "people_meetings", "contacts_emails", "contacts_meetings")
    }
    whole = {"account": account, "level": "Year", "period": 0, "people": 2, "first_day": 0, "last_day": DAYS - 1}
    return [whole | summed | largest | year, *rows]


def publish(
    svc: Services,
    *customers: list[Row],
    name: str = "sales",
    as_of_us: int = AS_OF_US,
    known: dict[str, str | None] | None = None,
    listed: Iterable[str] = (),
    options: Options | None = None,
) -> str:
    """The id of a run that has published. known: of the customers data · listed: more customers of contact rows."""
    run = f"20260701T{next(_seconds):06d}Z"
    rows = [row for each in customers for row in each]
    accounts = sorted({row["account"] for row in rows} | set(listed))
    none = np.zeros(0, np.uint64)
    plan = Plan(
        people=["ada", "bob"],
        book=AddressBook(none, np.zeros(0, np.int32), np.arange(len(accounts), dtype=np.uint64), frozenset()),
        contacts=contacts(*[[(account, f"contact of {account}")] for account in accounts]),
        window=Window(as_of_us, "UTC"),
        options=options or Options(),
        hierarchy=False,
        customers=known,
    )
    write_plan(svc.storage.staging, name, run, plan)
    record = {"phase": "active", "status": {"state": "Succeeded", "endedAt": None}, "configHash": "c0ffee"}
    svc.storage.config.write(blob_names.run(name, run), json.dumps(record).encode())
    shuffles.write(
        svc.storage.staging, {blob_names.figures(name, run, 0, "accounts"): lambda: [_figures(rows, accounts)]}
    )
    order = PublishOrder(enrichment=name, run_id=run, as_of_us=as_of_us, parts=1, counts=COUNTS, days_with_items=200)
    publish_results.run(order, svc)
    return run


def _figures(rows: list[Row], accounts: list[str]) -> Figures:
    coded = [row | {"account": accounts.index(row["account"]), "level": LEVELS.index(row["level"])} for row in rows]
    missing = {"last_email_day": NEVER, "last_meeting_day": NEVER}
    kinds = {"level": np.int8, "meeting_minutes": np.float64, "reply_minutes": np.float64}
    columns: dict[str, Any] = {
        name: np.array([row.get(name, missing.get(name, 0)) for row in coded], kinds.get(name, np.int32))
        for name in Figures.__dataclass_fields__
    }
    return Figures(**columns)
