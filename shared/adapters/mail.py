"""Sends a plain mail, by SMTP or by Azure Communication Services. What went wrong is told without names and secrets."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from typing import TYPE_CHECKING, Any

from shared.core.consent_mail import Letter
from shared.core.errors import AppError
from shared.core.mail_routes import CommunicationServices, MailRoute, SmtpServer

if TYPE_CHECKING:
    from azure.communication.email import EmailClient

PATIENCE = 10.0  # seconds, for everything


class MailFailed(AppError):
    """The mail did not go out; the text says why."""


async def send(
    route: MailRoute, sender: str, recipients: Sequence[str], letter: Letter, patience: float = PATIENCE
) -> int:
    """One mail to all recipients, each `local@domain`; how many of them the server refused, while it took others.

    Raises `MailFailed`, after `patience` seconds at the latest.
    """
    sending = _by_smtp if isinstance(route, SmtpServer) else _by_communication_services
    try:
        async with asyncio.timeout(patience):
            return await sending(route, sender, recipients, letter)  # type: ignore[arg-type]
    except TimeoutError:
        raise MailFailed(f"The mail could not be handed over within {patience:g} seconds.") from None


async def _by_smtp(server: SmtpServer, sender: str, recipients: Sequence[str], letter: Letter) -> int:
    import aiosmtplib

    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, ", ".join(recipients), letter.subject
    message["Date"] = formatdate(usegmt=True)
    message["Message-ID"] = make_msgid(domain=parseaddr(sender)[1].rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    try:
        refused, _ = await aiosmtplib.send(
            message,
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.tls == "whole",
            start_tls=server.tls == "start",
            timeout=None,
        )
    except (aiosmtplib.SMTPException, OSError) as error:
        raise MailFailed(_smtp_reason(error)) from None
    return len(refused)


def _smtp_reason(error: Exception) -> str:
    import aiosmtplib

    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return f"The mail server refused the user or the password of MAIL_URL (code {error.code})."
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return "The mail server refused every recipient."
    if isinstance(error, aiosmtplib.SMTPSenderRefused):
        return f"The mail server refused the sender, MAIL_FROM (code {error.code})."
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"The mail server refused the mail (code {error.code})."
    if isinstance(error, aiosmtplib.SMTPException) and "STARTTLS" in str(error):
        return "The mail server offers no TLS, and without it nothing is sent."
    return f"The mail server could not be reached, or the connection broke ({type(error).__name__})."


async def _by_communication_services(
    service: CommunicationServices, sender: str, recipients: Sequence[str], letter: Letter
) -> int:
    message = {
        "senderAddress": parseaddr(sender)[1],
        "recipients": {"to": [{"address": address} for address in recipients]},
        "content": {"subject": letter.subject, "plainText": letter.text, "html": letter.html},
    }
    await asyncio.to_thread(_hand_over, service, message)
    return 0


def _hand_over(service: CommunicationServices, message: dict[str, Any]) -> None:
    from azure.core.exceptions import AzureError

    try:
        _client(service).begin_send(message)
    except AzureError as error:
        status = getattr(error, "status_code", None)
        told = f"status {status}" if status else type(error).__name__
        raise MailFailed(f"Azure Communication Services did not take the mail ({told}).") from None


def _client(service: CommunicationServices) -> EmailClient:
    from azure.communication.email import EmailClient

    # One try: the ten seconds are over before a second one would help.
    options: dict[str, Any] = {"retry_total": 0, "connection_timeout": 5, "read_timeout": 5}
    if service.connection_string:
        return EmailClient.from_connection_string(service.connection_string, **options)
    from azure.identity import DefaultAzureCredential

    return EmailClient(service.endpoint, DefaultAzureCredential(), **options)
