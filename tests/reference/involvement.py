"""An item as one account sees it: what §5 to §7 count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

TO_ACCOUNT, FROM_ACCOUNT, NEITHER = "to account", "from account", "neither"


@dataclass(frozen=True)
class Involvement:
    """`kind`: email or meeting · `ours`: directory ids of M · `theirs`: contact ids of this account · `item`: the
    `Message` or `Meeting` behind it.
    """

    account: str
    kind: str
    direction: str
    day: date
    ours: frozenset[str]
    theirs: frozenset[str]
    item: Any
