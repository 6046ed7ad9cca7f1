"""Carrying out an erasure (semantics §8): which tables are recomputed now, and what was there before them goes.

Only a run's own publishing removes earlier results: as long as it has not come to that, readers keep what they have.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from shared.core import blob_names
from shared.core.contracts import ErasureBegun, ErasureOrder, RunRequest
from shared.core.periods import from_us
from shared.services import Services, enrichments, erasures, history, life, runs, snapshots, turns
from shared.services.documents import read
from shared.services.erasures import Erasure, Recomputing

if TYPE_CHECKING:
    from shared.services.enrichments import StoredEnrichment

log = logging.getLogger(__name__)


def orchestration_id(erasure: str) -> str:
    return f"erasure:{erasure}"


async def request(svc: Services, durable: runs.Durable, address: str) -> Erasure:
    """Have a person erased. Raises `Conflict` as `erasures.request` does, `PlatformAway`; then nothing is kept."""
    await _let_go_of_the_dead(svc, durable)
    erasure = await asyncio.to_thread(erasures.request, svc, address)
    try:
        await _start(durable, erasure.id)
    except BaseException:
        await asyncio.to_thread(erasures.take_back, svc, erasure.id)
        raise
    return erasure


async def keep_going(svc: Services, durable: runs.Durable) -> None:
    """Begin again what broke off, and end runs that died with their turn."""
    still_open = [each for each in await asyncio.to_thread(erasures.every, svc) if each.is_open]
    if still_open:
        await _let_go_of_the_dead(svc, durable)
    for erasure in still_open:
        is_young = svc.now() - from_us(erasure.requested_us) < runs.GRACE
        if not is_young and not await runs.is_alive(durable, orchestration_id(erasure.id)):
            log.info("the erasure %s had broken off: again", erasure.id)
            await _start(durable, erasure.id)


async def _let_go_of_the_dead(svc: Services, durable: runs.Durable) -> None:
    for name in await asyncio.to_thread(enrichments.names, svc):
        await runs.let_go_of_the_dead(svc, durable, name)


async def _start(durable: runs.Durable, erasure: str) -> None:
    order = ErasureOrder(erasure=erasure).to_wire()
    await runs.begin_orchestration(durable, "carry_out_erasure", orchestration_id(erasure), order)


def begin(svc: Services, id: str) -> ErasureBegun:
    """Reserve a run for each enrichment with a result whose turn it can be now. Again: the same runs again."""
    erasure = next((each for each in erasures.every(svc) if each.id == id), None)
    if erasure is None or not erasure.is_open:
        return ErasureBegun()  # taken back, or ended by another orchestration
    begun: list[RunRequest] = []
    waiting = 0
    for stored in enrichments.list_all(svc):
        if stored.removal:
            waiting += 1  # what it leaves is to be deleted, too
            continue
        if _is_over(svc, erasure, stored.name):
            continue
        results = history.of(svc, stored.name)
        if not results:
            waiting += not _forget_facts(svc, id, stored.name)
            continue
        request = _reserve(svc, id, stored.name, results[-1])
        if request is None:
            waiting += 1
        else:
            begun.append(request)
    return ErasureBegun(runs=begun, waiting=waiting)


def _is_over(svc: Services, erasure: Erasure, enrichment: str) -> bool:
    run = erasure.run_of(enrichment)
    record = runs.find(svc, enrichment, run.run_id) if run else None
    return record is not None and record["phase"] in turns.ENDED_PHASES


def _reserve(svc: Services, id: str, enrichment: str, newest: history.Publication) -> RunRequest | None:
    request = runs.reserve_recomputing(svc, enrichment, id, newest.as_of_us, newest.run_id)
    if request is not None:
        erasures.note_run(svc, id, Recomputing(enrichment, request.run_id))
    return request


def _forget_facts(svc: Services, id: str, enrichment: str) -> bool:
    """Where nothing was published: delete what runs have read without knowing of the erasure. False while one reads."""
    reader = turns.reader(svc, enrichment)
    for run_id in snapshots.run_ids(svc.storage.staging, blob_names.staging_of(enrichment)):
        if run_id != reader and id not in _erased(svc, enrichment, run_id):
            svc.storage.staging.delete_prefix(blob_names.staging(enrichment, run_id))
    return reader is None or id in _erased(svc, enrichment, reader)


def published(svc: Services, stored: StoredEnrichment, run_id: str) -> None:
    """The run's result is the current one, without the people who were erased before it read: what is with them goes.

    These are the results and the facts of all runs that did not know of each of these erasures.
    """
    applied = _erased(svc, stored.name, run_id)
    if not applied:
        return
    for output in (stored.body.output, *stored.former_outputs):
        snapshots.delete(svc.storage.output, output, _outdated(svc, stored.name, output, run_id, applied))
    for other in snapshots.run_ids(svc.storage.staging, blob_names.staging_of(stored.name)):
        if not _knew(svc, stored.name, other, run_id, applied):
            svc.storage.staging.delete_prefix(blob_names.staging(stored.name, other))
    erasures.note_published(svc, stored.name, run_id, sorted(applied))


def forget_what_came_late(svc: Services, stored: StoredEnrichment) -> None:
    """What attempts that were held up have written, after an erasure's end, of the people whom it has erased."""
    current = read(svc.storage.output, blob_names.current(stored.body.output))
    if current and runs.find(svc, stored.name, current["runId"]):
        published(svc, stored, current["runId"])


def _outdated(
    svc: Services, enrichment: str, output: str, published: str, applied: frozenset[str]
) -> Callable[[str], bool]:
    """Whether a run's result under this name, which may be another enrichment's by now, is to go."""

    def is_outdated(run_id: str) -> bool:
        is_known = _knew(svc, enrichment, run_id, published, applied)
        return not is_known and not life.is_of_another(svc, enrichment, output, run_id)

    return is_outdated


def _erased(svc: Services, enrichment: str, run_id: str) -> frozenset[str]:
    """The erasures under which a run has read and counted."""
    record = runs.find(svc, enrichment, run_id)
    return frozenset((record or {}).get("erased", ()))


def _knew(svc: Services, enrichment: str, run_id: str, published: str, applied: frozenset[str]) -> bool:
    return run_id == published or applied <= _erased(svc, enrichment, run_id)


def end(svc: Services, id: str) -> None:
    """Delete the tables that removed enrichments have left, and say what became of the erasure."""
    outputs = snapshots.outputs(svc.storage.output)
    owners: dict[str, list[str]] = {}
    for stored in enrichments.list_all(svc):
        for output in (stored.body.output, *stored.former_outputs):
            owners.setdefault(output, []).append(stored.name)
    for output in outputs:
        _delete_orphans(svc, output, owners.get(output, ()))
    erasures.conclude(svc, id, enrichments.names(svc))


def _delete_orphans(svc: Services, output: str, owners: Collection[str]) -> None:
    """Results under this name that no run of these enrichments has published, nor of one that has just taken it."""

    def is_orphan(run_id: str) -> bool:
        is_known = any(runs.find(svc, name, run_id) for name in owners)
        return not is_known and not life.is_of_another(svc, None, output, run_id)

    snapshots.delete(svc.storage.output, output, is_orphan)
