"""Enrichments: save, read, list, activate, deactivate, remove (interfaces §1, §2)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import azure.durable_functions as df
import azure.functions as func

from triggers import http
from triggers.http import Access

if TYPE_CHECKING:
    from shared.services import Services, runs
    from shared.services.conditions import Condition
    from shared.services.consent import ConsentRecord
    from shared.services.enrichments import StoredEnrichment

bp = df.Blueprint()


@bp.function_name("enrichments_list")
@bp.route(route="api/enrichments", methods=["GET"], auth_level=http.AUTH_LEVEL)
@bp.durable_client_input(client_name="client")
async def enrichments_list(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    return await http.respond(req, Access.READ, list_all, client)


@bp.function_name("enrichments_one_get")
@bp.route(route="api/enrichments/{name}", methods=["GET"], auth_level=http.AUTH_LEVEL)
@bp.durable_client_input(client_name="client")
async def enrichments_one_get(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    return await http.respond(req, Access.READ, get, client)


@bp.function_name("enrichments_one_put")
@bp.route(route="api/enrichments/{name}", methods=["PUT"], auth_level=http.AUTH_LEVEL)
@bp.durable_client_input(client_name="client")
async def enrichments_one_put(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    return await http.respond(req, Access.WRITE, put, client)


@bp.function_name("enrichments_one_delete")
@bp.route(route="api/enrichments/{name}", methods=["DELETE"], auth_level=http.AUTH_LEVEL)
@bp.durable_client_input(client_name="client")
async def enrichments_one_delete(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    return await http.respond(req, Access.WRITE, delete, client)


@bp.function_name("enrichments_one_activate")
@bp.route(route="api/enrichments/{name}/activate", methods=["POST"], auth_level=http.AUTH_LEVEL)
@bp.durable_client_input(client_name="client")
async def enrichments_one_activate(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    return await http.respond(req, Access.WRITE, activate, client)


@bp.function_name("enrichments_one_deactivate")
@bp.route(route="api/enrichments/{name}/deactivate", methods=["POST"], auth_level=http.AUTH_LEVEL)
@bp.durable_client_input(client_name="client")
async def enrichments_one_deactivate(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    return await http.respond(req, Access.WRITE, deactivate, client)


async def put(req: func.HttpRequest, svc: Services, durable: runs.Durable) -> func.HttpResponse:
    from shared.services import saving

    name, condition = req.route_params["name"], http.condition(req)
    saved = await saving.save(svc, name, req.get_body(), http.origin(req, svc), condition)
    told = await describe(req, svc, durable, saved.stored, saved.consent)
    return http.answer(told, 201 if saved.created else 200, {"ETag": saved.stored.etag})


async def get(req: func.HttpRequest, svc: Services, durable: runs.Durable) -> func.HttpResponse:
    from shared.services import consent, enrichments

    stored = await asyncio.to_thread(enrichments.load, svc, req.route_params["name"])
    record = await consent.refresh(svc, stored.name, stored.body.addresses)
    return http.answer(await describe(req, svc, durable, stored, record), headers={"ETag": stored.etag})


async def delete(req: func.HttpRequest, svc: Services, durable: runs.Durable) -> func.HttpResponse:
    from shared.services import life

    purge = http.flag(req, "purge")
    await life.remove(svc, durable, req.route_params["name"], http.condition(req), purge=purge)
    return func.HttpResponse(status_code=204)


async def activate(req: func.HttpRequest, svc: Services, durable: runs.Durable) -> func.HttpResponse:
    from shared.services import life

    return await _changed(req, svc, durable, life.activate)


async def deactivate(req: func.HttpRequest, svc: Services, durable: runs.Durable) -> func.HttpResponse:
    from shared.services import life

    return await _changed(req, svc, durable, life.deactivate)


async def _changed(
    req: func.HttpRequest,
    svc: Services,
    durable: runs.Durable,
    how: Callable[[Services, str, Condition], StoredEnrichment],
) -> func.HttpResponse:
    from shared.services import consent

    stored = await asyncio.to_thread(how, svc, req.route_params["name"], http.condition(req))
    record = await asyncio.to_thread(consent.record_of, svc, stored.name)
    return http.answer(await describe(req, svc, durable, stored, record), headers={"ETag": stored.etag})


async def list_all(req: func.HttpRequest, svc: Services, durable: runs.Durable) -> func.HttpResponse:
    from shared.services import consent, enrichments

    top, skip = http.paging(req)
    names = await asyncio.to_thread(enrichments.names, svc)
    value = []
    for name in names[skip : skip + top]:
        stored = await asyncio.to_thread(enrichments.find, svc, name)
        if stored:
            record = await asyncio.to_thread(consent.record_of, svc, name)
            value.append(await describe(req, svc, durable, stored, record))
    return http.page(req, svc, value, len(names) > skip + top, top, skip)


async def describe(
    req: func.HttpRequest, svc: Services, durable: runs.Durable, stored: StoredEnrichment, record: ConsentRecord
) -> dict[str, Any]:
    """The enrichment as interfaces §2 shows it: what was sent, with every default, and what has become of it."""
    from shared.core.periods import to_us
    from shared.core.progress import instant
    from shared.core.schedule import next_run
    from shared.services import consent

    body = stored.body
    following = next_run(body.schedule, body.time_zone, svc.now()) if stored.is_active else None
    return {
        "name": stored.name,
        "state": "active" if stored.is_active else "inactive",
        **body.to_json(),
        "resolved": {"entries": [entry.to_json() for entry in stored.entries], "people": stored.people},
        "consent": consent.to_json(svc, stored.name, record, http.origin(req, svc)),
        "nextRunAt": instant(to_us(following) if following else None),
        "lastRun": await _last_run(svc, durable, stored.name),
    }


async def _last_run(svc: Services, durable: runs.Durable, name: str) -> dict[str, Any] | None:
    """The newest run as interfaces §4 shows it; one that has not ended is asked where it is."""
    from shared.services import runs

    status = await asyncio.to_thread(runs.last_status, svc, name)
    if status is None or status["endedAt"]:
        return status
    return await runs.follow(svc, durable, name, status["runId"])
