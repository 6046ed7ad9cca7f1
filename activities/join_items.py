"""Join the copies of one partition into items, and sort the items into buckets of customers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import azure.durable_functions as df

from shared.core import blob_names
from shared.core.contracts import Joined, JoinOrder
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
    from shared.adapters import fact_files
    from shared.adapters.plan_files import load_plan
    from shared.core.copies import days_as_hex
    from shared.core.facts import MeetingCopies, MessageCopies
    from shared.core.join_meetings import join_meetings
    from shared.core.join_messages import join_messages

    plan = load_plan(svc.storage.staging, order.enrichment, order.run_id)
    # Nobody here holds on to the copies: a join lets go of them as soon as it has sorted them.
    messages = join_messages(
        fact_files.read_all(svc.storage.staging, MessageCopies, _partitions(order, "messages")),
        plan.contacts,
        plan.window,
    )
    _write(order, svc, messages.items, plan.contacts, "messages")
    counts, days = {"Message": messages.counts}, messages.days
    del messages
    meetings = join_meetings(
        fact_files.read_all(svc.storage.staging, MeetingCopies, _partitions(order, "meetings")),
        plan.contacts,
        plan.window,
    )
    _write(order, svc, meetings.items, plan.contacts, "meetings")
    return Joined(counts=counts | {"Meeting": meetings.counts}, days=days_as_hex(days | meetings.days))


def _partitions(order: JoinOrder, kind: str) -> list[str]:
    return [
        blob_names.partition(order.enrichment, order.run_id, group, order.partition, kind)
        for group in range(order.groups)
    ]


def _write(order: JoinOrder, svc: Services, items: MessageItems | MeetingItems, contacts: Contacts, kind: str) -> None:
    from shared.adapters import fact_files
    from shared.core.columns import split

    buckets = split(items, contacts.top[items.account] % order.buckets, order.buckets)
    names = [
        blob_names.bucket(order.enrichment, order.run_id, number, order.partition, kind)
        for number in range(order.buckets)
    ]
    fact_files.write_all(svc.storage.staging, dict(zip(names, buckets, strict=True)))
