"""The end of a run: its last status is kept, the next run may start."""

from __future__ import annotations

from datetime import datetime

import azure.durable_functions as df

from shared.core.contracts import Closed, CloseOrder
from shared.core.errors import without_values
from shared.core.periods import to_us
from shared.services import Services, services

bp = df.Blueprint()


@bp.activity_trigger(input_name="payload")
def close_run(payload: dict) -> dict:
    with without_values("close_run"):
        return run(CloseOrder.from_wire(payload), services()).to_wire()


def run(order: CloseOrder, svc: Services) -> Closed:
    from shared.services import consent, runs

    if order.consent_withdrawn:
        ended_us = to_us(datetime.fromisoformat(order.status["endedAt"]))
        consent.mark_withdrawn(svc, order.enrichment, ended_us)
    runs.close(svc, order.enrichment, order.run_id, order.status)
    return Closed()
