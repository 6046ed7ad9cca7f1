"""§10 Band, change, one more: what readers are told beside the tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from tests.reference import score
from tests.reference.organisation import PARTS, Options
from tests.reference.periods import Window, complete_months
from tests.reference.tables import Key, Table, raw_values, references

Change = dict[str, int]  # points, own, others


@dataclass(frozen=True)
class Answers:
    """Per account with a shown Year row: band, change (None: there is none) and one more per part."""

    bands: dict[str, str]
    changes: dict[str, Change | None]
    one_more: dict[str, dict[str, int]]


def answers_of(table: Table, options: Options, window: Window) -> Answers:
    values = {key: raw_values(key, period, window) for key, period in table.shown.items()}
    least = references(values, options)
    years = [key for key in table.shown if key[1] == "Year"]
    yearly = {key[0]: score.parts(values[key], least[key[1:]], options) for key in years}
    return Answers(
        bands={account: band(score.score(rounded), options) for account, rounded in yearly.items()},
        changes={
            account: None if (account, "Month") in table.hidden else change(account, values, least, options, window)
            for account in yearly
        },
        one_more={key[0]: one_more(values[key], least[key[1:]], options) for key in years},
    )


def band(points: int | None, options: Options) -> str:
    """ "`high` from 67, `medium` from 34, `low` below, `none` without a row"; the thresholds are configuration."""
    if points is None:
        return "none"
    if points >= options.high:
        return "high"
    return "medium" if points >= options.medium else "low"


def change(
    account: str,
    values: Mapping[Key, Mapping[str, int]],
    least: Mapping[tuple[str, date], Mapping[str, int]],
    options: Options,
    window: Window,
) -> Change:
    """ "the mean monthly score of the last three complete months with that of the three before; a month without a row
    counts 0 … `own` = the mean, over the three pairs of months (m, m−3), of S(x of m, R of m−3) − S(x of m−3, R of
    m−3) …; S is 0 for a month without a row, and R are the floors where nobody has a row. `others` = points − own".
    """
    months = complete_months(window)[-6:]
    floors = {**options.floors["Month"], "Recency": options.half_life_days}

    def total(month: date, measured_by: date) -> Decimal:
        value = values.get((account, "Month", month))
        least_there = least.get(("Month", measured_by), floors)
        return sum(score.parts(value, least_there, options).values(), Decimal(0)) if value else Decimal(0)

    def published(month: date) -> int:
        value = values.get((account, "Month", month))
        return score.score(score.parts(value, least["Month", month], options)) if value else 0

    moved = Fraction(sum(map(published, months[3:])) - sum(map(published, months[:3])), 3)
    pairs = list(zip(months[3:], months[:3], strict=True))
    own = round_half_away(sum((Fraction(total(m, b) - total(b, b)) for m, b in pairs), Fraction(0)) / 3)
    points = round_half_away(moved)
    return {"points": points, "own": own, "others": points - own}


def round_half_away(value: Fraction) -> int:
    """ "rounded half away from zero"."""
    nearest = int((abs(value) * 2 + 1) // 2)
    return nearest if value >= 0 else -nearest


def one_more(values: Mapping[str, int], least: Mapping[str, int], options: Options) -> dict[str, int]:
    """ "the account's Year score if the raw value of this part alone were one higher (Recency: d = 0), the references
    unchanged."
    """
    raised = {part: values[part] + 1 for part in PARTS[:4]} | {"Recency": 0}
    return {part: score.score(score.parts({**values, part: raised[part]}, least, options)) for part in PARTS}
