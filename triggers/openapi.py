"""The description of all routes, as OpenAPI 3.1 (interfaces §1)."""

from __future__ import annotations

import azure.durable_functions as df
import azure.functions as func

from shared.services import Services
from triggers import http
from triggers.http import Access

bp = df.Blueprint()


@bp.function_name("openapi_get")
@bp.route(route="api/openapi.json", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def openapi_get(req: func.HttpRequest) -> func.HttpResponse:
    return await http.respond(req, Access.ANYBODY, get)


async def get(req: func.HttpRequest, svc: Services) -> func.HttpResponse:
    from triggers.operations import OPERATIONS
    from triggers.operations.document import Place, document

    settings = svc.settings
    place = Place(
        server=http.origin(req, svc),
        auth_mode=settings.auth_mode,
        issuer=f"{settings.authority_url}/{settings.tenant_id}/v2.0",
    )
    return http.answer(document(OPERATIONS, place))
