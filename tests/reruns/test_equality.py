"""A rerun gives what a full run gives: byte for byte, whatever has happened since (interfaces §3)."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shared.adapters.graph import recount, rerun
from tests.reruns.histories import happens, tenant
from tests.reruns.world import Time, base_of, living

# More of them for a night: RERUN_EXAMPLES=500, and then other ones each time.
EXAMPLES = int(os.environ.get("RERUN_EXAMPLES", "0"))
BEGIN = datetime(2026, 6, 30, 12, 0, tzinfo=UTC)


@settings(
    max_examples=EXAMPLES or 20,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(seed=st.integers(0, 2**48))
async def test_a_rerun_publishes_the_bytes_of_a_full_run(seed: int):
    """Interfaces §3, issue 5: arrivals, late ones too, deletions, moves of messages and folders, edits, meetings moved
    and cancelled, mailboxes that come and go, changed contacts, rules and people.
    """
    r = Random(seed)
    time = Time(BEGIN.timestamp())
    with pytest.MonkeyPatch.context() as patch:
        # These mailboxes are small; what is meant for large ones is to happen in them, too.
        patch.setattr(recount, "LEAST_PAGE", r.choice((1, 3, 500)))
        patch.setattr(recount, "LARGEST_PAGE", r.choice((3, 1000)))
        patch.setattr(rerun, "END_SHARE", r.choice((5, 60)))
        patch.setattr(rerun, "A_FEW", r.choice((2, 30)))
        patch.setattr(rerun, "VAIN_SHARE", r.choice((1, 20)))
        await _history(r, time)


async def _history(r: Random, time: Time) -> None:
    async with living(tenant(r, time.now()), time) as world:
        before = await world.run(as_of=time.now() - r.choice((timedelta(), timedelta(), timedelta(days=40))))
        for _ in range(2):
            for _ in range(r.choice((0, 1, 4, 10))):
                time.passes(seconds=r.choice((1, 100, 4000, 40_000)))
                happens(r, world)
            time.passes(seconds=r.choice((1, 30, 400, 90_000)))
            as_of = max(before.as_of, time.now() - r.choice((timedelta(), timedelta(), timedelta(days=2))))
            again = await world.run(as_of=as_of)
            full = await world.run(as_of=as_of, full=True)

            assert again.tables == full.tables
            assert base_of(world, full) is None
            world.forget(full)  # so that reruns build on reruns
            before = again
