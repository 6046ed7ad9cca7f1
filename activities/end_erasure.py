"""The end of an erasure: what removed enrichments have left goes, and what became of it is kept."""

from __future__ import annotations

import azure.durable_functions as df

from shared.core.contracts import ErasureEnd, ErasureOrder
from shared.core.shell import answering
from shared.services import Services, services

bp = df.Blueprint()


@bp.activity_trigger(input_name="payload")
def end_erasure(payload: dict) -> dict:
    with answering("end_erasure") as answer:
        answer.wire = run(ErasureOrder.from_wire(payload), services()).to_wire()
    return answer.wire


def run(order: ErasureOrder, svc: Services) -> ErasureEnd:
    from shared.services import erasing

    erasing.end(svc, order.erasure)
    return ErasureEnd()
