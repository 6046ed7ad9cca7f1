"""A published result as files: fetched from the app, kept in a folder, read for showing."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localdev.caller import CSV, PARQUET, Caller

PARTS = ("EmailVolume", "EmailTwoWay", "Meetings", "Breadth", "Recency")
Row = dict[str, str]


@dataclass(frozen=True)
class Card:
    """One customer: its Year row, and (part, points, most points, value, reference) of each part of its score."""

    row: Row
    name: str
    points: list[tuple[str, int, int, int, int]]


@dataclass(frozen=True)
class Result:
    """The tables of one run, in the folder too; `names`: customer id → name."""

    folder: Path
    tables: dict[str, list[Row]]
    output: str
    names: dict[str, str]

    def years(self) -> list[Row]:
        """The Year rows, best first; equal scores by customer id."""
        rows = [row for row in self.tables[self.output] if row["AggregationLevel"] == "Year"]
        return sorted(rows, key=lambda row: (-int(row["EngagementScore"]), row["CustomerId"]))

    def card(self, row: Row, weights: dict[str, int]) -> Card:
        breakdown = self.tables[f"{self.output}_ScoreBreakdown"]
        parts = next(line for line in breakdown if line["PrimaryKey"] == row["PrimaryKey"])
        points = [
            (part, int(parts[part]), weights[part], int(parts[f"{part}_Value"]), int(parts[f"{part}_Reference"]))
            for part in PARTS
        ]
        return Card(row, self.name(row["CustomerId"]), points)

    def name(self, customer_id: str) -> str:
        return self.names.get(customer_id, customer_id)

    def coverage(self) -> list[Row]:
        return self.tables[f"{self.output}_Coverage"]


def fetch(caller: Caller, name: str, enrichment: dict[str, Any], accounts: bytes, folder: Path) -> Result:
    """Every table of the current result into the folder, as CSV and as Parquet; what an earlier one left there goes."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in [*folder.glob("*.csv"), *folder.glob("*.parquet")]:
        old.unlink()
    output = enrichment.get("output", "Office")
    tables = [output, f"{output}_UserEntity", f"{output}_ScoreBreakdown", f"{output}_Coverage"]
    customers = enrichment.get("customers") or {}
    if "parent" in customers:
        tables.append(f"{output}_Hierarchy")
    rows: dict[str, list[Row]] = {}
    for table in tables:
        text = caller.table(name, table, CSV)
        (folder / f"{table}.csv").write_bytes(text)
        (folder / f"{table}.parquet").write_bytes(caller.table(name, table, PARQUET))
        rows[table] = read_csv(text)
    names = {
        row[customers["customerId"]]: row[customers["name"]]
        for row in (read_csv(accounts) if "name" in customers else [])
    }
    return Result(folder, rows, output, names)


def read_csv(text: bytes) -> list[Row]:
    return list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"), newline="")))


def weights(enrichment: dict[str, Any]) -> dict[str, int]:
    """The most points that each part can give, as configured or by default."""
    default = dict(zip(PARTS, (20, 15, 35, 15, 15), strict=True))
    given = enrichment.get("options", {}).get("score", {}).get("weights", {})
    return default | {part: given[part[0].lower() + part[1:]] for part in PARTS if part[0].lower() + part[1:] in given}
