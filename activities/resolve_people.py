"""Who is listed, whose address is whose, which contacts count: the run's plan, written once for all that follows."""

from __future__ import annotations

import asyncio
import json
from itertools import accumulate
from typing import TYPE_CHECKING

import azure.durable_functions as df

from shared.core.contracts import Pointed, Problem, Resolved, ResolveOrder
from shared.core.errors import Refused, without_values
from shared.services import Services, services

if TYPE_CHECKING:
    from shared.adapters.graph.directory import Resolution
    from shared.adapters.graph.tenant import Tenant
    from shared.core.contracts import Counts
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
    from shared.services import enrichments

    try:
        stored = await asyncio.to_thread(enrichments.load, svc, order.enrichment)
        async with svc.graph() as graph:
            found = await tenant.read(graph)
            resolution = await directory.resolve(graph, stored.body.addresses)
        counts = await asyncio.to_thread(_plan, order, svc, stored, found, resolution)
    except (TenantRefused, NotConsented):
        return Resolved(consent_withdrawn=True)
    except Refused as refused:
        return Resolved(problem=await asyncio.to_thread(_problem, order, svc, refused))
    unknown = sum(entry.kind == "unknown" for entry in resolution.entries)
    return Resolved(people=len(resolution.people), counts=counts, warnings=unknown)


def _plan(
    order: ResolveOrder, svc: Services, stored: StoredEnrichment, found: Tenant, resolution: Resolution
) -> Counts:
    """Write the plan. Raises `Refused` with every fault of people and data at once."""
    from shared.adapters.plan_files import write_plan
    from shared.core.enrichment import config_hash, facts_hash, rules
    from shared.core.errors import Fault, Invalid
    from shared.services import consent, enrichments, planning, reruns, runs

    consent.judge_tenant(svc, found)
    faults: list[Fault] = [] if stored.ever_resolved else planning.unknown_addresses(resolution)
    faults += planning.number_of_people(len(resolution.people))
    try:
        planned = planning.make(
            svc.settings.pseudonym_key,
            stored.body,
            planning.read_data(svc, stored.body),
            resolution,
            found.verified_domains,
            order.as_of_us,
        )
    except Invalid as invalid:
        faults += invalid.faults
    if faults:
        raise Invalid("The enrichment cannot be run", " ".join(dict.fromkeys(fault.detail for fault in faults)), faults)
    plan = reruns.based(svc, order, planned.plan)
    write_plan(svc.storage.staging, order.enrichment, order.run_id, plan, facts_hash(stored.body))
    runs.remember_configuration(svc, order.enrichment, order.run_id, rules(stored.body), config_hash(stored.body))
    entries = [enrichments.Entry(one.address, one.kind, one.people, one.guests) for one in resolution.entries]
    enrichments.keep_resolved(svc, stored, entries, len(resolution.people))
    return planned.counts


def _problem(order: ResolveOrder, svc: Services, refused: Refused) -> Problem:
    """What is wrong, with the first faults; all of them, where they are many or long, are kept with the run."""
    from shared.services import runs

    faults = [Pointed(pointer=fault.pointer, detail=fault.detail) for fault in refused.faults]
    told = _as_many_as_pass(faults)
    if len(told) < len(faults):
        runs.keep_faults(svc, order.enrichment, order.run_id, [fault.to_wire() for fault in faults])
    is_short = len(json.dumps(refused.detail)) <= LARGEST_DETAIL
    detail = refused.detail if is_short else f"There are {len(faults)} faults; `errors` names each."
    return Problem(title=refused.title, detail=detail, errors=told)


def _as_many_as_pass(faults: list[Pointed]) -> list[Pointed]:
    sizes = accumulate(len(json.dumps(fault.to_wire())) for fault in faults[:MOST_TOLD])
    return faults[: sum(size <= LARGEST_FAULTS for size in sizes)]
