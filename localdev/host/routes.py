"""HTTP routes by the rules of the real host: functions in the order of their names, and the first match wins."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import unquote

_CONSTRAINTS = {
    "int": r"[+-]?[0-9]{1,10}",
    "long": r"[+-]?[0-9]{1,19}",
    "bool": r"(?:true|false)",
    "alpha": r"[A-Za-z]*",
    "guid": r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}",
    "double": r"[+-]?[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?",
}
_PARAMETER = re.compile(r"\{(\*{0,2})([A-Za-z_][A-Za-z0-9_]*)((?::[a-z]+)*)(\?)?\}")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Route:
    """A template that has been read: literal text, `{x}`, `{x?}`, `{x:int}`, `{*rest}`; in any case."""

    template: str
    pattern: re.Pattern[str]

    @classmethod
    def read(cls, template: str) -> Route:
        """ValueError where the real host, or this one, does not take the template."""
        segments = [segment for segment in template.strip("/").split("/") if segment]
        pattern = "".join(_segment(segment, template) for segment in segments)
        return cls(template, re.compile(f"{pattern}/?", re.IGNORECASE))

    def match(self, path: str) -> dict[str, str] | None:
        """The parameters of a raw path, or None; `%2F` in one stays as it is."""
        found = self.pattern.fullmatch(path)
        if found is None:
            return None
        return {name: _decoded(value) for name, value in found.groupdict().items() if value}


def _segment(segment: str, template: str) -> str:
    whole = _PARAMETER.fullmatch(segment)
    if whole and whole[1]:
        return f"(?:/(?P<{whole[2]}>.*))?"
    if whole and whole[4]:
        return f"(?:/{_parameter(whole, template)})?"
    parts, end = ["/"], 0
    for found in _PARAMETER.finditer(segment):
        parts += [_literal(segment[end : found.start()], template), _parameter(found, template)]
        end = found.end()
    return "".join([*parts, _literal(segment[end:], template)])


def _literal(text: str, template: str) -> str:
    if "{" in text or "}" in text:
        raise ValueError(f"the route '{template}' is not understood at '{text}'")
    return re.escape(text)


def _parameter(found: re.Match[str], template: str) -> str:
    constraints = [name for name in found[3].split(":") if name]
    unknown = [name for name in constraints if name not in _CONSTRAINTS]
    if unknown or len(constraints) > 1:
        raise ValueError(f"the route '{template}' has a constraint that the local host does not know: {found[0]}")
    return f"(?P<{found[2]}>{_CONSTRAINTS[constraints[0]] if constraints else '[^/]+'})"


def _decoded(value: str) -> str:
    return unquote(re.sub("%2f", lambda found: "%25" + found[0][1:], value, flags=re.IGNORECASE))


def first_match(
    routes: Iterable[tuple[Route, frozenset[str], T]], path: str, method: str
) -> tuple[T, dict[str, str]] | None:
    """The first whose template and methods fit; no methods are all methods."""
    for route, methods, target in routes:
        if methods and method not in methods:
            continue
        parameters = route.match(path)
        if parameters is not None:
            return target, parameters
    return None
