"""Published tables as the tests of the rules ask them: one account's row, one scope's reasons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from shared.core.standing import Standing
from tests.reference.organisation import Organisation, Row
from tests.reference.text import FLOATS, Cells

Publisher = Callable[[Organisation], "Published"]

_DATES = ("EngagementStartDate", "AggregationStartDate")
_TEXTS = ("PrimaryKey", "CustomerId", "AggregationLevel", "UserId", "RunId", "Scope", "Reason", "AsOf")


@dataclass(frozen=True)
class Published:
    """Every table as cells of text, by name; `output` is the name of the main one · standing: the app's index."""

    tables: dict[str, Cells]
    output: str = "Office"
    standing: Standing | None = None

    def rows(self, suffix: str = "") -> list[Row]:
        """The rows of `<output><suffix>` with their types back."""
        return [
            {column: _typed(column, cell) for column, cell in row.items()} for row in self.tables[self.output + suffix]
        ]

    def primary_keys(self, suffix: str = "") -> list[str]:
        return [row["PrimaryKey"] for row in self.rows(suffix)]

    def row(self, key: str, suffix: str = "") -> Row:
        """The row with this primary key, which must be there."""
        return next(row for row in self.rows(suffix) if row["PrimaryKey"] == key)

    def emails(self, account: str = "A", period: str = "Year") -> tuple[int, int]:
        """(to, from) account; (0, 0) where it has no such row."""
        row = self._find(account, period)
        return (row["NoOfEmails_ToAccount"], row["NoOfEmails_FromAccount"]) if row else (0, 0)

    def meetings(self, account: str = "A", period: str = "Year") -> tuple[int, int, int]:
        """(to, from, all) meetings of the account; all: as the score counts them, third-party ones too."""
        row = self._find(account, period)
        if row is None:
            return (0, 0, 0)
        every = self.row(row["PrimaryKey"], "_ScoreBreakdown")["Meetings_Value"]
        return (row["NoOfMeetings_ToAccount"], row["NoOfMeetings_FromAccount"], every)

    def people(self, account: str = "A", period: str = "Year") -> dict[str, tuple[int, int]]:
        """(ours, theirs) in emails and in meetings."""
        row = self._find(account, period) or {}
        return {
            kind: (row.get(f"NoOfContactsInvolved_{kind}", 0), row.get(f"NoOfAccountContactsInvolved_{kind}", 0))
            for kind in ("Emails", "Meetings")
        }

    def accounts(self) -> list[str]:
        return sorted({row["CustomerId"] for row in self.rows()})

    def coverage(self, scope: str) -> dict[str, int]:
        return {row["Reason"]: row["Count"] for row in self.rows("_Coverage") if row["Scope"] == scope}

    def _find(self, account: str, period: str) -> Row | None:
        key = f"{account}|{period}"
        return next((row for row in self.rows() if row["PrimaryKey"] == key), None)


def _typed(column: str, cell: str) -> Any:
    if column in _TEXTS:
        return cell
    if cell == "":
        return None
    if column in _DATES:
        return date.fromisoformat(cell)
    return float(cell) if column in FLOATS else int(cell)
