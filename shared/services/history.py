"""What an enrichment has published so far, newest last: the curve of the overview, and which result came before."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from shared.core import blob_names
from shared.services import Services
from shared.services.documents import Document, change, dump, read

_MOST_KEPT = 2_000


@dataclass(frozen=True, slots=True, order=True)
class Publication:
    """A result that was published; in the order of `asOf`, then of the run. customers: with a Year row that is shown ·
    output: the table's name at that time.
    """

    as_of_us: int
    run_id: str
    output: str
    customers: int


def note(svc: Services, enrichment: str, publication: Publication) -> None:
    """Again for the same run: the same once."""
    config, blob = svc.storage.config, blob_names.history(enrichment)
    config.create(blob, dump({"results": []}))

    def with_it(history: Document) -> Document:
        others = [each for each in _parse(history) if each.run_id != publication.run_id]
        return {"results": [asdict(each) for each in sorted([*others, publication])[-_MOST_KEPT:]]}

    change(config, blob, with_it)


def of(svc: Services, enrichment: str) -> list[Publication]:
    """In order; results that are no longer kept are among them."""
    return _parse(read(svc.storage.config, blob_names.history(enrichment)) or {"results": []})


def _parse(history: dict[str, Any]) -> list[Publication]:
    return sorted(Publication(**each) for each in history["results"])
