"""What a caller writes as a filter or an own segment: read into a tree, or told fault by fault (interfaces §9)."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from shared.core import bodies
from shared.core.bodies import pointer
from shared.core.enrichment import Line, Model, Text
from shared.core.errors import Fault
from shared.core.filters import COLUMNS, OPS, Comparison, Condition, Filter, Kind, Level, Negation, Together, Value

DEEPEST, MOST_CONDITIONS = 50, 1_000
# Beyond it not every whole number is a float.
LARGEST = 2**53

_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class FilterBody(Model):
    """A filter as callers write it."""

    level: Level
    period: Text | None = None
    where: Annotated[
        Any,
        WithJsonSchema(
            {
                "type": "object",
                "description": 'One of {"all": [condition, …]}, {"any": [condition, …]}, {"not": condition} and '
                '{"column": …, "op": …, "value": …}.',
            }
        ),
    ]


class SegmentBody(FilterBody):
    """An own segment: a filter, and what it is called; by default its name."""

    title: Annotated[Line, Field(max_length=200)] | None = None


def judge(fields: dict[str, Any], model: type[FilterBody] = FilterBody) -> tuple[Filter | None, list[Fault]]:
    """The filter in a body, or everything that is wrong with it."""
    body, faults = bodies.judge(model, fields)
    level = body.level if body else None
    period, found = _period(fields.get("period"), level)
    faults += found
    where = None
    if "where" in fields:
        reader = _Reader()
        where = reader.condition(fields["where"], ("where",), 1)
        faults += reader.faults
    if faults or level is None or where is None:
        return None, faults
    return Filter(level, period, where), []


def _period(text: Any, level: Level | None) -> tuple[date | None, list[Fault]]:
    """What is no text is told by the model."""
    if not isinstance(text, str):
        return None, []
    start = _date(text)
    if start is None:
        return None, [Fault("/period", "is not a date such as 2026-10-01")]
    if level == "Year":
        return None, [Fault("/period", "belongs to Month and Week; of the Year there is one row")]
    if level == "Month" and start.day != 1:
        return None, [Fault("/period", "is not the first day of a month")]
    if level == "Week" and start.weekday() != 0:
        return None, [Fault("/period", "is not a Monday, the first day of a week")]
    return start, []


class _Reader:
    """Reads a tree of conditions and gathers all its faults; a condition with faults is None."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self._conditions = 0

    def _fault(self, where: tuple[str | int, ...], detail: str) -> None:
        self.faults.append(Fault(pointer(*where), detail))

    def condition(self, tree: Any, where: tuple[str | int, ...], depth: int) -> Condition | None:
        self._conditions += 1
        if self._conditions > MOST_CONDITIONS:
            if self._conditions == MOST_CONDITIONS + 1:
                self._fault(where, f"is one condition too many: a filter has at most {MOST_CONDITIONS:,}")
            return None
        if depth > DEEPEST:
            self._fault(where, f"is nested more than {DEEPEST} deep")
            return None
        if not isinstance(tree, dict):
            self._fault(where, "is not a condition: an object with all, any, not, or column and op")
            return None
        kinds = [name for name in ("all", "any", "not") if name in tree]
        if not kinds:
            return self._comparison(tree, where)
        self._unknown(tree, kinds[:1], where)
        if kinds[0] == "not":
            inner = self.condition(tree["not"], (*where, "not"), depth + 1)
            return Negation(inner) if inner else None
        return self._together(kinds[0], tree[kinds[0]], (*where, kinds[0]), depth)

    def _together(self, how: Any, trees: Any, where: tuple[str | int, ...], depth: int) -> Condition | None:
        if not isinstance(trees, list):
            self._fault(where, "is not a list")
            return None
        if not trees:
            self._fault(where, "is empty")
            return None
        read = [self.condition(tree, (*where, place), depth + 1) for place, tree in enumerate(trees)]
        return Together(how, tuple(each for each in read if each))

    def _unknown(self, tree: dict[str, Any], known: list[str], where: tuple[str | int, ...]) -> None:
        # Not told by name: a name that is not known here may be anything, an address too.
        if tree.keys() - set(known):
            self._fault(where, f"has something else beside {' and '.join(known)}")

    def _comparison(self, tree: dict[str, Any], where: tuple[str | int, ...]) -> Condition | None:
        before = len(self.faults)
        self._unknown(tree, ["column", "op", "value"], where)
        column, op = tree.get("column"), tree.get("op")
        self._one_of("column", tree, COLUMNS, "is no column of the output table", where)
        self._one_of("op", tree, OPS, f"is none of {', '.join(OPS)}", where)
        kind = COLUMNS.get(column) if isinstance(column, str) else None
        value = self._value(tree, kind, op, (*where, "value"))
        if len(self.faults) > before or not isinstance(column, str):
            return None
        return Comparison(column, next(each for each in OPS if each == op), value)

    def _one_of(self, field: str, tree: dict[str, Any], known: Any, detail: str, where: tuple[str | int, ...]) -> None:
        if field not in tree:
            self._fault((*where, field), "is required")
        elif not isinstance(tree[field], str):
            self._fault((*where, field), "is not text")
        elif tree[field] not in known:
            self._fault((*where, field), detail)

    def _value(self, tree: dict[str, Any], kind: Kind | None, op: Any, where: tuple[str | int, ...]) -> Any:
        """The value as the column's kind has it; of a column or an op that is not known only that it is there."""
        value = tree.get("value")
        if op == "isNull":
            if value is not None and not isinstance(value, bool):
                self._fault(where, "is neither true nor false; isNull needs none")
            return value is not False
        if "value" not in tree:
            self._fault(where, "is required")
            return None
        if op != "in":
            return self._single(value, kind, where)
        if not isinstance(value, list):
            self._fault(where, "is not a list")
            return None
        if not value:
            self._fault(where, "is empty")
        return tuple(self._single(each, kind, (*where, place)) for place, each in enumerate(value))

    def _single(self, value: Any, kind: Kind | None, where: tuple[str | int, ...]) -> Value:
        if value is None or kind is None:
            return None
        if kind in ("text", "date"):
            read = _date(value) if kind == "date" and isinstance(value, str) else value
            if not isinstance(value, str) or read is None:
                self._fault(where, "is not text" if kind == "text" else "is not a date such as 2026-10-01")
                return None
            return read
        # A body has fractions as Decimal, a stored filter as float.
        if type(value) not in (int, float, Decimal):
            self._fault(where, "is not a number")
        elif not -LARGEST <= value <= LARGEST:
            self._fault(where, "is a number beyond what any column holds")
        else:
            return int(value) if value == int(value) else float(value)
        return None


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _ISO.fullmatch(text) else None
    except ValueError:
        return None
