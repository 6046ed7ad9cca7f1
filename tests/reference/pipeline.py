"""The app's own way from Graph's pages to published tables, in this process: data files, readers, facts, activities.

Several groups, partitions, buckets and parts of mailboxes, pages in a shuffled order: none may change a cell.
Which mailbox answers is taken from the users' own property; that is no matter of the kernels.
"""

from __future__ import annotations

import asyncio
import csv
import io
import itertools
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

from activities import aggregate_bucket, join_items, partition_copies, publish_results
from shared.adapters import standing_files, tables
from shared.adapters.graph import wire
from shared.adapters.graph.client import GraphClient
from shared.adapters.graph.directory import Resolution, resolve
from shared.adapters.mailbox_parts import Claim, MailboxParts
from shared.adapters.plan_files import write_plan
from shared.core import blob_names, recoding
from shared.core.contracts import BucketOrder, Counts, JoinOrder, PartitionOrder, PublishOrder, Spread
from shared.core.enrichment import Enrichment
from shared.core.erasure import Tombstone, bury
from shared.core.meetings import MeetingReader
from shared.core.messages import MessageReader
from shared.core.periods import to_us
from shared.core.plan import Plan
from shared.core.progress import add_counts
from shared.services import Services, enrichments, planning
from shared.services.conditions import Condition
from shared.services.planning import Planned
from tests.fakes import memory_storage
from tests.reference.directory import Directory
from tests.reference.organisation import Json, Organisation
from tests.reference.pages import Pages, pages_of
from tests.reference.people import mailbox_reasons, read_mailboxes
from tests.reference.published import Published

NAME, KEY = "sales", bytes(range(32))
GROUP = 3

# Each run has an id of its own: a worker keeps the plan of a run in memory.
_runs = itertools.count(1)


def publish_by_kernels(
    org: Organisation, seed: int = 0, partitions: int = 1, buckets: int = 1, erased: Sequence[str] = ()
) -> Published:
    """`seed`: of the order in which pages and their entities come. Each mailbox is in as many parts as there are
    partitions. `erased`: addresses of people who were erased before.
    """
    run = _Run(org, random.Random(seed), partitions, buckets, erased)
    run.extract()
    run.fold()
    return run.published()


def publish_from_kept_facts(org: Organisation, erased: Sequence[str], seed: int = 0, partitions: int = 1) -> Published:
    """As an erasure does it: everything is read, then these people are taken out of what was kept."""
    run = _Run(org, random.Random(seed), partitions, buckets=1)
    run.extract()
    run.take_out(erased)
    run.fold()
    return run.published()


