"""What follows from the measured run for a whole year and for a month: assumptions by name, and arithmetic. Pure.

`whole` is what `bench/whole.json` holds; `rates` are figures of `bench/results.json` by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.whole.month import Durable, Usage, durable_requests, polling
from bench.whole.projection import Costs, Plan, Projected, Reading, Year, mailbox_cost, project, shuffled

Whole = Mapping[str, Any]
Rates = Mapping[str, float]

YEAR = Year()
NEXT_RUNS = 30
TICKS = 30 * 24 * 4
MONTH_SECONDS = 30 * 86_400.0
GB = 2.0  # of an instance: 2,048 MB
GROUPS, ITEMS_PER_CALL = 50, 1_600_000  # √2,500 groups; what one call of joining takes
KEPT_RUNS = 9  # a run a day, whose facts are kept for eight days
REQUEST_SECONDS = 0.02  # until a short answer of the storage is there
WRITTEN = ("staging mailboxes", "staging partitions", "staging buckets", "staging figures")


@dataclass(frozen=True, slots=True)
class Case:
    """Assumptions that nobody can measure here. messages_asked: requests for messages that a mailbox takes in a run of
    the next day (docs/reruns.md) · told: KB of telemetry of each execution · kept_results: snapshots.
    """

    name: str
    plan: Plan
    messages_asked: float
    told: float
    kept_results: int


LOW = Case("low", Plan(latency=0.3), messages_asked=2, told=1.0, kept_results=30)
TYPICAL = Case("typical", Plan(latency=1.0, speed=0.7), messages_asked=6, told=3.0, kept_results=400)


def costs(whole: Whole, rates: Rates) -> Costs:
    """Per message over TLS with ids and etags: what TLS adds to lean pages is added to full ones."""
    size, spent = whole["first"]["size"], whole["first"]["cpu"]["extract"]["host"]
    lean, tls, full = (1 / rates[f"extraction: messages, {kind}"] for kind in _KINDS)
    message, meeting = full + tls - lean, 1 / rates["extraction: calendar pages"]
    return Costs(
        mailbox=mailbox_cost(spent, size["mailboxes"], size["messages"], size["meetings"], full, meeting),
        message=message,
        meeting=meeting,
        item=rates["aggregation of 50 M: copies to tables, CPU time"] / 50e6,
        publishing=rates["publishing 670,000 rows, Parquet and CSV: CPU time"],
    )


_KINDS = ("lean pages", "lean pages over TLS", "with ids and etags")


def first_reading(whole: Whole) -> Reading:
    mailbox = whole["mailbox"]
    asked = mailbox["requests for messages"] + mailbox["requests for meetings"]
    return Reading(
        requests=_folder_requests(whole) + asked,
        rounds=mailbox["folder rounds"] + mailbox["rounds"],
        messages=YEAR.messages / YEAR.mailboxes,
        meetings=YEAR.meetings / YEAR.mailboxes,
    )


def next_reading(whole: Whole, case: Case) -> Reading:
    """A day later: folders, what changed and its doubts one after the other, the whole calendar beside them."""
    mailbox = whole["mailbox"]
    return Reading(
        requests=_folder_requests(whole) + case.messages_asked + mailbox["requests for meetings"],
        rounds=mailbox["folder rounds"] + max(2.0, case.messages_asked),
        messages=400 * case.messages_asked,
        meetings=YEAR.meetings / YEAR.mailboxes,
    )


def _folder_requests(whole: Whole) -> float:
    first = whole["first"]
    found = sum(count for kind, count in first["graph requests"].items() if "mailFolder" in kind)
    return float(found / first["size"]["mailboxes"])


def projected(whole: Whole, rates: Rates, reading: Reading, plan: Plan) -> Projected:
    return project(YEAR, reading, costs(whole, rates), plan)


def month(whole: Whole, rates: Rates, case: Case) -> dict[str, Usage]:
    """What a first run, the runs of thirty days after it, the timer, and merely being there use."""
    first = _run(whole, projected(whole, rates, first_reading(whole), case.plan), case, first_of_all=True)
    following = _run(whole, projected(whole, rates, next_reading(whole, case), case.plan), case, first_of_all=False)
    kept = KEPT_RUNS * _gb_of_a_run(whole) + case.kept_results * whole["first"]["blobs"]["output"]["bytes"] / 1e9
    return {
        "first run": first,
        f"{NEXT_RUNS} daily runs": following.times(NEXT_RUNS),
        f"{TICKS:,} looks of the timer": _tick(whole, case).times(TICKS),
        # The platform asks the queues every ten seconds whether an instance is needed, twice each.
        "being there": Usage(gb_kept=kept, queue_requests=2 * polling(MONTH_SECONDS, 1, 10.0)),
    }


def _run(whole: Whole, run: Projected, case: Case, *, first_of_all: bool) -> Usage:
    told, scale = whole["first"]["orchestrations"], _scale(whole["first"])
    durable = Durable(*(scale * told[name] for name in ("activities", "orchestrations", "episodes", "rows")))
    queues, tables = durable_requests(durable)
    executions = durable.activities + durable.episodes
    asked = _storage_requests(whole, first_of_all=first_of_all)
    return Usage(
        gb_seconds=GB * case.plan.instances * run.seconds,
        executions=executions,
        blob_writes=asked["write"],
        blob_lists=asked["list"],
        blob_reads=asked["read"],
        queue_requests=queues + polling(run.seconds, case.plan.instances, 5.0),
        table_requests=tables,
        gb_told=executions * case.told / 1e6,
    )


def _storage_requests(whole: Whole, *, first_of_all: bool) -> dict[str, float]:
    """Those measured, but shuffles of the whole year; a later run differs by mailbox as it does on a small one."""
    first, small = whole["first"]["storage requests"], whole["small"]
    shuffles = shuffled(YEAR.items, GROUPS, ITEMS_PER_CALL)
    others, scale = ("staging partitions", "staging buckets"), _scale(whole["first"])
    asked = {kind: scale * _sum(first, kind, others) for kind in _OPERATIONS}
    asked = {**asked, "write": asked["write"] + shuffles, "read": asked["read"] + shuffles}
    if first_of_all:
        return asked
    more = {
        kind: _sum(small["next"]["storage requests"], kind) - _sum(small["first"]["storage requests"], kind)
        for kind in _OPERATIONS
    }
    return {kind: count + _scale(small["first"]) * more[kind] for kind, count in asked.items()}


def _scale(run: Whole) -> float:
    return float(YEAR.mailboxes / run["size"]["mailboxes"])


_OPERATIONS = ("write", "list", "read")


def _sum(asked: Mapping[str, Mapping[str, int]], kind: str, without: tuple[str, ...] = ()) -> int:
    return sum(operations.get(kind, 0) for what, operations in asked.items() if what not in without)


def _gb_of_a_run(whole: Whole) -> float:
    """What a run of the whole year leaves in staging: as many bytes for each message and meeting as were measured."""
    size, blobs = whole["first"]["size"], whole["first"]["blobs"]
    measured = sum(each["bytes"] for what, each in blobs.items() if what.startswith(WRITTEN))
    items = size["mailboxes"] * (size["messages"] + size["meetings"])
    return float(measured / items * (YEAR.messages + YEAR.meetings) / 1e9)


def _tick(whole: Whole, case: Case) -> Usage:
    """It lists folders, as many times whatever is in them, and reads the record of each run that is kept."""
    one = whole["tick"]
    lists = _sum(one["storage requests"], "list")
    reads = _sum(one["storage requests"], "read") + KEPT_RUNS - 1  # measured with one run
    seconds = one["cpu"] / case.plan.speed + (lists + reads) * REQUEST_SECONDS
    return Usage(
        gb_seconds=GB * max(1.0, seconds),
        executions=1,
        blob_lists=lists,
        blob_reads=reads,
        gb_told=case.told / 1e6,
    )
