"""From the items of some customers to their figures, per account and, where there is a hierarchy, per top."""

from __future__ import annotations

import azure.durable_functions as df

from shared.core import blob_names
from shared.core.contracts import Bucketed, BucketOrder
from shared.core.shell import answering
from shared.services import Services, services

bp = df.Blueprint()


@bp.activity_trigger(input_name="payload")
def aggregate_bucket(payload: dict) -> dict:
    with answering("aggregate_bucket") as answer:
        answer.wire = run(BucketOrder.from_wire(payload), services()).to_wire()
    return answer.wire


def run(order: BucketOrder, svc: Services) -> Bucketed:
    from shared.adapters import fact_files, tables
    from shared.adapters.plan_files import load_plan
    from shared.core import engagement
    from shared.core.facts import MeetingItems, MessageItems
    from shared.core.replies import DAY_US

    staging = svc.storage.staging
    plan = load_plan(staging, order.enrichment, order.run_id)
    messages = fact_files.read_all(staging, MessageItems, _files(order, "messages"))
    meetings = fact_files.read_all(staging, MeetingItems, _files(order, "meetings"))
    limit_us = plan.options.reply_limit_days * DAY_US
    figures = engagement.by_account(messages, meetings, plan.window, limit_us)
    staging.write(_figures(order, "accounts"), tables.write(figures))
    if plan.hierarchy:
        of_tops = engagement.by_top(messages, meetings, plan.contacts.top, plan.window, limit_us)
        staging.write(_figures(order, "tops"), tables.write(of_tops))
    return Bucketed(accounts=int((figures.level == 0).sum()))


def _files(order: BucketOrder, kind: str) -> list[str]:
    return [
        blob_names.bucket(order.enrichment, order.run_id, order.bucket, partition, kind)
        for partition in range(order.partitions)
    ]


def _figures(order: BucketOrder, table: str) -> str:
    return blob_names.figures(order.enrichment, order.run_id, order.bucket, table)
