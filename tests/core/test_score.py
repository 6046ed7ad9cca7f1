"""EngagementScore (semantics §7)."""

from __future__ import annotations

from decimal import Decimal
from math import log
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.core.enrichment import Floors, ScoreOptions, Weights
from shared.core.figures import Figures
from shared.core.periods import DAYS, LEVELS
from shared.core.score import BILLION, parts_of, rank_of, references_of, rounded, scores, tally
from tests.facts import WINDOW

OPTIONS = ScoreOptions()


def figures(*rows, level="Year", period=0):
    """Each row: (emails to, emails from, meetings, contacts in emails, contacts in meetings, days since the last)."""
    last = WINDOW.period_last_day(level, period)
    table = np.array(rows, np.int32).reshape(-1, 6)
    zero = np.zeros(len(table), np.int32)
    columns: dict[str, Any] = dict.fromkeys(Figures.__dataclass_fields__, zero) | {
        "account": np.arange(len(table), dtype=np.int32),
        "level": np.full(len(table), LEVELS.index(level), np.int8),
        "period": np.full(len(table), period, np.int32),
        "emails_to": table[:, 0],
        "emails_from": table[:, 1],
        "meetings": table[:, 2],
        "contacts_emails": table[:, 3],
        "contacts_meetings": table[:, 4],
        "last_day": last - table[:, 5],
    }
    return Figures(**columns)


def score(*rows, options=OPTIONS, level="Year", period=0):
    return scored(figures(*rows, level=level, period=period), options)


def scored(table, options=OPTIONS):
    return scores(table, references_of(tally(table), options), options, WINDOW)


@pytest.mark.parametrize(
    ("n", "percentile", "k"),
    [
        (1, "0.95", 1),
        (2, "0.95", 2),
        (3, "0.95", 2),
        (20, "0.95", 19),
        (21, "0.95", 20),
        (40, "0.95", 38),
        (100, "0.95", 95),
        (101, "0.95", 96),
        (10, "0.1", 1),
        (10, "1", 9),
        (2, "1", 2),
        (3, "0.01", 1),
        (100, "0.07", 7),
    ],
)
def test_the_rank_is_the_ceiling_of_the_percentile_but_never_the_largest(n, percentile, k):
    """§7: k = ⌈0.95 n⌉ for n < 3, else min(⌈0.95 n⌉, n − 1); the percentile as its decimal text says."""
    assert rank_of(n, Decimal(percentile)) == k


def test_raw_values_and_points_of_one_account():
    """§7: one account works; with R at its own value each part is full, but for what the floor takes."""
    one = score((30, 20, 6, 4, 2, 30))

    assert one.values.tolist() == [[50, 20, 6, 4, 30]]
    assert one.references.tolist() == [[50, 20, 6, 4, 30]]
    # 20 + 15 + 35 + 15 + 7.5 = 92.5 → ⌊93⌋: the half goes to Recency.
    assert one.score.tolist() == [93]
    assert one.points.tolist() == [[20, 15, 35, 15, 8]]


def test_floors_are_the_least_references_and_differ_by_level():
    """§7: R = max(floor, k-th smallest x); floors Year / Month / Week."""
    row = (1, 0, 1, 1, 0, 0)

    assert score(row).references.tolist() == [[24, 12, 6, 3, 30]]
    assert score(row, level="Month", period=3).references.tolist() == [[4, 2, 2, 2, 30]]
    assert score(row, level="Week", period=3).references.tolist() == [[2, 1, 1, 1, 30]]


def test_parts_follow_the_logarithm():
    """§7: points = W · min(1, ln(1+x) / ln(1+R)), rounded to 9 decimals; Recency 15 · 2^(−d/30)."""
    one = figures((1, 0, 1, 1, 0, 7))
    values = scored(one).values
    parts = parts_of(values, np.array([[24, 12, 6, 3, 30]]), OPTIONS)

    expected = [20 * log(2) / log(25), 0, 35 * log(2) / log(7), 15 * log(2) / log(4), 15 * 2 ** (-7 / 30)]
    assert (parts[0] / BILLION).tolist() == pytest.approx(expected, abs=6e-10)


def test_recency_counts_to_the_period_s_last_day_never_after_the_as_of_date():
    """§7: d = whole days from the last item in the period to the period's last day (never after the as-of date)."""
    month = int(WINDOW.month_of_day[-1])
    row = figures((1, 0, 0, 1, 0, 0), level="Month", period=month)

    assert row.last_day.tolist() == [DAYS - 1]
    assert scored(row).values[0, 4] == 0


