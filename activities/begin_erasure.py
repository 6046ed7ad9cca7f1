"""Which tables can be recomputed now without a person who is erased: a run is reserved for each."""

from __future__ import annotations

import azure.durable_functions as df

from shared.core.contracts import ErasureBegun, ErasureOrder
from shared.core.shell import answering
from shared.services import Services, services

bp = df.Blueprint()


@bp.activity_trigger(input_name="payload")
def begin_erasure(payload: dict) -> dict:
    with answering("begin_erasure") as answer:
        answer.wire = run(ErasureOrder.from_wire(payload), services()).to_wire()
    return answer.wire


def run(order: ErasureOrder, svc: Services) -> ErasureBegun:
    from shared.services import erasing

    return erasing.begin(svc, order.erasure)
