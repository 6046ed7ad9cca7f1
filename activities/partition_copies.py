"""Sort the copies of a group of mailboxes by item, so that all copies of an item come together."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

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
    """A file for each call that joins; what the readers of mailboxes left out, and why, is added up on the way."""
    from shared.adapters import fact_files, tables
    from shared.core.columns import concat
    from shared.core.facts import MeetingCopies, MessageCopies

    counts: Counts = {}
    messages = [tables.empty(MessageCopies)]
    for data in fact_files.contents(svc.storage.staging, _parts(order, "messages")):
        messages.append(tables.read(MessageCopies, data))
        counts = add_counts(counts, tables.read_counts(data))
    _write(order, svc, concat(messages), "messages")
    del messages
    meetings = fact_files.read_all(svc.storage.staging, MeetingCopies, _parts(order, "meetings"))
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

    from shared.adapters import shuffles
    from shared.core.columns import split

    spread = order.spread
    partitions = split(copies, copies.item % np.uint64(spread.partitions), spread.partitions)

    def of_call(call: int) -> list[Any]:
        return [partitions[number] for number in spread.of_call(call, spread.partitions)]

    calls = range(spread.joins)
    names = [blob_names.partitions(order.enrichment, order.run_id, call, order.group, kind) for call in calls]
    shuffles.write(svc.storage.staging, {name: partial(of_call, call) for call, name in enumerate(names)})
