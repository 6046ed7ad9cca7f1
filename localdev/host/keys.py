"""The host's keys: made at the first start, kept beside its state, asked for only where the host runs with `--keys`."""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

Level = Literal["ANONYMOUS", "FUNCTION", "ADMIN", "SYSTEM"]
HEADER = "x-functions-key"
QUERY = "code"


@dataclass(frozen=True, slots=True)
class Keys:
    """`function`: opens every function · `system`: the management API of durable functions · `master`: everything."""

    function: str
    system: str
    master: str

    @classmethod
    def kept_in(cls, state: Path) -> Keys:
        """Those of `keys.json`; made now where there are none."""
        path = state / "keys.json"
        if not path.exists():
            made = cls(*(secrets.token_urlsafe(32) for _ in range(3)))
            path.touch(mode=0o600)
            path.write_text(json.dumps(asdict(made), indent=2) + "\n")
        return cls(**json.loads(path.read_text()))

    def refusal(self, level: Level, headers: Mapping[str, str], query: Mapping[str, str]) -> int | None:
        """The status to refuse a request with, None where its key opens this level."""
        if level == "ANONYMOUS":
            return None
        given = headers.get(HEADER) or query.get(QUERY) or ""
        fitting = {"FUNCTION": [self.function], "SYSTEM": [self.system], "ADMIN": []}[level]
        if any(_same(given, key) for key in [*fitting, self.master]):
            return None
        # A valid key of another kind is known, but not enough for the management API.
        return 403 if level == "SYSTEM" and _same(given, self.function) else 401


def _same(given: str, key: str) -> bool:
    return hmac.compare_digest(given.encode(), key.encode())
