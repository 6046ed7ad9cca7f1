"""What readers are told of a result beside its tables, held against the tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from tests.end_to_end.app import App, Json

PARTS = ("EmailVolume", "EmailTwoWay", "Meetings", "Breadth", "Recency")


def listed(app: App, path: str) -> list[Json]:
    """A list, page by page."""
    entries: list[Json] = []
    following: str | None = f"enrichments/{app.name}/{path}"
    while following:
        answer = app.ask("GET", following)
        assert answer.status_code == 200, answer.text
        entries += answer.json()["value"]
        following = answer.json()["nextLink"]
    return entries


def rows(app: App, suffix: str = "", **query: Any) -> dict[str, dict[str, str]]:
    """Primary key → row of a table."""
    text = app.table(app.output + suffix, **query).content.decode()
    return {row["PrimaryKey"]: row for row in csv.DictReader(io.StringIO(text))}


def differences(app: App) -> Iterator[str]:
    """Each customer of whom list or card say something else than the tables."""
    years, months = rows(app, level="Year"), rows(app, level="Month")
    breakdown = rows(app, "_ScoreBreakdown", level="Year")
    for entry in listed(app, "customers?top=70&orderBy=customerId"):
        customer = entry["customerId"]
        answer = app.ask("GET", f"enrichments/{app.name}/customers/{quote(customer, safe='')}")
        assert answer.status_code == 200, answer.text
        card, key = answer.json(), f"{customer}|Year"
        if (key in years) != (entry["score"] is not None):
            yield f"{customer}: {entry}"
        elif key in years:
            of_months = [row for row in months.values() if row["CustomerId"] == customer]
            if _told(entry, card) != _written(years[key], breakdown[key], of_months):
                yield f"{customer}: {_told(entry, card)} instead of {_written(years[key], breakdown[key], of_months)}"


def _told(entry: Json, card: Json) -> list[Any]:
    emails, meetings = card["totals"]["emails"], card["totals"]["meetings"]
    # Where `minPeople` left the months out, the table has no rows of them.
    counted = [month for month in card["months"] if month["emails"] is not None]
    in_months = {month["start"]: [*month["emails"].values(), *month["meetings"].values()] for month in counted}
    return [
        [card["score"], entry["score"], entry["emails"], entry["meetings"]],
        [*emails.values(), *meetings.values()],
        [[part["part"], part["points"], part["value"], part["reference"]] for part in card["breakdown"]],
        [card["daysSinceLastEmail"], card["daysSinceLastMeeting"], card["engagementStartDate"]],
        [card["averageMeetingMinutes"], card["averageReplyMinutes"]],
        card["people"],
        {start: counts for start, counts in in_months.items() if any(counts)},
    ]


def _written(year: dict[str, str], breakdown: dict[str, str], months: list[dict[str, str]]) -> list[Any]:
    score, every = int(year["EngagementScore"]), int(breakdown["Meetings_Value"])
    emails, meetings = _counts(year)[:2], _counts(year)[2:]
    days = [_number(year[f"DaysSinceLast{kind}"]) for kind in ("Email", "Meeting")]
    means = [_number(year[f"AverageDuration_Of_{kind}"]) for kind in ("Meetings", "AccountEmailReplies")]
    counted = {row["AggregationStartDate"]: _counts(row) for row in months}
    return [
        [score, score, sum(emails), every],
        [*emails, *meetings, every - sum(meetings)],
        [[part, *(int(breakdown[part + suffix]) for suffix in ("", "_Value", "_Reference"))] for part in PARTS],
        [*days, year["EngagementStartDate"]],
        means,
        {"ours": _side(year, ""), "theirs": _side(year, "Account")},
        {start: counts for start, counts in counted.items() if any(counts)},
    ]


def _counts(row: dict[str, str]) -> list[int]:
    names = ("Emails_ToAccount", "Emails_FromAccount", "Meetings_ToAccount", "Meetings_FromAccount")
    return [int(row[f"NoOf{name}"]) for name in names]


def _side(row: dict[str, str], side: str) -> dict[str, int]:
    return {kind.lower(): int(row[f"NoOf{side}ContactsInvolved_{kind}"]) for kind in ("Emails", "Meetings")}


def _number(cell: str) -> float | None:
    return float(cell) if cell else None
