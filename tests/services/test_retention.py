"""What the timer may delete, and what it asks storage for to know that (interfaces §5)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.core import blob_names
from shared.services import retention
from tests.fakes import fake_services
from tests.services.erasure_stage import carry_out, erase, facts, published, results, save


@pytest.fixture
def svc():
    made = fake_services()
    save(made)
    return made


async def test_a_tick_that_has_nothing_to_delete_lists_neither_facts_nor_results(svc, monkeypatch):
    """It comes every quarter of an hour, and a run of 2,500 mailboxes has some 13,000 blobs."""
    await published(svc)
    carry_out(svc, await erase(svc))
    (kept,) = results(svc)
    svc.storage.staging.write(blob_names.mailbox_part("sales", kept, 0, 0, "messages"), b"facts")
    for container in (svc.storage.staging, svc.storage.output):
        monkeypatch.setattr(container, "entries", None)

    retention.tidy(svc)

    assert facts(svc) == results(svc) == [kept]


async def test_facts_are_deleted_once_they_are_older_than_their_retention_and_the_current_result_stays(svc):
    """Interfaces §5: `STAGING_RETENTION`, `RESULT_RETENTION`."""
    request = await published(svc)
    later = replace(svc, now=lambda: svc.now() + svc.settings.result_retention + svc.settings.staging_retention)

    retention.tidy(svc)
    assert facts(svc) == [request.run_id]

    retention.tidy(later)
    assert facts(svc) == []
    assert results(svc) == [request.run_id]


async def test_facts_whose_run_has_no_record_are_deleted_whatever_they_are_called(svc):
    """Left by an activity that was under way while its enrichment was removed."""
    request = await published(svc)
    for run in (("sales", "20260101T000000Z"), ("gone", request.run_id), ("gone", "r1")):
        svc.storage.staging.write(blob_names.plan(*run, "run.json"), b"{}")

    retention.tidy(svc)

    assert list(svc.storage.staging.folders("")) == ["sales"]
    assert facts(svc) == [request.run_id]
