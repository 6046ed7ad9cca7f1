"""Segments: all with their counts, members of one or of an unsaved filter, own ones saved, removed (interfaces §9)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import azure.durable_functions as df
import azure.functions as func

from triggers import http
from triggers.customers import order_by
from triggers.http import Access
from triggers.results import Format, preferred

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from shared.core.filter_bodies import FilterBody
    from shared.core.filters import Filter
    from shared.services import Services
    from shared.services.readers import Reading

bp = df.Blueprint()

ROUTE = "api/enrichments/{name}/segments"
FORMATS: tuple[Format, ...] = ("application/json", "text/csv")


@bp.function_name("segments_list")
@bp.route(route=ROUTE, methods=["GET"], auth_level=http.AUTH_LEVEL)
async def segments_list(req: func.HttpRequest) -> func.HttpResponse:
    return await http.respond(req, Access.READ, list_all)


@bp.function_name("segments_try")
@bp.route(route=ROUTE, methods=["POST"], auth_level=http.AUTH_LEVEL)
async def segments_try(req: func.HttpRequest) -> func.HttpResponse:
    return await http.respond(req, Access.READ, attempt)


@bp.function_name("segments_one_get")
@bp.route(route=ROUTE + "/{segment}", methods=["GET"], auth_level=http.AUTH_LEVEL)
async def segments_one_get(req: func.HttpRequest) -> func.HttpResponse:
    return await http.respond(req, Access.READ, members)


@bp.function_name("segments_one_put")
@bp.route(route=ROUTE + "/{segment}", methods=["PUT"], auth_level=http.AUTH_LEVEL)
async def segments_one_put(req: func.HttpRequest) -> func.HttpResponse:
    return await http.respond(req, Access.WRITE, put)


@bp.function_name("segments_one_delete")
@bp.route(route=ROUTE + "/{segment}", methods=["DELETE"], auth_level=http.AUTH_LEVEL)
async def segments_one_delete(req: func.HttpRequest) -> func.HttpResponse:
    return await http.respond(req, Access.WRITE, delete)


async def list_all(req: func.HttpRequest, svc: Services) -> func.HttpResponse:
    return await asyncio.to_thread(_list, req, svc)


async def members(req: func.HttpRequest, svc: Services) -> func.HttpResponse:
    return await asyncio.to_thread(_members, req, svc)


async def attempt(req: func.HttpRequest, svc: Services) -> func.HttpResponse:
    return await asyncio.to_thread(_try, req, svc)


async def put(req: func.HttpRequest, svc: Services) -> func.HttpResponse:
    return await asyncio.to_thread(_put, req, svc)


async def delete(req: func.HttpRequest, svc: Services) -> func.HttpResponse:
    from shared.services import enrichments, segments

    stored = await asyncio.to_thread(enrichments.load, svc, req.route_params["name"])
    await asyncio.to_thread(segments.remove, svc, stored.name, req.route_params["segment"])
    return func.HttpResponse(status_code=204)


def _list(req: func.HttpRequest, svc: Services) -> func.HttpResponse:
    from shared.services import enrichments, readers, segments

    stored = enrichments.load(svc, req.route_params["name"])
    reading = readers.current(svc, stored)
    (top, skip), form = http.paging(req), _form(req)
    told = segments.list_all(svc, stored.name, reading)
    if form == "text/csv":
        from shared.core.answer_shapes import SegmentEntry

        return _csv(_cut(req, told, top, skip), SegmentEntry)
    return http.page(req, svc, told[skip : skip + top], len(told) > skip + top, top, skip)


def _members(req: func.HttpRequest, svc: Services) -> func.HttpResponse:
    from shared.services import enrichments, readers, segments

    stored = enrichments.load(svc, req.route_params["name"])
    segment, own = req.route_params["segment"], segments.all_own(svc, stored.name)
    reading = readers.current(svc, stored)
    rows = segments.members(svc, reading, segment, own)
    # An own one says how it is made, so that it can be changed.
    return _customers(req, svc, reading, rows, **({"filter": segments.to_json(own[segment])} if segment in own else {}))


def _try(req: func.HttpRequest, svc: Services) -> func.HttpResponse:
    from shared.core.filter_bodies import FilterBody
    from shared.services import enrichments, readers, segments

    stored = enrichments.load(svc, req.route_params["name"])
    wanted = _filter(http.fields(req), FilterBody)
    reading = readers.current(svc, stored)
    return _customers(req, svc, reading, segments.selected(svc, reading, wanted))


def _put(req: func.HttpRequest, svc: Services) -> func.HttpResponse:
    from shared.core.filter_bodies import SegmentBody
    from shared.services import enrichments, segments

    stored = enrichments.load(svc, req.route_params["name"])
    segment = req.route_params["segment"]
    segments.check_name(segment)
    sent = http.fields(req)
    own, new = segments.save(svc, stored.name, segment, sent.get("title"), _filter(sent, SegmentBody))
    return http.answer({"segment": segment, **segments.to_json(own), "own": True}, 201 if new else 200)


def _filter(sent: dict[str, Any], model: type[FilterBody]) -> Filter:
    from shared.core import bodies, filter_bodies

    wanted, faults = filter_bodies.judge(sent, model)
    if wanted is None:
        raise bodies.invalid(faults)
    return wanted


def _customers(
    req: func.HttpRequest,
    svc: Services,
    reading: Reading,
    rows: Sequence[int] | NDArray[np.int64],
    **more: Any,
) -> func.HttpResponse:
    """Members as JSON, page by page, or as CSV, all of them unless `top` or `skip` cuts."""
    from shared.core import customer_lists

    (top, skip), form = http.paging(req), _form(req)
    chosen = customer_lists.ordered(reading.standing, rows, order_by(req)).tolist()
    if form == "text/csv":
        from shared.core.answer_shapes import CustomerEntry

        cut = customer_lists.entries(reading.standing, _cut(req, chosen, top, skip))
        return _csv(cut, CustomerEntry)
    value = customer_lists.entries(reading.standing, chosen[skip : skip + top])
    following = http.next_link(req, svc, top, skip + top, {}) if len(chosen) > skip + top else None
    return http.answer({"value": value, "nextLink": following, **more})


def _cut(req: func.HttpRequest, entries: list[Any], top: int, skip: int) -> list[Any]:
    return entries[skip : skip + top] if {"top", "skip"} & req.params.keys() else entries


def _form(req: func.HttpRequest) -> Format:
    return preferred(req.headers.get("Accept"), FORMATS)


def _csv(entries: Sequence[Any], kind: type) -> func.HttpResponse:
    from shared.adapters import answer_rows

    return func.HttpResponse(answer_rows.to_csv(entries, kind), mimetype="text/csv", charset="utf-8")
