"""From the items of some customers to their figures, per account and, where there is a hierarchy, per top."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import azure.durable_functions as df

from shared.core import blob_names
from shared.core.contracts import Bucketed, BucketOrder
from shared.core.shell import answering
from shared.services import Services, services

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from shared.core.facts import MeetingItems, MessageItems
    from shared.core.figures import Figures

bp = df.Blueprint()

# Figures are counted on a grid of accounts and weeks, whether or not an account has something in a week.
ACCOUNTS_AT_ONCE = 4_000


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
        for messages, meetings in _few(order, all_messages.part(place), all_meetings.part(place), top):
            of_accounts.append(engagement.by_account(messages, meetings, plan.window, limit_us))
            if plan.hierarchy:
                of_tops.append(engagement.by_top(of_accounts[-1], messages, meetings, top, plan.window, limit_us))
    accounts = sum(int((figures.level == 0).sum()) for figures in of_accounts)
    _write(order, svc, of_accounts, "accounts", len(plan.contacts.accounts))
    if plan.hierarchy:
        _write(order, svc, of_tops, "tops", len(plan.contacts.tops))
    return Bucketed(accounts=accounts)


def _few(
    order: BucketOrder, messages: MessageItems, meetings: MeetingItems, top: NDArray[np.int32]
) -> Iterator[tuple[MessageItems, MeetingItems]]:
    """The items of a bucket, of some topmost customers at a time where there are many accounts."""
    import numpy as np

    from shared.core.columns import split

    accounts = len(np.unique(np.concatenate([messages.account, meetings.account])))
    times = -(-accounts // ACCOUNTS_AT_ONCE)
    if times <= 1:
        yield messages, meetings
        return
    turn = top // order.spread.buckets % times  # what remains in that division is the bucket, for all of its tops
    of_turns = split(messages, turn[messages.account], times), split(meetings, turn[meetings.account], times)
    del messages, meetings
    yield from zip(*of_turns, strict=True)


def _files(order: BucketOrder, kind: str) -> list[str]:
    return [
        blob_names.buckets(order.enrichment, order.run_id, order.call, call, kind) for call in range(order.spread.joins)
    ]


def _write(order: BucketOrder, svc: Services, buckets: list[Figures], table: str, customers: int) -> None:
    """Sorted into the ranges of customers in which they are published; the buckets' figures are let go of."""
    from shared.adapters import shuffles
    from shared.core.columns import concat, split
    from shared.core.figures import ranges_of

    figures = concat(buckets)
    buckets.clear()
    size, number = ranges_of(customers)
    name = blob_names.figures(order.enrichment, order.run_id, order.call, table)
    shuffles.write(svc.storage.staging, {name: lambda: split(figures, figures.account // size, number)})
