"""Whose turn it is to read and count: of an enrichment one run at a time does, its active one or an erasure's.

A run that waits for consent, or out the first-run delay, has not got it: an erasure need not wait for that.
"""

from __future__ import annotations

import json

from shared.core import blob_names
from shared.services import Services
from shared.services.documents import Document, dump, read

ENDED_PHASES = ("closed", "canceled")


def holder(svc: Services, enrichment: str) -> Document | None:
    """`{runId, erasure}` of the run whose turn it is; erasure: None for an ordinary run."""
    return read(svc.storage.config, blob_names.reading(enrichment))


def reader(svc: Services, enrichment: str) -> str | None:
    """The id of the run whose turn it is; None where that one has ended, though it has not let go."""
    held_by = holder(svc, enrichment)
    return held_by["runId"] if held_by and _goes_on(svc, enrichment, held_by["runId"]) else None


def _goes_on(svc: Services, enrichment: str, run_id: str) -> bool:
    record = read(svc.storage.config, blob_names.run(enrichment, run_id))
    return record is not None and record["phase"] not in ENDED_PHASES


def _has_ended(svc: Services, enrichment: str, run_id: str) -> bool:
    record = read(svc.storage.config, blob_names.run(enrichment, run_id))
    return record is not None and record.get("phase") in ENDED_PHASES


def take(svc: Services, enrichment: str, run_id: str, erasure: str | None = None) -> bool:
    """Whether it is the run's turn now. Again for the same run: True again; never where it has ended meanwhile."""
    if _has_ended(svc, enrichment, run_id):
        return False
    config, name = svc.storage.config, blob_names.reading(enrichment)
    told = dump({"runId": run_id, "erasure": erasure})
    while config.create(name, told) is None:
        tagged = config.read_tagged(name)
        if tagged is None:
            continue
        other = json.loads(tagged[0])["runId"]
        if other == run_id:
            return True
        if _goes_on(svc, enrichment, other):
            return False
        config.delete(name, tagged[1])  # whoever ended that run died before letting go
    if _has_ended(svc, enrichment, run_id):  # between the first look and now
        release(svc, enrichment, run_id)
        return False
    return True


def release(svc: Services, enrichment: str, run_id: str) -> None:
    """Let the next one have it; nothing where it is another's."""
    let_go(svc, blob_names.reading(enrichment), run_id)


def let_go(svc: Services, name: str, run_id: str) -> None:
    """Delete a blob that names the run which holds something, if it names this one."""
    tagged = svc.storage.config.read_tagged(name)
    if tagged and json.loads(tagged[0]).get("runId") == run_id:
        svc.storage.config.delete(name, tagged[1])
