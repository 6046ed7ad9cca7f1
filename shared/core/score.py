"""Figures → points that add up to a score (semantics §7).

Parts are held in billionths of a point, as whole numbers: rounded to 9 decimals, then exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.core.enrichment import PARTS, Floors, ScoreOptions
from shared.core.figures import Figures
from shared.core.periods import LEVELS, Window

BILLION = 1_000_000_000
_MOST_PERIODS = 64  # of a level; a window touches 53 weeks, sometimes 54
_X_BITS = 32
_X = (1 << _X_BITS) - 1
Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Scores:
    """One row per row of the figures; parts in the order of `enrichment.PARTS`.

    values: the raw values, for Recency the days d · references: R, for Recency the half-life · points: whole, they add
    up to the score · score: 1–100.
    """

    values: NDArray[np.int64]
    references: NDArray[np.int64]
    points: NDArray[np.int32]
    score: NDArray[np.int32]


def scores(figures: Figures, references: NDArray[np.int64], options: ScoreOptions, window: Window) -> Scores:
    """Rows against the references of their level and period, as `references_of` has them."""
    values = raw_values(figures, window)
    of_rows = references[figures.level, figures.period]
    score, points = rounded(parts_of(values, of_rows, options))
    return Scores(values, of_rows, points, score)


def raw_values(figures: Figures, window: Window) -> NDArray[np.int64]:
    """x of each row and part: shape (rows, 5)."""
    recency = _last_days(figures, window) - figures.last_day
    return np.stack([*_counted(figures), recency], axis=1).astype(np.int64)


def _counted(figures: Figures) -> tuple[NDArray[np.int32], ...]:
    """x of the first four parts."""
    return (
        figures.emails_to + figures.emails_from,
        np.minimum(figures.emails_to, figures.emails_from),
        figures.meetings,
        np.maximum(figures.contacts_emails, figures.contacts_meetings),
    )


def _last_days(figures: Figures, window: Window) -> NDArray[np.int64]:
    """The last day of each row's period, never after the as-of date."""
    last = np.zeros(len(figures.level), np.int64)
    for number, level in enumerate(LEVELS):
        of_periods = np.array([window.period_last_day(level, p) for p in range(window.period_of_day(level)[-1] + 1)])
        rows = figures.level == number
        last[rows] = of_periods[figures.period[rows]]
    return last


@dataclass(frozen=True, slots=True)
class Tally:
    """What references are made of: for each of the first four parts how often each x occurs in each level and period.

    keys: level, period and x as one number each, ascending, distinct · counts: how often.
    """

    keys: tuple[NDArray[np.int64], ...]
    counts: tuple[NDArray[np.int64], ...]


def tally(figures: Figures) -> Tally:
    group = (figures.level.astype(np.int64) * _MOST_PERIODS + figures.period) << _X_BITS
    found = [np.unique(group | x, return_counts=True) for x in _counted(figures)]
    return Tally(tuple(keys for keys, _ in found), tuple(counts for _, counts in found))


def added(some: Sequence[Tally]) -> Tally:
    """At least one; their rows together."""
    keys, counts = [], []
    for part in range(len(PARTS) - 1):
        of_part, place = np.unique(np.concatenate([each.keys[part] for each in some]), return_inverse=True)
        total = np.zeros(len(of_part), np.int64)
        np.add.at(total, place, np.concatenate([each.counts[part] for each in some]))
        keys.append(of_part)
        counts.append(total)
    return Tally(tuple(keys), tuple(counts))


def references_of(rows: Tally, options: ScoreOptions) -> NDArray[np.int64]:
    """R of each level, period and part: shape (levels, periods, 5). Rows of a level and a period are its set A; where
    there is none, R are the floors."""
    references = np.empty((len(LEVELS), _MOST_PERIODS, len(PARTS)), np.int64)
    for number, level in enumerate(LEVELS):
        references[number] = [*floors_of(options, level), options.half_life_days]
    for part, (keys, counts) in enumerate(zip(rows.keys, rows.counts, strict=True)):
        bounds = np.searchsorted(keys, np.arange(len(LEVELS) * _MOST_PERIODS + 1) << _X_BITS).tolist()
        for place, (begin, end) in enumerate(pairwise(bounds)):
            if begin < end:
                up_to = np.cumsum(counts[begin:end])
                smallest = keys[begin + np.searchsorted(up_to, rank_of(int(up_to[-1]), options.percentile))] & _X
                of_period = references[place // _MOST_PERIODS, place % _MOST_PERIODS]
                of_period[part] = max(of_period[part], smallest)
    return references


def rank_of(n: int, percentile: Decimal) -> int:
    """k: the k-th smallest of n raw values sets R. Exact, as the percentile's decimal text says."""
    ceiling = -(-n * Fraction(percentile) // 1)
    return int(ceiling if n < 3 else min(ceiling, n - 1))


def floors_of(options: ScoreOptions, level: str) -> NDArray[np.int64]:
    """The least R of the first four parts."""
    floors: Floors = getattr(options.floors, level.lower())
    return np.array([floors.email_volume, floors.email_two_way, floors.meetings, floors.breadth], np.int64)


def weights_of(options: ScoreOptions) -> NDArray[np.int64]:
    """W of the five parts."""
    weights = options.weights
    parts = (weights.email_volume, weights.email_two_way, weights.meetings, weights.breadth, weights.recency)
    return np.array(parts, np.int64)


def parts_of(values: NDArray[np.int64], references: NDArray[np.int64], options: ScoreOptions) -> NDArray[np.int64]:
    """The parts in billionths: shape (rows, 5)."""
    weights = weights_of(options)
    shares = np.empty(values.shape)
    # x = R gives exactly 1: the same logarithm stands above and below the line.
    shares[:, :4] = np.minimum(1.0, np.log1p(values[:, :4]) / np.log1p(references[:, :4]))
    shares[:, 4] = np.exp2(-values[:, 4] / references[:, 4])
    return np.rint(weights * shares * BILLION).astype(np.int64)


def rounded(parts: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """(score, points): points by the largest remainders, of equal ones the earlier part first."""
    score = whole(parts.sum(axis=1))
    points, remainders = np.divmod(parts, BILLION)
    rank = np.argsort(np.argsort(-remainders, axis=1, kind="stable"), axis=1, kind="stable")
    points += rank < (score - points.sum(axis=1))[:, None]
    return score.astype(np.int32), points.astype(np.int32)


def whole(sums: NDArray[np.int64]) -> NDArray[np.int64]:
    """The score of each sum of parts: halves go up, and every row has 1 at least."""
    score: NDArray[np.int64] = np.maximum((sums + BILLION // 2) // BILLION, 1)
    return score
