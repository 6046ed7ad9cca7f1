"""A tenant as files (interfaces §10), in memory: where the slow reference and the pipeline under test both start."""

from __future__ import annotations

import csv
import gzip
import json
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

Json = dict[str, Any]
Row = dict[str, Any]  # one row of a published table: column → value (str, int, float, date or None)

PARTS = ("EmailVolume", "EmailTwoWay", "Meetings", "Breadth", "Recency")
LEVELS = ("Year", "Month", "Week")


@dataclass(frozen=True, repr=False)
class Organisation:
    """`mailboxes`: user id → folders, messages, calendars, events · `contacts`, `accounts`: rows of text, by column."""

    tenant: Json
    users: list[Json]
    groups: list[Json]
    mailboxes: dict[str, Json]
    contacts: list[dict[str, str]]
    accounts: list[dict[str, str]]
    enrichment: Json
    as_of: datetime

    def __repr__(self) -> str:
        """Short: an organisation may be a hundred pages long."""
        return f"<Organisation of {len(self.users)} users, {len(self.contacts)} contacts, as of {self.as_of}>"


@dataclass(frozen=True)
class Options:
    """Semantics §9: the configuration that changes the numbers, with its defaults."""

    time_zone: str = "UTC"
    max_recipients: int = 100
    max_attendees: int = 100
    reply_limit_days: int = 30
    read_headers: bool = False
    min_people: int = 0
    high: int = 67
    medium: int = 34
    weights: dict[str, int] = field(default_factory=lambda: dict(zip(PARTS, (20, 15, 35, 15, 15), strict=True)))
    floors: dict[str, dict[str, int]] = field(
        default_factory=lambda: {
            "Year": dict(zip(PARTS, (24, 12, 6, 3), strict=False)),
            "Month": dict(zip(PARTS, (4, 2, 2, 2), strict=False)),
            "Week": dict(zip(PARTS, (2, 1, 1, 1), strict=False)),
        }
    )
    percentile: Decimal = Decimal("0.95")
    half_life_days: int = 30


def options_of(enrichment: Json) -> Options:
    """What the body for PUT (interfaces §2) says, with defaults for what it does not."""
    given = enrichment.get("options", {})
    bands, score = given.get("bands", {}), given.get("score", {})
    default = Options()
    return Options(
        time_zone=enrichment.get("timeZone", "UTC"),
        max_recipients=given.get("maxRecipients", 100),
        max_attendees=given.get("maxAttendees", 100),
        reply_limit_days=given.get("replyLimitDays", 30),
        read_headers=given.get("readHeaders", False),
        min_people=given.get("minPeople", 0),
        high=bands.get("high", 67),
        medium=bands.get("medium", 34),
        weights=default.weights | _pascal(score.get("weights", {})),
        floors={
            level: default.floors[level] | _pascal(score.get("floors", {}).get(level.lower(), {})) for level in LEVELS
        },
        percentile=Decimal(str(score.get("percentile", "0.95"))),
        half_life_days=score.get("halfLifeDays", 30),
    )


def _pascal(values: dict[str, int]) -> dict[str, int]:
    return {name[0].upper() + name[1:]: value for name, value in values.items()}


def load(folder: Path) -> Organisation:
    """A sample organisation, whole."""
    tenant = json.loads((folder / "tenant.json").read_text("utf-8"))
    mailboxes = {
        path.name.removesuffix(".json.gz"): json.loads(gzip.decompress(path.read_bytes()))
        for path in sorted((folder / "mailboxes").glob("*.json.gz"))
    }
    return Organisation(
        tenant=tenant,
        users=json.loads((folder / "users.json").read_text("utf-8")),
        groups=json.loads((folder / "groups.json").read_text("utf-8")),
        mailboxes=mailboxes,
        contacts=read_csv(folder / "contacts.csv"),
        accounts=read_csv(folder / "accounts.csv"),
        enrichment=json.loads((folder / "enrichment.json").read_text("utf-8")),
        as_of=datetime.fromisoformat(tenant["asOf"]),
    )


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines))
