"""What a caller may say when starting a run (interfaces §1)."""

from __future__ import annotations

import re
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Strict, ValidationInfo, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from shared.core import bodies
from shared.core.enrichment import Flag, Model
from shared.core.errors import Fault
from shared.core.instants import instant_us

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


FUTURE = "lies in the future: what has not happened cannot be counted"


def _instant(value: Any, info: ValidationInfo) -> int | None:
    """Microseconds since 1970-01-01 UTC; `info.context`: those of now."""
    if value is None:
        return None
    found = instant_us(value) if isinstance(value, str) and _RFC3339.fullmatch(value) else None
    # The window and what is read before it begin some 400 days earlier; nobody has mail of before 1970.
    if found is None or found < 0:
        raise _refuse("is not an instant such as 2026-11-20T15:30:00Z, from 1970 on")
    if info.context is not None and found > info.context:
        raise _refuse(FUTURE)
    return found


def _refuse(detail: str) -> PydanticCustomError:
    return PydanticCustomError("app", "{detail}", {"detail": detail})


class RunStart(Model):
    """as_of: nothing after it exists to the run; None: the time at which consent and delay are over · full: ignore
    facts that an earlier run has kept · retry: the id of an ended run, of which only what it could not read is read.
    """

    as_of: Annotated[
        int | None,
        BeforeValidator(_instant),
        WithJsonSchema({"type": ["string", "null"], "format": "date-time", "description": "From 1970 to now."}),
    ] = None
    full: Flag = False
    retry: Annotated[str | None, Strict()] = None

    @model_validator(mode="after")
    def _alone(self) -> Self:
        if self.retry is not None and (self.as_of is not None or "full" in self.model_fields_set):
            raise _refuse("retry stands alone: the run that is retried says what asOf is, and what is read again")
        return self


def judge(fields: dict[str, Any], now_us: int) -> tuple[RunStart | None, list[Fault]]:
    """The order in a body, or everything that is wrong with it."""
    return bodies.judge(RunStart, fields, context=now_us)
