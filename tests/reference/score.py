"""§7 EngagementScore, in exact decimals where the text rounds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal, localcontext
from functools import cache

from tests.reference.organisation import PARTS, Options

NINE = Decimal("0.000000001")


def reference(values: Iterable[int], floor: int, percentile: Decimal) -> int:
    """R: "max(floor, k-th smallest x in A), k = ⌈0.95 n⌉ for n < 3, else min(⌈0.95 n⌉, n − 1)"."""
    ordered = sorted(values)
    n = len(ordered)
    k = int((percentile * n).to_integral_value(ROUND_CEILING))
    return max(floor, ordered[(k if n < 3 else min(k, n - 1)) - 1]) if ordered else floor


@cache
def points(weight: int, value: int, least: int) -> Decimal:
    """ "points = W · min(1, ln(1+x) / ln(1+R))", rounded to 9 decimals."""
    with localcontext() as exact:
        exact.prec = 40
        share = min(Decimal(1), Decimal(1 + value).ln() / Decimal(1 + least).ln())
        return (weight * share).quantize(NINE, ROUND_HALF_EVEN)


@cache
def recency_points(weight: int, days: int, half_life: int) -> Decimal:
    """ "Recency: 15 · 2^(−d/30)", rounded to 9 decimals."""
    with localcontext() as exact:
        exact.prec = 40
        return (weight * Decimal(2) ** (Decimal(-days) / half_life)).quantize(NINE, ROUND_HALF_EVEN)


def parts(values: Mapping[str, int], references: Mapping[str, int], options: Options) -> dict[str, Decimal]:
    """The five rounded parts; `references` holds the half-life for Recency, as the breakdown does."""
    found = {part: points(options.weights[part], values[part], references[part]) for part in PARTS[:4]}
    found["Recency"] = recency_points(options.weights["Recency"], values["Recency"], references["Recency"])
    return found


def score(rounded: Mapping[str, Decimal]) -> int:
    """ "Score = ⌊S + ½⌋ where S is the sum of the parts …; at least 1 for every row.\""""
    total = sum(rounded.values(), Decimal(0))
    return max(1, int((total + Decimal("0.5")).to_integral_value(ROUND_FLOOR)))


def integer_points(rounded: Mapping[str, Decimal]) -> dict[str, int]:
    """ "The integer points of the breakdown come from the largest remainders of the rounded parts (ties: the table's
    order) and add up to the score exactly."
    """
    whole = {part: int(rounded[part].to_integral_value(ROUND_FLOOR)) for part in PARTS}
    by_remainder = sorted(PARTS, key=lambda part: (whole[part] - rounded[part], PARTS.index(part)))
    for part in by_remainder[: score(rounded) - sum(whole.values())]:
        whole[part] += 1
    return whole
