"""What is kept no longer: facts after `STAGING_RETENTION`, results after `RESULT_RETENTION` (interfaces §5)."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from shared.adapters.blobs import Container
from shared.core import blob_names
from shared.services import Services, enrichments, erasing, runs, snapshots, turns
from shared.services.documents import read


def tidy(svc: Services) -> None:
    """Delete what is older than its retention; never facts of a run that is active, never the current result.

    With every tick of the timer, so it asks for folders of runs; what is in one is listed where it is deleted.
    """
    for stored in enrichments.list_all(svc):
        _tidy_staging(svc, stored.name)
        _tidy_results(svc, stored.body.output)
        if not turns.reader(svc, stored.name):  # whoever reads may build on what will go with its own result
            erasing.forget_what_came_late(svc, stored)
    _tidy_orphans(svc)
    _tidy_used_states(svc)


def _tidy_orphans(svc: Services) -> None:
    """Delete what is left of removed enrichments: an activity that was under way may have written after the removal."""
    staging, config = svc.storage.staging, svc.storage.config
    # Listed first: a run's record is there before anything else of it, and an enrichment before its consent.
    for name, run_id in _runs_in(staging):
        if config.read(blob_names.run(name, run_id)) is None:
            staging.delete_prefix(blob_names.staging(name, run_id))
    folders = [blob.partition("/")[0] for blob in blob_names.beside_enrichment("any")]
    beside = [entry.name for folder in folders for entry in config.entries(f"{folder}/")]
    names = set(enrichments.names(svc))
    for blob in beside:
        if blob.rpartition("/")[2].removesuffix(".json") not in names:
            config.delete(blob)


def _runs_in(staging: Container) -> list[tuple[str, str]]:
    return [(name, run_id) for name in staging.folders("") for run_id in staging.folders(blob_names.staging_of(name))]


def _tidy_used_states(svc: Services) -> None:
    """Of a consent link that has expired it need not be known that it was used."""
    now = svc.now()
    for entry in svc.storage.config.entries(blob_names.used_state("")):
        used = read(svc.storage.config, entry.name)
        if used and used["expires"] <= now.timestamp():
            svc.storage.config.delete(entry.name)


def _tidy_staging(svc: Services, enrichment: str) -> None:
    reading = turns.holder(svc, enrichment)
    if reading and reading["erasure"] and turns.reader(svc, enrichment):
        return  # it counts anew what an earlier run has read
    limit = svc.now() - svc.settings.staging_retention
    active = runs.active_run(svc, enrichment)
    for run_id in snapshots.run_ids(svc.storage.staging, blob_names.staging_of(enrichment)):
        if run_id != active and _started(run_id) < limit:
            svc.storage.staging.delete_prefix(blob_names.staging(enrichment, run_id))


def _tidy_results(svc: Services, output: str) -> None:
    data = svc.storage.output.read(blob_names.current(output))
    current = json.loads(data)["runId"] if data else None
    limit = svc.now() - svc.settings.result_retention
    for run_id in snapshots.run_ids(svc.storage.output, blob_names.results(output)):
        if run_id != current and _started(run_id) < limit:
            svc.storage.output.delete_prefix(f"{output}/{run_id}/")


def _started(run_id: str) -> datetime:
    return datetime.strptime(run_id, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
