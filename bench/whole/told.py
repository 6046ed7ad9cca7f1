"""The whole size as tables: what was measured, what follows for the year, what a month costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.whole import derived
from bench.whole.derived import LOW, TYPICAL, Case, Rates, Whole
from bench.whole.month import PRICES, cost
from bench.whole.projection import Plan, Projected

PARTS = ("host", "graph", "azurite")
STAGES = ("resolve", "extract", "aggregate", "publish", "all")
PLANS = (
    Plan(latency=0.3),
    Plan(latency=1.0),
    Plan(latency=1.0, instances=4),
    Plan(latency=2.0),
    Plan(latency=2.0, instances=8),
)


@dataclass(frozen=True, slots=True)
class Table:
    """The first column is text, all others are numbers or `–`."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        lines = [self.head, ["---", *["---:"] * (len(self.head) - 1)], *self.rows]
        return f"{self.title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def text(self) -> str:
        lines = [self.head, *self.rows]
        widths = [max(len(line[at]) for line in lines) for at in range(len(self.head))]
        told = (
            "  ".join(cell.rjust(width) if at else cell.ljust(width) for at, (cell, width) in enumerate(pairs))
            for pairs in (list(zip(line, widths, strict=True)) for line in lines)
        )
        return "\n".join([self.title, *told])


def measured(whole: Whole) -> list[Table]:
    first = whole["first"]
    size = first["size"]
    time = Table(
        f"{size['mailboxes']:,} mailboxes × {size['messages']:,} messages and {size['meetings']:,} meetings, "
        f"{size['customers']:,} customers:",
        ["stage", "s", *(f"{part}, CPU s" for part in PARTS)],
        [
            [stage, number(first["seconds"][stage]), *(number(first["cpu"][stage][part]) for part in PARTS)]
            for stage in STAGES
        ],
    )
    memory = Table("Memory at its peak:", ["process", "MB"], [[part, f"{first['memory'][part]:,}"] for part in PARTS])
    return [time, memory, _storage(whole), _graph(whole), _orchestrations(whole), _tick(whole)]


def _storage(whole: Whole) -> Table:
    blobs, asked = whole["first"]["blobs"], whole["first"]["storage requests"]
    kinds = ("write", "read", "list", "delete")
    rows = [
        [
            what,
            f"{blobs[what]['blobs']:,}" if what in blobs else "–",
            f"{blobs[what]['bytes'] / 1e6:,.1f}" if what in blobs else "–",
            *(f"{asked.get(what, {}).get(kind, 0):,}" for kind in kinds),
        ]
        for what in sorted({*blobs, *asked})
        if not what.startswith("config")
    ]
    config = [sum(each.get(kind, 0) for what, each in asked.items() if what.startswith("config")) for kind in kinds]
    kept = [each for what, each in blobs.items() if what.startswith("config")]
    megabytes = sum(each["bytes"] for each in kept) / 1e6
    rows.append(
        ["config", f"{sum(each['blobs'] for each in kept):,}", f"{megabytes:,.1f}", *(f"{count:,}" for count in config)]
    )
    return Table(
        "Blobs that it leaves, and requests to storage:",
        ["what", "blobs", "MB", "writes", "reads", "lists", "deletes"],
        rows,
    )


def _graph(whole: Whole) -> Table:
    first = whole["first"]
    asked = sorted(first["graph requests"].items(), key=lambda each: -each[1])
    rows = [[f"`{kind}`", f"{count:,}"] for kind, count in asked]
    rows.append(["all", f"{sum(count for _, count in asked):,}"])
    rows.append(["of them not prebuilt", f"{first['not prebuilt']:,}"])
    return Table("Requests to Graph and Entra:", ["kind", "requests"], rows)


def _orchestrations(whole: Whole) -> Table:
    return Table(
        "Orchestrations (sizes in bytes):",
        ["what", ""],
        [
            *([what, f"{count:,}"] for what, count in whole["first"]["orchestrations"].items()),
            ["looks at the run from outside", f"{whole['first']['looks']['number']:,}"],
            ["the longest of them, s", number(whole["first"]["looks"]["longest"])],
        ],
    )


