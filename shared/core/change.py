"""Band, change and "one more" of a Year score (semantics §10), by the kernel that scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.core.answer_shapes import Band
from shared.core.columns import take
from shared.core.enrichment import Bands, ScoreOptions
from shared.core.figures import Figures
from shared.core.periods import LEVELS, Window
from shared.core.score import BILLION, parts_of, raw_values, whole

BANDS: tuple[Band, ...] = ("none", "low", "medium", "high")
"""The bands in ascending order, as numbers below."""


@dataclass(frozen=True, slots=True)
class Changes:
    """One row per account number; 0 where an account has no months.

    moved: three times the difference of the mean monthly scores, exact · points: that difference, rounded · own: what
    the account's own figures did; the rest of the points is what moving references did.
    """

    moved: NDArray[np.int32]
    points: NDArray[np.int32]
    own: NDArray[np.int32]


def bands_of(score: NDArray[np.int32], bands: Bands) -> NDArray[np.int8]:
    """The band of each score, as an index into `BANDS`; 0 is no score."""
    band = 1 + (score >= bands.medium).astype(np.int8) + (score >= bands.high)
    return np.where(score > 0, band, 0).astype(np.int8)


def changes_of(
    figures: Figures, references: NDArray[np.int64], accounts: int, options: ScoreOptions, window: Window
) -> Changes:
    """The last three complete months against the three before. figures: the rows that are shown · references: as
    `references_of` has them for these rows.
    """
    level = LEVELS.index("Month")
    moved, own = np.zeros(accounts, np.int64), np.zeros(accounts, np.int64)
    months = window.complete_periods("Month")[-6:]
    for before, now in zip(months[:3], months[3:], strict=True):
        measure = references[level, before]
        for month, sign in ((before, -1), (now, 1)):
            rows = take(figures, np.flatnonzero((figures.level == level) & (figures.period == month)))
            values = raw_values(rows, window)
            # An account has one row per month, so that no addition is lost.
            moved[rows.account] += sign * whole(_sums(values, references[level, month], options))
            own[rows.account] += sign * _sums(values, measure, options)
    return Changes(moved.astype(np.int32), _half_away(moved, 3), _half_away(own, 3 * BILLION))


def _sums(values: NDArray[np.int64], references: NDArray[np.int64], options: ScoreOptions) -> NDArray[np.int64]:
    """S of each row in billionths."""
    sums: NDArray[np.int64] = parts_of(values, np.broadcast_to(references, values.shape), options).sum(axis=1)
    return sums


def _half_away(numerator: NDArray[np.int64], denominator: int) -> NDArray[np.int32]:
    """The quotient, rounded half away from zero."""
    size = (2 * np.abs(numerator) + denominator) // (2 * denominator)
    quotient: NDArray[np.int32] = (np.sign(numerator) * size).astype(np.int32)
    return quotient


def one_more_of(values: NDArray[np.int64], references: NDArray[np.int64], options: ScoreOptions) -> NDArray[np.int32]:
    """The score if the raw value of one part alone were one higher (Recency: 0 days): shape (rows, 5)."""
    raised = values + 1
    raised[:, 4] = 0
    parts = parts_of(values, references, options)
    sums = parts.sum(axis=1, keepdims=True) - parts + parts_of(raised, references, options)
    return whole(sums).astype(np.int32)
