"""§5 and §6: the rows of the table `<output>` and its breakdown, from involvements; §8 `min_people`."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from tests.reference import score
from tests.reference.involvement import FROM_ACCOUNT, TO_ACCOUNT, Involvement
from tests.reference.organisation import LEVELS, PARTS, Options, Row
from tests.reference.periods import Window, last_day_of, start_of
from tests.reference.replies import Reply, replies_of

Key = tuple[str, str, date]  # account, level, AggregationStartDate


@dataclass
class Period:
    """What an account has in one period of one level."""

    emails: list[Involvement] = field(default_factory=list)
    meetings: list[Involvement] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)

    def items(self) -> list[Involvement]:
        return self.emails + self.meetings

    def people(self) -> set[str]:
        """§8: "distinct people of M … (in emails and meetings together)"."""
        return ours(self.items())


@dataclass(frozen=True)
class Table:
    """The periods with a row, all of them and those that `min_people` leaves; `hidden`: (account, level) left out."""

    periods: dict[Key, Period]
    shown: dict[Key, Period]
    hidden: frozenset[tuple[str, str]]


def ours(items: Iterable[Involvement]) -> set[str]:
    return {person for item in items for person in item.ours}


def theirs(items: Iterable[Involvement]) -> set[str]:
    return {contact for item in items for contact in item.theirs}


def fold(involvements: list[Involvement], options: Options, window: Window) -> dict[Key, Period]:
    """§5: "Month and week rows exist only where the account has an item in them. Accounts without any item in the
    window have no rows." A reply's value belongs to the period of the reply (§3.5).
    """
    periods: dict[Key, Period] = defaultdict(Period)
    emails: dict[str, list[Involvement]] = defaultdict(list)
    for one in involvements:
        if one.kind == "email":
            emails[one.account].append(one)
        for level in LEVELS:
            period = periods[one.account, level, start_of(level, one.day, window)]
            (period.emails if one.kind == "email" else period.meetings).append(one)
    for account, written in emails.items():
        for reply in replies_of(written, options.reply_limit_days):
            for level in LEVELS:
                periods[account, level, start_of(level, reply.day, window)].replies.append(reply)
    return dict(periods)


def mask(periods: dict[Key, Period], min_people: int, also: frozenset[tuple[str, str]] = frozenset()) -> Table:
    """§8: "a row behind which fewer distinct people of M stand … is left out; if any month (or week) row of an account
    is left out, all of that level are …; the Year row stands if it passes itself". `also`: further (account, level).
    """
    thin = {key[:2] for key, period in periods.items() if len(period.people()) < min_people}
    hidden = frozenset(thin | also)
    return Table(periods, {key: period for key, period in periods.items() if key[:2] not in hidden}, hidden)


def raw_values(key: Key, period: Period, window: Window) -> dict[str, int]:
    """§7: the raw values x, and for Recency "d = whole days from the account's last item in the period to the period's
    last day (never after the as-of date)".
    """
    to, from_ = _directed(period.emails, TO_ACCOUNT), _directed(period.emails, FROM_ACCOUNT)
    last = max(item.day for item in period.items())
    return {
        "EmailVolume": to + from_,
        "EmailTwoWay": min(to, from_),
        "Meetings": len(period.meetings),
        "Breadth": max(len(theirs(period.emails)), len(theirs(period.meetings))),
        "Recency": (last_day_of(key[1], key[2], window) - last).days,
    }


def _directed(items: list[Involvement], direction: str) -> int:
    return sum(item.direction == direction for item in items)


def references(values: Mapping[Key, Mapping[str, int]], options: Options) -> dict[tuple[str, date], dict[str, int]]:
    """§7: R of each part, per level and period, over the accounts that have a row there; the half-life for Recency."""
    groups: dict[tuple[str, date], list[Mapping[str, int]]] = defaultdict(list)
    for (_, level, start), value in values.items():
        groups[level, start].append(value)
    return {
        (level, start): {
            part: score.reference([row[part] for row in rows], options.floors[level][part], options.percentile)
            for part in PARTS[:4]
        }
        | {"Recency": options.half_life_days}
        for (level, start), rows in groups.items()
    }


def primary_key(key: Key) -> str:
    account, level, start = key
    return f"{account}|Year" if level == "Year" else f"{account}|{level}|{start:%Y%m%d}"


def in_order(keys: Iterable[Key]) -> list[Key]:
    """§6: "sorted by CustomerId (by code point), AggregationLevel (Year, Month, Week), AggregationStartDate"."""
    return sorted(keys, key=lambda key: (key[0], LEVELS.index(key[1]), key[2]))


def rows(table: Table, options: Options, window: Window) -> tuple[list[Row], list[Row]]:
    """The table `<output>` and its `_ScoreBreakdown`."""
    values = {key: raw_values(key, period, window) for key, period in table.shown.items()}
    least = references(values, options)
    figures, breakdown = [], []
    for key in in_order(table.shown):
        rounded = score.parts(values[key], least[key[1:]], options)
        whole = score.integer_points(rounded)
        figures.append(_figures(key, table, score.score(rounded), window))
        row: Row = {"PrimaryKey": primary_key(key), **whole}
        for part in PARTS:
            row |= {f"{part}_Value": values[key][part], f"{part}_Reference": least[key[1:]][part]}
        breakdown.append(row)
    return figures, breakdown


def _figures(key: Key, table: Table, points: int, window: Window) -> Row:
    period, year = table.shown[key], table.periods[key[0], "Year", window.first]
    emails, meetings = period.emails, period.meetings
    return {
        "PrimaryKey": primary_key(key),
        "CustomerId": key[0],
        "EngagementScore": points,
        "NoOfEmails_ToAccount": _directed(emails, TO_ACCOUNT),
        "NoOfEmails_FromAccount": _directed(emails, FROM_ACCOUNT),
        "NoOfMeetings_FromAccount": _directed(meetings, FROM_ACCOUNT),
        "NoOfMeetings_ToAccount": _directed(meetings, TO_ACCOUNT),
        "NoOfContactsInvolved_Meetings": len(ours(meetings)),
        "NoOfContactsInvolved_Emails": len(ours(emails)),
        "NoOfAccountContactsInvolved_Meetings": len(theirs(meetings)),
        "NoOfAccountContactsInvolved_Emails": len(theirs(emails)),
        "EngagementStartDate": min(item.day for item in year.items()),
        "DaysSinceLastEmail": _days_since(year.emails, window),
        "DaysSinceLastMeeting": _days_since(year.meetings, window),
        "AverageDuration_Of_Meetings": mean([meeting.item.minutes for meeting in meetings]),
        "AverageDuration_Of_AccountEmailReplies": mean([reply.minutes for reply in period.replies]),
        "AggregationStartDate": key[2],
        "AggregationLevel": key[1],
    }


def _days_since(items: list[Involvement], window: Window) -> int | None:
    """§6: "as-of date − date of the last counted item in the window, in days (0 = today)"."""
    return (window.last - max(item.day for item in items)).days if items else None


def mean(minutes: list[Fraction]) -> float | None:
    """The exact sum of the minutes as floats, rounded once, over their number: the last digit of the known answers."""
    return math.fsum(map(float, minutes)) / len(minutes) if minutes else None
