"""The consent link, the mail that carries it, and the way back (interfaces §1, §2)."""

from __future__ import annotations

import asyncio
import email
import email.policy
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, get_args
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from aiosmtpd.smtp import SMTP

from activities import check_consent
from shared.core import blob_names
from shared.core.contracts import ConsentQuery
from shared.services import consent as service
from shared.services import life
from shared.services.conditions import Condition
from shared.services.documents import dump
from tests.conftest import ROOT
from tests.fakes import FakeDurable
from tests.triggers import world as w
from tests.triggers.world import BODY, request, told, world
from triggers import consent, enrichments, http
from triggers.http import Access

ASKED = ("Mail.ReadBasic.All", "Calendars.ReadBasic.All", "User.Read.All", "GroupMember.Read.All")
OTHER_TENANT = "99999999-2222-3333-4444-555555555555"


class Durable(FakeDurable):
    """Remembers events too; `gone`: there is no such instance to raise one for."""

    def __init__(self, gone: bool = False) -> None:
        super().__init__()
        self.events: list[tuple[str, str]] = []
        self.gone = gone

    async def raise_event(self, instance_id, event_name, event_data=None):
        if self.gone:
            raise Exception("No instance with ID was found.")
        self.events.append((instance_id, event_name))


@asynccontextmanager
async def app(monkeypatch, **how):
    async with world(**{"granted": False} | how) as made:
        monkeypatch.setattr(http, "services", lambda: made.svc)
        yield made


async def put(**changes):
    req = request("PUT", body=BODY | changes, name="sales")
    return told(await http.respond(req, Access.WRITE, enrichments.put, FakeDurable()))


async def get():
    return told(await http.respond(request(name="sales"), Access.READ, enrichments.get, FakeDurable()))


def asked(answer):
    """The query of the consent link."""
    return {name: values[0] for name, values in parse_qs(urlsplit(answer["consent"]["url"]).query).items()}


async def come_back(durable=None, **query):
    req = request(path=f"/api/consent/callback?{urlencode(query)}")
    return await http.respond(req, Access.ANYBODY, consent.callback, durable or Durable())


def grant(made):
    made.emulator.consent.grant(made.emulator.entra.registration.asked_roles)


async def test_the_link_asks_for_every_app_role_and_leads_back_to_the_app(monkeypatch):
    async with app(monkeypatch) as made:
        query = asked(await put())

    assert query["client_id"] == made.svc.settings.client_id
    assert query["scope"] == "https://graph.microsoft.com/.default"
    assert query["redirect_uri"] == "https://app.example/api/consent/callback"


async def test_public_url_is_the_address_in_links_and_redirects(monkeypatch):
    async with app(monkeypatch, PUBLIC_URL="https://engagement.contoso.example/") as made:
        query = asked(await put())
        grant(made)
        response = await come_back(state=query["state"], tenant=w.TENANT_ID)

    assert query["redirect_uri"] == "https://engagement.contoso.example/api/consent/callback"
    assert response.headers["Location"] == "https://engagement.contoso.example/ui/sales"


async def test_consent_is_granted_once_a_token_has_the_roles(monkeypatch):
    async with app(monkeypatch) as made:
        state = asked(await put())["state"]
        grant(made)
        response = await come_back(state=state, tenant=w.TENANT_ID, admin_consent="True")

        assert response.status_code == 303
        assert response.headers["Location"] == "/ui/sales"
        assert service.record_of(made.svc, "sales").state == "granted"


async def test_a_callback_without_the_roles_proves_nothing(monkeypatch):
    """interfaces §1: consent is believed only after a token with the roles was had."""
    async with app(monkeypatch) as made:
        state = asked(await put())["state"]
        response = await come_back(state=state, tenant=w.TENANT_ID, admin_consent="True")

        assert response.status_code == 303
        assert service.record_of(made.svc, "sales").state == "missing"


async def test_an_error_counts_before_admin_consent_and_is_a_refusal(monkeypatch):
    async with app(monkeypatch) as made:
        state = asked(await put())["state"]
        response = await come_back(state=state, admin_consent="True", error="access_denied", error_description="no")

        assert response.status_code == 303
        assert service.record_of(made.svc, "sales").state == "refused"
        grant(made)
        assert (await get())["consent"]["state"] == "granted"


