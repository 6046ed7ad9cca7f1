"""Where each known customer stands: what cards, lists and segments are answered from (interfaces §8, §9).

Made when a result is published, from the rows that are shown. Nobody's name, address or id is in it but the customers'.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.core.change import bands_of, changes_of, one_more_of
from shared.core.columns import take
from shared.core.coverage import CoverageRow
from shared.core.enrichment import Options
from shared.core.figures import NEVER, Figures
from shared.core.periods import DAYS, LEVELS, Window
from shared.core.score import scores, weights_of

ABSENT, SHOWN, HIDDEN = 0, 1, 2
"""A customer has no Year row, has one, or has one that `min_people` leaves out (semantics §8)."""

RANGES = tuple((begin, begin + 9 if begin < 90 else 100) for begin in range(0, 100, 10))
DIRECTIONS = ("emails_to", "emails_from", "meetings_to", "meetings_from")
SIDES = ("people_emails", "people_meetings", "contacts_emails", "contacts_meetings")

# A column of the Year rows, and what stands for a missing row → a column of the known customers.
_Spread = Callable[..., NDArray[Any]]

_YEAR, _MONTH = LEVELS.index("Year"), LEVELS.index("Month")


@dataclass(frozen=True)
class About:
    """What is true of a result as a whole.

    references: R of the Year per part · maxima: the points that each part can give at most.
    """

    run_id: str
    as_of_us: int
    zone: str
    coverage: tuple[CoverageRow, ...]
    references: tuple[int, ...]
    maxima: tuple[int, ...]

    @cached_property
    def window(self) -> Window:
        return Window(self.as_of_us, self.zone)

    def counted(self, scope: str, reason: str | None = None) -> int:
        """How many things of a scope the coverage has, of one reason or of all."""
        return sum(row.number for row in self.coverage if row.scope == scope and reason in (None, row.reason))


@dataclass(frozen=True)
class Standing:
    """Columns with one row per known customer, sorted by id (code points); where `presence` is not SHOWN, the figures
    are 0 and the days and means are missing.

    totals: the four counts of the Year (`DIRECTIONS`) · meetings: all of them · sides: distinct people (`SIDES`) ·
    first_day: index into the window · since_email, since_meeting: days · NEVER is a missing day, NaN a missing mean ·
    values, points, one_more: per part of the score · moved, change, own: as `Changes` has moved, points and own ·
    months_hidden: no month is shown, and there is no change · months: the four counts of each month that the window
    touches, shape (rows, 4, months).
    """

    about: About
    ids: list[str]
    names: list[str | None]
    presence: NDArray[np.int8]
    score: NDArray[np.int32]
    band: NDArray[np.int8]
    moved: NDArray[np.int32]
    change: NDArray[np.int32]
    own: NDArray[np.int32]
    totals: NDArray[np.int32]
    meetings: NDArray[np.int32]
    sides: NDArray[np.int32]
    first_day: NDArray[np.int32]
    since_email: NDArray[np.int32]
    since_meeting: NDArray[np.int32]
    meeting_minutes: NDArray[np.float64]
    reply_minutes: NDArray[np.float64]
    values: NDArray[np.int64]
    points: NDArray[np.int32]
    one_more: NDArray[np.int32]
    months_hidden: NDArray[np.bool_]
    months: NDArray[np.int32]

    def enriched(self) -> int:
        return int((self.presence == SHOWN).sum())

    @cached_property
    def rows(self) -> dict[str, int]:
        """Customer id → its row."""
        return {customer: row for row, customer in enumerate(self.ids)}

    @cached_property
    def name_ranks(self) -> NDArray[np.float64]:
        """The place of each name among all (code points); equal names have the same, no name has NaN."""
        places = {name: place for place, name in enumerate(sorted({name for name in self.names if name is not None}))}
        return np.array([np.nan if name is None else places[name] for name in self.names], np.float64)

    @cached_property
    def search_texts(self) -> list[str]:
        """Id and name of each customer in the form in which they are searched."""
        return [f"{id}\0{name or ''}".casefold() for id, name in zip(self.ids, self.names, strict=True)]


def stand(
    figures: Figures,
    hidden: NDArray[np.bool_],
    references: NDArray[np.int64],
    accounts: Sequence[str],
    customers: Mapping[str, str | None] | None,
    options: Options,
    about: About,
) -> Standing:
    """figures: of the rows that are shown those `for_readers`, or all · hidden: which levels of which accounts are left
    out · references: as `references_of` has them · accounts: ids by their numbers · customers: as the plan has them.
    """
    year = take(figures, np.flatnonzero(figures.level == _YEAR))
    left_out = np.flatnonzero(hidden[:, _YEAR])
    ids = _known(np.concatenate([year.account, left_out]), accounts, customers)
    position = {customer: row for row, customer in enumerate(ids)}
    place = np.array([position.get(account, -1) for account in accounts], np.int64)

    def spread(column: NDArray[Any], missing: float = 0) -> NDArray[Any]:
        """A column of the Year rows as one of the known customers."""
        spread_out = np.full((len(ids), *column.shape[1:]), missing, column.dtype)
        spread_out[place[year.account]] = column
        return spread_out

    presence = spread(np.full(len(year.account), SHOWN, np.int8))
    presence[place[left_out]] = HIDDEN
    months_hidden = np.zeros(len(ids), np.bool_)
    months_hidden[place[hidden[:, _MONTH] & (place >= 0)]] = True
    changes = changes_of(figures, references, len(accounts), options.score, about.window)
    return Standing(
        about=about,
        ids=ids,
        names=[(customers or {}).get(customer) for customer in ids],
        presence=presence,
        moved=spread(changes.moved[year.account]),
        change=spread(changes.points[year.account]),
        own=spread(changes.own[year.account]),
        months_hidden=months_hidden,
        months=_months(figures, place, len(ids), about.window),
        **_scored(year, references, options, about.window, spread),
        **_counted(year, spread),
    )


def _known(
    with_row: NDArray[np.int64], accounts: Sequence[str], customers: Mapping[str, str | None] | None
) -> list[str]:
    """The ids of all known customers (interfaces §8), sorted. with_row: numbers of accounts, hidden ones too."""
    return sorted(
        {accounts[number] for number in with_row.tolist()}.union(accounts if customers is None else customers)
    )


def _scored(
    year: Figures, references: NDArray[np.int64], options: Options, window: Window, spread: _Spread
) -> dict[str, NDArray[Any]]:
    """What the score of the Year says of each customer: columns of `Standing`."""
    scored = scores(year, references, options.score, window)
    return {
        "score": spread(scored.score),
        "band": spread(bands_of(scored.score, options.bands)),
        "values": spread(scored.values),
        "points": spread(scored.points),
        "one_more": spread(one_more_of(scored.values, scored.references, options.score)),
    }


def _counted(year: Figures, spread: _Spread) -> dict[str, NDArray[Any]]:
    """What the Year row itself says of each customer: columns of `Standing`."""
    return {
        "totals": spread(_side_by_side(year, DIRECTIONS)),
        "meetings": spread(year.meetings),
        "sides": spread(_side_by_side(year, SIDES)),
        "first_day": spread(year.first_day, NEVER),
        "since_email": spread(_since(year.last_email_day), NEVER),
        "since_meeting": spread(_since(year.last_meeting_day), NEVER),
        "meeting_minutes": spread(_mean(year.meeting_minutes, year.meetings), np.nan),
        "reply_minutes": spread(_mean(year.reply_minutes, year.replies), np.nan),
    }


def for_readers(figures: Figures, window: Window) -> Figures:
    """The rows from which `stand` and `latest` are made: all but most of the weeks."""
    week = LEVELS.index("Week")
    last = window.complete_periods("Week")[-1]
    return take(figures, np.flatnonzero((figures.level != week) | (figures.period == last)))


def latest(figures: Figures, window: Window) -> Figures:
    """The rows of the Year and of the latest complete month and week, in their order."""
    wanted = np.zeros(len(figures.level), np.bool_)
    for number, level in enumerate(LEVELS):
        wanted |= (figures.level == number) & (figures.period == window.complete_periods(level)[-1])
    return take(figures, np.flatnonzero(wanted))


def about_result(
    run_id: str, window: Window, coverage: Sequence[CoverageRow], references: NDArray[np.int64], options: Options
) -> About:
    return About(
        run_id=run_id,
        as_of_us=window.as_of_us,
        zone=window.zone,
        coverage=tuple(coverage),
        references=tuple(references[_YEAR, 0].tolist()),
        maxima=tuple(weights_of(options.score).tolist()),
    )


def _months(figures: Figures, place: NDArray[np.int64], customers: int, window: Window) -> NDArray[np.int32]:
    rows = np.flatnonzero(figures.level == _MONTH)
    customer, period = place[figures.account[rows]], figures.period[rows]
    months = np.zeros((customers, len(DIRECTIONS), int(window.month_of_day[-1]) + 1), np.int32)
    for number, name in enumerate(DIRECTIONS):
        months[customer, number, period] = getattr(figures, name)[rows]
    return months


def _side_by_side(figures: Figures, names: Sequence[str]) -> NDArray[np.int32]:
    return np.stack([getattr(figures, name) for name in names], axis=1).astype(np.int32)


def _since(day: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.where(day == NEVER, NEVER, DAYS - 1 - day).astype(np.int32)


def _mean(total: NDArray[np.float64], number: NDArray[np.int32]) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = np.where(number == 0, np.nan, total / np.maximum(number, 1))
    return mean
