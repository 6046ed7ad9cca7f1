"""What the offline world's commands show: a run's progress, and its result. Shows; never asks or computes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from localdev.results import Card, Result, Row

MARKS = {"waiting": "·", "running": "▸", "done": "✓", "warning": "!", "failed": "✗", "skipped": "–"}
TOP = 10
PLAIN_WIDTH = 110
LONG_MINUTES = 120
BAR_WIDTH = 24


class Screen:
    """A terminal with colours and a moving display, or plain lines where there is none."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        if not self._console.is_terminal:
            self._console.width = PLAIN_WIDTH

    def say(self, text: str = "") -> None:
        self._console.print(text, markup=False, soft_wrap=True)

    def title(self, text: str) -> None:
        self._console.print(f"\n[bold]{text}[/bold]")

    def follow(self, statuses: Iterable[dict[str, Any]]) -> dict[str, Any]:
        """Show a run's progress until it has ended; its last status."""
        return self._moving(statuses) if self._console.is_terminal else self._lines(statuses)

    def _moving(self, statuses: Iterable[dict[str, Any]]) -> dict[str, Any]:
        last: dict[str, Any] = {}
        with Live(console=self._console, auto_refresh=False) as live:
            for last in statuses:
                live.update(_tasks(last), refresh=True)
        return last

    def _lines(self, statuses: Iterable[dict[str, Any]]) -> dict[str, Any]:
        last: dict[str, Any] = {}
        told: dict[str, str] = {}
        for last in statuses:
            for task in last["tasks"]:
                if task["state"] != told.setdefault(task["name"], "waiting"):
                    told[task["name"]] = task["state"]
                    self._line(task)
        return last

    def _line(self, task: dict[str, Any]) -> None:
        """One task's news; that a single step has begun is none."""
        if task["state"] != "running" or (task["total"] or 0) > 1:
            self.say("  " + "  ".join(cell for cell in _cells(task) if cell))

    def tops(self, result: Result) -> None:
        self.title(f"Customers by score, the first {TOP} of {len(result.years())}")
        table = _table("Customer", "Score", "Emails", "Meetings", "Days since email", "since meeting")
        for row in result.years()[:TOP]:
            emails = int(row["NoOfEmails_ToAccount"]) + int(row["NoOfEmails_FromAccount"])
            since = (row["DaysSinceLastEmail"] or "–", row["DaysSinceLastMeeting"] or "–")
            name = result.name(row["CustomerId"])
            table.add_row(name, row["EngagementScore"], str(emails), str(_meetings(result, row)), *since)
        self._console.print(table)

    def card(self, card: Card) -> None:
        row = card.row
        self.title(f"{card.name}: {row['EngagementScore']} of 100")
        table = _table("Part", "Points", "of", "Value", "Reference")
        for part, *numbers in card.points:
            table.add_row(part, *(str(number) for number in numbers))
        self._console.print(table)
        since = {what: row[f"DaysSinceLast{what}"] or "–" for what in ("Email", "Meeting")}
        emails = f"{row['NoOfEmails_ToAccount']} to them, {row['NoOfEmails_FromAccount']} from them"
        self.say(f"  emails: {emails}; days since the last one: {since['Email']}")
        meetings = f"{row['NoOfMeetings_ToAccount']} called by us, {row['NoOfMeetings_FromAccount']} by them"
        self.say(f"  meetings: {meetings}; days since the last one: {since['Meeting']}")
        ours = max(int(row[f"NoOfContactsInvolved_{what}"]) for what in ("Emails", "Meetings"))
        theirs = max(int(row[f"NoOfAccountContactsInvolved_{what}"]) for what in ("Emails", "Meetings"))
        self.say(f"  people: {ours} of ours, {theirs} of theirs · in touch since {row['EngagementStartDate']}")
        lasts, answers = row["AverageDuration_Of_Meetings"], row["AverageDuration_Of_AccountEmailReplies"]
        self.say(f"  a meeting lasts {_minutes(lasts)}, an answer of theirs takes {_minutes(answers)}")

    def coverage(self, result: Result) -> None:
        self.title("What was looked at, and what became of it")
        scopes: dict[str, list[str]] = defaultdict(list)
        for row in result.coverage():
            scopes[row["Scope"]].append(f"{row['Reason']} {int(row['Count']):,}")
        for scope, reasons in scopes.items():
            self.say(f"  {scope:<10}" + " · ".join(reasons))


def _meetings(result: Result, row: Row) -> int:
    """All distinct meetings of the account, those that a third party called too: the raw value of that part."""
    breakdown = result.tables[f"{result.output}_ScoreBreakdown"]
    return int(next(line for line in breakdown if line["PrimaryKey"] == row["PrimaryKey"])["Meetings_Value"])


def _table(first: str, *numbers: str) -> Table:
    table = Table(box=None, padding=(0, 2), header_style="dim")
    table.add_column(first, no_wrap=True)
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _tasks(status: dict[str, Any]) -> Table:
    table = Table(box=None, padding=(0, 2), show_header=False)
    for task in status["tasks"]:
        total, done = task.get("total") or 0, task.get("done") or 0
        bar = ProgressBar(total, done, width=BAR_WIDTH) if task["state"] == "running" and total > 1 else ""
        table.add_row(*_cells(task), bar, style="dim" if task["state"] in ("waiting", "skipped") else None)
    return table


def _cells(task: dict[str, Any]) -> tuple[str, str, str, str, str]:
    """Mark, name, state, how far, how long; nothing where there is nothing to say."""
    total, done = task.get("total"), task.get("done")
    far = f"{done or 0:,} of {total:,}" if total else ""
    notes = [f"{task[kind]} {kind}" for kind in ("warnings", "errors") if task.get(kind)]
    return MARKS[task["state"]], f"{task['name']:<10}", task["state"], ", ".join([far, *notes]).strip(", "), _long(task)


def _long(task: dict[str, Any]) -> str:
    if not task.get("startedAt") or not task.get("endedAt"):
        return ""
    elapsed = datetime.fromisoformat(task["endedAt"]) - datetime.fromisoformat(task["startedAt"])
    return f"{elapsed.total_seconds():.1f} s"


def _minutes(text: str) -> str:
    """A length of time, given in minutes as text."""
    if not text:
        return "–"
    minutes = float(text)
    return f"{minutes:,.0f} minutes" if minutes < LONG_MINUTES else f"{minutes / 60:,.1f} hours"