async def test_a_waiting_run_is_told_at_once(monkeypatch):
    durable = Durable()
    async with app(monkeypatch) as made:
        state = asked(await put())["state"]
        made.svc.storage.config.write(blob_names.active("sales"), dump({"runId": "20261124T120000Z", "sinceUs": 0}))
        await come_back(durable, state=state, tenant=w.TENANT_ID)

    assert durable.events == [("sales-20261124T120000Z:consent", "consent")]


async def test_a_run_that_waits_no_longer_needs_no_telling(monkeypatch):
    async with app(monkeypatch) as made:
        state = asked(await put())["state"]
        made.svc.storage.config.write(blob_names.active("sales"), dump({"runId": "20261124T120000Z", "sinceUs": 0}))
        response = await come_back(Durable(gone=True), state=state, tenant=w.TENANT_ID)

    assert response.status_code == 303


async def test_a_state_works_once(monkeypatch):
    async with app(monkeypatch):
        state = asked(await put())["state"]

        assert (await come_back(state=state, tenant=w.TENANT_ID)).status_code == 303
        assert (await come_back(state=state, tenant=w.TENANT_ID)).status_code == 400


async def test_another_tenant_is_refused_and_does_not_use_the_state_up(monkeypatch):
    async with app(monkeypatch):
        state = asked(await put())["state"]

        assert (await come_back(state=state, tenant=OTHER_TENANT)).status_code == 400
        assert (await come_back(state=state, tenant=OTHER_TENANT, error="access_denied")).status_code == 400
        assert (await come_back(state=state)).status_code == 400
        assert (await come_back(state=state, tenant=w.TENANT_ID.upper())).status_code == 303


async def test_a_forged_state_is_refused(monkeypatch):
    async with app(monkeypatch):
        claims, signature = asked(await put())["state"].split(".")
        another = asked(await put(displayName="Other"))["state"].split(".")[1]

        for forged in (f"{claims}.{another}", f"{claims}x.{signature}", claims, f"{claims}.", "ä.ö", ".", ""):
            response = await come_back(state=forged, tenant=w.TENANT_ID)
            assert response.status_code == 400, forged
        assert (await come_back(tenant=w.TENANT_ID)).status_code == 400


async def test_a_state_lives_as_long_as_consent_timeout(monkeypatch):
    async with app(monkeypatch, CONSENT_TIMEOUT="P2D") as made:
        state = asked(await put())["state"]
        late = replace(made.svc, now=lambda: w.NOW + timedelta(days=2))
        monkeypatch.setattr(http, "services", lambda: late)

        assert (await come_back(state=state, tenant=w.TENANT_ID)).status_code == 400
        monkeypatch.setattr(http, "services", lambda: made.svc)
        assert (await come_back(state=state, tenant=w.TENANT_ID)).status_code == 303


async def test_where_access_is_scoped_in_exchange_one_mailbox_that_answers_both_suffices(monkeypatch):
    """interfaces §1: where only the mail and calendar roles are missing, one of the first 20 mailboxes decides."""
    async with app(monkeypatch) as made:
        made.emulator.consent.grant([*ASKED[2:], "LicenseAssignment.Read.All"])
        scope = made.emulator.scope
        scope.mailboxes, scope.calendars = frozenset({"00000000-0000-0000-0000-000000000002"}), False
        assert (await put())["consent"]["state"] == "missing"

        scope.calendars = True
        assert (await put())["consent"]["state"] == "granted"


async def test_without_the_directory_roles_no_mailbox_is_probed(monkeypatch):
    async with app(monkeypatch) as made:
        made.emulator.consent.grant(ASKED[:3])

        assert (await put())["consent"]["state"] == "missing"
        asked_for = made.emulator.stats.value()["requests"]["byKind"]
        assert all(kind.startswith("entra ") for kind in asked_for)


