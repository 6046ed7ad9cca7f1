"""App-only tokens for Microsoft Graph, from Entra: kept while they last, asked for afresh where that matters."""

from __future__ import annotations

import asyncio
import base64
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import msgspec

from shared.core.errors import AppError, GraphAway

if TYPE_CHECKING:
    import requests

    from shared.settings import Settings

_TIMEOUT = (5.0, 20.0)  # seconds to connect, and between two bytes; requests itself would wait for ever
# A token's last five minutes are not used: a request that starts in them may be judged after them.
_MARGIN = 300.0
# AADSTS codes of a tenant that has not said yes: the app has no service principal in it.
_NOT_CONSENTED = frozenset({700016, 7000229})
_PUBLIC_GRAPH = "https://graph.microsoft.com"
_EXCHANGE_AUDIENCE = {
    "login.microsoftonline.us": "api://AzureADTokenExchangeUSGov",
    "login.partner.microsoftonline.cn": "api://AzureADTokenExchangeChina",
    "login.chinacloudapi.cn": "api://AzureADTokenExchangeChina",
}


class NotConsented(AppError):
    """Entra gives no token, because the app is not in the tenant: nobody there has consented yet."""


class CredentialRefused(AppError):
    """Entra gives no token for another reason: the credential, the tenant id or the client id is wrong."""


def graph_scope(graph_base_url: str) -> str:
    """The scope of app permissions in the cloud of this Graph; a Graph on this machine plays the public one."""
    origin = urlsplit(graph_base_url)
    resource = f"https://{origin.netloc}" if origin.scheme == "https" else _PUBLIC_GRAPH
    return f"{resource}/.default"


def roles(token: str) -> frozenset[str]:
    """The app roles in a token of ours. Its signature is not looked at: it came from Entra, over TLS, to us."""
    try:
        payload = token.split(".")[1]
        claims = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        held = claims.get("roles", [])
    except (IndexError, ValueError, AttributeError, msgspec.DecodeError):
        return frozenset()
    return frozenset(role for role in held if isinstance(role, str)) if isinstance(held, list) else frozenset()


class TokenSource:
    """One per process; safe to use from any thread and any loop.

    Raises `NotConsented`, `CredentialRefused`, or `GraphAway` where Entra does not answer.
    """

    roles = staticmethod(roles)

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._clock = clock
        self._asking = threading.Lock()
        self._kept: tuple[str, float] | None = None  # the token, and when (on our clock) it is no longer used

    async def token(self) -> str:
        """A token that is good for some minutes at least; asks Entra only where there is none."""
        usable = self._usable()
        return usable if usable is not None else await asyncio.to_thread(self._token)

    async def fresh(self) -> str:
        """A token that Entra issued just now, with the roles of now; it is kept for `token`."""
        return await asyncio.to_thread(self._fresh)

    def _usable(self) -> str | None:
        kept = self._kept
        return kept[0] if kept and self._clock() < kept[1] else None

    def _token(self) -> str:
        with self._asking:
            return self._usable() or self._ask()

    def _fresh(self) -> str:
        with self._asking:
            return self._ask()

    def _ask(self) -> str:
        asked_at = self._clock()
        answer = _ask_entra(self._settings)
        lifetime = float(answer.get("expires_in") or 0)
        # Of a token that lives for a few minutes only, all but a tenth is used.
        self._kept = (answer["access_token"], asked_at + lifetime - min(_MARGIN, lifetime / 10))
        return str(answer["access_token"])


def _ask_entra(settings: Settings) -> dict[str, Any]:
    """Entra's answer with a token. An app object per call: MSAL's own remembers a refusal for a minute."""
    import msal

    http = _http_client(settings.entra_loopback_url)
    try:
        app = msal.ConfidentialClientApplication(
            settings.client_id,
            client_credential=_credential(settings),
            authority=f"{settings.authority_url}/{settings.tenant_id}",
            instance_discovery=False,
            http_client=http,
        )
        answer = app.acquire_token_for_client([graph_scope(settings.graph_base_url)])
    except ValueError:
        # A 4xx of the discovery document means that there is no such tenant. MSAL's own text repeats what it was given.
        if http.refused:
            raise CredentialRefused("Entra does not know this tenant: TENANT_ID or AUTHORITY_URL is wrong.") from None
        raise GraphAway("Entra's answer could not be understood.") from None
    finally:
        http.close()
    return _sorted(answer)


