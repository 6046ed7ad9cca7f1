"""Join the copies of some partitions into items, and sort the items into buckets of customers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import azure.durable_functions as df

from shared.core import blob_names
from shared.core.contracts import Counts, Joined, JoinOrder
from shared.core.progress import add_counts
from shared.core.shell import answering
from shared.services import Services, services

if TYPE_CHECKING:
    from shared.core.facts import Contacts, MeetingItems, MessageItems

bp = df.Blueprint()


@bp.activity_trigger(input_name="payload")
def join_items(payload: dict) -> dict:
    with answering("join_items") as answer:
        answer.wire = run(JoinOrder.from_wire(payload), services()).to_wire()
    return answer.wire


def run(order: JoinOrder, svc: Services) -> Joined:
    """Accounts below one topmost customer share a bucket, so that one bucket serves both levels (semantics §11)."""
    import numpy as np

    from shared.adapters import shuffles
    from shared.adapters.plan_files import load_plan
    from shared.core.copies import days_as_hex
    from shared.core.facts import MeetingCopies, MessageCopies
    from shared.core.join_meetings import join_meetings
    from shared.core.join_messages import join_messages
    from shared.core.periods import DAYS

    plan = load_plan(svc.storage.staging, order.enrichment, order.run_id)
    days = np.zeros(DAYS, np.bool_)
    counts: Counts = {}
    kinds: tuple[tuple[str, str, Any, Any], ...] = (
        ("Message", "messages", MessageCopies, join_messages),
        ("Meeting", "meetings", MeetingCopies, join_meetings),
    )
    for scope, kind, copies, join in kinds:
        shuffle = shuffles.read(svc.storage.staging, copies, _files(order, kind))
        sorted_items = []
        for place in range(len(order.spread.of_call(order.call, order.spread.partitions))):
            # Nobody here holds on to the copies: a join lets go of them as soon as it has sorted them.
            joined = join(shuffle.part(place), plan.contacts, plan.window)
            sorted_items.append(_sorted(order, joined.items, plan.contacts))
            counts, days = add_counts(counts, {scope: joined.counts}), days | joined.days
        del shuffle, joined
        _write(order, svc, sorted_items, kind)
    return Joined(counts=counts, days=days_as_hex(days))


def _files(order: JoinOrder, kind: str) -> list[str]:
    return [
        blob_names.partitions(order.enrichment, order.run_id, order.call, group, kind) for group in range(order.groups)
    ]


def _sorted(order: JoinOrder, items: MessageItems | MeetingItems, contacts: Contacts) -> list[Any]:
    """The items of each bucket."""
    from shared.core.columns import split

    return split(items, contacts.top[items.account] % order.spread.buckets, order.spread.buckets)


def _write(order: JoinOrder, svc: Services, sorted_items: list[list[Any]], kind: str) -> None:
    """sorted_items: of each partition its buckets."""
    from shared.adapters import shuffles
    from shared.core.columns import concat

    def buckets(call: int) -> Iterator[Any]:
        for number in order.spread.of_call(call, order.spread.buckets):
            yield concat([of_partition[number] for of_partition in sorted_items])

    calls = range(order.spread.aggregations)
    names = [blob_names.buckets(order.enrichment, order.run_id, call, order.call, kind) for call in calls]
    shuffles.write(svc.storage.staging, {name: partial(buckets, call) for call, name in enumerate(names)})
