"""Whether the tenant lets the app read, and whether it is a tenant that may be read."""

from __future__ import annotations

import asyncio

import azure.durable_functions as df

from shared.core.contracts import Consent, ConsentQuery, Problem
from shared.core.errors import Refused, without_values
from shared.core.periods import MICROSECONDS, to_us
from shared.services import Services, services

bp = df.Blueprint()


@bp.activity_trigger(input_name="payload")
async def check_consent(payload: dict) -> dict:
    with without_values("check_consent"):
        return (await run(ConsentQuery.from_wire(payload), services())).to_wire()


async def run(query: ConsentQuery, svc: Services) -> Consent:
    """A refusal of the tenant or of the app itself is the run's problem; missing consent is not."""
    from shared.adapters.graph.refusals import TenantRefused
    from shared.adapters.identity import CredentialRefused
    from shared.services import consent, enrichments, runs

    looked_us = to_us(svc.now())
    try:
        stored = await asyncio.to_thread(enrichments.load, svc, query.enrichment)
        granted = await consent.has_access(svc, stored.body.addresses)
        if granted:
            await consent.check_tenant(svc)
    except TenantRefused:
        granted = False  # roles reach the directory some time after they reach tokens
    except Refused as refused:
        return Consent(granted=False, problem=Problem(title=refused.title, detail=refused.detail))
    except CredentialRefused as refused:
        return Consent(granted=False, problem=Problem(title="Entra refuses the app", detail=str(refused)))
    record = await asyncio.to_thread(consent.note, svc, query.enrichment, granted, looked_us)
    ready_us = None
    if record.granted_us is not None:
        ready_us = record.granted_us + int(svc.settings.first_run_delay.total_seconds() * MICROSECONDS)
    published = await asyncio.to_thread(runs.has_published, svc, query.enrichment)
    return Consent(granted=granted, state=record.state, published=published, ready_us=ready_us)
