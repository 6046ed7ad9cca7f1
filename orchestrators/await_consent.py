"""Waits until consent is there: looks now and then, and at once when the callback calls; continues as new each time.

One wait per execution, so that its event's name is unique in it: an early event would satisfy every later wait.
"""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from orchestrators.calls import StepFailed, call
from shared.core.contracts import CHECK_CONSENT, Consent, ConsentQuery, ConsentWatch
from shared.core.periods import MICROSECONDS, from_us, to_us

bp = df.Blueprint()

# Roles may reach tokens minutes after the administrator said yes.
EAGER_POLL, EAGER_FOR_US = 30, 15 * 60 * MICROSECONDS

# A timer of more than six days is split by the SDK, and then cannot be cancelled whole.
LONGEST_POLL = 24 * 3600

LOOKS = 3  # of which each may fail; the next poll looks again

CONSENT_EVENT = "consent"


@bp.orchestration_trigger(context_name="context", orchestration="await_consent")
def await_consent(context: df.DurableOrchestrationContext):  # type: ignore[no-untyped-def]
    return (yield from run(context))


def run(context: Any) -> Generator[Any, Any, dict[str, Any] | None]:
    watch = ConsentWatch.from_wire(context.get_input())
    consent = yield from _look(context, watch)
    now_us = to_us(context.current_utc_datetime)
    if consent.granted or consent.problem or now_us >= watch.until_us:
        return consent.to_wire()
    called = context.wait_for_external_event(CONSENT_EVENT)
    timer = context.create_timer(_next_look(context, watch, now_us))
    winner = yield context.task_any([called, timer])
    if winner == called:
        timer.cancel()
        watch = watch.model_copy(update={"eager_until_us": to_us(context.current_utc_datetime) + EAGER_FOR_US})
    context.continue_as_new(watch.to_wire())
    return None


def _look(context: Any, watch: ConsentWatch) -> Generator[Any, Any, Consent]:
    try:
        query = ConsentQuery(enrichment=watch.enrichment, run_id=watch.run_id)
        return (yield from call(context, CHECK_CONSENT, query, LOOKS))
    except StepFailed:
        # Days of waiting outlive an hour in which Entra does not answer.
        return Consent(granted=False)


def _next_look(context: Any, watch: ConsentWatch, now_us: int) -> Any:
    poll = EAGER_POLL if now_us < watch.eager_until_us else watch.poll
    following = context.current_utc_datetime + timedelta(seconds=min(poll, watch.poll, LONGEST_POLL))
    return min(following, from_us(watch.until_us))
