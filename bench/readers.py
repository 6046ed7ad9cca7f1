"""Answers for readers: overview, lists, cards and segments of a large result in Azurite, as the triggers give them.

`python -m bench readers [--customers 10000] [--requests 200]` prints milliseconds: of the first request, which reads
the index or the table, then median and 95th percentile, and the median of this process's CPU time alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median, quantiles
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import parse_qsl

import azure.functions as func
import numpy as np
from numpy.typing import NDArray

from activities import publish_results
from bench.synthetic import AS_OF_US, NAME, RUN, WINDOW
from localdev import azurite
from shared.adapters import tables
from shared.adapters.blobs import connect
from shared.adapters.plan_files import write_plan
from shared.core import blob_names
from shared.core.addresses import AddressBook
from shared.core.contracts import PublishOrder
from shared.core.enrichment import Enrichment, Options
from shared.core.facts import Contacts
from shared.core.figures import Figures
from shared.core.periods import DAYS, LEVELS, from_us
from shared.core.plan import Plan
from shared.services import Services, enrichments
from shared.services.conditions import Condition
from shared.services.documents import dump
from triggers import customers, http, segments
from triggers.http import Access

OLDER = "20261113T160000Z"
COUNTS = {"Mailbox": {"Read": 2_500}, "Message": {"Counted": 4_000_000}, "Meeting": {"Counted": 400_000}}
OWN = {"level": "Week", "where": {"column": "EngagementScore", "op": "gt", "value": 50}}
Route = tuple[str, Callable[..., Awaitable[func.HttpResponse]], str, dict[str, str], Any]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench readers")
    parser.add_argument("--customers", type=int, default=10_000)
    parser.add_argument("--requests", type=int, default=200, help="of each kind")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, azurite.running(Path(folder)) as storage:
        settings = SimpleNamespace(auth_mode="keys", public_url="https://app.example")
        served = SimpleNamespace(
            storage=connect(storage.connection_string, None), settings=settings, now=lambda: from_us(AS_OF_US)
        )
        svc = cast("Services", served)
        rows = [_publish(svc, run, given.customers, seed) for seed, run in enumerate((OLDER, RUN))][-1]
        print(f"{given.customers:,} customers, {rows:,} rows; n = {given.requests} each, one after the other")
        vars(http)["services"] = lambda: svc
        asyncio.run(_measure(given.customers, given.requests))
    return 0


def _publish(svc: Services, run: str, number: int, seed: int) -> int:
    """A result whose customers have a row for the year, each month and each week. Its number of rows."""
    _write_plan(svc, run, number)
    figures = _figures(np.random.default_rng(seed), number)
    svc.storage.staging.write(blob_names.figures(NAME, run, 0, "accounts"), tables.write(figures))
    record = {"phase": "active", "configHash": "bench", "status": {"state": "Succeeded"}}
    svc.storage.config.write(blob_names.run(NAME, run), dump(record))
    order = PublishOrder(enrichment=NAME, run_id=run, as_of_us=AS_OF_US, buckets=1, counts=COUNTS, days_with_items=365)
    publish_results.run(order, svc)
    return len(figures.account)


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


async def _measure(number: int, requests: int) -> None:
    print(f"{'ms':<44}{'first':>8}{'median':>8}{'95 %':>8}{'CPU':>8}")
    saved = await _call("segments", segments.put, "", {"segment": "mine"}, OWN)
    assert saved.status_code == 201
    some = [f"account-{each:06d}" for each in np.random.default_rng(3).integers(0, number, requests)]
    for title, *route in _routes():
        taken, worked = [], []
        for customer in some:
            what, query, parameters, body = route
            begun, working = time.perf_counter(), time.process_time()
            answer = await _call(title, what, query, parameters | {"customerId": customer}, body)
            taken.append(1_000 * (time.perf_counter() - begun))
            worked.append(1_000 * (time.process_time() - working))
            assert answer.status_code == 200, answer.get_body()
        told = (taken[0], median(taken[1:]), quantiles(taken[1:], n=20)[-1], median(worked[1:]))
        print(f"{title:<44}" + "".join(f"{number:>8.1f}" for number in told), flush=True)


def _routes() -> list[Route]:
    listed, one = customers.list_all, segments.members
    return [
        ("overview", customers.overview, "", {}, None),
        ("card", customers.card, "", {}, None),
        ("customers, first 100 by score", listed, "", {}, None),
        ("customers, 1,000 by name", listed, "top=1000&orderBy=name", {}, None),
        ("customers, search", listed, "search=0042", {}, None),
        ("segment, first 100", one, "", {"segment": "stale"}, None),
        ("segments, with one of a week's rows", segments.list_all, "", {}, None),
        ("an unsaved filter", segments.attempt, "", {}, OWN | {"level": "Year"}),
    ]


async def _call(
    path: str, what: Callable[..., Awaitable[func.HttpResponse]], query: str, parameters: dict[str, str], body: Any
) -> func.HttpResponse:
    request = func.HttpRequest(
        method="GET",
        url=f"https://app.example/api/enrichments/{NAME}/{path.partition(' ')[0]}?{query}",
        params=dict(parse_qsl(query)),
        route_params={"name": NAME, **parameters},
        body=json.dumps(body).encode() if body else b"",
    )
    return await http.respond(request, Access.READ, what)
