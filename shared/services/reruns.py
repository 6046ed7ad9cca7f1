"""Which earlier run a run may build on: its facts are kept, and were read under the same people, contacts and rules."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.core import blob_names
from shared.core.errors import Conflict, Fault, Invalid
from shared.core.periods import from_us
from shared.core.plan import Plan, fingerprint
from shared.services import Services, runs, turns
from shared.services.documents import Document, read

if TYPE_CHECKING:
    from shared.adapters.plan_files import Origin
    from shared.core.contracts import ResolveOrder
    from shared.services.enrichments import StoredEnrichment

# Of the newest runs so many are looked at: a daily schedule within the usual retention, and some started by hand.
_LOOKED_AT = 20


def based(svc: Services, order: ResolveOrder, plan: Plan) -> Plan:
    """The plan, with the run that it builds on. Raises `Conflict` where a retry's facts do not fit it any more."""
    if order.retry is None:
        return plan if order.full else replace(plan, base=_base(svc, order.enrichment, plan))
    record = runs.record_of(svc, order.enrichment, order.retry)
    if _kept(svc, record).fingerprint != fingerprint(plan):
        raise _does_not_fit()
    return replace(plan, base=order.retry, as_is=True)


def check_retry(svc: Services, stored: StoredEnrichment, run_id: str) -> int:
    """The `asOf` of the run that is to be retried. `Invalid` where there is no such run; `Conflict` where it has not
    ended, or its facts are no longer kept or no longer fit the enrichment.
    """
    from shared.core.enrichment import facts_hash

    record = runs.find(svc, stored.name, run_id)
    if record is None:
        raise Invalid("Run not found", "retry names no run.", [Fault("/retry", "names no run of this enrichment")])
    if record["phase"] not in turns.ENDED_PHASES:
        raise Conflict("The run has not ended", "Only a run that has ended can be retried. Wait for it, or cancel it.")
    origin = _kept(svc, record)
    if origin.configuration != facts_hash(stored.body):
        raise _does_not_fit()
    return origin.as_of_us


def _base(svc: Services, enrichment: str, plan: Plan) -> str | None:
    """Of the runs that have published and whose facts fit, the one that saw the latest `asOf`."""
    wanted, found = fingerprint(plan), []
    for name in svc.storage.config.newest_first(blob_names.runs(enrichment))[:_LOOKED_AT]:
        record = read(svc.storage.config, name)
        if record is None or record["status"]["state"] not in ("Succeeded", "SucceededWithWarnings"):
            continue
        origin = origin_of(svc, record)
        if origin and origin.fingerprint == wanted and origin.as_of_us <= plan.window.as_of_us:
            found.append((origin.as_of_us, record["request"]["run_id"]))
    return max(found)[1] if found else None


def _kept(svc: Services, record: Document) -> Origin:
    origin = origin_of(svc, record)
    if origin is None:
        detail = "What that run has read is no longer kept (STAGING_RETENTION). Start a run without retry."
        raise Conflict("The facts of the run are not kept", detail)
    return origin


def origin_of(svc: Services, record: Document) -> Origin | None:
    """Under what the run's facts were read; None where they are kept no longer."""
    from shared.adapters.plan_files import read_origin

    request = record["request"]
    if from_us(request["started_us"]) < svc.now() - svc.settings.staging_retention:
        return None
    return read_origin(svc.storage.staging, request["enrichment"], request["run_id"])


def _does_not_fit() -> Conflict:
    detail = (
        "The people, their addresses, the contacts or the rules have changed since that run. Start a run without retry."
    )
    return Conflict("The facts of the run do not fit any more", detail)
