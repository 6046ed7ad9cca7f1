"""Sort the copies of a group of mailboxes by item, so that all copies of an item come together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeVar

import azure.durable_functions as df

from shared.core import blob_names
from shared.core.contracts import Counts, Partitioned, PartitionOrder
from shared.core.progress import add_counts
from shared.core.shell import answering
from shared.services import Services, services

if TYPE_CHECKING:
    from shared.core.facts import MeetingCopies, MessageCopies

    Facts = TypeVar("Facts", MessageCopies, MeetingCopies)

bp = df.Blueprint()

# Copies that are sorted at once, and up to a part of a mailbox more: a mailbox or a group may have more than fits.
PER_ROUND = 250_000


@bp.activity_trigger(input_name="payload")
def partition_copies(payload: dict) -> dict:
    with answering("partition_copies") as answer:
        answer.wire = run(PartitionOrder.from_wire(payload), services()).to_wire()
    return answer.wire


def run(order: PartitionOrder, svc: Services) -> Partitioned:
    """A file for each call that joins; what the readers of mailboxes left out, and why, is added up on the way."""
    from shared.core.facts import MeetingCopies, MessageCopies

    return Partitioned(counts=add_counts(_sort(order, svc, MessageCopies), _sort(order, svc, MeetingCopies)))


def _sort(order: PartitionOrder, svc: Services, kind: type[Facts]) -> Counts:
    """Take as many parts of mailboxes as fit into a round, and sort them; the counts that these parts carry."""
    from shared.adapters import fact_files, shuffles, tables
    from shared.core.facts import MessageCopies
    from shared.core.weights import weight

    name = "messages" if kind is MessageCopies else "meetings"
    staging, calls = svc.storage.staging, range(order.spread.joins)
    files = shuffles.Rounds(kind, [len(order.spread.of_call(call, order.spread.partitions)) for call in calls])
    counts: Counts = {}
    waiting = [tables.empty(kind)]
    for data in fact_files.contents(staging, _parts(order, name)):
        waiting.append(tables.read(kind, data))
        counts = add_counts(counts, tables.read_counts(data))
        if sum(map(weight, waiting)) >= PER_ROUND:
            files.add(_partitions(order, waiting))
    files.add(_partitions(order, waiting))
    files.write(
        staging,
        [blob_names.partitions(order.enrichment, order.run_id, call, order.group, name) for call in calls],
    )
    return counts


def _parts(order: PartitionOrder, kind: str) -> Iterator[str]:
    """The facts of the mailboxes that were read to their end."""
    for mailbox in range(order.first, order.first + order.count):
        if mailbox not in order.not_read:
            for part in range(order.many.get(mailbox, 1)):
                yield blob_names.mailbox_part(order.enrichment, order.run_id, mailbox, part, kind)


def _partitions(order: PartitionOrder, waiting: list[Facts]) -> list[Facts]:
    """What was waiting, by partition; nothing of it waits any more."""
    import numpy as np

    from shared.core.columns import concat, split

    copies = concat(waiting)
    del waiting[1:]  # the first has no rows, and says what the columns are
    return split(copies, copies.item % np.uint64(order.spread.partitions), order.spread.partitions)
