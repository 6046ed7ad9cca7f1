"""Entra: who the app is, what the tenant has consented to, the tokens that say so, and the error table."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any
from uuid import uuid4

import jwt

from localdev.graph.tenant import Tenant
from localdev.graph.wire import Answer, unauthorized

AUTHORITY = "https://login.microsoftonline.com"
RESOURCE = "https://graph.microsoft.com"
DEFAULT_SCOPE = f"{RESOURCE}/.default"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ROLE_IDS = {
    "Application.Read.All": "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30",
    "Calendars.Read": "798ee544-9d2d-430c-a058-570e29e34338",
    "Calendars.ReadBasic.All": "8ba4a692-bc31-4128-9094-475872af8a53",
    "Directory.Read.All": "7ab1d382-f21e-4acd-a863-ba3e13f7da61",
    "GroupMember.Read.All": "98830695-27a2-44f7-8c18-0c3ebc9698f6",
    "LicenseAssignment.Read.All": "e2f98668-2877-4f38-a2f4-8202e0717aa1",
    "Mail.Read": "810c84a8-4a9e-49e6-bf7d-12d183f40d01",
    "Mail.ReadBasic.All": "693c5e45-0940-467d-9b8a-1022fb9d42ef",
    "Member.Read.Hidden": "658aa5d8-239f-45c4-aa12-864f4fc7e490",
    "Organization.Read.All": "498476ce-e0fe-48b0-b801-37ba7e2685c6",
    "User.Read.All": "df021288-bdef-4463-88db-98f22de89214",
    "User.ReadBasic.All": "97235f07-e226-4f63-ace3-39588e11d3a1",
}
ASKED_ROLES = (
    "Mail.ReadBasic.All",
    "Calendars.ReadBasic.All",
    "User.Read.All",
    "GroupMember.Read.All",
    "LicenseAssignment.Read.All",
)
"""What the app's registration asks for, and what an administrator's consent therefore grants."""


class EntraError(Exception):
    """A refusal of the token or discovery endpoint."""

    def __init__(self, status: int, error: str, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error = error
        self.code = code
        self.message = message

    @property
    def description(self) -> str:
        return f"AADSTS{self.code}: {self.message}"

    def answer(self) -> Answer:
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        trace, correlation = str(uuid4()), str(uuid4())
        body = {
            "error": self.error,
            "error_description": f"{self.description} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {now}",
            "error_codes": [self.code],
            "timestamp": now,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"{AUTHORITY}/error?code={self.code}",
        }
        return Answer.of(body, self.status, {"Content-Type": "application/json; charset=utf-8"})


@dataclass
class Registration:
    """The app as its publisher registered it; None accepts any client id, any secret, any assertion."""

    client_id: str | None = None
    secret: str | None = None
    secret_expired: bool = False
    certificate: str | None = None
    """The public key in PEM that signs client assertions."""
    redirect_uri: str | None = None
    asked_roles: tuple[str, ...] = ASKED_ROLES
    absent_code: int = 700016
    """What a tenant answers that has never consented: 700016 with 400, or the newer 7000229 with 401."""


@dataclass
class Consent:
    """What the tenant has agreed to: a role works from the time noted for it on the emulator's clock."""

    clock: Callable[[], float]
    present: bool = False
    """Whether the app's service principal is in the tenant; without it there is no token at all."""
    roles_from: dict[str, float] = field(default_factory=dict)

    def grant(self, roles: Iterable[str], after_seconds: float = 0.0) -> None:
        """Consent to roles; they appear in new tokens after that many seconds, as they do in real life."""
        self.present = True
        for role in roles:
            self.roles_from[role] = self.clock() + after_seconds

    def revoke(self, roles: Iterable[str] | None = None) -> None:
        """Take roles away, all of them and the service principal too where none is named."""
        if roles is None:
            self.present = False
            self.roles_from.clear()
        for role in roles or ():
            self.roles_from.pop(role, None)

    def roles(self) -> list[str]:
        now = self.clock()
        return sorted(role for role, start in self.roles_from.items() if start <= now)


