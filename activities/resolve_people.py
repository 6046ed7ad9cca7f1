"""Who is listed, whose address is whose, which contacts count: the run's plan, written once for all that follows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

import azure.durable_functions as df

from shared.core.contracts import Pointed, Problem, Resolved, ResolveOrder
from shared.core.errors import Refused, without_values
from shared.services import Services, services

if TYPE_CHECKING:
    from shared.adapters.graph.directory import Resolution
    from shared.adapters.graph.tenant import Tenant
    from shared.core.erasure import Tombstone
    from shared.services.enrichments import StoredEnrichment

bp = df.Blueprint()

# What passes through the orchestration: its custom status has less than 16 KB, in JSON with every sign beyond ASCII
# written as six.
MOST_TOLD = 40
LARGEST_FAULTS, LARGEST_DETAIL = 8_000, 4_000


@bp.activity_trigger(input_name="payload")
async def resolve_people(payload: dict) -> dict:
    with without_values("resolve_people"):
        return (await run(ResolveOrder.from_wire(payload), services())).to_wire()


async def run(order: ResolveOrder, svc: Services) -> Resolved:
    """Refusals are answers: what is wrong with the enrichment or its data, or that the tenant may not be read any more.

    On a first resolve an unknown address ends the run; later, one that has gone is a warning (interfaces §2).
    """
    from shared.adapters.graph import directory, tenant
    from shared.adapters.graph.refusals import TenantRefused
    from shared.adapters.identity import NotConsented
    from shared.services import enrichments, erasures, recomputing, turns

    if not await asyncio.to_thread(turns.take, svc, order.enrichment, order.run_id):
        return Resolved(must_wait=True)
    try:
        settled = await asyncio.to_thread(_settled, order, svc)
        if settled is not None:
            return settled  # by an attempt before, whose answer was lost
        # Looked at after the turn was taken: an erasure that comes later finds a run that reads, and waits.
        tombstones = await asyncio.to_thread(erasures.tombstones, svc, order.enrichment)
        if order.recompute is not None and await asyncio.to_thread(recomputing.plan, svc, order, tombstones):
            return await asyncio.to_thread(_answer, order, svc)
        stored = await asyncio.to_thread(enrichments.load, svc, order.enrichment)
        async with svc.graph() as graph:
            found = await tenant.read(graph)
            resolution = await directory.resolve(graph, stored.body.addresses)
        await asyncio.to_thread(_plan, order, svc, stored, found, resolution, tombstones)
    except (TenantRefused, NotConsented):
        return Resolved(consent_withdrawn=True)
    except Refused as refused:
        return Resolved(problem=await asyncio.to_thread(_problem, order, svc, refused))
    return await asyncio.to_thread(_answer, order, svc)


def _settled(order: ResolveOrder, svc: Services) -> Resolved | None:
    """What the run's plan says, whichever attempt's it is; None as long as there is none."""
    from shared.adapters.plan_files import read_settled
    from shared.services import runs

    settled = read_settled(svc.storage.staging, order.enrichment, order.run_id)
    if settled is None:
        return None
    runs.settle_configuration(svc, order.enrichment, order.run_id, settled.record)
    return Resolved(people=settled.people, counts=settled.counts, warnings=settled.warnings)


def _answer(order: ResolveOrder, svc: Services) -> Resolved:
    from shared.core.errors import FactsGone

    settled = _settled(order, svc)
    if settled is None:
        raise FactsGone
    return settled


def _plan(
    order: ResolveOrder,
    svc: Services,
    stored: StoredEnrichment,
    found: Tenant,
    resolution: Resolution,
    tombstones: Sequence[Tombstone],
) -> None:
    """Write the plan, unless the run has one by now. Raises `Refused` with every fault of people and data at once."""
    from shared.adapters.plan_files import Provenance, write_plan
    from shared.core.enrichment import config_hash, facts_hash, rules
    from shared.core.erasure import key_id
    from shared.core.errors import Fault, Invalid
    from shared.services import consent, enrichments, erasures, planning, reruns, runs

    key = svc.settings.pseudonym_key
    consent.judge_tenant(svc, found)
    faults: list[Fault] = [] if stored.ever_resolved else planning.unknown_addresses(resolution)
    faults += planning.number_of_people(len(resolution.people))
    try:
        planned = planning.make(
            key,
            stored.body,
            planning.read_data(svc, stored.body),
            resolution,
            found.verified_domains,
            order.as_of_us,
            tombstones,
            may_be_empty=order.recompute is not None,
        )
    except Invalid as invalid:
        faults += invalid.faults
    if faults:
        raise Invalid("The enrichment cannot be run", " ".join(dict.fromkeys(fault.detail for fault in faults)), faults)
    plan = reruns.based(svc, order, planned.plan)
    told = (rules(stored.body), config_hash(stored.body), [each.id for each in tombstones])
    # Before anything is kept: what a run keeps that did not know of an erasure is deleted by it.
    runs.remember_configuration(svc, order.enrichment, order.run_id, *told)
    erasures.learn(svc, order.enrichment, planned.finds)
    unknown = sum(entry.kind == "unknown" for entry in resolution.entries)
    kept = runs.configuration(*told)
    provenance = Provenance(
        facts_hash(stored.body), key_id(key), planned.counts, planned.sources, record=kept, warnings=unknown
    )
    if write_plan(svc.storage.staging, order.enrichment, order.run_id, plan, provenance):
        entries = [enrichments.Entry(one.address, one.kind, one.people, one.guests) for one in resolution.entries]
        enrichments.keep_resolved(svc, stored, entries, len(resolution.people))


def _problem(order: ResolveOrder, svc: Services, refused: Refused) -> Problem:
    """What is wrong, with the first faults; all of them, where they are many or long, are kept with the run."""
    from shared.services import runs

    faults = [Pointed(pointer=fault.pointer, detail=fault.detail) for fault in refused.faults]
    told = _as_many_as_pass(faults)
    if len(told) < len(faults):
        runs.keep_faults(svc, order.enrichment, order.run_id, refused.title, [fault.to_wire() for fault in faults])
    is_short = len(json.dumps(refused.detail)) <= LARGEST_DETAIL
    detail = refused.detail if is_short else f"There are {len(faults)} faults; `errors` names each."
    return Problem(title=refused.title, detail=detail, errors=told)


def _as_many_as_pass(faults: list[Pointed]) -> list[Pointed]:
    sizes = accumulate(len(json.dumps(fault.to_wire())) for fault in faults[:MOST_TOLD])
    return faults[: sum(size <= LARGEST_FAULTS for size in sizes)]
