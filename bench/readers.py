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

from activities import publish_results
from bench.result import unpublished
from bench.synthetic import AS_OF_US, NAME, RUN
from localdev import azurite
from shared.adapters.blobs import connect
from shared.core.periods import from_us
from shared.services import Services
from triggers import customers, http, segments
from triggers.http import Access

OLDER = "20261113T160000Z"
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
    """Its number of rows."""
    order, rows = unpublished(svc, run, number, seed)
    publish_results.run(order, svc)
    return rows


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
