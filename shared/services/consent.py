"""Consent of one enrichment: is it there, who was asked, what came of it (interfaces §2, §1 callback).

The truth is Entra's and Exchange's, asked afresh each time (`has_access`). The record beside it, one blob per
enrichment, remembers what they cannot tell: who was asked and when, when consent was first found, that it was declined.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal
from urllib.parse import urlencode

from shared.adapters import identity, mail
from shared.adapters.graph import directory, tenant
from shared.adapters.graph.refusals import TenantRefused
from shared.core import blob_names, consent_mail, consent_state, roles
from shared.core.addresses import normalise
from shared.core.consent_state import ConsentState
from shared.core.enrichment import Enrichment
from shared.core.errors import AppError, Conflict, Invalid
from shared.core.periods import to_us
from shared.core.progress import instant
from shared.services import Services, erasures
from shared.services.documents import dump

log = logging.getLogger(__name__)

State = Literal["missing", "requested", "granted", "refused", "withdrawn"]

# Where access is scoped in Exchange, one of so many mailboxes has to answer.
PROBED = 20


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """`granted_us`: when consent was found, and has been there since · `problem`: why the last mail did not go out ·
    `looked_us`: when the look began that found it there, or gone.
    """

    state: State = "missing"
    requested_us: int | None = None
    granted_us: int | None = None
    problem: str | None = None
    looked_us: int = 0

    @property
    def granted(self) -> bool:
        return self.state == "granted"


class UnsupportedTenant(Conflict):
    """The tenant cannot be read, whatever its administrators agree to."""


async def has_access(svc: Services, addresses: Sequence[str]) -> bool:
    """Whether the tenant lets the app read what these addresses need, by a token of just now.

    The token's roles decide; where only roles for mailboxes are missing, one of the first listed mailboxes that answers
    does. Raises `GraphAway`, and `CredentialRefused` where Entra refuses the app itself.
    """
    try:
        held = identity.roles(await svc.tokens.fresh())
    except identity.NotConsented:
        return False
    if not roles.reads_directory(held):
        return False
    return roles.reads_mailboxes(held) or await _a_mailbox_answers(svc, addresses)


async def _a_mailbox_answers(svc: Services, addresses: Sequence[str]) -> bool:
    from shared.services import planning

    async with svc.graph() as graph:
        try:
            people = (await directory.resolve(graph, addresses)).people
        except TenantRefused:
            return False  # roles reach the directory some time after they reach tokens
        erased = await asyncio.to_thread(erasures.recognised, svc)
        listed = planning.left_people(svc.settings.pseudonym_key, people, erased)
        return await tenant.any_answers(graph, listed[:PROBED])


async def check_tenant(svc: Services) -> None:
    """Raises `UnsupportedTenant`: another country than is supported, or no Exchange Online. Needs consent."""
    async with svc.graph() as graph:
        found = await tenant.read(graph)
    judge_tenant(svc, found)


def judge_tenant(svc: Services, found: tenant.Tenant) -> None:
    if found.country is None:
        raise UnsupportedTenant(
            "The tenant's country is unknown",
            "Microsoft Graph gives no country for this tenant (countryLetterCode), so it cannot be read.",
        )
    if found.country not in svc.settings.supported_countries:
        supported = ", ".join(sorted(svc.settings.supported_countries))
        raise UnsupportedTenant(
            "The tenant's country is not supported",
            f"This tenant's country is {found.country}. Supported are: {supported}.",
        )
    if not found.has_exchange:
        raise UnsupportedTenant(
            "The tenant has no Exchange Online plan",
            "None of this tenant's licences in force holds an Exchange Online plan, so there are no mailboxes to read.",
        )


async def refresh(svc: Services, name: str, addresses: Sequence[str]) -> ConsentRecord:
    """The record, after another look where consent was not there yet; as it was where nobody can be asked now."""
    record = await asyncio.to_thread(record_of, svc, name)
    if record.granted:
        return record
    try:
        granted = await has_access(svc, addresses)
    except AppError as away:
        log.warning("consent for %s could not be looked at: %s", name, away)
        return record
    return await asyncio.to_thread(note, svc, name, granted)


def record_of(svc: Services, name: str) -> ConsentRecord:
    data = svc.storage.config.read(blob_names.consent(name))
    return ConsentRecord(**json.loads(data)) if data else ConsentRecord()


def note(svc: Services, name: str, granted: bool, looked_us: int | None = None) -> ConsentRecord:
    """Keep what a check has found; consent that was there and is gone has been withdrawn.

    looked_us: when it began to look, by default just now. What began before the look that is kept says nothing.
    """
    now_us = to_us(svc.now())
    since_us = now_us if looked_us is None else looked_us

    def found(record: ConsentRecord) -> ConsentRecord:
        if record.granted == granted or since_us < record.looked_us:
            return record
        if granted:
            return replace(record, state="granted", granted_us=now_us, problem=None, looked_us=since_us)
        return _withdrawn(record, since_us)

    return _change(svc, name, found)


def mark_withdrawn(svc: Services, name: str, seen_us: int) -> ConsentRecord:
    """A run has found, at this time, that the roles, or every probe, are gone."""
    return _change(svc, name, lambda record: record if seen_us < record.looked_us else _withdrawn(record, seen_us))


def _withdrawn(record: ConsentRecord, looked_us: int) -> ConsentRecord:
    return replace(record, state="withdrawn", granted_us=None, looked_us=looked_us)


def mark_refused(svc: Services, name: str) -> ConsentRecord:
    """An administrator has declined; what is granted stays so until a check finds otherwise."""
    return _change(svc, name, lambda record: record if record.granted else replace(record, state="refused"))


async def ask_again(svc: Services, name: str, body: Enrichment, origin: str) -> ConsentRecord:
    """Raises `Conflict` where consent turns out to be there."""
    granted = await has_access(svc, body.addresses)
    await asyncio.to_thread(note, svc, name, granted)
    if granted:
        raise Conflict(
            "Consent is granted", "The app may read already; there is nothing to ask the administrators for."
        )
    return await ask(svc, name, body, origin)


async def ask(svc: Services, name: str, body: Enrichment, origin: str) -> ConsentRecord:
    """Mail the link to the administrators, where mails can go out; what became of it is in the record."""
    record = await asyncio.to_thread(record_of, svc, name)
    recipients = list(dict.fromkeys(normalise(address) for address in body.administrators))
    route, sender = svc.settings.mail, svc.settings.mail_from
    if route is None or sender is None or not recipients:
        return record
    until = f"{svc.now() + svc.settings.consent_timeout:%Y-%m-%d %H:%M}"
    letter = consent_mail.write(body.display_name, admin_consent_url(svc, name, origin), until)
    try:
        refused = await mail.send(route, sender, recipients, letter)
    except mail.MailFailed as failed:
        problem = f"The mail to the administrators did not go out. {failed}"
        return await asyncio.to_thread(_change, svc, name, lambda record: replace(record, problem=problem))
    some = f"The mail server refused {refused} of {len(recipients)} administrators' addresses." if refused else None
    now_us = to_us(svc.now())
    return await asyncio.to_thread(
        _change, svc, name, lambda record: replace(record, state="requested", requested_us=now_us, problem=some)
    )


def admin_consent_url(svc: Services, name: str, origin: str) -> str:
    """Where an administrator consents; `origin`: the address under which the app is reached."""
    settings = svc.settings
    state = ConsentState(
        enrichment=name,
        tenant=settings.tenant_id,
        nonce=secrets.token_urlsafe(16),
        expires=int((svc.now() + settings.consent_timeout).timestamp()),
    )
    query = {
        "client_id": settings.client_id,
        "scope": identity.graph_scope(settings.graph_base_url),
        "redirect_uri": f"{origin}/api/consent/callback",
        "state": consent_state.sign(state, _key(svc)),
    }
    return f"{settings.authority_url}/{settings.tenant_id}/v2.0/adminconsent?{urlencode(query)}"


def accept_state(svc: Services, text: str, tenant_id: str | None, *, declined: bool) -> str:
    """The enrichment that a callback is about; its `state` is used up by this, once it has proved to be ours.

    Raises `Invalid` for a forged, expired or used state and for another tenant. Where consent was declined Entra may
    name no tenant.
    """
    state = consent_state.verify(text, _key(svc))
    if state is None:
        raise _bad_state("The state of this link was not made here.")
    if state.expires <= int(svc.now().timestamp()):
        raise _bad_state("This consent link has expired. Ask for a new one.")
    ours = state.tenant == svc.settings.tenant_id
    if not ours or (tenant_id.lower() != state.tenant.lower() if tenant_id else not declined):
        raise _bad_state("This answer comes from another tenant than the one that was asked.")
    if svc.storage.config.create(blob_names.used_state(state.nonce), dump({"expires": state.expires})) is None:
        raise _bad_state("This consent link has been used already. Ask for a new one.")
    return state.enrichment


def _bad_state(detail: str) -> Invalid:
    return Invalid("The consent link is not valid", detail)


def _key(svc: Services) -> bytes:
    return consent_state.signing_key(svc.settings.pseudonym_key)


def to_json(svc: Services, name: str, record: ConsentRecord, origin: str) -> dict[str, Any]:
    """Consent as interfaces §2 shows it; the link is always there."""
    return {
        "state": record.state,
        "url": admin_consent_url(svc, name, origin),
        "requestedAt": instant(record.requested_us),
        "grantedAt": instant(record.granted_us),
        "problem": record.problem,
    }


def _change(svc: Services, name: str, how: Callable[[ConsentRecord], ConsentRecord]) -> ConsentRecord:
    """The record as `how` made it of the stored one; again from the start where somebody else was faster."""
    config, blob = svc.storage.config, blob_names.consent(name)
    while True:
        tagged = config.read_tagged(blob)
        before = ConsentRecord(**json.loads(tagged[0])) if tagged else ConsentRecord()
        after = how(before)
        if after == before:
            return before
        data = dump(asdict(after))
        written = config.replace(blob, data, tagged[1]) if tagged else config.create(blob, data)
        if written is not None:
            return after
