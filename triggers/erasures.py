"""Erasing a person: ask for it, and see how far it has come (interfaces §1, semantics §8)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import azure.durable_functions as df
import azure.functions as func

from triggers import http
from triggers.http import Access

if TYPE_CHECKING:
    from shared.services import Services, runs

bp = df.Blueprint()

ROUTE = "api/erasures"
POLL_AFTER = 5  # seconds


@bp.function_name("erasures_request")
@bp.route(route=ROUTE, methods=["POST"], auth_level=http.AUTH_LEVEL)
@bp.durable_client_input(client_name="client")
async def erasures_request(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    return await http.respond(req, Access.WRITE, request, client)


@bp.function_name("erasures_list")
@bp.route(route=ROUTE, methods=["GET"], auth_level=http.AUTH_LEVEL)
async def erasures_list(req: func.HttpRequest) -> func.HttpResponse:
    return await http.respond(req, Access.READ, every)


@bp.function_name("erasures_get")
@bp.route(route=ROUTE + "/{id}", methods=["GET"], auth_level=http.AUTH_LEVEL)
async def erasures_get(req: func.HttpRequest) -> func.HttpResponse:
    return await http.respond(req, Access.READ, one)


async def request(req: func.HttpRequest, svc: Services, durable: runs.Durable) -> func.HttpResponse:
    from shared.core import bodies
    from shared.core.erasure_request import ErasureRequest
    from shared.services import erasing

    wanted, faults = bodies.judge(ErasureRequest, bodies.tree(req.get_body()))
    if wanted is None:
        raise bodies.invalid(faults)
    erasure = await erasing.request(svc, durable, wanted.address)
    headers = {"Location": f"{http.origin(req, svc)}/{ROUTE}/{erasure.id}", "Retry-After": str(POLL_AFTER)}
    return http.answer(erasure.to_json(), 202, headers)


async def every(req: func.HttpRequest, svc: Services) -> func.HttpResponse:
    from shared.services import erasures

    top, skip = http.paging(req)
    newest_first = (await asyncio.to_thread(erasures.every, svc))[::-1]
    value = [erasure.to_json() for erasure in newest_first[skip : skip + top]]
    return http.page(req, svc, value, len(newest_first) > skip + top, top, skip)


async def one(req: func.HttpRequest, svc: Services) -> func.HttpResponse:
    from shared.services import erasures

    erasure = await asyncio.to_thread(erasures.find, svc, req.route_params["id"])
    return http.answer(erasure.to_json())
