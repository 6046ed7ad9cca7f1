"""Filters over the rows of the output table, as trees (interfaces §9).

`filter_bodies` reads them from what callers write, `adapters/filter_rows` evaluates them; no text is ever executed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, TypeAlias

Kind = Literal["text", "whole", "number", "date"]
Op = Literal["eq", "ne", "lt", "le", "gt", "ge", "in", "isNull"]
Level = Literal["Year", "Month", "Week"]

COLUMNS: dict[str, Kind] = {
    "PrimaryKey": "text",
    "CustomerId": "text",
    "EngagementScore": "whole",
    "NoOfEmails_ToAccount": "whole",
    "NoOfEmails_FromAccount": "whole",
    "NoOfMeetings_FromAccount": "whole",
    "NoOfMeetings_ToAccount": "whole",
    "NoOfContactsInvolved_Meetings": "whole",
    "NoOfContactsInvolved_Emails": "whole",
    "NoOfAccountContactsInvolved_Meetings": "whole",
    "NoOfAccountContactsInvolved_Emails": "whole",
    "EngagementStartDate": "date",
    "DaysSinceLastEmail": "whole",
    "DaysSinceLastMeeting": "whole",
    "AverageDuration_Of_Meetings": "number",
    "AverageDuration_Of_AccountEmailReplies": "number",
    "AggregationStartDate": "date",
    "AggregationLevel": "text",
}
"""The columns of the output table (semantics §6)."""

OPS: tuple[Op, ...] = ("eq", "ne", "lt", "le", "gt", "ge", "in", "isNull")
Value: TypeAlias = str | int | float | date | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """value: of the column's kind, None for null; for `in` a tuple of them; for `isNull` whether it shall be null."""

    column: str
    op: Op
    value: Value | bool | tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Together:
    """All or any of at least one condition."""

    how: Literal["all", "any"]
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    condition: Condition


Condition: TypeAlias = Comparison | Together | Negation


@dataclass(frozen=True, slots=True)
class Filter:
    """level, period: of the rows that are looked at; period None: the latest complete one."""

    level: Level
    period: date | None
    where: Condition


def to_json(condition: Condition) -> dict[str, Any]:
    """As a caller may write it."""
    if isinstance(condition, Together):
        return {condition.how: [to_json(each) for each in condition.conditions]}
    if isinstance(condition, Negation):
        return {"not": to_json(condition.condition)}
    told: dict[str, Any] = {"column": condition.column, "op": condition.op}
    if condition.op != "isNull":
        told["value"] = _plain(condition.value)
    elif condition.value is False:
        told["value"] = False
    return told


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value
