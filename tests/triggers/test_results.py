"""Reading published tables (interfaces §1)."""

from __future__ import annotations

import io
import json
from datetime import date, timedelta
from urllib.parse import urlencode

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.adapters import published
from shared.core import blob_names
from shared.core.enrichment import Enrichment
from shared.services import enrichments, snapshots
from shared.services.conditions import Condition
from shared.services.documents import dump
from tests.fakes import fake_services
from tests.triggers.world import BODY, request, told
from triggers import http, results
from triggers.http import Access

OLD, NEW = "20261101T000000Z", "20261124T120000Z"
CSV, PARQUET = "text/csv", "application/vnd.apache.parquet"

# An id may hold what keys are made of.
ROWS = [
    ("A|Year", "Year", date(2025, 11, 25)),
    ("A|Year", "Month", date(2026, 11, 1)),
    ("A|Year", "Week", date(2026, 11, 23)),
    ("B", "Year", date(2025, 11, 25)),
    ('C "x", y', "Year", date(2025, 11, 25)),
]


def key(customer, level, start):
    return f"{customer}|Year" if level == "Year" else f"{customer}|{level}|{start:%Y%m%d}"


def frame(columns):
    return pa.table(columns).to_pandas(types_mapper=pd.ArrowDtype)


def engagement(rows=ROWS):
    customers, levels, starts = zip(*rows, strict=True)
    return frame(
        {
            "PrimaryKey": pa.array([key(*row) for row in rows]),
            "CustomerId": pa.array(customers),
            "EngagementScore": pa.array(range(len(rows)), pa.int32()),
            "DaysSinceLastEmail": pa.array([None] * len(rows), pa.int32()),
            "AverageDuration_Of_Meetings": pa.array([60.0] * len(rows)),
            "AggregationStartDate": pa.array(starts, pa.date32()),
            "AggregationLevel": pa.array(levels),
        }
    )


def breakdown(rows=ROWS):
    return frame(
        {"PrimaryKey": pa.array([key(*row) for row in rows]), "Recency": pa.array(range(len(rows)), pa.int32())}
    )


def tables(output, rows=ROWS):
    return [
        (output, [engagement(rows)]),
        (f"{output}_UserEntity", [frame({"UserId": pa.array(["u1", "u2"])})]),
        (f"{output}_ScoreBreakdown", [breakdown(rows)]),
        (f"{output}_Coverage", [frame({"Scope": pa.array(["Mailbox"]), "Count": pa.array([2])})]),
    ]


def publish(svc, name="sales", run_id=NEW, as_of_us=2, rows=ROWS, output="Office", state="Succeeded"):
    svc.storage.config.write(blob_names.run(name, run_id), dump({"status": {"state": state, "endedAt": None}}))
    entries = []
    for table, frames in tables(output, rows):
        with snapshots.writing(svc.storage.output, output, run_id, table) as file:
            for some in frames:
                file.add(some)
        entries.append(snapshots.about_table(output, run_id, table, file.rows))
    snapshots.make_current(svc.storage.output, output, run_id, as_of_us, entries, "hash")


def save(svc, name="sales", **changes):
    body = Enrichment.model_validate(BODY | changes, by_alias=True, by_name=False)
    enrichments.save(svc, name, body, [], None, Condition())


@pytest.fixture
def svc(monkeypatch):
    made = fake_services()
    monkeypatch.setattr(http, "services", lambda: made)
    save(made)
    return made


async def get(query="", accept=None, name="sales"):
    headers = {"Accept": accept} if accept else {}
    req = request(path=f"/api/enrichments/{name}/results?{query}", headers=headers, name=name)
    return await http.respond(req, Access.READ, results.get)


async def rows(query=""):
    response = await get(query)
    assert response.status_code == 200, response.get_body()
    return told(response)["value"]


def csv_lines(response):
    assert response.status_code == 200, response.get_body()
    return response.get_body().decode().splitlines()


async def test_there_is_no_result_before_the_first_one(svc):
    assert (await get()).status_code == 404
    assert (await get(f"runId={NEW}")).status_code == 404
    assert (await get(name="other")).status_code == 404


