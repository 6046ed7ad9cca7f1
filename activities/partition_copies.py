"""Sort the copies of a group of mailboxes by item, so that all copies of an item come together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import azure.durable_functions as df

from shared.core import blob_names
from shared.core.contracts import Counts, Partitioned, PartitionOrder
from shared.core.progress import add_counts
from shared.core.shell import answering
from shared.services import Services, services

if TYPE_CHECKING:
    from shared.core.facts import MeetingCopies, MessageCopies

bp = df.Blueprint()


@bp.activity_trigger(input_name="payload")
def partition_copies(payload: dict) -> dict:
    with answering("partition_copies") as answer:
        answer.wire = run(PartitionOrder.from_wire(payload), services()).to_wire()
    return answer.wire


def run(order: PartitionOrder, svc: Services) -> Partitioned:
    """One file per partition and kind; what the readers of mailboxes left out, and why, is added up on the way."""
    from shared.adapters import fact_files, tables
    from shared.core.columns import concat
    from shared.core.facts import MeetingCopies, MessageCopies

    counts: Counts = {}
    messages = [tables.empty(MessageCopies)]
    for data in fact_files.contents(svc.storage.staging, _parts(order, "messages")):
        messages.append(tables.read(MessageCopies, data))
        counts = add_counts(counts, tables.read_counts(data))
    meetings = fact_files.read_all(svc.storage.staging, MeetingCopies, _parts(order, "meetings"))
    _write(order, svc, concat(messages), "messages")
    _write(order, svc, meetings, "meetings")
    return Partitioned(counts=counts)


def _parts(order: PartitionOrder, kind: str) -> Iterator[str]:
    """The facts of the mailboxes that were read to their end."""
    for mailbox in range(order.first, order.first + order.count):
        if mailbox not in order.not_read:
            for part in range(order.many.get(mailbox, 1)):
                yield blob_names.mailbox_part(order.enrichment, order.run_id, mailbox, part, kind)


def _write(order: PartitionOrder, svc: Services, copies: MessageCopies | MeetingCopies, kind: str) -> None:
    import numpy as np

    from shared.adapters import fact_files
    from shared.core.columns import split

    number = (copies.item % np.uint64(order.partitions)).astype(np.uint16)
    parts = split(copies, number, order.partitions)
    names = [blob_names.partition(order.enrichment, order.run_id, order.group, n, kind) for n in range(len(parts))]
    fact_files.write_all(svc.storage.staging, dict(zip(names, parts, strict=True)))
