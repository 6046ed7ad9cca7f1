"""What finished mailboxes have left in staging: finer than the orchestration's own word while it extracts."""

from __future__ import annotations

from shared.core import blob_names
from shared.core.instants import instant_us
from shared.core.periods import to_us
from shared.core.progress import pace
from shared.services import Services
from shared.services.documents import Document


def refine(svc: Services, status: Document) -> Document:
    """The status of a run (interfaces §4) with what the markers add: counts as of now, rate and remaining time."""
    extract = next(task for task in status["tasks"] if task["name"] == "extract")
    if extract["state"] != "running":
        return status
    place = blob_names.progress(status["enrichment"], status["runId"])
    markers = [entry.metadata for entry in svc.storage.staging.entries(place)]
    ended = [marker for marker in markers if marker.get("outcome") != "More"]
    read = sum(marker.get("outcome") == "Read" for marker in ended)
    began_us = instant_us(extract["startedAt"])
    elapsed_us = 0 if began_us is None else to_us(svc.now()) - began_us
    finer = (
        extract | {"done": len(ended), "warnings": len(ended) - read} | pace(len(ended), extract["total"], elapsed_us)
    )
    counts = status["counts"] | {
        "mailboxes": status["counts"]["mailboxes"] | {"read": read, "refused": len(ended) - read}
    }
    for kind in ("messages", "meetings"):
        counts[kind] = counts[kind] | {"read": sum(int(marker.get(kind, 0)) for marker in markers)}
    tasks = [finer if task is extract else task for task in status["tasks"]]
    return status | {"tasks": tasks, "counts": counts}
