"""What answers for readers are made from: the current result's index, the one before it, rows of its table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.core import blob_names
from shared.core.errors import Missing
from shared.core.filters import Filter
from shared.services import Services, history, results
from shared.services.enrichments import StoredEnrichment
from shared.services.history import Publication
from shared.services.kept import Kept

if TYPE_CHECKING:
    import pyarrow as pa

    from shared.core.standing import Standing

_standings: Kept[Standing] = Kept(6)
_rows: Kept[pa.Table] = Kept(16)


@dataclass(frozen=True, slots=True)
class Reading:
    """A result that is read: where its table lies, and where each customer stands in it."""

    output: str
    run_id: str
    standing: Standing


def current(svc: Services, stored: StoredEnrichment) -> Reading:
    """The enrichment's current result. Raises `Missing` where there is none, or it has been removed by hand."""
    result = results.find(svc, stored, None)
    reading = _read(svc, result.output, result.run_id)
    if reading is None:
        raise _gone(result.run_id)
    return reading


def previous(svc: Services, enrichment: str, reading: Reading) -> Reading | None:
    """The newest result before this one that is still kept."""
    this = (reading.standing.about.as_of_us, reading.run_id)
    for publication in reversed(history.of(svc, enrichment)):
        if (publication.as_of_us, publication.run_id) < this:
            found = _read(svc, publication.output, publication.run_id)
            if found is not None:
                return found
    return None


def published(svc: Services, enrichment: str, reading: Reading) -> list[tuple[str, int, int]]:
    """(run id, `asOf`, customers) of the enrichment's results, in order; this one is among them."""
    about = reading.standing.about
    this = Publication(about.as_of_us, reading.run_id, reading.output, reading.standing.enriched())
    others = [each for each in history.of(svc, enrichment) if each.run_id != reading.run_id]
    return [(each.run_id, each.as_of_us, each.customers) for each in sorted([*others, this])]


def customers(svc: Services, reading: Reading, wanted: Filter) -> list[str]:
    """The customers that the filter selects. Raises `Missing` where the table has been removed by hand."""
    from shared.adapters import filter_rows

    def parse(parquet: bytes) -> Any:
        return filter_rows.rows_of(parquet, wanted.level, wanted.period)

    place = (reading.output, reading.run_id)
    blob = blob_names.latest_rows(*place) if wanted.period is None else blob_names.table(*place, place[0], "parquet")
    rows = _rows.get(svc.storage.output, blob, parse, (wanted.level, wanted.period))
    if rows is None:
        raise _gone(reading.run_id)
    return filter_rows.customers(rows, wanted.where)


def places(reading: Reading, ids: Sequence[str]) -> list[int]:
    """The rows of these customers in the index."""
    rows = reading.standing.rows
    return [rows[customer] for customer in ids if customer in rows]


def _read(svc: Services, output: str, run_id: str) -> Reading | None:
    from shared.adapters import standing_files

    standing = _standings.get(svc.storage.output, blob_names.index(output, run_id), standing_files.read)
    return Reading(output, run_id, standing) if standing else None


def _gone(run_id: str) -> Missing:
    return Missing(
        "Result not found",
        f"Parts of the result {run_id} are not there: they were removed, or an older version of the app made it. "
        "Run the enrichment again.",
    )