def _tick(whole: Whole) -> Table:
    def row(name: str, told: Whole) -> list[str]:
        lists = told["storage requests"].get("staging", {}).get("list", 0)
        return [name, f"{told['blobs']:,}", number(told["seconds"]), number(told["cpu"]), f"{lists:,}"]

    mailboxes = whole["small"]["first"]["size"]["mailboxes"]
    return Table(
        "The timer's look at what is due and what may go, afterwards:",
        ["", "blobs in staging", "s", "host, CPU s", "lists of staging"],
        [row("after this run", whole["tick"]), row(f"after two runs of {mailboxes} mailboxes", whole["small"]["tick"])],
    )


def projections(whole: Whole, rates: Rates) -> list[Table]:
    head = ["latency, instances", "extraction", "decided by", "aggregation", "publishing", "in all", "CPU", "requests"]
    first, following = derived.first_reading(whole), derived.next_reading(whole, TYPICAL)
    return [
        Table(
            f"A first run of {derived.YEAR.messages / 1e6:,.0f} M messages and {derived.YEAR.meetings / 1e6:,.0f} M "
            f"meetings, {first.requests:.0f} requests a mailbox in {first.rounds:.1f} rounds:",
            head,
            [_projected(plan, derived.projected(whole, rates, first, plan)) for plan in PLANS],
        ),
        Table(
            f"A run of the next day, {following.requests:.0f} requests a mailbox in {following.rounds:.1f} rounds:",
            head,
            [_projected(plan, derived.projected(whole, rates, following, plan)) for plan in PLANS],
        ),
        _costs(whole, rates),
    ]


def _projected(plan: Plan, run: Projected) -> list[str]:
    return [
        f"{plan.latency:g} s, {plan.instances}",
        minutes(run.extraction),
        run.bound,
        minutes(run.aggregation),
        minutes(run.publishing),
        minutes(run.seconds),
        minutes(run.cpu),
        f"{run.requests:,.0f}",
    ]


def _costs(whole: Whole, rates: Rates) -> Table:
    costs = derived.costs(whole, rates)
    return Table(
        "CPU of one core that the projection goes by:",
        ["of", "µs"],
        [
            ["a message, read and judged", number(1e6 * costs.message)],
            ["a meeting, read and judged", number(1e6 * costs.meeting)],
            ["a mailbox, beside them", f"{1e6 * costs.mailbox:,.0f}"],
            ["a copy that names a contact, from partition to table", number(1e6 * costs.item)],
        ],
    )


def months(whole: Whole, rates: Rates) -> list[Table]:
    return [_month(whole, rates, LOW), _month(whole, rates, TYPICAL), _prices()]


def _month(whole: Whole, rates: Rates, case: Case) -> Table:
    parts = derived.month(whole, rates, case)
    usages = list(parts.values())
    usages[1] = usages[1] + usages[2] + usages[3]
    steady, with_first = usages[1], usages[0] + usages[1]
    rows = [
        [
            f"{price.name} ({'request' if price.unit == '10,000' else price.unit})",
            *(amount(getattr(usage, name)) for usage in (*parts.values(), steady)),
            f"{cost(steady)[name]:,.2f}",
            f"{cost(with_first)[name]:,.2f}",
        ]
        for name, price in PRICES.items()
    ]
    rows.append(["in all", *["–"] * (len(parts) + 1), f"{cost(steady)['all']:,.2f}", f"{cost(with_first)['all']:,.2f}"])
    plan = case.plan
    return Table(
        f"**{case.name.capitalize()}**: {plan.latency:g} s for a page, a core {plan.speed:g} times as fast as ours, "
        f"{case.messages_asked:g} requests for messages a mailbox and day, {case.told:g} KB of telemetry an execution, "
        f"{case.kept_results} results kept:",
        ["meter", *parts, "a month", "$ a month", "$ with the first run"],
        rows,
    )


def _prices() -> Table:
    return Table(
        "Prices: US dollars, East US, pay as you go, locally redundant.",
        ["meter", "$", "per", "free a month", "where from"],
        [
            [
                price.name,
                f"{price.dollars * (1e6 if price.unit == 'execution' else 1):.6f}".rstrip("0"),
                "million" if price.unit == "execution" else price.unit,
                amount(price.free) if price.free else "–",
                price.source,
            ]
            for price in PRICES.values()
        ],
    )


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def amount(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == 0 else f"{value:.2g}"


def minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:,.0f} min"
