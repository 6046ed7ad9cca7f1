"""`min_people` (semantics §8, §11)."""

from __future__ import annotations

from typing import Any

import numpy as np

from shared.core.figures import Figures
from shared.core.periods import LEVELS
from shared.core.privacy import hidden_levels, hidden_levels_of_tops, shown


def figures(*rows):
    """Each row: (account, level, period, distinct people of M)."""
    zero = np.zeros(len(rows), np.int32)
    columns: dict[str, Any] = dict.fromkeys(Figures.__dataclass_fields__, zero) | {
        "account": np.array([row[0] for row in rows], np.int32),
        "level": np.array([LEVELS.index(row[1]) for row in rows], np.int8),
        "period": np.array([row[2] for row in rows], np.int32),
        "people": np.array([row[3] for row in rows], np.int32),
    }
    return Figures(**columns)


def left(table, hidden):
    kept = shown(table, hidden)
    return [(a, LEVELS[level], p) for a, level, p in zip(kept.account, kept.level, kept.period, strict=True)]


TABLE = figures((0, "Year", 0, 2), (0, "Month", 1, 1), (0, "Month", 2, 2), (0, "Week", 5, 2), (1, "Year", 0, 1))


def test_off_by_default_hides_nothing():
    """§8: default 0 = off."""
    assert len(left(TABLE, hidden_levels(TABLE, 0, 2))) == 5


def test_one_thin_month_takes_all_months_along_but_neither_weeks_nor_the_year():
    """§8: if any month (or week) row is left out, all of that level are; the Year row stands if it passes itself."""
    assert left(TABLE, hidden_levels(TABLE, 2, 2)) == [(0, "Year", 0), (0, "Week", 5)]


def test_a_level_of_a_top_goes_where_one_of_its_accounts_lost_it():
    """§11: a level of a top is left out where a row of that level of any account that it stands for was left out."""
    of_accounts = hidden_levels(TABLE, 2, 2)
    tops = figures((0, "Year", 0, 3), (0, "Month", 1, 3), (0, "Week", 5, 3))

    assert left(tops, hidden_levels_of_tops(tops, 2, of_accounts, np.array([0, 0], np.int32))) == [(0, "Week", 5)]
    apart = figures((0, "Year", 0, 3), (0, "Month", 1, 3), (1, "Year", 0, 3))
    assert left(apart, hidden_levels_of_tops(apart, 2, of_accounts, np.array([0, 1], np.int32))) == [(0, "Year", 0)]


def test_a_top_s_own_rows_are_judged_too():
    """§11: besides §8."""
    tops = figures((0, "Year", 0, 1))

    assert left(tops, hidden_levels_of_tops(tops, 2, np.zeros((1, 3), np.bool_), np.array([0], np.int32))) == []
