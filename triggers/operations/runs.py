"""Runs and published tables (interfaces §1, §4)."""

from __future__ import annotations

from shared.core.answer_shapes import Page, Rows, Run
from shared.core.periods import LEVELS
from shared.core.run_start import RunStart
from triggers.http import Access
from triggers.operations.operation import CSV, JSON, PAGING, Answer, Operation, ok, query, whole

RUNS = "api/enrichments/{name}/runs"
TEXT = {"type": "string"}
BINARY = {"type": "string", "contentMediaType": "application/vnd.apache.parquet"}

OPERATIONS = (
    Operation(
        "runs_list",
        "GET",
        RUNS,
        Access.READ,
        "The enrichment's runs, the newest first.",
        {200: ok(Page[Run], "One page of them.")},
        parameters=PAGING,
    ),
    Operation(
        "runs_start",
        "POST",
        RUNS,
        Access.WRITE,
        "Start a run.",
        {
            202: ok(
                Run,
                "The run has started.",
                {"Location": "The run's absolute address.", "Retry-After": "Seconds until it is worth another look."},
            )
        },
        {409: "A run is active, the enrichment is inactive, or the facts of the run to retry are kept no longer."},
        body=RunStart,
        body_required=False,
    ),
    Operation(
        "runs_get",
        "GET",
        RUNS + "/{runId}",
        Access.READ,
        "Where a run is, task by task, or how it ended.",
        {200: ok(Run, "The run.")},
    ),
    Operation(
        "runs_cancel",
        "POST",
        RUNS + "/{runId}/cancel",
        Access.WRITE,
        "Stop a run; nothing half-done is published.",
        {202: ok(Run, "The run is being stopped.")},
        {409: "It publishes, or has ended."},
    ),
    Operation(
        "results_get",
        "GET",
        "api/enrichments/{name}/results",
        Access.READ,
        "Rows of a published table: as JSON page by page, or as a CSV or Parquet file by `Accept`. Without filters the "
        "file is the published one; else it holds all filtered rows, at most 100,000.",
        {
            200: Answer(
                "The rows, under the table's own column names.",
                {JSON: Rows, CSV: TEXT, "application/vnd.apache.parquet": BINARY},
            )
        },
        parameters=(
            query("table", TEXT, "A name from `current.json`; by default the output's own table."),
            query("level", {"type": "string", "enum": list(LEVELS)}, "Only rows of this level."),
            query("customerId", TEXT, "Only rows of this customer."),
            query("runId", TEXT, "Any result that is kept; by default the current one."),
            query("top", whole(1), "How many rows; as JSON at most 10,000, by default 1,000."),
            query("skip", whole(0, 10**10 - 1), "How many rows come before."),
        ),
    ),
)
