"""The life of an enrichment after it was saved: activate, deactivate, remove with all that belongs to it.

A removal is marked first, which keeps new runs and saves away; then the active run is cancelled, and what belongs to
the enrichment goes, the enrichment itself last. One that breaks off is finished by the next DELETE, or by the timer.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from shared.core import blob_names
from shared.core.periods import from_us, to_us
from shared.services import Services, enrichments, runs, snapshots
from shared.services.conditions import Condition
from shared.services.enrichments import Removal, StoredEnrichment

log = logging.getLogger(__name__)

# Longer than any call may last: a removal this old is nobody's any more.
REMOVING = timedelta(minutes=15)


def activate(svc: Services, name: str, condition: Condition) -> StoredEnrichment:
    """Runs may start again. Slots that passed meanwhile were none: the schedule counts from now."""
    now_us = to_us(svc.now())

    def active(stored: StoredEnrichment) -> StoredEnrichment:
        enrichments.refuse_removed(stored)
        return stored if stored.state == "active" else replace(stored, state="active", activated_us=now_us)

    return enrichments.change(svc, name, condition, active)


def deactivate(svc: Services, name: str, condition: Condition) -> StoredEnrichment:
    """No further run starts; the one that is active goes on to its end, unless it is cancelled."""

    def inactive(stored: StoredEnrichment) -> StoredEnrichment:
        enrichments.refuse_removed(stored)
        return replace(stored, state="inactive")

    return enrichments.change(svc, name, condition, inactive)


async def remove(svc: Services, durable: runs.Durable, name: str, condition: Condition, *, purge: bool) -> None:
    """Remove the enrichment and all that belongs to it; published tables stay unless `purge`.

    An active run is cancelled. Raises `Conflict`, and nothing is removed, while it publishes.
    """
    now_us = to_us(svc.now())

    def marked(stored: StoredEnrichment) -> StoredEnrichment:
        before = stored.removal
        return replace(stored, removal=Removal(now_us, purge or (before is not None and before.purge)))

    condition.check((await asyncio.to_thread(enrichments.load, svc, name)).etag)
    await runs.check_stoppable(svc, durable, name)
    stored = await asyncio.to_thread(enrichments.change, svc, name, condition, marked)
    try:
        await runs.stop(svc, durable, name)
    except BaseException:
        await asyncio.to_thread(_unmark, svc, name)
        raise
    await asyncio.to_thread(_clear, svc, stored)


def _unmark(svc: Services, name: str) -> None:
    enrichments.change(svc, name, Condition(), lambda stored: replace(stored, removal=None))


def _clear(svc: Services, stored: StoredEnrichment) -> None:
    config, name = svc.storage.config, stored.name
    if stored.removal and stored.removal.purge:
        _purge(svc, stored)
    svc.storage.staging.delete_prefix(blob_names.staging_of(name))
    config.delete_prefix(blob_names.runs(name))
    for blob in blob_names.beside_enrichment(name):
        config.delete(blob)
    enrichments.give_up(svc, name, stored.body.output)
    config.delete(blob_names.enrichment(name))


def _purge(svc: Services, stored: StoredEnrichment) -> None:
    """Delete what its runs have published, wherever they did."""
    ours = {blob.rpartition("/")[2].removesuffix(".json") for blob in _names(svc, blob_names.runs(stored.name))}
    for name in (stored.body.output, *stored.former_outputs):
        ours_here = {run_id for run_id in ours if not is_of_another(svc, stored.name, name, run_id)}
        snapshots.delete(svc.storage.output, name, ours_here.__contains__)


def _names(svc: Services, prefix: str) -> Iterator[str]:
    return (entry.name for entry in svc.storage.config.entries(prefix))


def is_of_another(svc: Services, name: str | None, output: str, run_id: str) -> bool:
    """Whether the output is an enrichment's now, other than this one, and that has a run of this id too."""
    claim = svc.storage.config.read(blob_names.output(output))
    if claim is None:
        return False
    holder = json.loads(claim)["enrichment"]
    return holder != name and svc.storage.config.read(blob_names.run(holder, run_id)) is not None


async def finish_removals(svc: Services, durable: runs.Durable) -> None:
    """Finish what broke off: a removal whose process died."""
    for stored in await asyncio.to_thread(lambda: list(enrichments.list_all(svc))):
        if stored.removal and svc.now() - from_us(stored.removal.since_us) > REMOVING:
            log.info("the removal of %s had broken off: again", stored.name)
            await remove(svc, durable, stored.name, Condition(), purge=stored.removal.purge)
