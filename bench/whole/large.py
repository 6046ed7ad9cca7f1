"""What reading one mailbox of a busy person takes in requests, and how many of them go side by side."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from bench.whole.organisation import Size, person_id, tenant_files
from bench.whole.prebuild import client, read
from bench.whole.team import year_of
from localdev.graph.context import Emulator
from shared.adapters.graph import folders

YEAR = Size(mailboxes=10, messages=30_000, meetings=3_200)
LATENCY = 1.0  # seconds of each request: beside it the emulator's own work is little


def measure() -> dict[str, Any]:
    """`rounds`: of all that a first run reads; `folder rounds`: of finding the excluded folders, in multiples of the
    latency of a request.
    """
    return asyncio.run(_measure())


async def _measure() -> dict[str, Any]:
    user_id = person_id(0)
    mailboxes = {user_id: year_of(YEAR, 0).mailboxes[user_id]}
    emulator = Emulator(tenant_files(YEAR, mailboxes), granted=True, latency=LATENCY)
    graph = client(emulator)
    began = time.perf_counter()
    await folders.excluded(graph, user_id, graph.clock() + 3_600)
    found = time.perf_counter()
    emulator.reset()
    await read(graph, user_id, YEAR)
    ended = time.perf_counter()
    asked = emulator.stats.requests
    return {
        "messages": YEAR.messages,
        "meetings": YEAR.meetings,
        "requests for messages": asked["GET /users/{user-id}/messages"],
        "requests for meetings": asked["GET /users/{user-id}/calendarView"],
        "rounds": round((ended - found) / LATENCY, 1),
        "folder rounds": round((found - began) / LATENCY, 1),
    }
