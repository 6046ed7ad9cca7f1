"""What is kept no longer: facts after `STAGING_RETENTION`, results after `RESULT_RETENTION` (interfaces §5)."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from shared.adapters.blobs import Container
from shared.core import blob_names
from shared.services import Services, enrichments, runs


def tidy(svc: Services) -> None:
    """Delete what is older than its retention; never facts of a run that is active, never the current result."""
    for stored in enrichments.list_all(svc):
        active = runs.active_run(svc, stored.name)
        _tidy_staging(svc, stored.name, active)
        _tidy_results(svc, stored.body.output)


def _tidy_staging(svc: Services, enrichment: str, active: str | None) -> None:
    limit = svc.now() - svc.settings.staging_retention
    for run_id in _children(svc.storage.staging, f"{enrichment}/"):
        if run_id != active and _started(run_id) < limit:
            svc.storage.staging.delete_prefix(blob_names.staging(enrichment, run_id))


def _tidy_results(svc: Services, output: str) -> None:
    data = svc.storage.output.read(blob_names.current(output))
    current = json.loads(data)["runId"] if data else None
    limit = svc.now() - svc.settings.result_retention
    for run_id in _children(svc.storage.output, f"{output}/"):
        if run_id != current and _started(run_id) < limit:
            svc.storage.output.delete_prefix(f"{output}/{run_id}/")


def _children(container: Container, prefix: str) -> list[str]:
    """The run ids directly below the prefix."""
    names = (entry.name[len(prefix) :].split("/") for entry in container.entries(prefix))
    return sorted({parts[0] for parts in names if len(parts) > 1})


def _started(run_id: str) -> datetime:
    return datetime.strptime(run_id, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
