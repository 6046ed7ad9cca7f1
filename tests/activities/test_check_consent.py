"""The consent check of a run (interfaces §2, §3)."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from activities import check_consent
from shared.core import blob_names
from shared.core.contracts import ConsentQuery
from shared.core.enrichment import Enrichment
from shared.core.periods import to_us
from shared.services import enrichments
from shared.services.conditions import Condition
from shared.services.documents import dump
from tests.triggers import world as w
from tests.triggers.world import BODY, world

QUERY = ConsentQuery(enrichment="sales", run_id="20261124T120000Z")


@asynccontextmanager
async def app(*args, **how):
    async with world(*args, **how) as made:
        body = Enrichment.model_validate(BODY, by_alias=True, by_name=False)
        enrichments.save(made.svc, "sales", body, [], None, Condition())
        yield made


async def test_the_delay_ends_so_long_after_consent_was_first_found():
    async with app() as made:
        first = await check_consent.run(QUERY, made.svc)
        later = await check_consent.run(QUERY, replace(made.svc, now=lambda: w.NOW + timedelta(hours=1)))

    assert first.granted
    assert first.ready_us == later.ready_us == to_us(w.NOW + timedelta(hours=6))


async def test_missing_consent_is_an_answer():
    async with app(granted=False) as made:
        consent = await check_consent.run(QUERY, made.svc)

    assert (consent.granted, consent.state, consent.ready_us, consent.problem) == (False, "missing", None, None)


async def test_each_check_asks_afresh():
    """interfaces §2: no cached refusal."""
    async with app(granted=False) as made:
        assert not (await check_consent.run(QUERY, made.svc)).granted
        made.emulator.consent.grant(made.emulator.entra.registration.asked_roles)
        assert (await check_consent.run(QUERY, made.svc)).granted

        made.emulator.consent.revoke(None)
        gone = await check_consent.run(QUERY, made.svc)
        assert (gone.granted, gone.state) == (False, "withdrawn")


async def test_whether_a_run_has_published_is_told():
    async with app() as made:
        assert not (await check_consent.run(QUERY, made.svc)).published
        made.svc.storage.config.write(blob_names.published("sales"), dump({"runId": "x"}))
        assert (await check_consent.run(QUERY, made.svc)).published


async def test_a_tenant_that_cannot_be_read_is_the_runs_problem():
    async with app(w.tenant(countryLetterCode="BR")) as made:
        consent = await check_consent.run(QUERY, made.svc)

    assert consent.problem is not None
    assert "country" in consent.problem.title


async def test_a_credential_that_entra_refuses_is_the_runs_problem():
    async with app() as made:
        made.emulator.entra.registration.secret = "another"
        consent = await check_consent.run(QUERY, made.svc)

    assert consent.problem is not None
    assert not consent.granted


async def test_an_enrichment_that_is_gone_is_the_runs_problem():
    async with world() as made:
        consent = await check_consent.run(QUERY, made.svc)

    assert consent.problem is not None