async def test_directory_read_all_stands_for_the_last_three_roles(monkeypatch):
    async with app(monkeypatch) as made:
        made.emulator.consent.grant([*ASKED[:2], "Directory.Read.All"])

        assert (await put())["consent"]["state"] == "granted"


async def test_granted_at_stays_when_consent_was_first_found(monkeypatch):
    async with app(monkeypatch, granted=True) as made:
        first = (await put())["consent"]["grantedAt"]
        late = replace(made.svc, now=lambda: w.NOW + timedelta(days=2))
        monkeypatch.setattr(http, "services", lambda: late)

        assert (await put())["consent"]["grantedAt"] == first


class Catcher:
    """An SMTP server's handler that keeps what it gets."""

    def __init__(self, refuse: str = "") -> None:
        self.envelopes: list[Any] = []
        self.refuse = refuse

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd's name
        if self.refuse and self.refuse in address:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self.envelopes.append(envelope)
        return "250 OK"


@asynccontextmanager
async def caught(refuse=""):
    catcher = Catcher(refuse)
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(catcher), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield catcher, {"MAIL_URL": f"smtp://127.0.0.1:{port}", "MAIL_FROM": "app@contoso.example"}


def text_of(envelope):
    return email.message_from_bytes(envelope.content, policy=email.policy.default)


async def test_the_link_is_mailed_to_the_administrators_in_three_languages(monkeypatch):
    async with caught() as (catcher, settings), app(monkeypatch, **settings):
        answer = await put(administrators=["it@contoso.example", "IT@contoso.example", "boss@contoso.example"])

    (envelope,) = catcher.envelopes
    text = text_of(envelope).get_body(("plain",)).get_content()
    assert envelope.rcpt_tos == ["it@contoso.example", "boss@contoso.example"]
    assert text.count(f"/{w.TENANT_ID}/v2.0/adminconsent?") == 3
    assert all(words in text for words in ("consent is needed", "cal el consentiment", "se necesita el consentimiento"))
    assert answer["consent"]["state"] == "requested"
    assert answer["consent"]["requestedAt"] == "2026-11-24T12:00:00Z"


async def test_the_link_in_the_mail_works(monkeypatch):
    async with caught() as (catcher, settings), app(monkeypatch, **settings) as made:
        await put(administrators=["it@contoso.example"])
        text = text_of(catcher.envelopes[0]).get_body(("plain",)).get_content()
        link = next(line for line in text.splitlines() if line.startswith("https://"))
        grant(made)

        response = await come_back(state=parse_qs(urlsplit(link).query)["state"][0], tenant=w.TENANT_ID)
        assert response.status_code == 303
        assert service.record_of(made.svc, "sales").state == "granted"


async def test_no_mail_goes_out_where_consent_is_there(monkeypatch):
    async with caught() as (catcher, settings), app(monkeypatch, granted=True, **settings):
        await put(administrators=["it@contoso.example"])

    assert catcher.envelopes == []


async def test_a_mail_that_fails_leaves_consent_missing_and_says_why_without_names(monkeypatch):
    async with caught(refuse="it@") as (_, settings), app(monkeypatch, **settings):
        answer = await put(administrators=["it@contoso.example"])

    assert answer["consent"]["state"] == "missing"
    assert "refused every recipient" in answer["consent"]["problem"]
    assert "@" not in answer["consent"]["problem"]


async def test_a_mail_that_some_administrators_got_is_a_request(monkeypatch):
    async with caught(refuse="it@") as (_, settings), app(monkeypatch, **settings):
        answer = await put(administrators=["it@contoso.example", "boss@contoso.example"])

    assert answer["consent"]["state"] == "requested"
    assert "1 of 2" in answer["consent"]["problem"]


async def test_a_mail_server_that_is_away_is_told_without_its_password(monkeypatch, unused_tcp_port):
    url = f"smtp://user:{quote('s3cr:et')}@127.0.0.1:{unused_tcp_port}"
    async with app(monkeypatch, MAIL_URL=url, MAIL_FROM="app@contoso.example"):
        answer = await put(administrators=["it@contoso.example"])

    assert answer["consent"]["state"] == "missing"
    assert answer["consent"]["problem"]
    assert "s3cr" not in str(answer)


