"""Mails by SMTP and by Azure Communication Services; failures are told without names and secrets."""

from __future__ import annotations

import asyncio
import base64
import email
import email.policy
import ssl
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from typing import Any

import aiosmtplib
import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from shared.adapters import mail
from shared.core.consent_mail import Letter, write
from shared.core.errors import AppError
from shared.core.mail_routes import CommunicationServices, SmtpServer

SENDER = "Engagement <app@contoso.example>"


class Catcher:
    def __init__(self) -> None:
        self.mails: list[Any] = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"


@asynccontextmanager
async def smtp(**options):
    catcher = Catcher()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(catcher, **options), "127.0.0.1", 0)
    async with server:
        yield catcher, server.sockets[0].getsockname()[1]


async def send(port, tls="none", user=None, password=None, patience=5.0, text="Hello\n"):
    route = SmtpServer("127.0.0.1", port, user, password, tls)
    return await mail.send(route, SENDER, ["it@contoso.example"], Letter("Subject à", text, "<p>à</p>"), patience)


async def test_a_mail_arrives_with_its_text():
    async with smtp() as (catcher, port):
        assert await send(port, text="Enllaç: https://login.example/" + "x" * 300 + "\n") == 0

    (got,) = catcher.mails
    assert got["From"] == SENDER
    assert got["To"] == "it@contoso.example"
    assert got["Subject"] == "Subject à"
    assert got["Auto-Submitted"] == "auto-generated"
    assert got.get_content_type() == "multipart/alternative"
    assert got.get_body(("plain",)).get_content().splitlines() == ["Enllaç: https://login.example/" + "x" * 300]
    assert got.get_body(("html",)).get_content().splitlines() == ["<p>à</p>"]


async def test_without_tls_nothing_is_sent_where_tls_is_required():
    async with smtp() as (catcher, port):
        with pytest.raises(mail.MailFailed, match="offers no TLS"):
            await send(port, tls="start", user="user", password="s3cret")

    assert catcher.mails == []


async def test_a_certificate_of_nobody_is_not_trusted(tmp_path):
    async with smtp(tls_context=server_certificate(tmp_path)) as (catcher, port):
        with pytest.raises(mail.MailFailed):
            await send(port, tls="start")

    assert catcher.mails == []


def server_certificate(folder):
    """A self-signed one."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1)).sign(
        key, hashes.SHA256()
    )
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "server.pem").write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context


async def test_a_password_that_is_refused_is_not_told():
    options = {"authenticator": lambda *_: AuthResult(success=False, handled=False), "auth_require_tls": False}
    async with smtp(**options) as (_, port):
        with pytest.raises(mail.MailFailed) as failed:
            await send(port, user="user", password="s3cret")

    assert "refused the user or the password" in str(failed.value)
    assert "s3cret" not in str(failed.value)
    assert base64.b64encode(b"s3cret").decode() not in str(failed.value)


async def test_a_server_that_says_nothing_is_given_up():
    async def silent(reader, writer):
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        with pytest.raises(mail.MailFailed, match="within"):
            await send(server.sockets[0].getsockname()[1], patience=0.2)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (aiosmtplib.SMTPRecipientsRefused([]), "every recipient"),
        (aiosmtplib.SMTPSenderRefused(550, "no, app@contoso.example", "app@contoso.example"), "MAIL_FROM"),
        (aiosmtplib.SMTPDataError(554, "spam from app@contoso.example"), "code 554"),
        (ConnectionRefusedError("127.0.0.1"), "could not be reached"),
    ],
)
def test_reasons_hold_no_addresses(error, words):
    assert words in mail._smtp_reason(error)
    assert "@" not in mail._smtp_reason(error)


async def test_communication_services_that_refuse_are_told_by_status(unused_tcp_port):
    route = CommunicationServices(
        f"https://127.0.0.1:{unused_tcp_port}", f"endpoint=https://127.0.0.1:{unused_tcp_port};accesskey=czNjcmV0"
    )

    with pytest.raises(mail.MailFailed) as failed:
        await mail.send(route, SENDER, ["it@contoso.example"], Letter("Subject", "Text", "<p>Text</p>"))

    assert "Azure Communication Services" in str(failed.value)
    assert "czNjcmV0" not in str(failed.value)
    assert isinstance(failed.value, AppError)


def test_the_consent_mail_says_the_same_in_three_languages():
    letter = write("Vendes", "https://login.example/link", "2026-12-24 12:00")

    assert "Vendes" in letter.subject
    assert letter.text.count("\nhttps://login.example/link\n") == 3
    assert letter.html.count('href="https://login.example/link"') == 3
    for body in (letter.text, letter.html):
        assert body.count("2026-12-24 12:00") == 3
        for language in ("never reads subjects", "No llegeix mai assumptes", "No lee nunca asuntos"):
            assert language in body


def test_the_consent_mails_html_shows_a_name_as_it_is_and_loads_nothing_from_elsewhere():
    name = """<script src="https://evil.example/x">{title}{url}</script><img src='x'> & "Co" """
    letter = write(name, "https://login.example/link?a=1&b='2'", "2026-12-24 12:00")
    page = Page(letter.html)

    assert page.text.count(name) == 4
    assert page.links == ["https://login.example/link?a=1&b='2'"] * 3
    assert not page.tags & {"script", "img", "link", "iframe", "object", "form", "style"}
    assert "url(" not in letter.html


class Page(HTMLParser):
    """What a reader of HTML sees. text: without markup · links: where they lead · tags: those used."""

    def __init__(self, html):
        super().__init__()
        self.text, self.links, self.tags = "", [], set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data):
        self.text += data
