"""How tokens are had from Entra, and what its refusals mean (graph-facts §4, §6)."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from shared.adapters import identity
from shared.adapters.identity import CredentialRefused, NotConsented, TokenSource
from shared.core.errors import GraphAway
from tests.fake_graph import Clock, settings

LOGIN = "https://login.microsoftonline.com/t1"


class FakeEntra:
    """Answers as Entra does, on this machine. `token`: (status, body) of the next token answers, the last one stays."""

    def __init__(self) -> None:
        self.discovery: tuple[int, Any] = (
            200,
            {
                "authorization_endpoint": f"{LOGIN}/oauth2/v2.0/authorize",
                "token_endpoint": f"{LOGIN}/oauth2/v2.0/token",
                "issuer": f"{LOGIN}/v2.0",
            },
        )
        self.token: list[tuple[int, Any]] = [(200, granted("first"))]
        self.asked: list[tuple[str, dict[str, list[str]]]] = []
        self.url = ""

    def posts(self) -> list[dict[str, list[str]]]:
        return [form for path, form in self.asked if path.endswith("/token")]

    def answer(self, path: str, form: str) -> tuple[int, Any]:
        self.asked.append((path, parse_qs(form)))
        if path.endswith("openid-configuration"):
            return self.discovery
        assert path == "/t1/oauth2/v2.0/token"
        return self.token.pop(0) if len(self.token) > 1 else self.token[0]


def granted(name: str, expires_in: int = 3599, roles: Any = ("Mail.Read",)) -> dict[str, Any]:
    claims = base64.urlsafe_b64encode(json.dumps({"roles": roles, "name": name}).encode()).decode().rstrip("=")
    return {"token_type": "Bearer", "expires_in": expires_in, "access_token": f"x.{claims}.y"}


def refusal(error: str, code: int) -> dict[str, Any]:
    description = f"AADSTS{code}: something about s3cret. Trace ID: 1"
    return {"error": error, "error_description": description, "error_codes": [code]}


@pytest.fixture
def entra() -> Iterator[FakeEntra]:
    fake = FakeEntra()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            status, body = fake.answer(self.path.partition("?")[0], form)
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args: Any) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    fake.url = f"http://127.0.0.1:{server.server_port}"
    yield fake
    server.shutdown()
    server.server_close()


def source(entra: FakeEntra, clock: Clock | None = None, **more: Any) -> TokenSource:
    values = {
        "tenant_id": "t1",
        "client_id": "c1",
        "client_secret": "s3cret",
        "client_certificate": None,
        "client_federated": None,
        "graph_base_url": "http://127.0.0.1:1/v1.0",
        "authority_url": "https://login.microsoftonline.com",
        "entra_loopback_url": entra.url,
    }
    return TokenSource(settings(**(values | more)), clock or Clock())


async def test_a_token_is_kept_while_it_lasts(entra):
    clock = Clock()
    entra.token = [(200, granted("first")), (200, granted("second"))]
    tokens = source(entra, clock)
    first = await tokens.token()
    clock.now += 3599 - 301
    assert await tokens.token() == first
    clock.now += 2

    assert await tokens.token() != first
    assert len(entra.posts()) == 2


async def test_of_a_short_token_all_but_a_tenth_is_used(entra):
    clock = Clock()
    entra.token = [(200, granted("first", expires_in=100)), (200, granted("second"))]
    tokens = source(entra, clock)
    first = await tokens.token()
    clock.now += 89
    assert await tokens.token() == first
    clock.now += 2

    assert await tokens.token() != first


async def test_many_who_need_a_token_ask_once(entra):
    tokens = source(entra)
    found = await asyncio.gather(*(tokens.token() for _ in range(8)))

    assert len(set(found)) == 1
    assert len(entra.posts()) == 1


async def test_a_fresh_token_is_from_entra_and_is_kept(entra):
    entra.token = [(200, granted("first")), (200, granted("second"))]
    tokens = source(entra)
    first = await tokens.token()
    second = await tokens.fresh()

    assert first != second
    assert await tokens.token() == second


async def test_what_is_asked_for_is_an_app_token_of_this_tenant(entra):
    await source(entra).token()

    (form,) = entra.posts()
    assert form["grant_type"] == ["client_credentials"]
    assert form["scope"] == ["https://graph.microsoft.com/.default"]
    assert form["client_id"] == ["c1"]
    assert form["client_secret"] == ["s3cret"]
    assert not [path for path, _ in entra.asked if "discovery/instance" in path]


@pytest.mark.parametrize(
    ("status", "error", "code"), [(400, "unauthorized_client", 700016), (401, "invalid_client", 7000229)]
)
async def test_an_app_that_is_not_in_the_tenant_is_not_consented(entra, status, error, code):
    entra.token = [(status, refusal(error, code))]
    with pytest.raises(NotConsented):
        await source(entra).fresh()


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (401, "invalid_client", 7000215),
        (401, "invalid_client", 7000222),
        (401, "invalid_client", 700027),
        (400, "invalid_scope", 70011),
        (400, "invalid_resource", 500011),
        (400, "something_new", 999),
    ],
)
async def test_other_refusals_are_of_the_credential_and_are_told_without_it(entra, status, error, code):
    entra.token = [(status, refusal(error, code))]
    with pytest.raises(CredentialRefused) as refused:
        await source(entra).fresh()

    assert f"AADSTS{code}" in str(refused.value)
    assert "s3cret" not in str(refused.value)


async def test_without_its_list_of_codes_a_refusal_is_known_by_its_description(entra):
    told = refusal("unauthorized_client", 700016)
    del told["error_codes"]
    entra.token = [(400, told)]

    with pytest.raises(NotConsented):
        await source(entra).fresh()


async def test_a_refusal_is_not_remembered(entra):
    """Interfaces §2: each check asks Entra afresh (MSAL keeps a 400 for a minute in its app object)."""
    entra.token = [(400, refusal("unauthorized_client", 700016)), (200, granted("later"))]
    tokens = source(entra)
    with pytest.raises(NotConsented):
        await tokens.fresh()

    assert await tokens.fresh()


async def test_a_tenant_that_entra_does_not_know_is_a_wrong_setting(entra):
    entra.discovery = (400, refusal("invalid_tenant", 90002))
    with pytest.raises(CredentialRefused):
        await source(entra).fresh()


@pytest.mark.parametrize("busy", [(503, b"busy"), (500, b"<html>"), (429, {"error": "temporarily_unavailable"})])
async def test_a_busy_entra_is_away(entra, busy):
    entra.token = [busy]
    with pytest.raises(GraphAway):
        await source(entra).fresh()
    entra.discovery = busy
    with pytest.raises(GraphAway):
        await source(entra).fresh()


@pytest.mark.parametrize("odd", [(200, b"<html>"), (200, b"{")])
async def test_an_answer_that_is_none_is_an_entra_that_is_away(entra, odd):
    good, entra.discovery = entra.discovery, odd
    with pytest.raises(GraphAway):
        await source(entra).fresh()
    entra.discovery, entra.token = good, [odd]
    with pytest.raises(GraphAway):
        await source(entra).fresh()


async def test_an_absent_entra_is_away(entra):
    with pytest.raises(GraphAway):
        await source(entra, entra_loopback_url="http://127.0.0.1:9").fresh()


def pem(passphrase: bytes | None = None) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "app")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    locked = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
    return certificate.public_bytes(serialization.Encoding.PEM).decode() + private.decode()


async def test_a_certificate_signs_what_is_asked(entra):
    await source(entra, client_secret=None, client_certificate=pem()).token()

    (form,) = entra.posts()
    header = json.loads(base64.urlsafe_b64decode(form["client_assertion"][0].split(".")[0] + "=="))
    assert header["alg"] == "PS256"
    assert "x5t#S256" in header
    assert "client_secret" not in form


@pytest.mark.parametrize("bad", ["no pem", pem(b"locked"), pem().replace("MII", "AAA")])
async def test_a_certificate_that_cannot_be_read_is_told(entra, bad):
    with pytest.raises(CredentialRefused):
        await source(entra, client_secret=None, client_certificate=bad).token()


async def test_a_federated_token_is_read_from_its_file_each_time(entra, tmp_path):
    file = tmp_path / "token"
    file.write_text("one\n")
    tokens = source(entra, client_secret=None, client_federated=str(file))
    await tokens.fresh()
    file.write_text("two\n")
    await tokens.fresh()

    assert [form["client_assertion"] for form in entra.posts()] == [["one"], ["two"]]


async def test_a_federated_token_that_is_not_there_is_told(entra, tmp_path):
    with pytest.raises(CredentialRefused):
        await source(entra, client_secret=None, client_federated=str(tmp_path / "none")).token()


@pytest.mark.parametrize(
    ("graph", "scope"),
    [
        ("https://graph.microsoft.com/v1.0", "https://graph.microsoft.com/.default"),
        ("https://graph.microsoft.us/v1.0", "https://graph.microsoft.us/.default"),
        ("https://microsoftgraph.chinacloudapi.cn/v1.0", "https://microsoftgraph.chinacloudapi.cn/.default"),
        ("http://127.0.0.1:8089/v1.0", "https://graph.microsoft.com/.default"),
    ],
)
def test_the_scope_is_of_the_cloud_of_graph(graph, scope):
    assert identity.graph_scope(graph) == scope


def test_roles_are_read_from_the_token():
    assert identity.roles(granted("x", roles=["Mail.Read", "User.Read.All"])["access_token"]) == {
        "Mail.Read",
        "User.Read.All",
    }


@pytest.mark.parametrize("token", ["", "opaque", "a.b.c", "a.!!.c", granted("x", roles=None)["access_token"]])
def test_a_token_without_roles_has_none(token):
    assert identity.roles(token) == frozenset()
