"""What the shell of an activity gives to the platform: its result, or the refusal that stands in its place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from shared.core.contracts import Problem, Refusal
from shared.core.errors import Refused, without_values


@dataclass(slots=True)
class Answer:
    wire: dict[str, Any] = field(default_factory=dict)


@contextmanager
def answering(where: str) -> Iterator[Answer]:
    """Take the wire of the result; what is refused becomes a `Refusal`, anything else is raised without values."""
    answer = Answer()
    try:
        with without_values(where):
            yield answer
    except Refused as refused:
        answer.wire = Refusal(refused=Problem(title=refused.title, detail=refused.detail)).to_wire()
