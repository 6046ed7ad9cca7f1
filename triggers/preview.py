"""What an enrichment would read, and what that costs, before it is saved (interfaces §1, §2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import azure.durable_functions as df
import azure.functions as func

from triggers import http
from triggers.http import Access

if TYPE_CHECKING:
    from shared.services import Services

bp = df.Blueprint()

# The consent link of a preview belongs to no enrichment; it leads back to the list of them.
NO_ENRICHMENT = ""


@bp.function_name("preview_make")
@bp.route(route="api/preview", methods=["POST"], auth_level=http.AUTH_LEVEL)
async def preview_make(req: func.HttpRequest) -> func.HttpResponse:
    return await http.respond(req, Access.READ, preview)


async def preview(req: func.HttpRequest, svc: Services) -> func.HttpResponse:
    from shared.services import consent, previews
    from shared.services.consent import ConsentRecord

    made = await previews.make(svc, req.get_body())
    if made is None:
        asked = consent.to_json(svc, NO_ENRICHMENT, ConsentRecord(), http.origin(req, svc))
        detail = "Nothing can be looked up or counted until an administrator has opened the link and accepted."
        return http.problem(409, "Consent is missing", detail, consent=asked)
    return http.answer(
        {
            "addresses": {"entries": [entry.to_json() for entry in made.entries], "people": made.people},
            "contacts": previews.contacts_json(made.contacts),
            "estimate": previews.estimate_json(made.estimate),
        }
    )
