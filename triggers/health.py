"""Whether the app can work: settings whole, storage and the token endpoint reachable (interfaces §1)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import azure.durable_functions as df
import azure.functions as func

from shared.core.errors import TryAgain
from triggers import http
from triggers.http import Access

if TYPE_CHECKING:
    from shared.services import Services

bp = df.Blueprint()

PATIENCE = 15.0  # seconds, for each of those who are asked


@bp.function_name("health_get")
@bp.route(route="api/health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def health_get(req: func.HttpRequest) -> func.HttpResponse:
    return await http.respond(req, Access.ANYBODY, get)


async def get(_: func.HttpRequest, svc: Services, patience: float = PATIENCE) -> func.HttpResponse:
    storage, entra = await asyncio.gather(_storage(svc, patience), _entra(svc, patience))
    checks = {"settings": "ok", "storage": storage, "tokenEndpoint": entra}
    if storage == "ok":
        checks["erasureKeys"] = await _keys(svc, patience)
    wrong = [told for told in checks.values() if told != "ok"]
    if wrong:
        return http.problem(503, "Not healthy", " ".join(wrong), state="unhealthy", checks=checks)
    return http.answer({"state": "healthy", "checks": checks})


async def _storage(svc: Services, patience: float) -> str:
    try:
        reachable = await asyncio.wait_for(asyncio.to_thread(svc.storage.reachable), patience)
    except TimeoutError:
        reachable = False
    return "ok" if reachable else "Blob Storage does not answer."


async def _keys(svc: Services, patience: float) -> str:
    """Whether those who have been erased can be recognised."""
    from shared.services import erasures

    try:
        unknown = await asyncio.wait_for(asyncio.to_thread(erasures.unknown_keys, svc), patience)
    except (TryAgain, TimeoutError):
        return "Blob Storage does not answer."
    return erasures.unknown_keys_detail(unknown) if unknown else "ok"


async def _entra(svc: Services, patience: float) -> str:
    from shared.adapters.identity import CredentialRefused, NotConsented

    try:
        await asyncio.wait_for(svc.tokens.fresh(), patience)
    except NotConsented:
        return "ok"  # Entra has answered; that nobody has consented yet is no illness
    except (CredentialRefused, TryAgain) as error:
        return str(error)
    except TimeoutError:
        return "The token endpoint does not answer."
    return "ok"
