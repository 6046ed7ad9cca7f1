"""The frame of all benches: figures beside their peers and limits, one table of them, and what is stored."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Literal, TypeVar

Better = Literal["higher", "lower"]
T = TypeVar("T")

TOLERANCE = 0.2
TIMES = "×"
_OF_THE_PRODUCT = {TIMES, "MB", "bytes"}  # units that say the same on every machine
_KEYS = ("name", "unit", "better", "ours", "peers", "must", "aim")
_HEAD = ("figure", "unit", "ours", "spread", "must", "aim", "met", "peers, and ours as a multiple of theirs", "worse")


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of ours, and the peers' for the same work, in the same unit.

    must, aim: limits of ours, None where there is none · spread: of ours over the rounds; None where there was one
    only, and where it is not known: it is not stored.
    """

    name: str
    unit: str
    better: Better
    ours: float
    peers: Mapping[str, float] = field(default_factory=dict)
    must: float | None = None
    aim: float | None = None
    spread: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether ours keeps the limit; None where there is none."""
        return self.reaches(self.must)

    def reaches(self, limit: float | None) -> bool | None:
        if limit is None:
            return None
        return self.ours >= limit if self.better == "higher" else self.ours <= limit

    def stored(self) -> dict[str, Any]:
        return {key: getattr(self, key) for key in _KEYS} | {"peers": dict(self.peers), "met": self.met}


def figure(
    name: str,
    unit: str,
    better: Better,
    rounds: Sequence[float],
    peers: Mapping[str, Sequence[float]] | None = None,
    *,
    must: float | None = None,
    aim: float | None = None,
) -> Figure:
    """The medians of rounds."""
    medians = {who: _short(median(theirs)) for who, theirs in (peers or {}).items()}
    return Figure(name, unit, better, _short(median(rounds)), medians, must, aim, spread(rounds))


def multiple(
    name: str,
    ours: Sequence[float],
    theirs: Sequence[float],
    better: Better,
    *,
    must: float | None = None,
    aim: float | None = None,
) -> Figure:
    """How many times better ours is: the median of the rounds' ratios. better: which of what is given is."""
    pairs = list(zip(ours, theirs, strict=True))
    ratios = [own / their if better == "higher" else their / own for own, their in pairs]
    return figure(name, TIMES, "higher", ratios, must=must, aim=aim)


def interleaved(rounds: int, variants: Mapping[str, Callable[[], T]], warm_up: bool = True) -> dict[str, list[T]]:
    """What each variant gives in each round. A round runs all, begun with another one each time, so that a noisy
    stretch of the machine strikes all of them; the warm-up is a round that is not told.
    """
    told: dict[str, list[T]] = {name: [] for name in variants}
    names = list(variants)
    for number in range(-1 if warm_up else 0, rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            result = variants[name]()
            if number >= 0:
                told[name].append(result)
    return told


def spread(rounds: Sequence[float]) -> float | None:
    """How wide the middle nine tenths of the rounds are, as a part of the median."""
    if len(rounds) < 2:
        return None
    low, *_, high = quantiles(rounds, n=20, method="inclusive")
    return (high - low) / median(rounds)


def worse(now: Figure, then: Figure | None) -> list[str]:
    """The peers beside whom ours is more than a fifth worse than it was. Where there is no peer, and the unit is one
    that does not depend on the machine: what ours itself was.
    """
    if then is None:
        return []
    if not now.peers:
        return ["itself"] if now.unit in _OF_THE_PRODUCT and _is_worse(now.ours, then.ours, now.better) else []
    both = [who for who in now.peers if who in then.peers]
    return [who for who in both if _is_worse(now.ours / now.peers[who], then.ours / then.peers[who], now.better)]


def _is_worse(now: float, then: float, better: Better) -> bool:
    return now < (1 - TOLERANCE) * then if better == "higher" else now > (1 + TOLERANCE) * then


def load(path: Path) -> dict[str, Figure]:
    """The stored figures by name; none where nothing is stored."""
    if not path.exists():
        return {}
    stored = json.loads(path.read_text())
    return {one["name"]: Figure(**{key: one[key] for key in _KEYS}) for one in stored}


def store(path: Path, figures: Iterable[Figure]) -> None:
    path.write_text(json.dumps([one.stored() for one in figures], indent=1, ensure_ascii=False) + "\n")


def text(figures: Iterable[Figure], then: Mapping[str, Figure]) -> str:
    """The table in columns. then: what was stored before."""
    cells: list[tuple[str, ...]] = [_HEAD, *(_cells(one, then) for one in figures)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(_HEAD))]
    left = {0, 1, 6, 7, 8}
    lines = (
        "  ".join(cell.ljust(width) if at in left else cell.rjust(width) for at, (cell, width) in enumerate(pairs))
        for pairs in (list(zip(row, widths, strict=True)) for row in cells)
    )
    return "\n".join(line.rstrip() for line in lines)


def markdown(figures: Iterable[Figure], then: Mapping[str, Figure]) -> str:
    rows: list[tuple[str, ...]] = [_HEAD, ("---", "---", "---:", "---:", "---:", "---:", "---", "---", "---")]
    rows += [_cells(one, then) for one in figures]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cells(one: Figure, then: Mapping[str, Figure]) -> tuple[str, ...]:
    met = "–" if one.met is None else "no" if not one.met else "aim" if one.reaches(one.aim) else "must"
    peers = ", ".join(f"{who} {_number(theirs)} ({one.ours / theirs:,.2f} ×)" for who, theirs in one.peers.items())
    return (
        one.name,
        one.unit,
        _number(one.ours),
        "–" if one.spread is None else f"{one.spread:.0%}",
        *("–" if limit is None else _number(limit) for limit in (one.must, one.aim)),
        met,
        peers,
        ", ".join(f"▼ {who}" for who in worse(one, then.get(one.name))),
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _short(value: float) -> float:
    """Four significant digits: the rest is noise."""
    return float(f"{value:.4g}")
