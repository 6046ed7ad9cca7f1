"""`$filter` of OData, as far as Graph's mail and directory services take it: parsed into a tree and evaluated."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from localdev.graph.wire import Entity, bad_request

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^']|'')*')"
    r"|(?P<instant>\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:\d\d)?)"
    r"|(?P<number>-?\d+(?:\.\d+)?(?![\w-]))"
    r"|(?P<word>[A-Za-z_@][\w.@/]*)"
    r"|(?P<mark>[(),:]))"
)
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: bool(a == b),
    "ne": lambda a, b: bool(a != b),
    "gt": lambda a, b: a is not None and b is not None and bool(a > b),
    "ge": lambda a, b: a is not None and b is not None and bool(a >= b),
    "lt": lambda a, b: a is not None and b is not None and bool(a < b),
    "le": lambda a, b: a is not None and b is not None and bool(a <= b),
}
_FUNCTIONS = ("startswith", "endswith", "contains")


@dataclass(frozen=True)
class Comparison:
    path: str
    operator: str
    value: Any


@dataclass(frozen=True)
class Within:
    """`path in (…)`."""

    path: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Function:
    """`startswith(path, 'text')` and its like."""

    name: str
    path: str
    value: str


@dataclass(frozen=True)
class Some:
    """`path/any(x: …)`; the condition speaks of `variable`."""

    path: str
    variable: str
    condition: "Node"


@dataclass(frozen=True)
class Not:
    condition: "Node"


@dataclass(frozen=True)
class Joined:
    """Two or more conditions, joined by `and` or by `or`."""

    operator: str
    conditions: tuple["Node", ...]


Node = Comparison | Within | Function | Some | Not | Joined


def parse(text: str) -> Node:
    """The tree of a `$filter`; GraphError 400 where it is none."""
    parser = _Parser(text)
    node = parser.either()
    parser.end()
    return node


def instant(text: Any) -> datetime | None:
    """A date-time literal or property as an instant, without offset UTC; None where it is none."""
    if not isinstance(text, str) or "T" not in text:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def nodes(node: Node) -> Iterator[Node]:
    """The node and everything below it, from left to right."""
    yield node
    match node:
        case Joined(conditions=conditions):
            for condition in conditions:
                yield from nodes(condition)
        case Not(condition=condition) | Some(condition=condition):
            yield from nodes(condition)


def paths(node: Node) -> list[str]:
    """The properties a filter names, in the order in which it names them."""
    variables = {each.variable for each in nodes(node) if isinstance(each, Some)}
    named = [each.path for each in nodes(node) if isinstance(each, Comparison | Within | Function | Some)]
    return [path for path in named if path.partition("/")[0] not in variables]


def clauses(node: Node) -> int:
    """How many alternatives a filter holds: the parts of an `or` and the values of an `in`, all together."""
    match node:
        case Joined(operator="or", conditions=conditions):
            return sum(clauses(condition) for condition in conditions)
        case Joined(conditions=conditions):
            return max(clauses(condition) for condition in conditions)
        case Within(values=values):
            return len(values)
        case Not(condition=condition) | Some(condition=condition):
            return clauses(condition)
        case _:
            return 1


def holds(node: Node, entity: Any, variable: str | None = None) -> bool:
    """Whether the entity (within `any`: the element called `variable`) fulfils the filter; text without case."""
    match node:
        case Joined(operator="and", conditions=conditions):
            return all(holds(condition, entity, variable) for condition in conditions)
        case Joined(conditions=conditions):
            return any(holds(condition, entity, variable) for condition in conditions)
        case Not(condition=condition):
            return not holds(condition, entity, variable)
        case Some(path=path, variable=name, condition=condition):
            elements = _look_up(entity, path, variable)
            return isinstance(elements, list) and any(holds(condition, element, name) for element in elements)
        case Within(path=path, values=values):
            return any(_compare(_look_up(entity, path, variable), "eq", value) for value in values)
        case Function(name=name, path=path, value=text):
            found = _look_up(entity, path, variable)
            return isinstance(found, str) and _text_matches(name, found.casefold(), text.casefold())
        case Comparison(path=path, operator=operator, value=value):
            return _compare(_look_up(entity, path, variable), operator, value)


def _look_up(entity: Any, path: str, variable: str | None) -> Any:
    steps = path.split("/")
    if variable is not None and steps[0] == variable:
        steps = steps[1:]
    for step in steps:
        entity = entity.get(step) if isinstance(entity, dict) else None
    return entity


def _compare(found: Any, operator: str, value: Any) -> bool:
    if isinstance(value, datetime):
        found = instant(found)
    elif isinstance(value, str) and isinstance(found, str):
        found, value = found.casefold(), value.casefold()
    elif value is not None and found is not None and type(found) is not type(value):
        return operator == "ne"
    return _COMPARISONS[operator](found, value)


def _text_matches(function: str, found: str, text: str) -> bool:
    if function == "startswith":
        return found.startswith(text)
    return found.endswith(text) if function == "endswith" else text in found


class _Parser:
    """Recursive descent over the tokens of one filter: `or` binds less than `and`, `and` less than `not`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._split(text))
        self._next = 0

    def either(self) -> Node:
        return self._joined("or", lambda: self._joined("and", self._single))

    def end(self) -> None:
        if self._next < len(self._tokens):
            raise self._fault()

    def _split(self, text: str) -> Iterator[tuple[str, str]]:
        position, length = 0, len(text.rstrip())
        while position < length:
            found = _TOKEN.match(text, position)
            if found is None:
                raise self._fault()
            position = found.end()
            kind = found.lastgroup or ""
            yield kind, found.group(kind)

    def _joined(self, operator: str, part: Callable[[], Node]) -> Node:
        conditions = [part()]
        while self._take("word", operator):
            conditions.append(part())
        return conditions[0] if len(conditions) == 1 else Joined(operator, tuple(conditions))

    def _single(self) -> Node:
        if self._take("word", "not"):
            return Not(self._single())
        if self._take("mark", "("):
            node = self.either()
            self._need("mark", ")")
            return node
        word = self._need("word")
        if word.lower() in _FUNCTIONS:
            return self._function(word.lower())
        if word.endswith("/any"):
            return self._some(word.removesuffix("/any"))
        return self._comparison(word)

    def _function(self, name: str) -> Node:
        self._need("mark", "(")
        path = self._need("word")
        self._need("mark", ",")
        value = self._value()
        self._need("mark", ")")
        if not isinstance(value, str):
            raise self._fault()
        return Function(name, path, value)

    def _some(self, path: str) -> Node:
        self._need("mark", "(")
        variable = self._need("word")
        self._need("mark", ":")
        condition = self.either()
        self._need("mark", ")")
        return Some(path, variable, condition)

    def _comparison(self, path: str) -> Node:
        operator = self._need("word")
        if operator == "in":
            self._need("mark", "(")
            values = [self._value()]
            while self._take("mark", ","):
                values.append(self._value())
            self._need("mark", ")")
            return Within(path, tuple(values))
        if operator not in _COMPARISONS:
            raise self._fault()
        return Comparison(path, operator, self._value())

    def _value(self) -> Any:
        kind, text = self._tokens[self._next] if self._next < len(self._tokens) else ("", "")
        self._next += 1
        if kind == "string":
            return text[1:-1].replace("''", "'")
        if kind == "instant" and (parsed := instant(text)) is not None:
            return parsed
        if kind == "number":
            return float(text) if "." in text else int(text)
        if kind == "word" and text in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[text]
        raise self._fault()

    def _take(self, kind: str, text: str) -> bool:
        if self._next < len(self._tokens) and self._tokens[self._next] == (kind, text):
            self._next += 1
            return True
        return False

    def _need(self, kind: str, text: str | None = None) -> str:
        if self._next < len(self._tokens):
            found_kind, found = self._tokens[self._next]
            if found_kind == kind and text in (None, found):
                self._next += 1
                return found
        raise self._fault()

    def _fault(self) -> Exception:
        return bad_request(f"Invalid filter clause: {self._text!r}.")


def known(node: Node, properties: frozenset[str], entity_type: str) -> None:
    """Refuse a filter (GraphError 400) that names a property the type does not have."""
    for path in paths(node):
        if path.partition("/")[0] not in properties:
            name = path.partition("/")[0]
            raise bad_request(f"Could not find a property named '{name}' on type 'microsoft.graph.{entity_type}'.")


def entity_matches(node: Node | None) -> Callable[[Entity], bool]:
    """A filter, or none, as a test of one entity."""
    return (lambda _entity: True) if node is None else (lambda entity: holds(node, entity))
