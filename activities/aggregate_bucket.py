"""From the items of some customers to their figures, per account and, where there is a hierarchy, per top."""

from __future__ import annotations

from typing import TYPE_CHECKING

import azure.durable_functions as df

from shared.core import blob_names
from shared.core.contracts import Bucketed, BucketOrder
from shared.core.shell import answering
from shared.services import Services, services

if TYPE_CHECKING:
    from shared.core.figures import Figures

bp = df.Blueprint()


@bp.activity_trigger(input_name="payload")
def aggregate_bucket(payload: dict) -> dict:
    with answering("aggregate_bucket") as answer:
        answer.wire = run(BucketOrder.from_wire(payload), services()).to_wire()
    return answer.wire


def run(order: BucketOrder, svc: Services) -> Bucketed:
    from shared.adapters import shuffles
    from shared.adapters.plan_files import load_plan
    from shared.core import engagement
    from shared.core.facts import MeetingItems, MessageItems
    from shared.core.replies import DAY_US

    staging = svc.storage.staging
    plan = load_plan(staging, order.enrichment, order.run_id)
    limit_us, top = plan.options.reply_limit_days * DAY_US, plan.contacts.top
    all_messages = shuffles.read(staging, MessageItems, _files(order, "messages"))
    all_meetings = shuffles.read(staging, MeetingItems, _files(order, "meetings"))
    of_accounts, of_tops = [], []
    for place in range(len(order.spread.of_call(order.call, order.spread.buckets))):
        messages, meetings = all_messages.part(place), all_meetings.part(place)
        of_accounts.append(engagement.by_account(messages, meetings, plan.window, limit_us))
        if plan.hierarchy:
            of_tops.append(engagement.by_top(of_accounts[-1], messages, meetings, top, plan.window, limit_us))
    _write(order, svc, of_accounts, "accounts", len(plan.contacts.accounts))
    if plan.hierarchy:
        _write(order, svc, of_tops, "tops", len(plan.contacts.tops))
    return Bucketed(accounts=sum(int((figures.level == 0).sum()) for figures in of_accounts))


def _files(order: BucketOrder, kind: str) -> list[str]:
    return [
        blob_names.buckets(order.enrichment, order.run_id, order.call, call, kind) for call in range(order.spread.joins)
    ]


def _write(order: BucketOrder, svc: Services, buckets: list[Figures], table: str, customers: int) -> None:
    """Sorted into the ranges of customers in which they are published."""
    from shared.adapters import shuffles
    from shared.core.columns import concat, split
    from shared.core.figures import ranges_of

    figures = concat(buckets)
    size, number = ranges_of(customers)
    name = blob_names.figures(order.enrichment, order.run_id, order.call, table)
    shuffles.write(svc.storage.staging, {name: lambda: split(figures, figures.account // size, number)})
