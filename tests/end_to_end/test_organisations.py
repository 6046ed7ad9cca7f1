"""The sample organisations with known tables come out exactly, by the whole path: HTTP, host, emulator, Azurite."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from localdev.caller import CSV, PARQUET
from localdev.world import Source
from tests.end_to_end import readers
from tests.end_to_end.app import App, OpenWorld, Tell

pytestmark = [pytest.mark.whole, pytest.mark.azurite]

ORGANISATIONS = ("berlin", "new-york", "lord-howe")
JSON = "application/json"
FLOATS = ("AverageDuration_Of_Meetings", "AverageDuration_Of_AccountEmailReplies")
PAGE = 400
Rows = list[list[str]]


@pytest.fixture(scope="module", params=ORGANISATIONS)
def organisation(request: pytest.FixtureRequest, shared_folder: Path) -> Path:
    folder: Path = shared_folder / "fixtures" / "organisations" / request.param
    return folder


@pytest.fixture(scope="module")
def app(organisation: Path, open_world: OpenWorld) -> Iterator[App]:
    """The organisation's enrichment has run as of its instant."""
    with open_world(Source(folder=organisation)) as app:
        app.name = organisation.name
        app.save()
        app.succeed(app.start())
        yield app


def test_every_cell_of_every_table_is_the_expected_one(app: App, organisation: Path, record_property: Tell) -> None:
    files = sorted((organisation / "expected").glob("*.csv"))
    assert {entry["name"] for entry in app.current()["tables"]} == {file.stem for file in files}
    cells, differences = 0, []
    for file in files:
        answer = app.table(file.stem)
        assert answer.headers["Content-Type"].startswith(CSV)
        ours, expected = _rows(answer.content), _rows(file.read_bytes())
        assert ours[0] == expected[0], f"{file.stem}: other columns"
        assert len(ours) == len(expected), f"{file.stem}: {len(ours)} rows instead of {len(expected)}"
        for number, (row, wanted) in enumerate(zip(ours[1:], expected[1:], strict=True)):
            assert len(row) == len(wanted)
            for column, cell, other in zip(expected[0], row, wanted, strict=True):
                cells += 1
                if not _as_expected(column, cell, other):
                    differences.append(f"{file.stem} row {number} {column}: {cell!r} instead of {other!r}")
    record_property("told", f"{organisation.name}: {cells:,} cells compared, {len(differences)} differences")
    assert cells > 10_000
    assert differences == []


def test_cards_lists_and_overview_say_what_the_tables_say(app: App) -> None:
    overview = app.ask("GET", f"enrichments/{app.name}/overview").json()
    scores = [int(row["EngagementScore"]) for row in readers.rows(app, level="Year").values()]
    assert list(readers.differences(app)) == []
    assert overview["runId"] == app.current()["runId"]
    assert overview["customers"]["enriched"] == len(scores)
    assert overview["customers"]["all"] == len(readers.listed(app, "customers?top=1000"))
    assert [each["customers"] for each in overview["scores"]] == [
        sum(each["from"] <= score <= each["to"] for score in scores) for each in overview["scores"]
    ]
    _, *coverage = _rows(app.table(f"{app.output}_Coverage").content)
    assert [[each["scope"], each["reason"], str(each["count"])] for each in overview["coverage"]] == [
        row[1:4] for row in coverage
    ]


def test_a_segment_is_what_a_filter_selects(app: App) -> None:
    """Interfaces §9: the named segments that are a condition on the Year row, and as a filter."""
    quiet = [
        {"any": [{"column": column, "op": "gt", "value": 60}, {"column": column, "op": "isNull"}]}
        for column in ("DaysSinceLastEmail", "DaysSinceLastMeeting")
    ]
    body = {"level": "Year", "where": {"all": quiet}}
    asked = app.ask("POST", f"enrichments/{app.name}/segments?top=1000", json=body)
    counted = {each["segment"]: each["customers"] for each in readers.listed(app, "segments")}
    assert asked.json()["value"] == readers.listed(app, "segments/stale?top=1000")
    assert counted["stale"] == len(asked.json()["value"])
    assert counted["never-engaged"] == sum(each["band"] == "none" for each in readers.listed(app, "customers?top=1000"))


