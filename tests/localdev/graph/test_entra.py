"""Tokens and consent, asked for by MSAL itself with its requests led to this machine."""

import asyncio
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import jwt
import msal
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

TENANT = "11111111-2222-3333-4444-555555555555"
SCOPE = "https://graph.microsoft.com/.default"
CALLBACK = "http://127.0.0.1:7071/api/consent/callback"


class Loopback(requests.adapters.HTTPAdapter):
    """Leads requests for the production authority to the emulator."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        super().__init__()

    def send(self, request, *rest, **options):
        parts = urlsplit(request.url)
        request.url = urlunsplit((self._target.scheme, self._target.netloc, parts.path, parts.query, ""))
        return super().send(request, *rest, **options)


async def acquire(graph, tenant=TENANT, credential="secret"):
    """What MSAL makes of one request for a token, as its own result."""

    def work():
        with requests.Session() as session:
            session.trust_env = False
            session.mount("https://login.microsoftonline.com/", Loopback(graph.served.url))
            app = msal.ConfidentialClientApplication(
                "client",
                client_credential=credential,
                authority=f"https://login.microsoftonline.com/{tenant}",
                http_client=session,
            )
            return app.acquire_token_for_client([SCOPE])

    return await asyncio.to_thread(work)


async def test_msal_gets_a_token_whose_roles_open_graph(graph):
    result = await acquire(graph)
    graph.token = result["access_token"]

    claims = jwt.decode(graph.token, options={"verify_signature": False})
    assert claims["roles"] == sorted(graph.emulator.entra.registration.asked_roles)
    assert (claims["tid"], claims["aud"], result["expires_in"]) == (TENANT, "https://graph.microsoft.com", 3599)
    assert (await graph.get("/users?$select=id")).status == 200


async def test_a_tenant_may_be_called_by_its_domain(graph):
    assert "access_token" in await acquire(graph, "contoso.example")


async def test_a_token_without_any_role_is_still_a_token(graph):
    graph.emulator.consent.revoke(graph.emulator.entra.registration.asked_roles)

    result = await acquire(graph)

    assert "roles" not in jwt.decode(result["access_token"], options={"verify_signature": False})


@pytest.mark.parametrize(
    ("registration", "code", "error"),
    [
        ({"absentCode": 700016}, 700016, "unauthorized_client"),
        ({"absentCode": 7000229}, 7000229, "invalid_client"),
    ],
)
async def test_an_app_that_was_never_consented_to_gets_no_token(open_emulator, registration, code, error):
    async with open_emulator(granted=False) as graph:
        await graph.control("POST", "app", registration)
        result = await acquire(graph)

    assert (result["error"], result["error_codes"]) == (error, [code])
    assert result["error_description"].startswith(f"AADSTS{code}: ")


@pytest.mark.parametrize(
    ("registration", "code"),
    [({"secret": "another"}, 7000215), ({"secretExpired": True}, 7000222)],
)
async def test_a_wrong_or_expired_secret_is_told_apart(graph, registration, code):
    await graph.control("POST", "app", registration)

    result = await acquire(graph)

    assert (result["error"], result["error_codes"]) == ("invalid_client", [code])


async def test_an_unknown_tenant_is_refused_at_discovery(graph):
    with pytest.raises(ValueError, match=r"AADSTS90002|invalid_tenant|authority"):
        await acquire(graph, "99999999-2222-3333-4444-555555555555")

    url = f"{graph.served.url}/fabrikam.example/v2.0/.well-known/openid-configuration"
    async with graph.session.get(url) as response:
        body = await response.json()
    assert (response.status, body["error"], body["error_codes"]) == (400, "invalid_tenant", [90002])


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({"scope": "https://graph.microsoft.com/Mail.Read"}, 400, 70011),
        ({"grant_type": "password"}, 400, 70003),
        ({"client_secret": ""}, 401, 7000215),
    ],
)
async def test_a_malformed_request_for_a_token_is_refused(graph, form, status, code):
    sound = {"client_id": "c", "client_secret": "s", "scope": SCOPE, "grant_type": "client_credentials"}

    async with graph.session.post(f"{graph.served.url}/{TENANT}/oauth2/v2.0/token", data={**sound, **form}) as response:
        body = await response.json()

    assert (response.status, body["error_codes"]) == (status, [code])


def certificate():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "app")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    signed = builder.sign(key, hashes.SHA256())
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain).decode()
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    return private, signed.public_bytes(pem).decode(), public


async def test_a_certificate_stands_for_a_secret_if_it_is_the_registered_one(graph):
    private, pem, public = certificate()
    credential = {"private_key": private, "public_certificate": pem}
    await graph.control("POST", "app", {"certificate": public})

    good = await acquire(graph, credential=credential)
    await graph.control("POST", "app", {"certificate": certificate()[2]})
    bad = await acquire(graph, credential=credential)

    assert "access_token" in good
    assert (bad["error"], bad["error_codes"]) == ("invalid_client", [700027])


async def test_roles_appear_in_new_tokens_some_time_after_consent(open_emulator, clock):
    async with open_emulator(granted=False) as graph:
        await graph.control("POST", "consent", {"afterSeconds": 60})
        early = await acquire(graph)
        clock.now += 60
        late = await acquire(graph)

    assert "roles" not in jwt.decode(early["access_token"], options={"verify_signature": False})
    assert "roles" in jwt.decode(late["access_token"], options={"verify_signature": False})


async def test_consent_withdrawn_in_the_admin_centre_takes_the_token_away(graph):
    await graph.control("DELETE", "consent")

    assert (await acquire(graph))["error_codes"] == [700016]
    assert (await graph.get("/users?$select=id")).status == 403


def consent_url(graph, tenant=TENANT, **changes):
    query = {"client_id": "client", "scope": SCOPE, "redirect_uri": CALLBACK, "state": "st&te", **changes}
    return f"{graph.served.url}/{tenant}/v2.0/adminconsent?{urlencode(query)}"


async def decide(graph, decision):
    async with graph.session.post(consent_url(graph), data={"decision": decision}, allow_redirects=False) as response:
        assert response.status == 302
        location = urlsplit(response.headers["Location"])
    assert f"{location.scheme}://{location.netloc}{location.path}" == CALLBACK
    return {name: values[0] for name, values in parse_qs(location.query).items()}


async def test_the_administrator_sees_what_is_asked_for_and_two_buttons(open_emulator):
    async with open_emulator(granted=False) as graph, graph.session.get(consent_url(graph)) as response:
        text = await response.text()

    assert response.status == 200
    assert "Mail.ReadBasic.All" in text
    assert text.count("<button") == 2


async def test_accepting_grants_the_roles_and_leads_back(open_emulator):
    async with open_emulator(granted=False) as graph:
        back = await decide(graph, "accept")
        result = await acquire(graph)

    assert back == {"admin_consent": "True", "tenant": TENANT, "scope": SCOPE, "state": "st&te"}
    assert "access_token" in result


async def test_declining_grants_nothing_and_says_admin_consent_all_the_same(open_emulator):
    async with open_emulator(granted=False) as graph:
        back = await decide(graph, "decline")
        result = await acquire(graph)

    assert (back["admin_consent"], back["error"], back["state"]) == ("True", "consent_required", "st&te")
    assert back["error_description"].startswith("AADSTS65004")
    assert "access_token" not in result


@pytest.mark.parametrize(
    ("tenant", "changes", "code"),
    [
        ("fabrikam.example", {}, 90002),
        ("common", {}, 90002),
        (TENANT, {"scope": "User.Read"}, 70011),
        (TENANT, {"redirect_uri": "javascript:alert(1)"}, 50011),
        (TENANT, {"client_id": ""}, 700016),
    ],
)
async def test_a_consent_link_that_makes_no_sense_shows_an_error(graph, tenant, changes, code):
    async with graph.session.get(consent_url(graph, tenant, **changes)) as response:
        body = await response.json()

    assert (response.status, body["error_codes"]) == (400, [code])


async def test_consent_may_be_asked_for_without_naming_the_tenant(graph):
    async with graph.session.get(consent_url(graph, "organizations")) as response:
        assert response.status == 200