@dataclass
class Entra:
    """The token service of one tenant."""

    tenant: Tenant
    consent: Consent
    registration: Registration
    clock: Callable[[], float]
    expires_in: int = 3599
    _key: str = field(default_factory=lambda: token_hex(32))
    _dead: set[str] = field(default_factory=set)

    def openid_configuration(self, tenant: str) -> dict[str, Any]:
        """The discovery document; its endpoints are the production ones, whoever carries the requests."""
        if not self._known(tenant) and tenant not in ("organizations", "common"):
            raise EntraError(400, "invalid_tenant", 90002, f"Tenant '{tenant}' not found.")
        issuer = self.tenant.id if self._known(tenant) else "{tenantid}"
        return {
            "authorization_endpoint": f"{AUTHORITY}/{tenant}/oauth2/v2.0/authorize",
            "token_endpoint": f"{AUTHORITY}/{tenant}/oauth2/v2.0/token",
            "device_authorization_endpoint": f"{AUTHORITY}/{tenant}/oauth2/v2.0/devicecode",
            "issuer": f"{AUTHORITY}/{issuer}/v2.0",
            "jwks_uri": f"{AUTHORITY}/{tenant}/discovery/v2.0/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "tenant_region_scope": "EU",
            "cloud_instance_name": "microsoftonline.com",
            "cloud_graph_host_name": "graph.windows.net",
            "msgraph_host": "graph.microsoft.com",
        }

    def token(self, tenant: str, form: Mapping[str, str]) -> dict[str, Any]:
        """Answer a token request of the client credentials flow; EntraError by the table of causes."""
        if not self._known(tenant):
            raise EntraError(400, "invalid_request", 90002, f"Tenant '{tenant}' not found.")
        if form.get("grant_type") != "client_credentials":
            raise EntraError(400, "unsupported_grant_type", 70003, "The app requested an unsupported grant type.")
        if form.get("scope") != DEFAULT_SCOPE:
            message = f"The provided request must include a 'scope' input parameter: {DEFAULT_SCOPE}."
            raise EntraError(400, "invalid_scope", 70011, message)
        client_id = form.get("client_id", "")
        self._require_presence(client_id)
        self._require_credential(client_id, form)
        return {
            "token_type": "Bearer",
            "expires_in": self.expires_in,
            "ext_expires_in": self.expires_in,
            "access_token": self.issue(client_id),
        }

    def issue(self, client_id: str, roles: Iterable[str] | None = None) -> str:
        """A token for Graph with the roles consented to by now, or with the ones named."""
        now = int(self.clock())
        granted = self.consent.roles() if roles is None else sorted(roles)
        claims: dict[str, Any] = {
            "aud": RESOURCE,
            "iss": f"https://sts.windows.net/{self.tenant.id}/",
            "iat": now,
            "nbf": now,
            "exp": now + self.expires_in,
            "appid": client_id,
            "idtyp": "app",
            "tid": self.tenant.id,
            "uti": token_hex(8),
            "ver": "1.0",
        }
        if granted:
            claims["roles"] = granted
        return jwt.encode(claims, self._key, algorithm="HS256")

    def claims(self, authorization: str | None) -> dict[str, Any]:
        """What a bearer token says; its roles are those that still stand. GraphError 401 where it is no good."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise unauthorized("Access token is empty.")
        try:
            claims: dict[str, Any] = jwt.decode(
                token, self._key, ["HS256"], audience=RESOURCE, options={"verify_exp": False, "verify_nbf": False,
                                                                        "verify_iat": False}
            )  # fmt: skip
        except jwt.InvalidTokenError as fault:
            raise unauthorized("CompactToken validation failed.") from fault
        if claims["exp"] <= self.clock() or claims["uti"] in self._dead:
            raise unauthorized("Lifetime validation failed, the token is expired.")
        standing = self.consent.roles_from
        claims["roles"] = [role for role in claims.get("roles", ()) if role in standing]
        return claims

    def expire(self, claims: Mapping[str, Any]) -> None:
        """End the life of one token before its time."""
        self._dead.add(claims["uti"])

    def _known(self, tenant: str) -> bool:
        return self.tenant.is_called(tenant)

    def _require_presence(self, client_id: str) -> None:
        expected = self.registration.client_id
        if self.consent.present and client_id and expected in (None, client_id):
            return
        if self.registration.absent_code == 7000229:
            message = f"The client application {client_id} is missing service principal in the tenant {self.tenant.id}."
            raise EntraError(401, "invalid_client", 7000229, message)
        message = f"Application with identifier '{client_id}' was not found in the directory '{self.tenant.id}'."
        raise EntraError(400, "unauthorized_client", 700016, message)

    def _require_credential(self, client_id: str, form: Mapping[str, str]) -> None:
        if form.get("client_assertion_type") == ASSERTION_TYPE:
            self._check_assertion(client_id, form.get("client_assertion", ""))
            return
        if self.registration.secret_expired:
            raise EntraError(401, "invalid_client", 7000222, "The provided client secret keys are expired.")
        secret, expected = form.get("client_secret"), self.registration.secret
        if not secret or (expected is not None and secret != expected):
            raise EntraError(401, "invalid_client", 7000215, "Invalid client secret provided.")

    def _check_assertion(self, client_id: str, assertion: str) -> None:
        key = self.registration.certificate
        options: Any = {"verify_aud": False, "verify_signature": key is not None}
        try:
            claims = jwt.decode(assertion, key or "", ["PS256", "RS256"], options=options)
        except jwt.InvalidTokenError as fault:
            message = "The certificate used to sign the client assertion is not registered on the application."
            raise EntraError(401, "invalid_client", 700027, message) from fault
        if key is not None and claims.get("sub") != client_id:
            raise EntraError(401, "invalid_client", 700027, "The client assertion is not this client's.")


def instance_discovery(authorization_endpoint: str) -> dict[str, Any]:
    """What `/common/discovery/instance` says of an authority: where its discovery lies and what it is also called."""
    host = "login.microsoftonline.com"
    tenant = authorization_endpoint.removeprefix("https://").split("/")[1:2] or ["common"]
    aliases = [host, "login.windows.net", "login.microsoft.com", "sts.windows.net"]
    return {
        "tenant_discovery_endpoint": f"https://{host}/{tenant[0]}/v2.0/.well-known/openid-configuration",
        "api-version": "1.1",
        "metadata": [{"preferred_network": host, "preferred_cache": "login.windows.net", "aliases": aliases}],
    }
