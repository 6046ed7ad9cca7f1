"""What the current result says of all and of each: overview, list of customers, card (interfaces §8)."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import azure.durable_functions as df
import azure.functions as func

from shared.core.errors import Missing
from triggers import http
from triggers.http import Access

if TYPE_CHECKING:
    from shared.services import Services
    from shared.services.enrichments import StoredEnrichment
    from shared.services.readers import Reading

bp = df.Blueprint()

ROUTE = "api/enrichments/{name}"


@bp.function_name("overview_get")
@bp.route(route=ROUTE + "/overview", methods=["GET"], auth_level=http.AUTH_LEVEL)
async def overview_get(req: func.HttpRequest) -> func.HttpResponse:
    return await http.respond(req, Access.READ, overview)


@bp.function_name("customers_list")
@bp.route(route=ROUTE + "/customers", methods=["GET"], auth_level=http.AUTH_LEVEL)
async def customers_list(req: func.HttpRequest) -> func.HttpResponse:
    return await http.respond(req, Access.READ, list_all)


@bp.function_name("customers_one_get")
@bp.route(route=ROUTE + "/customers/{customerId}", methods=["GET"], auth_level=http.AUTH_LEVEL)
async def customers_one_get(req: func.HttpRequest) -> func.HttpResponse:
    return await http.respond(req, Access.READ, card)


async def overview(req: func.HttpRequest, svc: Services) -> func.HttpResponse:
    return await asyncio.to_thread(_overview, req, svc)


async def list_all(req: func.HttpRequest, svc: Services) -> func.HttpResponse:
    return await asyncio.to_thread(_list, req, svc)


async def card(req: func.HttpRequest, svc: Services) -> func.HttpResponse:
    return await asyncio.to_thread(_card, req, svc)


def _overview(req: func.HttpRequest, svc: Services) -> func.HttpResponse:
    from shared.core import customer_card
    from shared.services import readers

    stored, reading = _reading(req, svc)
    published = readers.published(svc, stored.name, reading)
    return http.answer(customer_card.overview(reading.standing, published))


def _list(req: func.HttpRequest, svc: Services) -> func.HttpResponse:
    import numpy as np

    from shared.core import customer_lists

    _, reading = _reading(req, svc)
    (top, skip), order = http.paging(req), order_by(req)
    standing, wanted = reading.standing, req.params.get("search")
    rows = customer_lists.search(standing, wanted) if wanted else np.arange(len(standing.ids))
    chosen = customer_lists.ordered(standing, rows, order)
    value = customer_lists.entries(standing, chosen[skip : skip + top].tolist())
    return http.page(req, svc, value, len(chosen) > skip + top, top, skip)


def order_by(req: func.HttpRequest) -> tuple[str, bool]:
    """(column, descending). Raises `Invalid`."""
    from shared.core import customer_lists

    text = req.params.get("orderBy")
    order = customer_lists.DEFAULT_ORDER if text is None else customer_lists.order_of(text)
    if order is None:
        columns = ", ".join(customer_lists.COLUMNS)
        raise http.bad_parameter("orderBy", f"is not one of {columns}, with asc or desc behind it or without")
    return order


def _card(req: func.HttpRequest, svc: Services) -> func.HttpResponse:
    from shared.core import customer_card

    _, reading = _reading(req, svc)
    customer = req.route_params["customerId"]
    # The platform leaves %2F in a parameter as it is; an id may hold a slash, or that very text.
    for spelling in (customer, re.sub("%2f", "/", customer, flags=re.IGNORECASE)):
        row = reading.standing.rows.get(spelling)
        if row is not None:
            return http.answer(customer_card.card(reading.standing, row))
    raise Missing("Customer not found", "Neither the data nor the result knows a customer with this id.")


def _reading(req: func.HttpRequest, svc: Services) -> tuple[StoredEnrichment, Reading]:
    from shared.services import enrichments, readers

    stored = enrichments.load(svc, req.route_params["name"])
    return stored, readers.current(svc, stored)
