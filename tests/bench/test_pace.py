"""The client finds the pace that Graph allows: simulated against the limits of graph-facts §3, on virtual time."""

from __future__ import annotations

import random
from typing import Any

import pytest

from bench.simulated import Outcome, Scenario, simulate

FEW = 500


def mailboxes(number: int, seed: int = 1) -> tuple[int, ...]:
    """Requests for each, of very different size, 45 as a mean."""
    source = random.Random(seed)
    return tuple(max(1, round(source.lognormvariate(-0.5, 1.0) * 45)) for _ in range(number))


def outcome(workers: int, latency: float, per_window: float, number: int = FEW, **more: Any) -> Outcome:
    told = simulate(Scenario(workers, latency, lambda _: per_window, mailboxes(number), **more))
    # In every scenario, whatever else it is about.
    assert told.early == 0
    assert told.most_at_once <= 4
    return told


@pytest.mark.parametrize(("latency", "per_window"), [(0.05, 1_000), (0.2, 1_000), (2.0, 500)])
@pytest.mark.parametrize("tells", [True, False], ids=["scope told", "scope not told"])
def test_two_workers_use_nine_tenths_of_what_is_allowed_and_are_hardly_refused(latency, per_window, tells):
    """At two seconds an answer, two workers could ask for 64 requests a second at most; Graph allows 50."""
    told = outcome(2, latency, per_window, tells=tells)

    assert told.used >= 0.9
    assert told.refused_part < 0.01
    assert sum(told.given) == sum(mailboxes(FEW))


def test_no_mailbox_is_starved_though_five_workers_share():
    told = outcome(5, 0.2, 2_000, 1_000)

    assert told.used >= 0.9
    assert told.refused_part < 0.01
    # The longest wait that Graph asks for is ten seconds; then it is every mailbox's turn within a few more.
    assert told.silence < 20
    shares = [sum(answers) for answers in told.by_worker]
    assert min(shares) > 0.5 * max(shares)


def test_where_graph_refuses_nothing_only_the_gates_bound():
    """Of ten workers with fifty milliseconds an answer, too: 12,800 requests a second, and 13,000 are published."""
    told = outcome(10, 0.05, 130_000, 1_200)

    assert sum(told.refused) == 0
    assert told.used >= 0.9


def test_when_less_is_allowed_and_then_more_the_pace_follows():
    told = simulate(Scenario(2, 0.2, lambda begin: 500 if 100 <= begin < 200 else 1_000, mailboxes(700), tells=False))

    def rate(begin: int, end: int) -> float:
        return sum(told.given[begin:end]) / (end - begin)

    assert told.refused_part < 0.01
    assert rate(110, 200) >= 0.9 * 50
    assert rate(260, 300) >= 0.85 * 100


def test_a_mailbox_that_has_used_up_its_ten_thousand_requests_waits_alone():
    large, *others = 12_000, *mailboxes(200)
    told = simulate(Scenario(1, 0.05, lambda _: 130_000, (large, *others)))

    assert sum(told.given) == large + sum(others)
    assert sum(told.refused) == 4  # those at once, when the ten thousandth had been answered
    assert told.early == 0
    assert told.plenty < 30  # seconds until the others were read, or being read


def test_the_same_scenario_ends_the_same_way():
    one, other = (outcome(2, 0.2, 1_000, 60) for _ in range(2))

    assert (one.given, one.refused, one.by_worker) == (other.given, other.refused, other.by_worker)
