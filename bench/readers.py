"""Answers for readers: overview, lists, cards and segments of a large result in Azurite, as the triggers give them.

`python -m bench readers [--customers 10000] [--requests 200]`: milliseconds of a request once the first has loaded the
index or the table, which is told apart. All kinds in turn.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import parse_qsl

import azure.functions as func
import numpy as np

from activities import publish_results
from bench import frame
from bench.frame import Figure
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
LIMITED = ("card", "customers, first 100 by score")
QUICK = ("--requests", "50")
Route = tuple[str, Callable[..., Awaitable[func.HttpResponse]], str, dict[str, str], Any]


def measure(arguments: list[str]) -> list[Figure]:
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
        for seed, run in enumerate((OLDER, RUN)):
            _publish(svc, run, given.customers, seed)
        vars(http)["services"] = lambda: svc
        return asyncio.run(_measure(given.customers, given.requests))


def _publish(svc: Services, run: str, number: int, seed: int) -> None:
    publish_results.run(unpublished(svc, run, number, seed)[0], svc)


async def _measure(number: int, requests: int) -> list[Figure]:
    saved = await _call("segments", segments.put, "", {"segment": "mine"}, OWN)
    assert saved.status_code == 201
    some = [f"account-{each:06d}" for each in np.random.default_rng(3).integers(0, number, requests)]
    first: dict[str, float] = {}
    taken: dict[str, list[float]] = {title: [] for title, *_ in _routes()}
    for customer in some:
        for title, what, query, parameters, body in _routes():
            begun = time.perf_counter()
            answer = await _call(title, what, query, parameters | {"customerId": customer}, body)
            took = 1_000 * (time.perf_counter() - begun)
            assert answer.status_code == 200, answer.get_body()
            if title in first:
                taken[title].append(took)
            first.setdefault(title, took)
    told = []
    for title, rounds in taken.items():
        must, aim = (50, 20) if title in LIMITED else (None, None)
        told.append(frame.figure(f"{number:,} customers: {title}", "ms", "lower", rounds, must=must, aim=aim))
    told.append(frame.figure(f"{number:,} customers: overview, the first time", "ms", "lower", [first["overview"]]))
    return told


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
