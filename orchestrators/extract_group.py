"""Some mailboxes side by side, each again and again until it is read to its end, refused, or given up.

A mailbox whose calls keep raising, because they kill their worker, is given up like one that Graph does not answer for:
when it has made no progress for the patience of the run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from orchestrators.calls import StepRefused, pause, try_each
from shared.core.contracts import EXTRACT_MAILBOX, Cursor, ExtractedPart, ExtractOrder, GroupOrder, GroupReport, Refusal
from shared.core.periods import MICROSECONDS, to_us

bp = df.Blueprint()

# Timers may fire up to a second early, and a mailbox that may be read in a moment may be read now.
SLACK_US = 1_500_000


@bp.orchestration_trigger(context_name="context", orchestration="extract_group")
def extract_group(context: df.DurableOrchestrationContext):  # type: ignore[no-untyped-def]
    return (yield from run(context))


@dataclass
class Mailbox:
    """What the group remembers of a mailbox between two calls."""

    progressed_us: int
    cursor: Cursor | None = None
    parts: int = 0
    copies: int = 0
    ready_us: int = 0
    failures: int = 0


def run(context: Any) -> Generator[Any, Any, dict[str, Any]]:
    try:
        return (yield from _read(context)).to_wire()
    except StepRefused as refused:
        return Refusal(refused=refused.problem).to_wire()


def _read(context: Any) -> Generator[Any, Any, GroupReport]:
    order = GroupOrder.from_wire(context.get_input())
    started_us = to_us(context.current_utc_datetime)
    open_mailboxes = {number: Mailbox(started_us) for number in range(order.first, order.first + order.count)}
    ended: dict[int, tuple[str, Mailbox]] = {}
    while open_mailboxes and not any(outcome == "ConsentWithdrawn" for outcome, _ in ended.values()):
        now_us = to_us(context.current_utc_datetime)
        ready = [number for number, mailbox in open_mailboxes.items() if mailbox.ready_us <= now_us + SLACK_US]
        if not ready:
            soonest_us = min(mailbox.ready_us for mailbox in open_mailboxes.values())
            yield context.create_timer(context.current_utc_datetime + timedelta(microseconds=soonest_us - now_us))
            continue
        orders = [_order(order, number, open_mailboxes[number]) for number in ready]
        answers = yield from try_each(context, EXTRACT_MAILBOX, orders)
        now_us = to_us(context.current_utc_datetime)
        for number, answer in zip(ready, answers, strict=True):
            outcome = _note(open_mailboxes[number], answer, now_us, order.patience)
            if outcome != "More":
                ended[number] = (outcome, open_mailboxes.pop(number))
    return _report(ended)


def _order(order: GroupOrder, number: int, mailbox: Mailbox) -> ExtractOrder:
    return ExtractOrder(
        enrichment=order.enrichment,
        run_id=order.run_id,
        mailbox=number,
        part=mailbox.parts,
        cursor=mailbox.cursor,
        progressed_us=mailbox.progressed_us,
        patience=order.patience,
    )


def _note(mailbox: Mailbox, answer: ExtractedPart | None, now_us: int, patience: int) -> str:
    """Remember the answer; what has become of the mailbox."""
    if answer is None:
        mailbox.ready_us = now_us + int(pause(mailbox.failures).total_seconds() * MICROSECONDS)
        mailbox.failures += 1
        return "Unavailable" if now_us - mailbox.progressed_us >= patience * MICROSECONDS else "More"
    mailbox.failures = 0
    mailbox.parts, mailbox.cursor = answer.parts, answer.cursor
    mailbox.copies += answer.copies
    mailbox.progressed_us = answer.progressed_us or mailbox.progressed_us
    # Retry intervals below a second are nothing to the platform's timers.
    mailbox.ready_us = now_us + int(answer.wait * MICROSECONDS)
    return answer.outcome


def _report(ended: dict[int, tuple[str, Mailbox]]) -> GroupReport:
    read = {number: mailbox for number, (outcome, mailbox) in ended.items() if outcome == "Read"}
    reasons = Counter(outcome for outcome, _ in ended.values())
    return GroupReport(
        reasons=dict(sorted(reasons.items())),
        not_read=sorted(number for number in ended if number not in read),
        many={number: mailbox.parts for number, mailbox in sorted(read.items()) if mailbox.parts != 1},
        copies=sum(mailbox.copies for mailbox in read.values()),
        consent_withdrawn="ConsentWithdrawn" in reasons,
    )