async def test_rows_carry_the_tables_own_names_dates_as_text_and_null(svc):
    publish(svc)

    assert (await rows())[1] == {
        "PrimaryKey": "A|Year|Month|20261101",
        "CustomerId": "A|Year",
        "EngagementScore": 1,
        "DaysSinceLastEmail": None,
        "AverageDuration_Of_Meetings": 60.0,
        "AggregationStartDate": "2026-11-01",
        "AggregationLevel": "Month",
    }


async def test_level_and_customer_filter_the_table(svc):
    publish(svc)

    assert [row["CustomerId"] for row in await rows("level=Year")] == ["A|Year", "B", 'C "x", y']
    assert [row["AggregationLevel"] for row in await rows("customerId=A|Year")] == ["Year", "Month", "Week"]
    assert len(await rows("customerId=A|Year&level=Month")) == 1
    assert await rows("customerId=A") == []


async def test_the_breakdown_is_filtered_by_its_key(svc):
    publish(svc)
    table = "table=Office_ScoreBreakdown"

    assert [row["Recency"] for row in await rows(f"{table}&level=Year")] == [0, 3, 4]
    assert [row["Recency"] for row in await rows(f"{table}&level=Month")] == [1]
    assert [row["Recency"] for row in await rows(f"{table}&customerId=A|Year")] == [0, 1, 2]
    assert await rows(f"{table}&customerId=A") == []


@pytest.mark.parametrize("table", ["Office_UserEntity", "Office_Coverage"])
async def test_other_tables_cannot_be_filtered(svc, table):
    publish(svc)

    assert (await get(f"table={table}")).status_code == 200
    assert (await get(f"table={table}&level=Year")).status_code == 400
    assert (await get(f"table={table}&customerId=A")).status_code == 400


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("level=Day", 400),
        ("level=year", 400),
        ("top=10001", 400),
        ("top=10000", 200),
        ("top=0", 400),
        ("top=-1", 400),
        ("skip=-1", 400),
        ("skip=x", 400),
        ("table=Nothing", 404),
        ("runId=20200101T000000Z", 404),
        ("runId=../x", 404),
    ],
)
async def test_parameters_have_their_limits(svc, query, status):
    publish(svc)

    assert (await get(query)).status_code == status


async def test_the_next_link_names_the_run_so_that_pages_are_of_one_result(svc):
    publish(svc, run_id=OLD, as_of_us=1)
    first = told(await get("top=2&level=Year&code=key"))
    publish(svc, rows=[("Z", *row[1:]) for row in ROWS])

    rest = first["nextLink"].partition("?")[2]
    second = told(await get(rest))
    assert "code" not in rest
    assert f"runId={OLD}" in rest
    assert [row["CustomerId"] for row in second["value"]] == ['C "x", y']
    assert second["nextLink"] is None


async def test_a_json_page_has_1000_rows_where_none_are_asked_for(svc):
    publish(svc, rows=[(f"{number:05d}", "Year", date(2025, 11, 25)) for number in range(1_001)])

    assert len(await rows()) == 1_000
    assert len(await rows("skip=1000")) == 1


async def test_unfiltered_files_are_the_published_ones(svc):
    publish(svc)

    for accept, extension in ((CSV, "csv"), (PARQUET, "parquet")):
        response = await get(accept=accept)
        assert response.get_body() == svc.storage.output.read(blob_names.table("Office", NEW, "Office", extension))
        assert response.mimetype == accept


async def test_filtered_files_hold_all_filtered_rows_in_the_published_form(svc):
    publish(svc)
    published_csv = csv_lines(await get(accept=CSV))

    assert csv_lines(await get("level=Year", CSV)) == [published_csv[place] for place in (0, 1, 4, 5)]
    parquet = pq.read_table(io.BytesIO((await get("level=Year", PARQUET)).get_body()))
    whole = pq.read_table(io.BytesIO((await get("", PARQUET)).get_body()))
    assert parquet.schema == whole.schema
    assert parquet["CustomerId"].to_pylist() == ["A|Year", "B", 'C "x", y']


async def test_top_and_skip_cut_files_too(svc):
    publish(svc)

    assert csv_lines(await get("top=1&skip=3", CSV))[1].startswith("B|Year,")
    assert len(csv_lines(await get("top=200000", CSV))) == 6


