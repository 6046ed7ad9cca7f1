"""Everything the app is told from outside, read and judged in one place; the only module that knows setting names.

An empty setting is one that is not set. All faults are told at once, by name, never with a value.
"""

from __future__ import annotations

import os
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, TypeVar, cast, get_args
from urllib.parse import urlsplit

from shared.core import durations, mail_routes, ncrontab
from shared.core.errors import AppError
from shared.core.mail_routes import LOOPBACK, MailRoute

AuthMode = Literal["keys", "entra"]

EU = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
EFTA = "CH IS LI NO"
COUNTRIES = frozenset(f"GB {EU} {EFTA} US CA MX".split())

CREDENTIALS = ("CLIENT_SECRET", "CLIENT_CERTIFICATE", "CLIENT_FEDERATED")
KEY_BYTES = 32
BY_KEYS: AuthMode = "keys"
RERUN_TICK = "0 */15 * * * *"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SettingFault:
    """detail: goes on after the name, as in “PSEUDONYM_KEY is not set”."""

    name: str
    detail: str


class SettingsFault(AppError):
    """Settings are missing or wrong: all of them, by name, without their values."""

    def __init__(self, faults: tuple[SettingFault, ...]) -> None:
        super().__init__("; ".join(f"{fault.name} {fault.detail}" for fault in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Registration:
    """What is read when functions are registered, for the platform to index."""

    auth_mode: AuthMode
    rerun_tick: str


@dataclass(frozen=True, slots=True)
class Settings:
    data_storage: str | None = field(repr=False)
    """connection string of the storage account for the four containers (`DATA_STORAGE`, else `AzureWebJobsStorage`)"""
    data_storage_url: str | None
    """its address instead, for the app's managed identity (`DATA_STORAGE__blobServiceUri`)"""
    tenant_id: str
    """directory whose mailboxes are read (`TENANT_ID`)"""
    client_id: str
    """the app's registration in Entra (`CLIENT_ID`)"""
    client_secret: str | None = field(repr=False)
    """a secret of that registration (`CLIENT_SECRET`)"""
    client_certificate: str | None = field(repr=False)
    """or a certificate with its private key, PEM (`CLIENT_CERTIFICATE`)"""
    client_federated: str | None
    """or `managed-identity`, or the path of a file that holds a federated token (`CLIENT_FEDERATED`)"""
    graph_base_url: str
    """Microsoft Graph, without a slash at the end (`GRAPH_BASE_URL`)"""
    authority_url: str
    """Entra, without a slash at the end (`AUTHORITY_URL`)"""
    entra_loopback_url: str | None
    """where token requests go instead of Entra: this very machine or nowhere (`ENTRA_LOOPBACK_URL`)"""
    first_run_delay: timedelta
    """from consent to the first run (`FIRST_RUN_DELAY`)"""
    consent_poll: timedelta
    """between two looks for consent (`CONSENT_POLL`)"""
    consent_timeout: timedelta
    """how long a run waits for consent, and how long a consent link works (`CONSENT_TIMEOUT`)"""
    mailbox_patience: timedelta
    """a mailbox that makes no progress for so long is unavailable (`MAILBOX_PATIENCE`)"""
    result_retention: timedelta
    """how long results are kept (`RESULT_RETENTION`)"""
    supported_countries: frozenset[str]
    """two-letter codes of the countries whose tenants may be read (`SUPPORTED_COUNTRIES`)"""
    rerun_tick: str
    """when due enrichments are looked for, NCRONTAB in UTC (`RERUN_TICK`)"""
    staging_retention: timedelta
    """how long extracted facts are kept; zero: not beyond their run (`STAGING_RETENTION`)"""
    pseudonym_key: bytes = field(repr=False)
    """key of the hashes in staging, 32 bytes (`PSEUDONYM_KEY`)"""
    auth_mode: AuthMode
    """who may call: function keys, or people signed in by App Service Authentication (`AUTH_MODE`)"""
    mail: MailRoute | None
    """how consent mails go out; None: they do not (`MAIL_URL`)"""
    mail_from: str | None
    """their sender (`MAIL_FROM`)"""
    public_url: str | None
    """address under which the app is reached, without a slash at the end; None: as the request says (`PUBLIC_URL`)"""

    @classmethod
    def from_environ(cls, env: Mapping[str, str] = os.environ) -> Settings:
        """Read all settings. Raises `SettingsFault`, which names every one that is missing or wrong."""
        reader = _Reader(env)
        settings = _read(reader)
        if reader.faults:
            raise SettingsFault(tuple(reader.faults))
        return settings


def registration(env: Mapping[str, str] = os.environ) -> Registration:
    """What the platform is told when functions are registered.

    Never raises: where one is wrong its default stands, and `Settings.from_environ` tells the fault."""
    reader = _Reader(env)
    mode: AuthMode | None = reader.take("AUTH_MODE", _auth_mode, BY_KEYS)
    tick = reader.take("RERUN_TICK", _six_fields, RERUN_TICK)
    # A mode that cannot be understood closes: the platform asks for keys, and the app answers 503 anyway.
    return Registration(mode or BY_KEYS, tick or RERUN_TICK)


class _Reader:
    """Takes settings by name and gathers what is wrong with them."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self.faults: list[SettingFault] = []

    def text(self, name: str) -> str | None:
        return self._env.get(name, "").strip() or None

    def fault(self, name: str, detail: str) -> None:
        self.faults.append(SettingFault(name, detail))

    def take(self, name: str, parse: Callable[[str], T], default: T | None = None) -> T | None:
        """The parsed value, the default where the setting is not set, None where it is wrong."""
        text = self.text(name)
        if text is None:
            return default
        try:
            return parse(text)
        except ValueError as error:
            self.fault(name, str(error))
            return None

    def must(self, name: str, parse: Callable[[str], T], default: T | None = None) -> T:
        """Like `take`; missing without a default is a fault. What comes back after a fault is never used."""
        value = self.take(name, parse, default)
        if value is None and self.text(name) is None:
            self.fault(name, "is not set")
        return cast(T, value)


def _read(reader: _Reader) -> Settings:
    connection_string, storage_url = _storage(reader)
    secret, certificate, federated = _credential(reader)
    mail, mail_from = _mail(reader)
    return Settings(
        data_storage=connection_string,
        data_storage_url=storage_url,
        tenant_id=reader.must("TENANT_ID", _tenant),
        client_id=reader.must("CLIENT_ID", _plain),
        client_secret=secret,
        client_certificate=certificate,
        client_federated=federated,
        graph_base_url=reader.must("GRAPH_BASE_URL", _encrypted_or_loopback, "https://graph.microsoft.com/v1.0"),
        authority_url=reader.must("AUTHORITY_URL", _encrypted, "https://login.microsoftonline.com"),
        entra_loopback_url=reader.take("ENTRA_LOOPBACK_URL", _loopback),
        first_run_delay=reader.must("FIRST_RUN_DELAY", durations.parse, timedelta(hours=6)),
        consent_poll=reader.must("CONSENT_POLL", _second_or_longer, timedelta(minutes=15)),
        consent_timeout=reader.must("CONSENT_TIMEOUT", durations.parse, timedelta(days=30)),
        mailbox_patience=reader.must("MAILBOX_PATIENCE", _second_or_longer, timedelta(hours=2)),
        result_retention=reader.must("RESULT_RETENTION", _second_or_longer, timedelta(days=400)),
        supported_countries=reader.must("SUPPORTED_COUNTRIES", _countries, COUNTRIES),
        rerun_tick=reader.must("RERUN_TICK", _six_fields, RERUN_TICK),
        staging_retention=reader.must("STAGING_RETENTION", durations.parse, timedelta(days=8)),
        pseudonym_key=reader.must("PSEUDONYM_KEY", _key),
        auth_mode=_authentication(reader),
        mail=mail,
        mail_from=mail_from,
        public_url=reader.take("PUBLIC_URL", _address),
    )


def _storage(reader: _Reader) -> tuple[str | None, str | None]:
    """(connection string, account address): one of the two, from `DATA_STORAGE`, else the host's own account."""
    for name in ("DATA_STORAGE", "AzureWebJobsStorage"):
        given, uri = reader.text(name), f"{name}__blobServiceUri"
        if given and reader.text(uri):
            reader.fault(uri, f"is set beside {name}: one of the two")
        if given:
            return reader.take(name, _connection_string), None
        if reader.text(uri):
            return None, reader.take(uri, _encrypted_or_loopback)
    account = reader.text("AzureWebJobsStorage__accountName")
    if account:
        return None, reader.take("AzureWebJobsStorage__accountName", _account_url)
    reader.fault("AzureWebJobsStorage", "is not set, and neither is DATA_STORAGE")
    return None, None


def _credential(reader: _Reader) -> tuple[str | None, str | None, str | None]:
    secret = reader.text("CLIENT_SECRET")
    certificate = reader.take("CLIENT_CERTIFICATE", _certificate)
    federated = reader.text("CLIENT_FEDERATED")
    given = [name for name in CREDENTIALS if reader.text(name)]
    if not given:
        reader.fault("CLIENT_SECRET", "is not set, and neither is CLIENT_CERTIFICATE nor CLIENT_FEDERATED")
    for name in given[1:]:
        reader.fault(name, f"is set beside {given[0]}: exactly one of {', '.join(CREDENTIALS)}")
    return secret, certificate, federated


def _mail(reader: _Reader) -> tuple[MailRoute | None, str | None]:
    route = reader.take("MAIL_URL", mail_routes.parse)
    sender = reader.take("MAIL_FROM", _mail_address)
    if reader.text("MAIL_URL") and not reader.text("MAIL_FROM"):
        reader.fault("MAIL_FROM", "is not set, and MAIL_URL is")
    return route, sender


def _authentication(reader: _Reader) -> AuthMode:
    mode: AuthMode = reader.must("AUTH_MODE", _auth_mode, BY_KEYS)
    if mode == "entra" and (reader.text("WEBSITE_AUTH_ENABLED") or "").lower() != "true":
        # Nothing stands before the app then that would strike out a principal a caller wrote himself.
        reader.fault("WEBSITE_AUTH_ENABLED", "is not true, and AUTH_MODE is entra")
    return mode


def _auth_mode(text: str) -> AuthMode:
    if text not in get_args(AuthMode):
        raise ValueError("is neither keys nor entra")
    return cast(AuthMode, text)


def _six_fields(text: str) -> str:
    if len(text.split()) != 6:
        raise ValueError("is not an NCRONTAB expression of six fields")
    try:
        ncrontab.parse(text)
    except ValueError:
        raise ValueError("is not an NCRONTAB expression of six fields") from None
    return text


def _plain(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]+", text):
        raise ValueError("holds other characters than letters, digits, dots and hyphens")
    return text


def _tenant(text: str) -> str:
    if _plain(text).lower() in ("common", "organizations", "consumers"):
        raise ValueError("is not one tenant: give the directory (tenant) id")
    return text


def _url(text: str) -> tuple[str, str]:
    """(scheme, host) of an absolute URL without user, query or fragment."""
    try:
        url = urlsplit(text)
        scheme, host, _ = url.scheme, url.hostname, url.port
    except ValueError:
        raise ValueError("is not a URL") from None
    if not host or scheme not in ("http", "https") or re.search(r"[\s\\<>\"]", text):
        raise ValueError("is not an http or https URL")
    if "@" in url.netloc or url.query or url.fragment:
        raise ValueError("has a user, a query or a fragment, which it must not have")
    return scheme, host


def _address(text: str) -> str:
    _url(text)
    return text.rstrip("/")


def _encrypted(text: str) -> str:
    if _url(text)[0] != "https":
        raise ValueError("does not begin with https://")
    return text.rstrip("/")


def _encrypted_or_loopback(text: str) -> str:
    scheme, host = _url(text)
    if scheme != "https" and host not in LOOPBACK:
        raise ValueError("does not begin with https://, and does not lie on this machine")
    return text.rstrip("/")


def _loopback(text: str) -> str:
    if not re.fullmatch(r"http://127\.0\.0\.1(:[0-9]{1,5})?/?", text):
        raise ValueError("is not http://127.0.0.1:<port>: no other host is allowed")
    return text.rstrip("/")


def _account_url(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]{3,24}", text):
        raise ValueError("is not the name of a storage account")
    return f"https://{text}.blob.core.windows.net"


def _connection_string(text: str) -> str:
    parts = {name.strip().lower(): value for name, _, value in (part.partition("=") for part in text.split(";"))}
    signed = parts.get("accountname") and parts.get("accountkey")
    shared = parts.get("sharedaccesssignature") and (parts.get("blobendpoint") or parts.get("accountname"))
    if not (signed or shared or parts.get("usedevelopmentstorage") == "true"):
        raise ValueError("is not the connection string of a storage account")
    return text


def _certificate(text: str) -> str:
    # Portals and shells give a PEM on one line, with the line breaks written out.
    pem = text.replace("\\n", "\n")
    if "-----BEGIN CERTIFICATE-----" not in pem or "PRIVATE KEY-----" not in pem:
        raise ValueError("is not a PEM with a certificate and its private key")
    return pem


def _second_or_longer(text: str) -> timedelta:
    duration = durations.parse(text)
    if duration < timedelta(seconds=1):
        raise ValueError("is shorter than a second")
    return duration


def _countries(text: str) -> frozenset[str]:
    codes = [code.upper() for code in re.split(r"[\s,;]+", text) if code]
    if not codes or not all(re.fullmatch(r"[A-Z]{2}", code) for code in codes):
        raise ValueError("is not a list of two-letter country codes, separated by commas")
    return frozenset(codes)


def _key(text: str) -> bytes:
    try:
        key = b64decode(text, validate=True)
    except ValueError:
        raise ValueError("is not base64") from None
    if len(key) != KEY_BYTES:
        raise ValueError(f"is not {KEY_BYTES} bytes long")
    return key


def _mail_address(text: str) -> str:
    if not re.fullmatch(r"([^<>@\r\n]*<)?[^\s<>@]+@[^\s<>@]+>?", text):
        raise ValueError("is not an address")
    return text
