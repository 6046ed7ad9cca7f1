"""A person is erased: of every enrichment with a result a run counts anew, each as soon as none of its own is reading.

One look per execution, which continues as new: an erasure may wait for hours for a run that reads.
"""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from orchestrators.calls import StepFailed, StepRefused, call, pause, sub_each
from shared.core.contracts import BEGIN_ERASURE, END_ERASURE, ErasureBegun, ErasureOrder, RunEnd, RunRequest

bp = df.Blueprint()

LONGEST_PAUSE = timedelta(minutes=1)


@bp.orchestration_trigger(context_name="context", orchestration="carry_out_erasure")
def carry_out_erasure(context: df.DurableOrchestrationContext):  # type: ignore[no-untyped-def]
    return (yield from run(context))


def run(context: Any) -> Generator[Any, Any, None]:
    order = ErasureOrder.from_wire(context.get_input())
    begun = yield from _begin(context, order)
    if begun.runs:
        yield from _recompute(context, order, begun.runs)
    elif begun.waiting:
        yield _rest(context, order)
    else:
        yield from call(context, END_ERASURE, order)
        return
    context.continue_as_new(order.model_copy(update={"looks": order.looks + 1}).to_wire())


def _begin(context: Any, order: ErasureOrder) -> Generator[Any, Any, ErasureBegun]:
    try:
        return (yield from call(context, BEGIN_ERASURE, order))
    except (StepFailed, StepRefused):
        return ErasureBegun(waiting=1)  # it outlives an hour in which storage does not answer


def _rest(context: Any, order: ErasureOrder) -> Any:
    return context.create_timer(context.current_utc_datetime + min(pause(order.looks), LONGEST_PAUSE))


def _recompute(context: Any, order: ErasureOrder, requests: list[RunRequest]) -> Generator[Any, Any, None]:
    """A run that fails, or is stopped because its enrichment is removed, says so in its own record.

    One whose orchestration breaks cannot, and is begun again: after a pause, since it may break again.
    """
    ids = [f"{request.enrichment}-{request.run_id}" for request in requests]
    try:
        yield from sub_each(context, "enrichment_run", requests, RunEnd, ids)
    except (StepFailed, StepRefused):
        yield _rest(context, order)
