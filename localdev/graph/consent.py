"""The page on which an administrator agrees, or does not, and the way back to the app."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode, urlsplit, urlunsplit

from localdev.graph.entra import DEFAULT_SCOPE, Entra, EntraError

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Permissions requested</title>
<style>
 body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 4rem auto; padding: 0 1rem }}
 button {{ font: inherit; padding: .4rem 1.6rem; margin-right: .6rem }}
</style>
<h1>Permissions requested</h1>
<p>The app <b>{client}</b> asks to read in <b>{tenant}</b>:</p>
<ul>{roles}</ul>
<p>If you accept, the app gets these permissions for everyone in the organisation.</p>
<form method="post">
<button name="decision" value="accept">Accept</button>
<button name="decision" value="decline">Decline</button>
</form>
</html>
"""


@dataclass(frozen=True)
class ConsentRequest:
    """A checked request for consent: where to come back to, and with what."""

    tenant_name: str
    client_id: str
    redirect_uri: str
    scope: str
    state: str | None


def read(entra: Entra, tenant: str, query: Mapping[str, str]) -> ConsentRequest:
    """Check the address an administrator has opened; EntraError where Entra would show an error page."""
    if tenant != "organizations" and not entra.tenant.is_called(tenant):
        raise EntraError(400, "invalid_tenant", 90002, f"Tenant '{tenant}' not found.")
    client_id, redirect_uri = query.get("client_id", ""), query.get("redirect_uri", "")
    if not client_id or entra.registration.client_id not in (None, client_id):
        raise EntraError(400, "unauthorized_client", 700016, f"Application '{client_id}' was not found.")
    if query.get("scope") != DEFAULT_SCOPE:
        raise EntraError(400, "invalid_scope", 70011, f"The scope '{query.get('scope')}' is not valid.")
    parts = urlsplit(redirect_uri)
    if parts.scheme not in ("http", "https") or not parts.netloc or not _registered(entra, redirect_uri):
        raise EntraError(400, "invalid_request", 50011, "The redirect URI is not one of the application.")
    name = str(entra.tenant.about.get("displayName") or entra.tenant.id)
    return ConsentRequest(name, client_id, redirect_uri, DEFAULT_SCOPE, query.get("state"))


def page(entra: Entra, request: ConsentRequest) -> str:
    """The page with its two buttons, as HTML."""
    roles = "".join(f"<li>{escape(role)}</li>" for role in entra.registration.asked_roles)
    return _PAGE.format(client=escape(request.client_id), tenant=escape(request.tenant_name), roles=roles)


def decide(entra: Entra, request: ConsentRequest, accepted: bool, after_seconds: float) -> str:
    """Carry out the administrator's decision; the answer is the address the browser is sent to."""
    if accepted:
        entra.consent.grant(entra.registration.asked_roles, after_seconds)
        answer = {"admin_consent": "True", "tenant": entra.tenant.id, "scope": request.scope}
    else:
        refusal = "AADSTS65004: The resource owner or authorization server denied the request."
        answer = {"error": "consent_required", "error_description": refusal, "admin_consent": "True"}
    if request.state is not None:
        answer["state"] = request.state
    parts = urlsplit(request.redirect_uri)
    query = "&".join(filter(None, (parts.query, urlencode(answer))))
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def _registered(entra: Entra, redirect_uri: str) -> bool:
    return entra.registration.redirect_uri in (None, redirect_uri)
