"""What a caller may say when starting a run (interfaces §1)."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from shared.core.enrichment import Flag, Model
from shared.core.instants import instant_us

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _instant(value: Any) -> int | None:
    """Microseconds since 1970-01-01 UTC."""
    if value is None:
        return None
    found = instant_us(value) if isinstance(value, str) and _RFC3339.fullmatch(value) else None
    # The window and what is read before it begin some 400 days earlier; nobody has mail of before 1970.
    if found is None or found < 0:
        detail = "is not an instant such as 2026-11-20T15:30:00Z, from 1970 on"
        raise PydanticCustomError("app", "{detail}", {"detail": detail})
    return found


class RunStart(Model):
    """as_of: nothing after it exists to the run; None: the time at which consent and delay are over · full: ignore
    facts that an earlier run has kept.
    """

    as_of: Annotated[int | None, BeforeValidator(_instant)] = None
    full: Flag = False
