"""The published frames and their files (semantics §6)."""

from __future__ import annotations

import csv
import io
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from shared.adapters import published
from shared.core import engagement, score
from shared.core.columns import take
from shared.core.coverage import CoverageRow
from shared.core.enrichment import PARTS, ScoreOptions
from shared.core.facts import FROM_ACCOUNT, TO_ACCOUNT
from shared.core.replies import DAY_US
from tests.columns import COLUMNS
from tests.facts import HOUR, WINDOW, at, meeting_items, message_items

NOON = at("2026-06-10T12:00")
IDS = ["007", 'a,"b"\nc']
NAMES = published.names(IDS)


def figures():
    messages = message_items(
        {"sent": NOON, "direction": TO_ACCOUNT, "account": 0, "conversations": [1]},
        {"sent": NOON + HOUR, "direction": FROM_ACCOUNT, "account": 0, "conversations": [1]},
    )
    meetings = meeting_items({"start": at("2026-05-31T10:00"), "direction": TO_ACCOUNT, "account": 1, "minutes": 20.5})
    found = engagement.by_account(messages, meetings, WINDOW, 30 * DAY_US)
    return take(found, np.lexsort((found.period, found.level, found.account)))


def office():
    rows = figures()
    return published.engagement(rows, scored(rows), NAMES, WINDOW)


def scored(rows):
    return score.scores(rows, score.references_of(score.tally(rows), ScoreOptions()), ScoreOptions(), WINDOW)


def to_csv(*frames):
    return published.files(frames).csv


def to_parquet(*frames):
    return published.files(frames).parquet


def test_each_column_has_the_type_that_is_published():
    """§6: the columns in their order, with their types."""
    schema = pq.read_schema(io.BytesIO(to_parquet(office())))
    int32 = {"EngagementScore", "DaysSinceLastEmail", "DaysSinceLastMeeting"} | {
        f"NoOf{whose}Involved_{what}" for whose in ("Contacts", "AccountContacts") for what in ("Emails", "Meetings")
    }

    assert schema.names == COLUMNS
    for field in schema:
        if field.name in int32:
            assert field.type == pa.int32()
        elif field.name.startswith("NoOf"):
            assert field.type == pa.int64()
        elif field.name.endswith("Date"):
            assert field.type == pa.date32()
        elif field.name.startswith("Average"):
            assert field.type == pa.float64()
        else:
            assert field.type == pa.string()


def test_rows_hold_keys_dates_means_and_nulls():
    """§6: PrimaryKey, days since (0 = today), mean minutes, null where there is none."""
    rows = {row["PrimaryKey"]: row for row in office().to_dict("records")}

    assert list(rows) == [
        *("007|Year", "007|Month|20260601", "007|Week|20260608"),
        *(f"{IDS[1]}|Year", f"{IDS[1]}|Month|20260501", f"{IDS[1]}|Week|20260525"),
    ]
    year = rows["007|Year"]
    assert (year["DaysSinceLastEmail"], year["AverageDuration_Of_AccountEmailReplies"]) == (20, 60.0)
    assert pd.isna(year["DaysSinceLastMeeting"])
    assert pd.isna(year["AverageDuration_Of_Meetings"])
    assert year["AggregationStartDate"] == date(2025, 7, 1)
    assert rows["007|Week|20260608"]["EngagementStartDate"] == date(2026, 6, 10)
    other = rows[f"{IDS[1]}|Year"]
    assert (other["NoOfMeetings_ToAccount"], other["AverageDuration_Of_Meetings"]) == (1, 20.5)


def test_csv_quotes_what_needs_it_and_writes_floats_as_repr_does():
    """§6: CSV writes dates as `yyyy-mm-dd`, null as nothing, floats as Python's `repr` does (`60.0`)."""
    text = to_csv(office()).decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))

    assert text.endswith("Week\n")
    assert "\r" not in text
    assert rows[3]["CustomerId"] == IDS[1]
    assert rows[0]["AverageDuration_Of_AccountEmailReplies"] == "60.0"
    assert rows[0]["AverageDuration_Of_Meetings"] == ""
    assert rows[1]["AggregationStartDate"] == "2026-06-01"
    assert text.splitlines()[1].startswith("007|Year,007,")


def test_csv_and_parquet_hold_the_same():
    frame = office()
    from_csv = list(csv.reader(io.StringIO(to_csv(frame).decode(), newline="")))
    columns = pq.read_table(io.BytesIO(to_parquet(frame))).to_pydict()

    assert from_csv[0] == list(columns)
    assert from_csv[1:] == [
        ["" if value is None else str(value) for value in row] for row in zip(*columns.values(), strict=True)
    ]


def test_small_and_large_floats_are_written_as_repr_does():
    """§6: floats as Python's `repr` does."""
    for values in ([1e-7, 1 / 3, 60.0], [1e16, 2.5], [0.0, 7.0], [1 / 3, 60.0, 33.214285714285715, 43200.0]):
        frame = pd.DataFrame({"x": pd.array(values, "double[pyarrow]")})

        assert to_csv(frame).decode().split() == ["x", *map(repr, values)]


def test_the_breakdown_has_the_table_s_keys_points_and_what_they_come_from():
    """§6: one row per row of the table, same order."""
    rows = figures()
    frame = published.breakdown(rows, scored(rows), NAMES, WINDOW)

    assert frame.columns.tolist() == [
        "PrimaryKey",
        *PARTS,
        *(f"{part}_{what}" for part in PARTS for what in ("Value", "Reference")),
    ]
    assert frame["PrimaryKey"].tolist() == office()["PrimaryKey"].tolist()
    assert [str(kind) for kind in frame.dtypes[1:]] == ["int32[pyarrow]"] * 5 + ["int64[pyarrow]"] * 10
    assert frame.iloc[0, 6:].tolist() == [2, 24, 1, 12, 0, 6, 1, 3, 20, 30]


def test_people_and_coverage_are_small_tables():
    """§6: `UserId`, the directory id, and nothing else; `AsOf` in RFC 3339."""
    coverage = published.coverage([CoverageRow("Days", "WithItems", 3)], "20260630T120000Z", WINDOW.as_of_us)

    assert to_csv(published.people(["a", "b"])) == b"UserId\na\nb\n"
    assert to_csv(coverage).decode().splitlines() == [
        "RunId,Scope,Reason,Count,AsOf",
        "20260630T120000Z,Days,WithItems,3,2026-06-30T12:00:00Z",
    ]
    assert str(coverage["Count"].dtype) == "int64[pyarrow]"


def test_the_same_rows_give_the_same_bytes():
    """Interfaces §3: the same facts, configuration and `asOf` give the same bytes in every table."""
    assert to_parquet(office()) == to_parquet(office())
    assert to_csv(office()) == to_csv(office())


def test_an_empty_table_is_its_header():
    nothing = take(figures(), np.zeros(0, np.int64))
    frame = published.engagement(nothing, scored(nothing), NAMES, WINDOW)

    assert to_csv(frame).count(b"\n") == 1
    assert pq.read_table(io.BytesIO(to_parquet(frame))).num_rows == 0


def test_a_table_in_several_frames_is_one_table():
    frame = office()
    written = published.files([frame.iloc[:2], frame.iloc[2:]])

    assert written.rows == len(frame)
    assert written.csv == to_csv(frame)
    assert pq.read_table(io.BytesIO(written.parquet)).equals(pq.read_table(io.BytesIO(to_parquet(frame))))
