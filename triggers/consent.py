"""Consent: ask the administrators again, and where Entra sends them back to (interfaces §1, §2)."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

import azure.durable_functions as df
import azure.functions as func

from shared.core.errors import Invalid
from triggers import http
from triggers.http import Access

if TYPE_CHECKING:
    from shared.services import Services

bp = df.Blueprint()
log = logging.getLogger(__name__)

EVENT = "consent"


class Raiser(Protocol):
    """What is needed of the durable client."""

    async def raise_event(self, instance_id: str, event_name: str, event_data: object = None) -> None: ...


@bp.function_name("consent_callback")
@bp.route(route="api/consent/callback", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
@bp.durable_client_input(client_name="client")
async def consent_callback(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    return await http.respond(req, Access.ANYBODY, callback, client)


@bp.function_name("enrichments_one_consent")
@bp.route(route="api/enrichments/{name}/consent", methods=["POST"], auth_level=http.AUTH_LEVEL)
async def enrichments_one_consent(req: func.HttpRequest) -> func.HttpResponse:
    return await http.respond(req, Access.WRITE, ask)


async def ask(req: func.HttpRequest, svc: Services) -> func.HttpResponse:
    """202 with consent as the enrichment shows it; mailed or not, its link is there to be sent."""
    from shared.services import consent, enrichments

    stored = await asyncio.to_thread(enrichments.load, svc, req.route_params["name"])
    enrichments.refuse_removed(stored)
    origin = http.origin(req, svc)
    record = await consent.ask_again(svc, stored.name, stored.body, origin)
    return http.answer(consent.to_json(svc, stored.name, record, origin), 202)


async def callback(req: func.HttpRequest, svc: Services, durable: Raiser) -> func.HttpResponse:
    """Entra says admin_consent=True beside an error too, so the error decides; and what it says proves nothing."""
    from shared.services import consent

    state = req.params.get("state")
    if not state:
        raise Invalid("The consent link is not valid", "The request has no state.")
    declined = bool(req.params.get("error"))
    name = await asyncio.to_thread(consent.accept_state, svc, state, req.params.get("tenant"), declined=declined)
    if name:  # the link of a preview has none
        await _note(svc, durable, name, declined=declined)
    location = f"{svc.settings.public_url or ''}/ui/{name}"
    return func.HttpResponse(status_code=303, headers={"Location": location, "Cache-Control": "no-store"})


async def _note(svc: Services, durable: Raiser, name: str, *, declined: bool) -> None:
    from shared.services import consent, enrichments

    stored = await asyncio.to_thread(enrichments.load, svc, name)
    if declined:
        await asyncio.to_thread(consent.mark_refused, svc, name)
        log.info("consent for %s was declined", name)
    else:
        # Believed once it shows; until then the polls of a waiting run, and later reads, look again.
        await consent.refresh(svc, name, stored.body.addresses)
        await _tell_the_run(svc, durable, name)


async def _tell_the_run(svc: Services, durable: Raiser, name: str) -> None:
    from shared.services import runs

    run_id = await asyncio.to_thread(runs.active_run, svc, name)
    if run_id is None:
        return
    try:
        await durable.raise_event(f"{runs.instance_id(name, run_id)}:consent", EVENT, {})
    except Exception as error:
        # The run does not wait for consent (any more), or its next poll finds what the event would have told.
        log.info("run %s of %s was not told of consent: %s", run_id, name, type(error).__name__)
