"""The tick that starts due enrichments, and clears away what is kept no longer."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING

import azure.durable_functions as df
import azure.functions as func

from shared.core.errors import Conflict, Missing
from shared.services import services
from shared.settings import SettingsFault, registration

if TYPE_CHECKING:
    from shared.services import Services, runs
    from shared.services.enrichments import StoredEnrichment

bp = df.Blueprint()
log = logging.getLogger(__name__)


@bp.timer_trigger(arg_name="timer", schedule=registration().rerun_tick)
@bp.durable_client_input(client_name="client")
async def rerun_timer(timer: func.TimerRequest, client: df.DurableOrchestrationClient) -> None:  # noqa: ARG001 - the binding's name
    try:
        svc = services()
    except SettingsFault:
        return  # every route answers 503 and names the settings; one log entry is enough
    await run(svc, client)


async def run(svc: Services, durable: runs.Durable) -> None:
    """Start each due enrichment once; one that has an active run has missed its slot."""
    from shared.services import enrichments, erasing, life, retention

    for stored in await asyncio.to_thread(lambda: list(enrichments.list_all(svc))):
        if stored.is_active:
            await _start_if_due(svc, durable, stored)
    await life.finish_removals(svc, durable)
    await erasing.keep_going(svc, durable)
    await asyncio.to_thread(retention.tidy, svc)


async def _start_if_due(svc: Services, durable: runs.Durable, stored: StoredEnrichment) -> None:
    from shared.services import erasures, runs

    if await asyncio.to_thread(erasures.is_pending, svc, stored.name):
        return  # the slot waits for it
    taken = await asyncio.to_thread(take_due_slot, svc, stored)
    if taken is None:
        return
    try:
        request = await runs.start(svc, durable, stored.name, kind="scheduled")
        log.info("scheduled run %s of %s started", request.run_id, stored.name)
    except (Conflict, Missing) as refused:
        log.info("slot of %s skipped: %s", stored.name, refused.title)
    except BaseException:
        await asyncio.to_thread(_give_back, svc, stored.name, *taken)
        raise


def take_due_slot(svc: Services, stored: StoredEnrichment) -> tuple[int, str] | None:
    """Mark the due slot as dealt with, so that no other tick takes it; None if none is due.

    Else the slot before it, and the mark's etag.
    """
    from shared.core import blob_names
    from shared.core.periods import from_us, to_us
    from shared.core.schedule import due_slot
    from shared.services.documents import dump

    name = blob_names.schedule(stored.name)
    tagged = svc.storage.config.read_tagged(name)
    last_us = json.loads(tagged[0])["slotUs"] if tagged else 0
    # What passed before saving, or while inactive, was no slot.
    since = from_us(max(stored.saved_us, stored.activated_us, last_us))
    slot = due_slot(stored.body.schedule, stored.body.time_zone, since, svc.now())
    if slot is None:
        return None
    mark = dump({"slotUs": to_us(slot)})
    taken = svc.storage.config.replace(name, mark, tagged[1]) if tagged else svc.storage.config.create(name, mark)
    return (last_us, taken) if taken is not None else None


def _give_back(svc: Services, enrichment: str, slot_us: int, etag: str) -> None:
    """The run could not be started: the next tick tries again. Nothing where another tick has taken a later slot."""
    from shared.core import blob_names
    from shared.services.documents import dump

    svc.storage.config.replace(blob_names.schedule(enrichment), dump({"slotUs": slot_us}), etag)
