"""docs/pace.md's table and docs/pace.svg, from simulated outcomes; the same bytes for the same outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from bench.policed import WINDOW
from bench.simulated import Outcome

ROOT = Path(__file__).parent.parent
PAGE, PLOT = ROOT / "docs/pace.md", ROOT / "docs/pace.svg"
BEGIN, END = "<!-- simulated: begin -->", "<!-- simulated: end -->"
_HEAD = ("latency", "workers", "possible, requests/s", "used", "refused", "least and largest worker", "longest silence")
_SHOWN = 640  # seconds
_HIGHEST = 250  # requests a second


def fill(left: Sequence[Outcome], others: Sequence[Sequence[Outcome]]) -> None:
    """others: by what is published alone, counted over a sliding window, and halved for a time, which is drawn."""
    titles = (
        "200 requests a second are left to us:",
        "13,000 a second, all that is published:",
        "200 a second, counted over a sliding window:",
        "200 a second, for 200 seconds only 100:",
    )
    before, begin, rest = PAGE.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin and end, "the page has lost its marks"
    tables = "\n\n".join(
        f"{title}\n\n{_table(outcomes)}" for title, outcomes in zip(titles, (left, *others), strict=True)
    )
    PAGE.write_text(f"{before}{BEGIN}\n\n{tables}\n\n{END}{after}")
    _draw(others[-1])


def _table(outcomes: Sequence[Outcome]) -> str:
    rows = [_HEAD, ("---:",) * len(_HEAD), *map(_row, outcomes)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(outcome: Outcome) -> tuple[str, ...]:
    scenario = outcome.scenario
    shares = [sum(answers) / sum(outcome.given) for answers in outcome.by_worker]
    return (
        f"{scenario.latency * 1_000:,.0f} ms",
        str(scenario.workers),
        f"{outcome.possible(0):,.0f}",
        f"{outcome.used:.1%}",
        f"{outcome.refused_part:.2%}",
        f"{min(shares):.1%}, {max(shares):.1%}",
        f"{outcome.silence:.0f} s",
    )


def _draw(outcomes: Sequence[Outcome]) -> None:
    with mpl.rc_context({"svg.hashsalt": "pace", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9}):
        drawing = Drawing(figsize=(9.0, 7.5), layout="constrained")
        for place, outcome in zip(drawing.subplots(len(outcomes), sharex=True), outcomes, strict=True):
            _draw_one(place, outcome)
        place.set_xlabel("seconds")
        drawing.savefig(PLOT, format="svg", metadata={"Date": None, "Creator": None})


def _draw_one(place: Axes, outcome: Outcome) -> None:
    """Requests a second, each worker's upon the others', and above them what is allowed and what is refused."""
    step = int(WINDOW)
    begins = range(0, _SHOWN, step)
    layers = [_per_second(answers, step) for answers in outcome.by_worker]
    shades = [("#9ec4e8", "#b2c4e8")[number % 2] for number in range(len(layers))]
    place.stackplot([begin + step / 2 for begin in begins], layers, colors=shades, linewidth=0)
    allowed = [outcome.scenario.allowed(begin) / WINDOW for begin in begins]
    place.step(begins, allowed, where="post", color="black", linewidth=1, label="allowed")
    refused = {
        begin: number for begin, number in zip(begins, _per_second(outcome.refused, step), strict=True) if number
    }
    place.bar(list(refused), list(refused.values()), step, align="edge", color="#c0392b", label="refused")
    place.set_title(
        f"{outcome.scenario.latency * 1_000:,.0f} ms an answer, {len(layers)} workers: "
        f"{outcome.used:.0%} used, {outcome.refused_part:.2%} refused",
        loc="left",
        fontsize=9,
    )
    place.set_xlim(0, _SHOWN)
    place.set_ylim(0, _HIGHEST)
    place.set_ylabel("requests per second")
    place.legend(loc="upper right", frameon=False, ncols=2)


def _per_second(counted: Sequence[int], step: int) -> list[float]:
    return [sum(counted[begin : begin + step]) / step for begin in range(0, _SHOWN, step)]
