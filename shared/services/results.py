"""Published results: which one, which tables it has, and the rows or the file that a reader asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.core import blob_names
from shared.core.errors import Fault, Invalid, Missing
from shared.services import Services, runs
from shared.services.documents import read
from shared.services.enrichments import StoredEnrichment

SUCCEEDED = ("Succeeded", "SucceededWithWarnings")


@dataclass(frozen=True, slots=True)
class Result:
    """tables: their names."""

    output: str
    run_id: str
    tables: tuple[str, ...]

    def table(self, name: str | None) -> str:
        """The table of this name, by default the output's own. Raises `Missing`."""
        if name is None:
            return self.output
        if name not in self.tables:
            raise Missing("Table not found", f"The result has no such table. It has: {', '.join(self.tables)}.")
        return name

    def is_filtered(self, table: str) -> bool:
        """Whether this table can be cut by level and customer."""
        return table in (self.output, f"{self.output}_Hierarchy", f"{self.output}_ScoreBreakdown")


def find(svc: Services, stored: StoredEnrichment, run_id: str | None) -> Result:
    """The current result, or that of a run whose result is kept. Raises `Missing`."""
    output = stored.body.output
    current = read(svc.storage.output, blob_names.current(output))
    # The output may have been another enrichment's before; its runs are not this one's.
    if current and svc.storage.config.read(blob_names.run(stored.name, current["runId"])) is not None:
        if run_id in (None, current["runId"]):
            return Result(output, current["runId"], tuple(table["name"] for table in current["tables"]))
    elif run_id is None:
        detail = f"No run of the enrichment {stored.name} has published a result, or it was removed. Start a run."
        raise Missing("No result yet", detail)
    return _kept(svc, stored, str(run_id))


def _kept(svc: Services, stored: StoredEnrichment, run_id: str) -> Result:
    output = stored.body.output
    record = runs.find(svc, stored.name, run_id)
    if record and record["status"]["state"] in SUCCEEDED:
        prefix = blob_names.table(output, run_id, "", "").removesuffix(".")
        found = [entry.name.removeprefix(prefix) for entry in svc.storage.output.entries(prefix)]
        tables = sorted(
            name.removesuffix(".parquet") for name in found if name.endswith(".parquet") and "/" not in name
        )
        if tables:
            return Result(output, run_id, tuple(tables))
    raise Missing("Result not found", f"The enrichment {stored.name} has no such result, or keeps it no longer.")


def published_file(svc: Services, result: Result, table: str, extension: str) -> bytes:
    """The file as it was published; `extension`: parquet or csv."""
    data = svc.storage.output.read(blob_names.table(result.output, result.run_id, table, extension))
    if data is None:
        detail = f"This part of the result {result.run_id} was removed. Ask for another result, or start a run."
        raise Missing("Result not found", detail)
    return data


def check_filters(result: Result, table: str, given: Sequence[str]) -> None:
    """Raises `Invalid` where the table cannot be filtered by the parameters that were given."""
    if given and not result.is_filtered(table):
        faults = [Fault(name, "does not apply to this table") for name in given]
        raise Invalid("A parameter is wrong", f"{table} cannot be filtered by {' or '.join(given)}.", faults)
