"""An erasure's plan: that of an earlier run whose facts are kept, without the people who have been erased."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from shared.core.erasure import Tombstone, key_id
from shared.core.errors import FactsGone
from shared.services import Services, erasures, reruns, runs

if TYPE_CHECKING:
    from shared.adapters.plan_files import Origin
    from shared.core.contracts import ResolveOrder
    from shared.core.recoding import Recoded


def plan(svc: Services, order: ResolveOrder, tombstones: Sequence[Tombstone]) -> bool:
    """Write the plan, unless the run has one by now. False where the facts are gone, or were read under another key, in
    which nobody is recognised.
    """
    from shared.adapters import plan_files

    assert order.recompute is not None
    record = runs.find(svc, order.enrichment, order.recompute)
    origin = reruns.origin_of(svc, record) if record else None
    if record is None or origin is None or origin.key != key_id(svc.settings.pseudonym_key):
        return False
    try:
        recoded = _recoded(svc, order, origin, tombstones)
    except FactsGone:
        return False
    if recoded is None:
        return False
    # The configuration is that of the run that has read.
    told = (record["rules"], record["configHash"], [each.id for each in tombstones])
    runs.remember_configuration(svc, order.enrichment, order.run_id, *told)
    erasures.learn(svc, order.enrichment, recoded.finds)
    kept = runs.configuration(*told)
    provenance = plan_files.Provenance(
        origin.configuration, origin.key, recoded.counts, recoded.sources, recoded.recoding, kept
    )
    plan_files.write_plan(svc.storage.staging, order.enrichment, order.run_id, recoded.plan, provenance)
    return True


def _recoded(svc: Services, order: ResolveOrder, origin: Origin, tombstones: Sequence[Tombstone]) -> Recoded | None:
    from shared.adapters import mailbox_parts, plan_files
    from shared.core import recoding

    assert order.recompute is not None
    staging, name = svc.storage.staging, order.enrichment
    sources = plan_files.read_sources(staging, name, order.recompute)
    if sources is None:
        return None
    read = plan_files.load_plan(staging, name, order.recompute)
    if not mailbox_parts.are_whole(staging, name, order.recompute, len(read.people)):
        return None
    recoded = recoding.without(read, sources, origin.counts, tombstones, svc.settings.pseudonym_key)
    return replace(recoded, plan=replace(recoded.plan, base=order.recompute, as_is=True, recoded=True))