async def test_a_credential_that_entra_refuses_is_503_and_nothing_is_stored(monkeypatch):
    async with app(monkeypatch, granted=True) as made:
        made.emulator.entra.registration.secret = "another"
        response = await http.respond(
            request("PUT", body=BODY, name="sales"), Access.WRITE, enrichments.put, FakeDurable()
        )

        assert response.status_code == 503
        assert made.svc.settings.client_secret.encode() not in response.get_body()
        assert not made.svc.storage.config.blobs


async def ask(name="sales"):
    return await http.respond(request("POST", f"/api/enrichments/{name}/consent", name=name), Access.WRITE, consent.ask)


async def test_asking_again_mails_the_link_again_and_tells_consent_as_it_stands(monkeypatch):
    async with caught() as (catcher, settings), app(monkeypatch, **settings) as made:
        await put(administrators=["it@contoso.example"])
        later = replace(made.svc, now=lambda: w.NOW + timedelta(days=1))
        monkeypatch.setattr(http, "services", lambda: later)
        response = await ask()

    assert response.status_code == 202
    assert len(catcher.envelopes) == 2
    assert told(response)["state"] == "requested"
    assert told(response)["requestedAt"] == "2026-11-25T12:00:00Z"
    assert "/adminconsent?" in told(response)["url"]


async def test_asking_again_without_anybody_to_mail_to_still_gives_the_link(monkeypatch):
    async with app(monkeypatch):
        await put()
        response = await ask()

    assert (response.status_code, told(response)["state"]) == (202, "missing")
    assert "/adminconsent?" in told(response)["url"]


async def test_asking_for_what_is_granted_is_409_also_where_nobody_had_noticed(monkeypatch):
    """interfaces §1: 409 when granted."""
    async with app(monkeypatch) as made:
        await put()
        grant(made)

        assert (await ask()).status_code == 409
        assert service.record_of(made.svc, "sales").state == "granted"


async def test_consent_that_is_gone_is_noticed_when_asking_again(monkeypatch):
    async with app(monkeypatch, granted=True) as made:
        await put()
        made.emulator.consent.revoke(None)
        response = await ask()

    assert (response.status_code, told(response)["state"], told(response)["grantedAt"]) == (202, "withdrawn", None)


async def test_a_refusal_is_followed_by_a_request_once_the_mail_is_out(monkeypatch):
    async with caught() as (_, settings), app(monkeypatch, **settings) as made:
        state = asked(await put(administrators=["it@contoso.example"]))["state"]
        await come_back(state=state, error="access_denied")
        assert service.record_of(made.svc, "sales").state == "refused"

        assert told(await ask())["state"] == "requested"


async def test_asking_about_an_enrichment_that_is_not_there_is_404(monkeypatch):
    async with app(monkeypatch):
        assert (await ask("other")).status_code == 404


async def test_a_link_of_an_enrichment_that_was_removed_is_404(monkeypatch):
    async with app(monkeypatch) as made:
        state = asked(await put())["state"]
        await life.remove(made.svc, FakeDurable(), "sales", Condition(), purge=False)

        assert (await come_back(state=state, tenant=w.TENANT_ID)).status_code == 404


async def test_withdrawn_consent_is_noticed_by_the_next_run_and_the_published_result_stays(monkeypatch):
    """interfaces §3: consent is `withdrawn`, nothing is published, the former result stays."""
    async with app(monkeypatch, granted=True) as made:
        await put()
        made.svc.storage.output.write(blob_names.current("Office"), b"{}")
        made.emulator.consent.revoke(None)
        assert (await get())["consent"]["state"] == "granted"
        await check_consent.run(ConsentQuery(enrichment="sales", run_id="r1"), made.svc)

        assert (await get())["consent"]["state"] == "withdrawn"
        assert made.svc.storage.output.read(blob_names.current("Office")) == b"{}"


def test_the_docs_explain_every_state_of_consent():
    lines = (ROOT / "docs/life.md").read_text().split("## Consent")[1].splitlines()
    rows = [line.split("|")[1].strip() for line in lines if line.startswith("| ")]

    assert rows[1:] == list(get_args(service.State))
