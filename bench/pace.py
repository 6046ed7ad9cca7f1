"""The pace of requests, simulated: how much of what Graph allows is used, how much it refuses, and who waits longest.

`python -m bench pace [--workers 1 2 5 10] [--page]`: 2,500 mailboxes of different size, read by workers that know
nothing of each other, on virtual time. It tells the worst of each number of workers. `--page` also fills docs/pace.md
and draws docs/pace.svg. The simulation (`simulated.py`) is the same to the last request each time.
"""

from __future__ import annotations

import argparse
import random
import sys
from typing import Any

from bench import pace_page
from bench.frame import Figure, figure
from bench.policed import PUBLISHED, WINDOW
from bench.simulated import Outcome, Scenario, simulate

QUICK = ("--workers", "5")
LATENCIES = (0.05, 0.2, 2.0)
WORKERS = (1, 2, 5, 10)
MAILBOXES, MEAN = 2_500, 45
LEFT = 2_000
"""Requests in ten seconds, of all that are published: what other tenants and the tenant's half leave to us."""
HALVED = 200, 400


def measure(arguments: list[str]) -> list[Figure]:
    parser = argparse.ArgumentParser(prog="python -m bench pace")
    parser.add_argument("--workers", type=int, nargs="+", default=WORKERS)
    parser.add_argument("--page", action="store_true")
    given = parser.parse_args(arguments)
    told: list[Figure] = []
    everything: list[Outcome] = []
    for latency in LATENCIES:
        outcomes = [_simulate(Scenario(workers, latency, left, mailboxes())) for workers in given.workers]
        told += _figures(f"pace at {latency * 1_000:,.0f} ms, {_among(given.workers)} workers", outcomes)
        everything += outcomes
    if given.page:
        pace_page.fill(everything, _others())
    return told


def _others() -> list[list[Outcome]]:
    """Of ten workers: by what is published alone, counted over a sliding window, and halved for a time."""
    scenarios: list[dict[str, Any]] = [
        {"allowed": published_alone},
        {"allowed": left, "sliding": True},
        {"allowed": halved_for_a_time},
    ]
    return [
        [_simulate(Scenario(10, latency, requests=mailboxes(), **each)) for latency in LATENCIES] for each in scenarios
    ]


def mailboxes() -> tuple[int, ...]:
    """Requests of each: a year of 30,000 messages is 30 pages, meetings and folders are half as many."""
    source = random.Random(1)
    return tuple(max(1, round(source.lognormvariate(-0.5, 1.0) * MEAN)) for _ in range(MAILBOXES))


def left(_: float) -> float:
    return LEFT


def published_alone(_: float) -> float:
    return PUBLISHED


def halved_for_a_time(begin: float) -> float:
    return LEFT / 2 if HALVED[0] <= begin < HALVED[1] else LEFT


def _simulate(scenario: Scenario) -> Outcome:
    outcome = simulate(scenario)
    assert outcome.early == 0, "a wait was not kept"
    assert outcome.most_at_once <= 4, "a mailbox was asked for more at once than it bears"
    assert sum(outcome.given) == sum(scenario.requests), "not everything was read"
    print(told(outcome), file=sys.stderr, flush=True)
    return outcome


def told(outcome: Outcome) -> str:
    scenario = outcome.scenario
    return (
        f"{scenario.latency * 1_000:,.0f} ms, {scenario.workers} workers, "
        f"{scenario.allowed(0.0) / WINDOW:,.0f} allowed: {outcome.used:.1%} used, "
        f"{outcome.refused_part:.2%} refused, silence {outcome.silence:.0f} s"
    )


def _figures(name: str, outcomes: list[Outcome]) -> list[Figure]:
    worst = min(outcome.used for outcome in outcomes), max(outcome.refused_part for outcome in outcomes)
    return [
        figure(f"{name}: of the allowed rate", "%", "higher", [100 * worst[0]], must=90),
        figure(f"{name}: of the requests refused", "%", "lower", [100 * worst[1]], must=1),
        figure(f"{name}: longest that a mailbox waits", "s", "lower", [max(each.silence for each in outcomes)]),
    ]


def _among(workers: list[int]) -> str:
    return str(workers[0]) if len(workers) == 1 else f"{min(workers)} to {max(workers)}"
