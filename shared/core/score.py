"""Figures → points that add up to a score (semantics §7).

Parts are held in billionths of a point, as whole numbers: rounded to 9 decimals, then exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.core.columns import starts
from shared.core.enrichment import Floors, ScoreOptions
from shared.core.figures import Figures
from shared.core.periods import LEVELS, Window

BILLION = 1_000_000_000
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


def scores(figures: Figures, options: ScoreOptions, window: Window) -> Scores:
    """Each row against all rows of its level and period; these rows are the set A."""
    values = raw_values(figures, window)
    references = references_of(figures, values, options)
    parts = parts_of(values, references, options)
    score, points = rounded(parts)
    return Scores(values, references, points, score)


def raw_values(figures: Figures, window: Window) -> NDArray[np.int64]:
    """x of each row and part: shape (rows, 5)."""
    columns = [
        figures.emails_to + figures.emails_from,
        np.minimum(figures.emails_to, figures.emails_from),
        figures.meetings,
        np.maximum(figures.contacts_emails, figures.contacts_meetings),
        _last_days(figures, window) - figures.last_day,
    ]
    return np.stack(columns, axis=1).astype(np.int64)


def _last_days(figures: Figures, window: Window) -> NDArray[np.int64]:
    """The last day of each row's period, never after the as-of date."""
    last = np.zeros(len(figures.level), np.int64)
    for number, level in enumerate(LEVELS):
        of_periods = np.array([window.period_last_day(level, p) for p in range(window.period_of_day(level)[-1] + 1)])
        rows = figures.level == number
        last[rows] = of_periods[figures.period[rows]]
    return last


def references_of(figures: Figures, values: NDArray[np.int64], options: ScoreOptions) -> NDArray[np.int64]:
    """R of each row and part: shape (rows, 5)."""
    references = np.empty_like(values)
    references[:, 4] = options.half_life_days
    order = np.lexsort((figures.period, figures.level))
    bounds = np.flatnonzero(np.append(starts(figures.level[order], figures.period[order]), True))
    for begin, end in pairwise(bounds):
        rows = order[begin:end]
        rank = rank_of(len(rows), options.percentile)
        of_group = np.partition(values[rows, :4], rank - 1, axis=0)[rank - 1]
        references[rows, :4] = np.maximum(of_group, floors_of(options, LEVELS[figures.level[rows[0]]]))
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
    score = np.maximum((parts.sum(axis=1) + BILLION // 2) // BILLION, 1)
    points, remainders = np.divmod(parts, BILLION)
    rank = np.argsort(np.argsort(-remainders, axis=1, kind="stable"), axis=1, kind="stable")
    points += rank < (score - points.sum(axis=1))[:, None]
    return score.astype(np.int32), points.astype(np.int32)
