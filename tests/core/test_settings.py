"""Settings: read and judged at once (interfaces §5)."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta

import pytest

from shared.core.mail_routes import CommunicationServices, SmtpServer
from shared.settings import Settings, SettingsFault, registration
from tests.fakes import ENVIRONMENT

PEM = "\n".join(f"-----BEGIN {part}-----\nx\n-----END {part}-----" for part in ("CERTIFICATE", "PRIVATE KEY"))
MAIL = {"MAIL_FROM": "app@contoso.example"}


def read(**changes):
    return Settings.from_environ(ENVIRONMENT | changes)


def faults(**changes):
    with pytest.raises(SettingsFault) as caught:
        read(**changes)
    return [fault.name for fault in caught.value.faults]


def test_defaults_are_those_of_the_table():
    settings = read()

    assert settings.graph_base_url == "https://graph.microsoft.com/v1.0"
    assert settings.authority_url == "https://login.microsoftonline.com"
    assert settings.first_run_delay == timedelta(hours=6)
    assert settings.consent_poll == timedelta(minutes=15)
    assert settings.consent_timeout == timedelta(days=30)
    assert settings.mailbox_patience == timedelta(hours=2)
    assert settings.result_retention == timedelta(days=400)
    assert settings.staging_retention == timedelta(days=8)
    assert settings.rerun_tick == "0 */15 * * * *"
    assert settings.auth_mode == "keys"
    assert settings.mail is settings.mail_from is settings.public_url is settings.entra_loopback_url is None


def test_supported_by_default_are_the_uk_eu_efta_and_north_america():
    """interfaces §2: United Kingdom, EU and EFTA, United States, Canada, Mexico."""
    countries = read().supported_countries

    assert len(countries) == 1 + 27 + 4 + 3
    assert {"GB", "DE", "IE", "CH", "NO", "IS", "LI", "US", "CA", "MX"} <= countries


def test_all_faults_are_told_at_once_by_name_and_without_values():
    values = {
        "TENANT_ID": "",
        "CLIENT_SECRET": "",
        "PSEUDONYM_KEY": b64encode(b"a-secret-too-short").decode(),
        "CONSENT_POLL": "soon-ish",
        "GRAPH_BASE_URL": "ftp://nowhere.example",
        "SUPPORTED_COUNTRIES": "Germany",
        "RERUN_TICK": "whenever",
        "AUTH_MODE": "none-at-all",
        "MAIL_URL": "smtp://:pass-word@",
        "PUBLIC_URL": "app.example",
    }
    with pytest.raises(SettingsFault) as caught:
        read(**values)

    named = {fault.name for fault in caught.value.faults}
    assert named == {*values, "MAIL_FROM"}
    assert all(name in str(caught.value) for name in values)
    assert not [value for value in values.values() if value and value in str(caught.value)]
    assert "pass-word" not in str(caught.value)


def test_an_empty_setting_is_not_set():
    assert read(FIRST_RUN_DELAY=" ", CLIENT_CERTIFICATE="").first_run_delay == timedelta(hours=6)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, ["CLIENT_SECRET"]),
        ({"CLIENT_SECRET": "s", "CLIENT_FEDERATED": "managed-identity"}, ["CLIENT_FEDERATED"]),
        ({"CLIENT_SECRET": "s", "CLIENT_CERTIFICATE": PEM}, ["CLIENT_CERTIFICATE"]),
        ({"CLIENT_CERTIFICATE": "-----BEGIN CERTIFICATE-----"}, ["CLIENT_CERTIFICATE"]),
    ],
)
def test_there_is_exactly_one_credential(given, named):
    assert faults(**{"CLIENT_SECRET": ""} | given) == named


def test_a_certificate_may_have_its_line_breaks_written_out():
    assert read(CLIENT_SECRET="", CLIENT_CERTIFICATE=PEM.replace("\n", "\\n")).client_certificate == PEM


def test_no_secret_is_shown():
    secrets = {
        "CLIENT_SECRET": "s3cret-a",
        "DATA_STORAGE": "AccountName=a;AccountKey=s3cret-b",
        "MAIL_URL": "smtp://user:s3cret-c@mail.example",
        **MAIL,
    }
    settings = read(**secrets)

    assert "s3cret" not in repr(settings)
    assert repr(settings.pseudonym_key) not in repr(settings)
    assert settings.mail == SmtpServer("mail.example", 587, "user", "s3cret-c", "start")


@pytest.mark.parametrize(
    ("given", "connection_string", "url"),
    [
        ({}, "UseDevelopmentStorage=true", None),
        ({"DATA_STORAGE": "AccountName=a;AccountKey=eA=="}, "AccountName=a;AccountKey=eA==", None),
        ({"DATA_STORAGE__blobServiceUri": "https://a.blob.core.windows.net/"}, None, "https://a.blob.core.windows.net"),
        (
            {"AzureWebJobsStorage": "", "AzureWebJobsStorage__accountName": "hosts"},
            None,
            "https://hosts.blob.core.windows.net",
        ),
        (
            {"AzureWebJobsStorage": "", "AzureWebJobsStorage__blobServiceUri": "https://b.blob.core.windows.net"},
            None,
            "https://b.blob.core.windows.net",
        ),
    ],
)
def test_the_data_lie_in_their_own_account_or_in_the_hosts(given, connection_string, url):
    settings = read(**given)

    assert (settings.data_storage, settings.data_storage_url) == (connection_string, url)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"AzureWebJobsStorage": ""}, ["AzureWebJobsStorage"]),
        ({"DATA_STORAGE": "AccountName=a"}, ["DATA_STORAGE"]),
        (
            {"DATA_STORAGE": "x", "DATA_STORAGE__blobServiceUri": "https://a.example"},
            ["DATA_STORAGE__blobServiceUri", "DATA_STORAGE"],
        ),
        ({"DATA_STORAGE__blobServiceUri": "http://a.example"}, ["DATA_STORAGE__blobServiceUri"]),
    ],
)
def test_a_storage_that_cannot_be_one_is_a_fault(given, named):
    assert faults(**given) == named


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1.evil.example:8089",
        "http://127.0.0.1:8089@evil.example",
        "http://127.0.0.1:8089\\@evil.example",
        "http://localhost:8089",
        "https://127.0.0.1:8089",
        "http://[::1]:8089",
        "http://0.0.0.0:8089",
        "http://127.0.0.1:8089/elsewhere",
        "http://login.microsoftonline.com",
    ],
)
def test_token_requests_go_to_this_machine_or_to_entra(url):
    """interfaces §5: any other host is refused."""
    assert faults(ENTRA_LOOPBACK_URL=url) == ["ENTRA_LOOPBACK_URL"]


def test_the_loopback_has_a_port_of_its_own():
    assert read(ENTRA_LOOPBACK_URL="http://127.0.0.1:8089/").entra_loopback_url == "http://127.0.0.1:8089"


@pytest.mark.parametrize(("url", "good"), [("http://127.0.0.1:1/v1.0", True), ("http://graph.example/v1.0", False)])
def test_graph_is_asked_in_clear_only_on_this_machine(url, good):
    if good:
        assert read(GRAPH_BASE_URL=url).graph_base_url == url
    else:
        assert faults(GRAPH_BASE_URL=url) == ["GRAPH_BASE_URL"]


@pytest.mark.parametrize("tenant", ["common", "Organizations", "consumers", "a b"])
def test_a_tenant_is_one_tenant(tenant):
    assert faults(TENANT_ID=tenant) == ["TENANT_ID"]


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("P400D", timedelta(days=400)),
        ("PT0S", timedelta(0)),
        ("P1DT2H3M4S", timedelta(days=1, hours=2, minutes=3, seconds=4)),
        ("P2W", timedelta(days=14)),
        ("PT1.5S", timedelta(seconds=1.5)),
    ],
)
def test_durations_are_iso_8601(text, duration):
    assert read(STAGING_RETENTION=text, FIRST_RUN_DELAY=text).staging_retention == duration


@pytest.mark.parametrize("text", ["10", "1:00:00", "-PT1S", "P", "PT", "P1DT", "+P1D", "1 day", "P40000D", "PT1"])
def test_what_is_no_duration_is_a_fault(text):
    assert faults(FIRST_RUN_DELAY=text) == ["FIRST_RUN_DELAY"]


@pytest.mark.parametrize("name", ["CONSENT_POLL", "MAILBOX_PATIENCE", "RESULT_RETENTION"])
def test_some_durations_cannot_be_nothing(name):
    assert faults(**{name: "PT0S"}) == [name]


@pytest.mark.parametrize("key", ["no base64!", b64encode(bytes(31)).decode(), b64encode(bytes(33)).decode()])
def test_the_key_has_32_bytes(key):
    assert faults(PSEUDONYM_KEY=key) == ["PSEUDONYM_KEY"]


@pytest.mark.parametrize(
    ("url", "route"),
    [
        ("smtp://u:p%40ss@mail.example:2525", SmtpServer("mail.example", 2525, "u", "p@ss", "start")),
        ("smtps://mail.example", SmtpServer("mail.example", 465, None, None, "whole")),
        ("smtp://127.0.0.1:1025", SmtpServer("127.0.0.1", 1025, None, None, "none")),
        ("smtp://localhost:1025", SmtpServer("localhost", 1025, None, None, "none")),
        ("https://acs.example/", CommunicationServices("https://acs.example")),
        (
            "endpoint=https://acs.example/;accesskey=eA==",
            CommunicationServices("https://acs.example", "endpoint=https://acs.example/;accesskey=eA=="),
        ),
    ],
)
def test_mails_go_out_by_smtp_with_tls_or_by_communication_services(url, route):
    """interfaces §5: TLS is required unless the host is loopback."""
    assert read(MAIL_URL=url, **MAIL).mail == route


@pytest.mark.parametrize(
    "url", ["http://mail.example", "smtp://", "mail.example", "endpoint=https://a.example", "smtp://a:x"]
)
def test_other_ways_for_mails_are_faults(url):
    assert faults(MAIL_URL=url, **MAIL) == ["MAIL_URL"]


def test_a_mail_needs_a_sender():
    assert faults(MAIL_URL="smtp://127.0.0.1:1025") == ["MAIL_FROM"]
    assert faults(MAIL_FROM="nobody") == ["MAIL_FROM"]


@pytest.mark.parametrize("enabled", ["", "false", "1"])
def test_entra_mode_needs_authentication_in_front(enabled):
    assert faults(AUTH_MODE="entra", WEBSITE_AUTH_ENABLED=enabled) == ["WEBSITE_AUTH_ENABLED"]
    assert read(AUTH_MODE="entra", WEBSITE_AUTH_ENABLED="True").auth_mode == "entra"


@pytest.mark.parametrize("tick", ["* * * * *", "0 0 25 * * *", "x"])
def test_what_is_read_at_registration_never_raises(tick):
    """interfaces §5: AUTH_MODE and RERUN_TICK are read when functions are registered; the app stays indexed."""
    told = registration({"AUTH_MODE": "other", "RERUN_TICK": tick})

    assert (told.auth_mode, told.rerun_tick) == ("keys", "0 */15 * * * *")
    assert faults(AUTH_MODE="other", RERUN_TICK=tick) == ["RERUN_TICK", "AUTH_MODE"]


def test_registration_takes_good_values():
    told = registration({"AUTH_MODE": "entra", "RERUN_TICK": "*/5 * * * * *"})

    assert (told.auth_mode, told.rerun_tick) == ("entra", "*/5 * * * * *")
