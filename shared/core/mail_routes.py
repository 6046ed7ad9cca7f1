"""How mails leave: what `MAIL_URL` says, taken apart (interfaces §5)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote, urlsplit

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """tls: `start` begins in clear and goes on encrypted or not at all, `whole` is encrypted from the first byte,
    `none` is for a server on this very machine.
    """

    host: str
    port: int
    user: str | None
    password: str | None = field(repr=False)
    tls: Literal["start", "whole", "none"]


@dataclass(frozen=True, slots=True)
class CommunicationServices:
    """Azure Communication Services: by connection string, or by address with the app's managed identity."""

    endpoint: str
    connection_string: str | None = field(default=None, repr=False)


MailRoute = SmtpServer | CommunicationServices


def parse(text: str) -> MailRoute:
    """Raises ValueError, whose text never repeats what was given, for it may hold a password."""
    if text.lower().startswith("endpoint="):
        return _by_key(text)
    try:
        url = urlsplit(text)
        host, port, scheme = url.hostname, url.port, url.scheme
    except ValueError:
        raise ValueError("is not a URL") from None
    if not host:
        raise ValueError("names no host")
    if scheme == "https":
        return CommunicationServices(f"https://{url.netloc.rpartition('@')[2]}")
    if scheme not in ("smtp", "smtps"):
        raise ValueError("is neither smtp://…, smtps://…, https://… nor endpoint=…;accesskey=…")
    user = unquote(url.username) if url.username else None
    password = unquote(url.password) if url.password else None
    if scheme == "smtps":
        return SmtpServer(host, port or 465, user, password, "whole")
    return SmtpServer(host, port or 587, user, password, "none" if host in LOOPBACK else "start")


def _by_key(text: str) -> CommunicationServices:
    parts = dict(part.split("=", 1) for part in text.split(";") if "=" in part)
    named = {name.strip().lower(): value.strip() for name, value in parts.items()}
    if not named.get("accesskey") or not named["endpoint"].startswith("https://"):
        raise ValueError("needs both parts of endpoint=https://…;accesskey=…")
    return CommunicationServices(named["endpoint"].rstrip("/"), text)
