"""The requests that a preview foretells are those that an undisturbed full run makes, tokens left out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from activities import check_consent, extract_mailbox, resolve_people
from localdev.graph import sample
from localdev.graph.app import running
from localdev.graph.context import Emulator
from localdev.graph.tenant_files import TenantFiles, load
from shared.adapters.graph import client
from shared.adapters.identity import TokenSource
from shared.core.contracts import ConsentQuery, ExtractOrder, ResolveOrder
from shared.core.enrichment import Enrichment
from shared.core.periods import to_us
from shared.services import Services, enrichments, previews
from shared.services.conditions import Condition
from tests.fakes import fake_services

ORGANISATIONS = Path(__file__).parents[2] / "../shared/fixtures/organisations"
KEY = {"enrichment": "sales", "run_id": "20261124T120000Z"}


def organisation(name: str) -> TenantFiles:
    if not (ORGANISATIONS / name).is_dir():
        pytest.skip("the sample organisations are not here")
    return load(ORGANISATIONS / name)


TENANTS: dict[str, Callable[[], TenantFiles]] = {
    "sample": sample.build,
    "berlin": lambda: organisation("berlin"),
    "new-york": lambda: organisation("new-york"),
    "lord-howe": lambda: organisation("lord-howe"),
}


def asked(emulator: Emulator) -> int:
    requests = emulator.stats.requests
    return sum(count for kind, count in requests.items() if not kind.startswith("entra "))


async def full_run(svc: Services) -> None:
    """The steps of a run that ask Graph."""
    assert (await check_consent.run(ConsentQuery(**KEY), svc)).granted
    resolved = await resolve_people.run(ResolveOrder(**KEY, as_of_us=to_us(svc.now())), svc)
    assert resolved.problem is None
    orders = [ExtractOrder(**KEY, mailbox=mailbox, patience=600) for mailbox in range(resolved.people)]
    parts = await asyncio.gather(*(extract_mailbox.run(order, svc) for order in orders))
    assert not [part for part in parts if part.outcome in ("More", "Unavailable")]


@pytest.mark.parametrize("name", TENANTS)
async def test_the_estimate_of_requests_is_within_a_tenth_of_a_full_run(name, record_property):
    files = TENANTS[name]()
    emulator = Emulator(files, granted=True)
    async with running(emulator) as served:
        about = files.tenant
        made = fake_services(
            datetime.fromisoformat(about["asOf"]),
            TENANT_ID=about["tenantId"],
            GRAPH_BASE_URL=served.graph_url,
            ENTRA_LOOPBACK_URL=served.url,
            SUPPORTED_COUNTRIES=about["countryLetterCode"],
        )
        tokens = TokenSource(made.settings)
        svc = replace(made, tokens=tokens, graph=lambda: client.connect(made.settings, tokens))
        svc.storage.input.write("contacts.csv", files.contacts_csv)
        svc.storage.input.write("accounts.csv", files.accounts_csv)
        preview = await previews.make(svc, json.dumps(files.enrichment).encode())
        assert preview is not None
        counting = asked(emulator)
        emulator.reset()
        body = Enrichment.model_validate(files.enrichment)
        enrichments.save(svc, "sales", body, [], None, Condition())
        await full_run(svc)
        really = asked(emulator)

    foretold = preview.estimate.requests
    record_property("told", f"preview of {name}: {foretold} requests foretold, {really} made; it took {counting}")
    assert abs(foretold - really) <= really / 10