def test_half_a_point_is_rounded_up_and_every_row_has_one():
    """§7: score = ⌊S + ½⌋; at least 1 for every row."""
    score_, points = rounded(np.array([[BILLION // 2, 0, 0, 0, 0], [0, 0, 0, 0, 1], [0, 0, 0, 0, 0]]))

    assert score_.tolist() == [1, 1, 1]
    assert points.tolist() == [[1, 0, 0, 0, 0], [0, 0, 0, 0, 1], [1, 0, 0, 0, 0]]


def test_points_come_from_the_largest_remainders_ties_in_the_table_s_order():
    """§7: the largest remainders of the rounded parts (ties: the table's order)."""
    parts = np.array([[1_400_000_000, 2_400_000_000, 3_500_000_000, 4_300_000_000, 0]])
    score_, points = rounded(parts)

    assert score_.tolist() == [12]
    assert points.tolist() == [[2, 2, 4, 4, 0]]


row = st.tuples(
    st.integers(0, 60),
    st.integers(0, 60),
    st.integers(0, 12),
    st.integers(0, 6),
    st.integers(0, 6),
    st.integers(0, 364),
).map(lambda r: r if r[0] + r[1] + r[2] else (1, *r[1:]))
accounts = st.lists(row, min_size=1, max_size=25)


@given(accounts)
@settings(max_examples=100, derandomize=True, deadline=None)
def test_points_add_up_to_the_score_and_stay_within_their_weight(rows):
    """§7: and add up to the score exactly."""
    found = score(*rows)

    assert found.points.sum(axis=1).tolist() == found.score.tolist()
    assert (found.score >= 1).all()
    assert (found.score <= 100).all()
    assert (found.points >= 0).all()
    assert (found.points <= [20, 15, 35, 15, 15]).all()


@given(accounts, st.integers(0, 24), st.integers(0, 5))
@settings(max_examples=200, derandomize=True, deadline=None)
def test_more_or_fresher_never_lowers_an_account_s_own_score(rows, which, what):
    """§7: more mail, meetings or people, or a fresher contact, never lowers an account's own score."""
    which %= len(rows)
    better = list(rows[which])
    better[what] += -1 if what == 5 and better[5] else (what != 5)
    before, after = score(*rows), score(*rows[:which], tuple(better), *rows[which + 1 :])

    assert after.score[which] >= before.score[which]


@given(st.lists(row, min_size=3, max_size=25), st.integers(0, 24), st.integers(0, 3))
@settings(max_examples=100, derandomize=True, deadline=None)
def test_the_largest_account_alone_never_sets_the_reference(rows, which, part):
    """§7: the largest account alone never sets R when n ≥ 3."""
    which %= len(rows)
    giant = [*rows[:which], (9_000, 9_000, 9_000, 9_000, 9_000, 0), *rows[which + 1 :]]
    bigger = [*rows[:which], (90_000, 90_000, 90_000, 90_000, 90_000, 0), *rows[which + 1 :]]

    assert score(*giant).references[:, part].tolist() == score(*bigger).references[:, part].tolist()
    assert (score(*giant).references[:, part] < 9_000).all()


@given(accounts, st.randoms(use_true_random=False))
@settings(max_examples=50, derandomize=True, deadline=None)
def test_equal_figures_give_equal_scores_whatever_the_order(rows, random):
    """§7: equal figures give equal scores; input order is irrelevant; all-equal accounts work."""
    order = random.sample(range(len(rows)), len(rows))
    found, shuffled = score(*rows), score(*(rows[i] for i in order))
    by_figures = dict(zip(rows, found.score.tolist(), strict=True))

    assert shuffled.score.tolist() == [by_figures[rows[i]] for i in order]
    assert len(set(score(*[rows[0]] * 5).score.tolist())) == 1


def test_each_level_and_period_is_its_own_set_of_accounts():
    """§7: per level and period, over the set A of accounts that have a row there."""
    parts = [figures((40, 40, 1, 1, 1, 0), level="Month", period=p) for p in (2, 3)]
    small = figures((3, 0, 1, 1, 1, 0), level="Month", period=2)
    together = Figures(
        **{
            name: np.concatenate([getattr(part, name) for part in (*parts, small)])
            for name in Figures.__dataclass_fields__
        }
    )

    assert scored(together).references[:, 0].tolist() == [80, 80, 80]


def test_weights_floors_percentile_and_half_life_are_configuration():
    """§7: weights, floors, percentile and half-life are configuration."""
    weights = Weights(email_volume=100, email_two_way=0, meetings=0, breadth=0, recency=0)
    floors = OPTIONS.floors.model_copy(update={"year": Floors(email_volume=1)})
    options = ScoreOptions(weights=weights, floors=floors, percentile=Decimal("0.5"), half_life_days=7)
    found = score((1, 0, 0, 1, 0, 0), (2, 0, 0, 1, 0, 0), (9, 0, 0, 1, 0, 0), options=options)

    assert found.references[:, [0, 4]].tolist() == [[2, 7]] * 3
    assert found.score.tolist() == [63, 100, 100]


def test_no_rows_have_no_scores():
    assert score().score.tolist() == []
