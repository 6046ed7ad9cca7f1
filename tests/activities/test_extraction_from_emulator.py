"""People and mailboxes of the sample organisations, through the emulator, on good and on bad days."""

from __future__ import annotations

import asyncio
import csv
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from activities import extract_mailbox, resolve_people
from localdev.graph.app import running
from localdev.graph.context import Emulator
from localdev.graph.tenant_files import load
from shared.adapters import tables
from shared.adapters.graph.client import connect
from shared.adapters.identity import TokenSource
from shared.core import blob_names
from shared.core.contracts import ExtractedPart, ExtractOrder, ResolveOrder
from shared.core.enrichment import Enrichment
from shared.core.facts import MeetingCopies, MessageCopies
from shared.core.periods import to_us
from shared.services import Services, enrichments
from shared.services.conditions import Condition
from tests.emulated import following, settings_for
from tests.fakes import memory_storage

ORGANISATIONS = Path(__file__).parents[2] / "../shared/fixtures/organisations"
NAMES = ("berlin", "new-york", "lord-howe")

pytestmark = pytest.mark.skipif(not ORGANISATIONS.is_dir(), reason="the sample organisations are not here")

BAD_DAYS: list[dict[str, Any]] = [
    {"kind": "throttle", "path": "/users/*/messages", "retryAfter": "0.3", "times": 3},
    {"kind": "throttle", "path": "/users/*/calendarView", "retryAfter": "1", "times": 1},
    {"kind": "throttle", "path": "/users/*/mailFolders/*", "retryAfter": None, "times": 1},
    {"kind": "gatewayTimeoutAbove", "path": "/users/*/messages", "top": 70, "times": None},
    {"kind": "reset", "path": "/users/*/messages", "after": 5, "times": 2},
    {"kind": "html", "path": "/users/*/messages", "after": 8, "times": 1},
    {"kind": "halfJson", "path": "/users/*/calendarView", "after": 2, "times": 1},
    {"kind": "wrongShape", "path": "/users/*/messages", "after": 11, "times": 1},
    {"kind": "expireToken", "path": "/users/*/messages", "after": 14, "times": 1},
    {"kind": "shortPages", "path": "/users/*/messages", "after": 20, "times": 10, "size": 3},
    {"kind": "shortPages", "path": "/users/*/calendarView", "after": 4, "times": 4, "size": 40},
    {"kind": "emptyPage", "path": "/users/*/messages", "after": 32, "times": 2},
    {"kind": "missingNextLink", "path": "/users/*/messages", "after": 36, "times": 20},
    {"kind": "missingNextLink", "path": "/users/*/calendarView", "after": 10, "times": 4},
    {"kind": "foreignNextLink", "path": "/users/*/messages", "after": 60, "times": 2},
    {"kind": "repeatingNextLink", "path": "/users/*/messages", "after": 64, "times": 2},
    {"kind": "mailboxInfoStale", "path": "/users/*/messages", "after": 70, "times": 1},
    {"kind": "status", "path": "/groups/*/transitiveMembers/*", "status": 503, "times": 2},
    {"kind": "badItem", "path": "/users/*/messages", "after": 75, "times": 3},
]


@dataclass
class Run:
    """One organisation being read. as_of: that of its tenant."""

    name: str
    emulator: Emulator
    svc: Services
    as_of: datetime
    people: int = 0

    async def resolve(self) -> None:
        order = ResolveOrder(enrichment="sales", run_id="r1", as_of_us=to_us(self.as_of))
        resolved = await resolve_people.run(order, self.svc)
        assert resolved.problem is None
        self.people = resolved.people

    async def extract(self, mailbox: int) -> ExtractedPart:
        part: ExtractedPart | None = None
        while part is None or part.outcome == "More":
            order = ExtractOrder(enrichment="sales", run_id="r1", mailbox=mailbox, patience=600)
            if part is not None:
                await asyncio.sleep(part.wait)
                order = following(order, part)
            part = await extract_mailbox.run(order, self.svc)
        return part

    def copies(self, mailbox: int, parts: int) -> Counter[str]:
        """How many copies of messages and of meetings were looked at."""
        found: Counter[str] = Counter()
        for part in range(parts):
            for kind, facts, scope in (("messages", MessageCopies, "Message"), ("meetings", MeetingCopies, "Meeting")):
                name = blob_names.mailbox_part("sales", "r1", mailbox, part, kind)
                found[scope] += len(tables.read(cast(Any, facts), self.svc.storage.staging.read(name) or b"").item)
                if kind == "messages":
                    counts = tables.read_counts(self.svc.storage.staging.read(name) or b"")
                    found.update({each: sum(counts[each].values()) for each in counts})
        return found

    def expected(self, scope: str) -> Counter[str]:
        """The coverage that must be published."""
        with (ORGANISATIONS / self.name / "expected/Office_Coverage.csv").open(encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["Scope"] == scope]
        return Counter({row["Reason"]: int(row["Count"]) for row in rows})


@asynccontextmanager
async def reading(name: str, faults: list[dict[str, Any]]) -> AsyncIterator[Run]:
    folder = ORGANISATIONS / name
    files = load(folder)
    emulator, storage = Emulator(files, granted=True, faults=faults), memory_storage()
    as_of = datetime.fromisoformat(files.tenant["asOf"]).astimezone(UTC)
    for blob in ("contacts.csv", "accounts.csv"):
        storage.input.write(blob, (folder / blob).read_bytes())
    async with running(emulator) as served:
        told = settings_for(served, files.tenant["tenantId"])
        tokens = TokenSource(told)
        svc = Services(told, storage, tokens, lambda: connect(told, tokens))
        body = Enrichment.model_validate(json.loads((folder / "enrichment.json").read_bytes()))
        enrichments.save(svc, "sales", body, [], None, Condition())
        yield Run(name, emulator, svc, as_of)


@pytest.mark.parametrize("faults", [[], BAD_DAYS], ids=["on a good day", "on a bad day"])
@pytest.mark.parametrize("name", NAMES)
async def test_every_mailbox_is_read_whole_or_refused_with_its_reason(name, faults):
    """§6, scope Mailbox; the counts of a scope add up to what was read, whatever Graph's pages do meanwhile."""
    async with reading(name, faults) as run:
        await run.resolve()
        parts = await asyncio.gather(*(run.extract(mailbox) for mailbox in range(run.people)))
        looked_at: Counter[str] = Counter()
        for part in parts:
            if part.outcome == "Read":
                looked_at += run.copies(part.mailbox, part.parts)

        assert Counter(part.outcome for part in parts) == run.expected("Mailbox")
        assert looked_at["Message"] == sum(run.expected("Message").values())
        assert looked_at["Meeting"] == sum(run.expected("Meeting").values())
        assert run.emulator.stats.complaint_counts == {}
