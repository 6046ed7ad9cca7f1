"""What the bench of orchestration watches, on a run of twenty mailboxes."""

from __future__ import annotations

import pytest

from bench import instant_activities, orchestration
from bench.instant_activities import CALLS, FLAT
from bench.observed_host import Observed


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(instant_activities, "PEOPLE", 20)


async def test_the_run_and_its_peer_call_for_each_mailbox_until_it_has_been_read(few, tmp_path):
    ours = await orchestration._run(tmp_path / "run", "enrichment_run", batch=True)
    flat = await orchestration._run(tmp_path / "flat", FLAT, batch=True)

    # Of twenty mailboxes two are large, and the eighth is refused at its first call.
    assert ours.mailboxes == flat.mailboxes == 18 + 2 * CALLS


async def test_one_message_at_a_time_needs_more_replays(few, tmp_path):
    together = await orchestration._run(tmp_path / "together", "enrichment_run", batch=True)
    single = await orchestration._run(tmp_path / "single", "enrichment_run", batch=False)

    assert single.turns > together.turns


def test_the_largest_of_what_is_carried_is_told_in_bytes():
    seen = Observed()
    seen.carried('"ä"', None)
    seen.carried('"a"')

    assert seen.payload == 4