def test_json_pages_and_parquet_say_what_csv_says(app: App) -> None:
    for entry in app.current()["tables"]:
        header, *rows = _rows(app.table(entry["name"]).content)
        for answer in (_all_pages(app, entry["name"]), _parquet(app, entry["name"])):
            assert len(answer) == len(rows) == entry["rows"]
            for row, other in zip(rows, answer, strict=True):
                assert list(other) == header
                wrong = [name for name, cell in zip(header, row, strict=True) if not _is_written(cell, other[name])]
                assert wrong == [], (entry["name"], row, other)


def test_answers_without_a_filter_are_the_published_blobs_byte_for_byte(app: App) -> None:
    for entry in app.current()["tables"]:
        for form, blob in ((CSV, entry["csv"]), (PARQUET, entry["parquet"])):
            assert app.table(entry["name"], form).content == app.blob("enrichment-output", blob)


def test_the_filters_of_the_csv_cut_rows_out_of_the_table(app: App) -> None:
    header, *rows = _rows(app.table("Office").content)
    customer = rows[0][header.index("CustomerId")]
    level, owner = header.index("AggregationLevel"), header.index("CustomerId")
    cut = _rows(app.table("Office", level="Month", customerId=customer).content)
    wanted = [row for row in rows if row[level] == "Month" and row[owner] == customer]
    assert cut[0] == header
    assert [[_number(cell) for cell in row] for row in cut[1:]] == [[_number(cell) for cell in row] for row in wanted]


def test_the_progress_says_what_the_coverage_says(app: App) -> None:
    """Interfaces §4: `counts.messages.read`, `meetings.read` are the sums of the coverage's scopes."""
    (run,) = app.ask("GET", f"enrichments/{app.name}/runs").json()["value"]
    coverage = _rows(app.table("Office_Coverage").content)
    scope, reason, count = (coverage[0].index(name) for name in ("Scope", "Reason", "Count"))
    sums: dict[str, int] = {}
    for row in coverage[1:]:
        sums[row[scope]] = sums.get(row[scope], 0) + int(row[count])
        sums[f"{row[scope]} {row[reason]}"] = int(row[count])
    counts = run["counts"]
    assert counts["messages"] == {"read": sums["Message"], "counted": sums["Message Counted"]}
    assert counts["meetings"] == {"read": sums["Meeting"], "counted": sums["Meeting Counted"]}
    assert counts["mailboxes"]["selected"] == sums["Mailbox"]
    assert counts["mailboxes"]["read"] == sums["Mailbox Read"]
    assert counts["mailboxes"]["refused"] == sums["Mailbox"] - sums["Mailbox Read"]
    assert run["state"] == "SucceededWithWarnings"


def _rows(text: bytes) -> Rows:
    return list(csv.reader(io.StringIO(text.decode("utf-8-sig"), newline="")))


def _as_expected(column: str, cell: str, expected: str) -> bool:
    """By the rules of the organisations' README: floats as numbers, `AsOf` as an instant, `*` any run id."""
    if column in FLOATS and cell and expected:
        return float(cell) == float(expected)
    if column == "AsOf":
        return datetime.fromisoformat(cell) == datetime.fromisoformat(expected)
    return cell == expected or (column == "RunId" and expected == "*" and cell != "")


def _all_pages(app: App, table: str) -> list[dict[str, Any]]:
    page = app.table(table, JSON, top=PAGE).json()
    rows: list[dict[str, Any]] = page["value"]
    while page["nextLink"]:
        assert len(page["value"]) == PAGE
        page = app.ask("GET", page["nextLink"]).json()
        rows += page["value"]
    return rows


def _parquet(app: App, table: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(io.BytesIO(app.table(table, PARQUET).content)).to_pylist()
    return rows


def _is_written(cell: str, value: object) -> bool:
    """Whether this cell of a CSV writes this value."""
    if value is None:
        return cell == ""
    if isinstance(value, float):
        return cell != "" and math.isclose(float(cell), value, rel_tol=0)
    if isinstance(value, datetime):
        return datetime.fromisoformat(cell) == (value if value.tzinfo else value.replace(tzinfo=UTC))
    if isinstance(value, date):
        return cell == value.isoformat()
    return cell == (value if isinstance(value, str) else json.dumps(value))


def _number(cell: str) -> object:
    try:
        return float(cell)
    except ValueError:
        return cell