async def test_a_file_without_rows_has_its_header(svc):
    publish(svc)

    assert csv_lines(await get("customerId=nobody", CSV)) == [",".join(engagement().columns)]
    empty = pq.read_table(io.BytesIO((await get("customerId=nobody", PARQUET)).get_body()))
    assert (empty.num_rows, empty.column_names) == (0, list(engagement().columns))


async def test_a_part_of_more_than_100000_rows_is_400(svc):
    publish(svc, rows=[(f"{number:06d}", "Year", date(2025, 11, 25)) for number in range(100_001)])

    for accept in (CSV, PARQUET):
        assert (await get("level=Year", accept)).status_code == 400
        assert (await get("top=100001", accept)).status_code == 400
        assert (await get("level=Year&top=100000", accept)).status_code == 200
        assert (await get("", accept)).status_code == 200


async def test_an_older_result_that_is_kept_can_be_read_by_its_run(svc):
    publish(svc, run_id=OLD, as_of_us=1, rows=ROWS[3:4])
    publish(svc)

    assert len(await rows()) == 5
    assert len(await rows(f"runId={OLD}")) == 1
    assert (await get(f"runId={OLD}&table=Office_Coverage")).status_code == 200


@pytest.mark.parametrize("customer_id", ["a/b", "say 'hi'", "%2F", " ", "A;DROP", "x" * 2_000])
async def test_a_customer_id_that_nobody_has_selects_no_row_whatever_it_is(svc, customer_id):
    publish(svc)

    for table in ("Office", "Office_ScoreBreakdown"):
        assert await rows(f"table={table}&{urlencode({'customerId': customer_id})}") == []


@pytest.mark.parametrize(
    "gone",
    [["Office.parquet", "Office.csv"], ["Office.parquet", "Office.csv", "current.json"], ["current.json"]],
    ids=["the table", "all of it", "what names the current one"],
)
async def test_a_result_that_was_deleted_by_hand_is_404_and_the_next_one_is_there_again(svc, gone):
    publish(svc)
    for name in gone:
        blob = blob_names.current("Office") if name == "current.json" else f"Office/{NEW}/{name}"
        assert svc.storage.output.delete(blob)

    for accept in (None, CSV, PARQUET):
        response = await get("", accept)
        assert response.status_code == 404
        assert "start a run" in told(response)["detail"].lower()
    publish(svc)
    assert len(await rows()) == 5


async def test_an_older_result_can_be_read_by_its_run_though_the_current_one_was_deleted_by_hand(svc):
    publish(svc, run_id=OLD, as_of_us=1)
    publish(svc)
    svc.storage.output.delete(blob_names.current("Office"))
    svc.storage.output.delete_prefix(blob_names.snapshot("Office", NEW))

    assert len(await rows(f"runId={OLD}")) == 5
    assert (await get(f"runId={NEW}")).status_code == 404


async def test_what_a_failed_run_left_is_no_result(svc):
    publish(svc, run_id=OLD, as_of_us=1, state="Failed")
    publish(svc)

    assert (await get(f"runId={OLD}")).status_code == 404


async def test_a_result_of_the_enrichment_that_had_the_output_before_is_not_this_ones(svc):
    publish(svc)
    save(svc, output="Elsewhere")
    save(svc, "second")

    assert (await get(name="second")).status_code == 404
    assert (await get(f"runId={NEW}", name="second")).status_code == 404


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, "application/json"),
        ("*/*", "application/json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json"),
        ("text/csv", "text/csv"),
        ("TEXT/CSV; charset=utf-8", "text/csv"),
        ("text/*", "text/csv"),
        ("application/json;q=0.1, text/csv;q=0.5", "text/csv"),
        ("text/csv;q=0, */*", "application/json"),
        (PARQUET, PARQUET),
        ("text/csv;q=x", "application/json"),
    ],
)
def test_the_format_is_what_the_caller_likes_best(accept, form):
    assert results.preferred(accept) == form


def test_published_dates_survive_json():
    """Dates are ISO 8601 text in JSON, whatever the library makes of them."""
    row = {"day": date(2026, 1, 2) + timedelta(days=1)}

    assert json.loads(http.answer([row]).get_body()) == [{"day": "2026-01-03"}]


def test_the_published_form_is_one_for_whole_and_cut_tables():
    table = engagement()

    cut, whole = published.files([table.head(1)]).csv, published.files([table]).csv

    assert cut.splitlines() == whole.splitlines()[:2]