class _Run:
    """One run of one enrichment over storage in memory."""

    def __init__(
        self, org: Organisation, order: random.Random, partitions: int, buckets: int, erased: Sequence[str] = ()
    ) -> None:
        self.org, self.order, self.run_id = org, order, f"{next(_runs):08d}T000000Z"
        self.partitions = partitions
        # Two partitions to a call: the last call of an odd number has one.
        self.spread = Spread(partitions=partitions, buckets=buckets, per_call=2)
        self.body = Enrichment.model_validate({**org.enrichment, "addresses": ["all@own.example"]})
        self.svc = cast("Services", SimpleNamespace(storage=memory_storage(), now=lambda: org.as_of))
        self.as_of_us = to_us(org.as_of)
        resolution = asyncio.run(resolve(cast("GraphClient", Directory(org)), org.enrichment["addresses"]))
        self._write_input(len(resolution.people))
        self.planned = self._planned(resolution, erased)
        self._begin(self.planned.plan, self.planned.counts)

    def _begin(self, plan: Plan, counts: Counts) -> None:
        self.plan, self.people = plan, plan.people
        self.read = read_mailboxes(self.org, self.people)
        self.counts = add_counts(counts, {"Mailbox": dict(mailbox_reasons(self.org, self.people))})
        write_plan(self.svc.storage.staging, NAME, self.run_id, plan)
        self.svc.storage.config.write(
            blob_names.run(NAME, self.run_id), json.dumps({"phase": "active", "configHash": "-"}).encode()
        )

    def take_out(self, erased: Sequence[str]) -> None:
        """Go on as another run, with what was read, but without these people."""
        before, self.run_id = self.run_id, f"{next(_runs):08d}T000000Z"
        planned = self.planned
        recoded = recoding.without(self.plan, planned.sources, planned.counts, _tombstones(erased), KEY)
        self._begin(recoded.plan, recoded.counts)
        for owner in self.read:
            number = self.people.index(owner)
            place = MailboxParts(self.svc.storage.staging, NAME, self.run_id, number)
            earlier = replace(place, run_id=before, mailbox=recoded.recoding.person.tolist().index(number))
            claim = place.claim(0)
            assert isinstance(claim, Claim)
            place.recode(claim, earlier, recoded.recoding)

    def _write_input(self, people: int) -> None:
        storage = self.svc.storage
        storage.input.write("contacts.csv", _csv(self.org.contacts))
        storage.input.write("accounts.csv", _csv(self.org.accounts))
        enrichments.save(self.svc, NAME, self.body, [], people, Condition())

    def _planned(self, resolution: Resolution, erased: Sequence[str]) -> Planned:
        verified = tuple(domain["name"] for domain in self.org.tenant["verifiedDomains"])
        data = planning.read_data(self.svc, self.body)
        tombstones = _tombstones(erased)
        return planning.make(
            KEY, self.body, data, resolution, verified, self.as_of_us, tombstones, may_be_empty=bool(erased)
        )

    def extract(self) -> None:
        """What the activity `extract_mailbox` leaves in staging, each mailbox in some parts."""
        for owner, mailbox in self.read.items():
            pages = pages_of(mailbox)
            number = self.people.index(owner)
            for part in range(self.partitions):
                self._write_part(number, part, pages)
            marker = {"outcome": "Read", "part": str(self.partitions - 1)}
            self.svc.storage.staging.write(blob_names.mailbox_progress(NAME, self.run_id, number), b"", marker)

    def _write_part(self, number: int, part: int, pages: Pages) -> None:
        plan, staging = self.plan, self.svc.storage.staging
        messages = MessageReader(plan.book, plan.window, plan.options, KEY, number, pages.excluded)
        meetings = MeetingReader(plan.book, plan.window, plan.options, KEY, number)
        for page in self._shuffled(pages.messages[part :: self.partitions]):
            messages.add(self._shuffled(wire.decode_messages(page).items))
        for page in self._shuffled(pages.events[part :: self.partitions]):
            meetings.add(self._shuffled(wire.decode_events(page).items))
        counts = {"Message": dict(messages.counts), "Meeting": dict(meetings.counts)}
        names = [blob_names.mailbox_part(NAME, self.run_id, number, part, kind) for kind in ("messages", "meetings")]
        staging.write(names[0], tables.write_message_copies(messages.copies(), counts))
        staging.write(names[1], tables.write_meeting_copies(meetings.copies()))

    def _shuffled(self, things):
        return self.order.sample(list(things), len(things))

    def fold(self) -> None:
        """Partition, join, aggregate, publish, as the orchestrator has them done."""
        groups = range(0, len(self.people), GROUP)
        not_read = [n for n, person in enumerate(self.people) if person not in self.read]
        for group, first in enumerate(groups):
            count = min(GROUP, len(self.people) - first)
            many = dict.fromkeys(range(first, first + count), self.partitions)
            order = PartitionOrder(
                enrichment=NAME,
                run_id=self.run_id,
                group=group,
                first=first,
                count=count,
                not_read=not_read,
                many=many,
                spread=self.spread,
            )
            self._count(partition_copies.run(order, self.svc).counts)
        self._aggregate(self._join(len(groups)))

    def _join(self, groups: int) -> int:
        """The days with items, as a number of bits."""
        days = 0
        for call in range(self.spread.joins):
            order = JoinOrder(
                enrichment=NAME,
                run_id=self.run_id,
                as_of_us=self.as_of_us,
                call=call,
                groups=groups,
                spread=self.spread,
            )
            joined = join_items.run(order, self.svc)
            self._count(joined.counts)
            days |= int(joined.days, 16)
        return days

    def _aggregate(self, days: int) -> None:
        run: Json = {"enrichment": NAME, "run_id": self.run_id, "as_of_us": self.as_of_us}
        for call in range(self.spread.aggregations):
            aggregate_bucket.run(BucketOrder(**run, call=call, spread=self.spread), self.svc)
        order = PublishOrder(
            **run, parts=self.spread.aggregations, counts=self.counts, days_with_items=days.bit_count()
        )
        publish_results.run(order, self.svc)

    def _count(self, counts: Counts) -> None:
        self.counts = add_counts(self.counts, counts)

    def published(self) -> Published:
        """The CSV files that `current.json` names, and the index beside them."""
        output = self.svc.storage.output
        current = json.loads(output.read(blob_names.current("Office")) or b"")
        files = {table["name"]: output.read(table["csv"]) or b"" for table in current["tables"]}
        return Published(
            {name: list(csv.DictReader(io.StringIO(data.decode()))) for name, data in files.items()},
            standing=standing_files.read(output.read(blob_names.index("Office", self.run_id)) or b""),
        )


def _tombstones(erased: Sequence[str]) -> list[Tombstone]:
    return [bury(f"e{number}", address, KEY) for number, address in enumerate(erased)]


def _csv(rows: list[dict[str, str]]) -> bytes:
    lines = io.StringIO()
    writer = csv.DictWriter(lines, rows[0] if rows else ["AccountId", "Name", "ParentId"])
    writer.writeheader()
    writer.writerows(rows)
    return lines.getvalue().encode()
