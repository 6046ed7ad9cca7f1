"""Runs: start one, follow it, cancel it (interfaces §1, §4)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import azure.durable_functions as df
import azure.functions as func

from triggers import http
from triggers.http import Access

if TYPE_CHECKING:
    from shared.core.contracts import RunRequest
    from shared.core.run_start import RunStart
    from shared.services import Services, runs
    from shared.services.enrichments import StoredEnrichment

bp = df.Blueprint()

ROUTE = "api/enrichments/{name}/runs"
POLL_AFTER = 5  # seconds; a run takes minutes


@bp.function_name("runs_start")
@bp.route(route=ROUTE, methods=["POST"], auth_level=http.AUTH_LEVEL)
@bp.durable_client_input(client_name="client")
async def runs_start(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    return await http.respond(req, Access.WRITE, start, client)


@bp.function_name("runs_list")
@bp.route(route=ROUTE, methods=["GET"], auth_level=http.AUTH_LEVEL)
@bp.durable_client_input(client_name="client")
async def runs_list(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    return await http.respond(req, Access.READ, history, client)


@bp.function_name("runs_get")
@bp.route(route=ROUTE + "/{runId}", methods=["GET"], auth_level=http.AUTH_LEVEL)
@bp.durable_client_input(client_name="client")
async def runs_get(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    return await http.respond(req, Access.READ, one, client)


@bp.function_name("runs_cancel")
@bp.route(route=ROUTE + "/{runId}/cancel", methods=["POST"], auth_level=http.AUTH_LEVEL)
@bp.durable_client_input(client_name="client")
async def runs_cancel(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    return await http.respond(req, Access.WRITE, cancel, client)


async def start(req: func.HttpRequest, svc: Services, durable: runs.Durable) -> func.HttpResponse:
    from shared.core import bodies, run_start
    from shared.core.periods import to_us
    from shared.core.progress import Progress
    from shared.services import runs

    stored = await _enrichment(req, svc)
    wanted, faults = run_start.judge(http.fields(req), to_us(svc.now()))
    if wanted is None:
        raise bodies.invalid(faults)
    runs.check_active(stored)
    request = await _started(svc, durable, stored, wanted)
    # Not asked for: once the run has started, nothing that is away may turn this answer into a refusal.
    shown = _shown(req, svc, Progress(request).to_json())
    headers = {"Location": shown["links"]["self"], "Retry-After": str(POLL_AFTER)}
    return http.answer(shown, 202, headers)


async def _started(svc: Services, durable: runs.Durable, stored: StoredEnrichment, wanted: RunStart) -> RunRequest:
    from shared.services import reruns, runs

    if wanted.retry is None:
        return await runs.start(svc, durable, stored.name, kind="manual", as_of_us=wanted.as_of, full=wanted.full)
    as_of_us = await asyncio.to_thread(reruns.check_retry, svc, stored, wanted.retry)
    return await runs.start(svc, durable, stored.name, kind="retry", as_of_us=as_of_us, retry=wanted.retry)


async def history(req: func.HttpRequest, svc: Services, durable: runs.Durable) -> func.HttpResponse:
    from shared.services import runs

    stored = await _enrichment(req, svc)
    top, skip = http.paging(req)
    records, more = await asyncio.to_thread(runs.history, svc, stored.name, skip, top)
    statuses = [await runs.follow_record(svc, durable, record) for record in records]
    return http.page(req, svc, [_shown(req, svc, status) for status in statuses], more, top, skip)


async def one(req: func.HttpRequest, svc: Services, durable: runs.Durable) -> func.HttpResponse:
    from shared.services import runs

    stored = await _enrichment(req, svc)
    status = await runs.follow(svc, durable, stored.name, req.route_params["runId"])
    return http.answer(_shown(req, svc, status))


async def cancel(req: func.HttpRequest, svc: Services, durable: runs.Durable) -> func.HttpResponse:
    from shared.services import runs

    stored = await _enrichment(req, svc)
    run_id = req.route_params["runId"]
    await runs.cancel(svc, durable, stored.name, run_id)
    return http.answer(_shown(req, svc, await runs.follow(svc, durable, stored.name, run_id)), 202)


async def _enrichment(req: func.HttpRequest, svc: Services) -> StoredEnrichment:
    from shared.services import enrichments

    return await asyncio.to_thread(enrichments.load, svc, req.route_params["name"])


def _shown(req: func.HttpRequest, svc: Services, status: dict[str, Any]) -> dict[str, Any]:
    enrichment = f"{http.origin(req, svc)}/api/enrichments/{status['enrichment']}"
    run = f"{enrichment}/runs/{status['runId']}"
    results = f"{enrichment}/results?runId={status['runId']}"
    return status | {"links": {"self": run, "cancel": f"{run}/cancel", "results": results}}