def _sorted(answer: dict[str, Any]) -> dict[str, Any]:
    if answer.get("access_token"):
        return answer
    codes = [code for code in answer.get("error_codes") or [] if isinstance(code, int)]
    # The description begins with the code; a proxy or another cloud may leave the list out.
    codes = codes or [int(code) for code in re.findall(r"\bAADSTS([0-9]{1,9})\b", str(answer.get("error_description")))]
    if _NOT_CONSENTED.intersection(codes):
        raise NotConsented("The app is not in the tenant: an administrator has to consent first.")
    error = str(answer.get("error", "no error"))
    if error == "temporarily_unavailable":
        raise GraphAway("Entra is temporarily unavailable.")
    shown = error if re.fullmatch(r"[a-z_ ]{1,40}", error) else "an unknown error"
    numbers = ", ".join(f"AADSTS{code}" for code in codes) or "no code"
    raise CredentialRefused(f"Entra refused the app's credential: {shown} ({numbers}).")


def _credential(settings: Settings) -> str | dict[str, Any]:
    if settings.client_secret:
        return settings.client_secret
    if settings.client_certificate:
        return _certificate(settings.client_certificate)
    assert settings.client_federated is not None
    if settings.client_federated == "managed-identity":
        authority = settings.authority_url
        return {"client_assertion": lambda: _managed_identity_token(authority)}
    file = Path(settings.client_federated)
    return {"client_assertion": lambda: _federated_token(file)}


def _certificate(pem: str) -> dict[str, str]:
    """MSAL takes the key and the certificates apart; a PEM setting holds both, in any order."""
    blocks = [found[0] for found in re.finditer(r"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", pem, re.DOTALL)]
    keys = [block for block in blocks if "PRIVATE KEY-----" in block]
    certificates = [block for block in blocks if "BEGIN CERTIFICATE-----" in block]
    _check_pem(keys, certificates)
    return {"private_key": keys[0], "public_certificate": "\n".join(certificates)}


def _check_pem(keys: list[str], certificates: list[str]) -> None:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from cryptography.x509 import load_pem_x509_certificates

    try:
        load_pem_private_key(keys[0].encode(), None)
        load_pem_x509_certificates("\n".join(certificates).encode())
    except (IndexError, TypeError, ValueError):  # a TypeError is a key with a passphrase
        raise CredentialRefused("CLIENT_CERTIFICATE does not hold a certificate and its plain private key.") from None


def _federated_token(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        raise CredentialRefused("The token file that CLIENT_FEDERATED names cannot be read.") from None


def _managed_identity_token(authority_url: str) -> str:
    from azure.core.exceptions import AzureError, ClientAuthenticationError
    from azure.identity import ManagedIdentityCredential

    audience = _EXCHANGE_AUDIENCE.get(urlsplit(authority_url).netloc, "api://AzureADTokenExchange")
    try:
        return str(ManagedIdentityCredential().get_token(f"{audience}/.default").token)
    except ClientAuthenticationError:
        raise CredentialRefused("The app's managed identity gives no token: is it switched on?") from None
    except AzureError:
        raise GraphAway("The managed identity's endpoint did not answer.") from None


def _http_client(loopback: str | None) -> _EntraHttp:
    http = _EntraHttp()
    if loopback:
        http.to_loopback(loopback)
    return http


class _EntraHttp:
    """What MSAL needs of an HTTP client; tells a busy or absent Entra apart from one that says no."""

    def __init__(self) -> None:
        import requests

        self._session = requests.Session()
        self.refused = False

    def to_loopback(self, target: str) -> None:
        """Send everything to this address of this machine, whatever host it is meant for."""
        # Variables such as REQUESTS_CA_BUNDLE and proxies are for the world outside.
        self._session.trust_env = False
        self._session.mount("https://", _loopback_adapter(target))

    def get(self, url: str, **how: Any) -> requests.Response:
        return self._send("GET", url, **how)

    def post(self, url: str, **how: Any) -> requests.Response:
        return self._send("POST", url, **how)

    def close(self) -> None:
        self._session.close()

    def _send(self, method: str, url: str, **how: Any) -> requests.Response:
        import requests

        try:
            answer = self._session.request(method, url, timeout=_TIMEOUT, **how)
        except requests.RequestException as error:
            raise GraphAway(f"Entra did not answer ({type(error).__name__}).") from None
        if answer.status_code == 429 or answer.status_code >= 500:
            raise GraphAway(f"Entra is busy or away (status {answer.status_code}).")
        self.refused = answer.status_code >= 400
        return answer


def _loopback_adapter(target: str) -> requests.adapters.HTTPAdapter:
    import requests

    scheme, netloc = urlsplit(target)[:2]

    class Loopback(requests.adapters.HTTPAdapter):
        def send(self, request: requests.PreparedRequest, *args: Any, **how: Any) -> requests.Response:
            asked = urlsplit(str(request.url))
            request.url = urlunsplit((scheme, netloc, asked.path, asked.query, ""))
            return super().send(request, *args, **how)

    return Loopback()
