"""The life of a run outside its orchestration: reserve, follow, cancel, close.

A run's record (`blob_names.run`) holds its request, its last status and a phase: `active` → `publishing` → `closed`, or
`active` → `canceled`. Each step is one conditional write, so that of a cancel and a publish only one wins. The blob
`blob_names.active` names the enrichment's only active run.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Literal, Protocol, TypeVar

from shared.core import blob_names
from shared.core.contracts import Problem, RunRequest
from shared.core.errors import Conflict, Fault, Invalid, Missing, PlatformAway, StorageAway
from shared.core.periods import from_us, to_us
from shared.core.progress import ENDED, Progress, cut_short
from shared.core.run_start import FUTURE
from shared.services import Services, enrichments, erasures, markers, snapshots, turns
from shared.services.documents import Document, change, dump, read
from shared.services.enrichments import StoredEnrichment

# Between reserving a run and starting its orchestration lie a few requests; after this time it will not start any more.
GRACE = timedelta(minutes=2)

Kind = Literal["manual", "scheduled", "retry", "erasure"]
T = TypeVar("T")
OVER = ("Completed", "Failed", "Terminated", "Canceled")


class Durable(Protocol):
    """What is needed of the durable client."""

    async def start_new(self, orchestration_function_name: str, instance_id: str, client_input: Any) -> str: ...

    async def get_status(self, instance_id: str) -> Any: ...

    async def terminate(self, instance_id: str, reason: str) -> Any: ...


async def _asked(answer: Awaitable[T]) -> T:
    """What the durable client answers; it raises plain exceptions, whose texts may repeat what it was given."""
    try:
        return await answer
    except Exception as error:
        raise PlatformAway(f"The platform's orchestrations cannot be reached ({type(error).__name__}).") from None


async def begin_orchestration(durable: Durable, orchestrator: str, instance: str, order: Document) -> None:
    """Raises `PlatformAway`."""
    await _asked(durable.start_new(orchestrator, instance, order))


async def is_alive(durable: Durable, instance: str) -> bool:
    """Whether the orchestration has begun and not ended. Raises `PlatformAway`."""
    runtime_status = getattr(await _asked(durable.get_status(instance)), "runtime_status", None)
    return runtime_status is not None and runtime_status.name not in OVER


def instance_id(enrichment: str, run_id: str) -> str:
    return f"{enrichment}-{run_id}"


def active_run(svc: Services, enrichment: str) -> str | None:
    """The id of the enrichment's active run."""
    holder = read(svc.storage.config, blob_names.active(enrichment))
    return holder["runId"] if holder else None


def has_published(svc: Services, enrichment: str) -> bool:
    return svc.storage.config.read(blob_names.published(enrichment)) is not None


def last_status(svc: Services, enrichment: str) -> Document | None:
    """The status of the enrichment's newest run, as its record has it."""
    names = svc.storage.config.newest_first(blob_names.runs(enrichment))
    record = read(svc.storage.config, names[0]) if names else None
    return record["status"] if record else None


def history(svc: Services, enrichment: str, skip: int, top: int) -> tuple[list[Document], bool]:
    """The records of the enrichment's runs, newest first, and whether there are more."""
    names = svc.storage.config.newest_first(blob_names.runs(enrichment))
    records = [read(svc.storage.config, name) for name in names[skip : skip + top]]
    return [record for record in records if record], len(names) > skip + top


def find(svc: Services, enrichment: str, run_id: str) -> Document | None:
    """The record of a run; `run_id` may be whatever a caller wrote."""
    return read(svc.storage.config, blob_names.run(enrichment, run_id)) if snapshots.RUN_ID.fullmatch(run_id) else None


def record_of(svc: Services, enrichment: str, run_id: str) -> Document:
    record = find(svc, enrichment, run_id)
    if record is None:
        raise Missing("Run not found", f"The enrichment {enrichment} has no such run. Its runs are listed at …/runs.")
    return record


async def start(
    svc: Services,
    durable: Durable,
    enrichment: str,
    *,
    kind: Kind,
    as_of_us: int | None = None,
    full: bool = False,
    retry: str | None = None,
) -> RunRequest:
    """Start a run; `Conflict` while another one of this enrichment is active. as_of_us, full, retry: `RunRequest`."""
    if as_of_us is not None and as_of_us > to_us(svc.now()):
        raise Invalid("asOf lies in the future", f"asOf {FUTURE}.", [Fault("/asOf", FUTURE)])
    await let_go_of_the_dead(svc, durable, enrichment)
    wanted = {"kind": kind, "as_of_us": as_of_us, "full": full, "retry": retry}
    request = await asyncio.to_thread(_reserve, svc, enrichment, wanted)
    name = instance_id(enrichment, request.run_id)
    try:
        # Looked at after the reservation: whoever removes the enrichment finds the run, or we find that they have.
        check_active(await asyncio.to_thread(enrichments.load, svc, enrichment))
        await asyncio.to_thread(erasures.check_keys, svc)
        await asyncio.to_thread(erasures.check_none_pending, svc, enrichment)
        await begin_orchestration(durable, "enrichment_run", name, request.to_wire())
    except BaseException:
        await asyncio.to_thread(_release, svc, request)
        raise
    return request


def check_active(stored: StoredEnrichment) -> None:
    """Raises `Conflict` for an enrichment whose runs may not start."""
    enrichments.refuse_removed(stored)
    if not stored.is_active:
        raise Conflict("The enrichment is inactive", "An inactive enrichment has no runs. Activate it, then start one.")


def _reserve(svc: Services, enrichment: str, wanted: dict[str, Any]) -> RunRequest:
    request = _record(svc, enrichment, wanted)
    if not _become_active(svc, request):
        raise Conflict(
            "A run is active",
            f"The enrichment {enrichment} has a run that has not ended. Wait for it, or cancel it, then start again.",
        )
    return request


def reserve_recomputing(
    svc: Services, enrichment: str, erasure: str, as_of_us: int, recompute: str
) -> RunRequest | None:
    """A run, beside the active one, that counts anew what the run `recompute` has read; None while another one reads,
    or the enrichment is being removed.

    Again for the same erasure: the same run again.
    """
    held_by, reader = turns.holder(svc, enrichment), turns.reader(svc, enrichment)
    if held_by and reader:
        is_own = held_by["erasure"] == erasure
        return RunRequest.from_wire(record_of(svc, enrichment, reader)["request"]) if is_own else None
    wanted = {"kind": "erasure", "as_of_us": as_of_us, "recompute": recompute}
    request = _record(svc, enrichment, wanted)
    if turns.take(svc, enrichment, request.run_id, erasure):
        stored = enrichments.find(svc, enrichment)
        is_open = any(each.id == erasure and each.is_open for each in erasures.every(svc))
        # Looked at after the reservation, as `start` does: this may be an attempt that nobody waits for any more.
        if stored is not None and not stored.removal and is_open:
            return request
        turns.release(svc, enrichment, request.run_id)
    svc.storage.config.delete(blob_names.run(enrichment, request.run_id))
    return None


def _record(svc: Services, enrichment: str, wanted: dict[str, Any]) -> RunRequest:
    """A new run under the first second that is free; `wanted`: fields of the request."""
    settings = svc.settings
    second = svc.now().replace(microsecond=0)
    while True:
        request = RunRequest(
            enrichment=enrichment,
            run_id=second.strftime("%Y%m%dT%H%M%SZ"),
            started_us=to_us(second),
            consent_poll=_seconds(settings.consent_poll),
            consent_timeout=_seconds(settings.consent_timeout),
            mailbox_patience=_seconds(settings.mailbox_patience),
            **wanted,
        )
        record = {"request": request.to_wire(), "phase": "active", "status": Progress(request).to_json()}
        if svc.storage.config.create(blob_names.run(enrichment, request.run_id), dump(record)) is not None:
            return request
        second += timedelta(seconds=1)


def _become_active(svc: Services, request: RunRequest) -> bool:
    """Whether the run is the active one now; if not, its record is gone."""
    holder = dump({"runId": request.run_id, "sinceUs": to_us(svc.now())})
    record = blob_names.run(request.enrichment, request.run_id)
    try:
        taken = svc.storage.config.create(blob_names.active(request.enrichment), holder) is not None
    except StorageAway:
        with suppress(StorageAway):
            svc.storage.config.delete(record)
        raise
    if not taken:
        svc.storage.config.delete(record)
    return taken


def _seconds(duration: timedelta) -> int:
    return math.ceil(duration.total_seconds())


def _release(svc: Services, request: RunRequest) -> None:
    """Undo a reservation whose orchestration could not be started."""
    turns.let_go(svc, blob_names.active(request.enrichment), request.run_id)
    svc.storage.config.delete(blob_names.run(request.enrichment, request.run_id))


async def let_go_of_the_dead(svc: Services, durable: Durable, enrichment: str) -> None:
    """Close a run that is called active, or is said to read, though its orchestration has ended or never began."""
    for name in (blob_names.active(enrichment), blob_names.reading(enrichment)):
        held_by = await asyncio.to_thread(read, svc.storage.config, name)
        if held_by is not None:
            await _let_go_if_dead(svc, durable, enrichment, name, held_by["runId"])


async def _let_go_if_dead(svc: Services, durable: Durable, enrichment: str, name: str, run_id: str) -> None:
    record = await asyncio.to_thread(read, svc.storage.config, blob_names.run(enrichment, run_id))
    if record is None:
        await asyncio.to_thread(turns.let_go, svc, name, run_id)
        return
    status = await _asked(durable.get_status(instance_id(enrichment, run_id)))
    if await _is_dead(svc, record, status):
        await asyncio.to_thread(close, svc, enrichment, run_id, _dead_status(svc, record, status))


async def _is_dead(svc: Services, record: Document, status: Any) -> bool:
    runtime_status = getattr(status, "runtime_status", None)
    if runtime_status is None:
        is_late = svc.now() - from_us(record["request"]["started_us"]) > GRACE
        return is_late and not await asyncio.to_thread(_is_yet_to_begin, svc, record)
    return runtime_status.name in OVER


def _is_yet_to_begin(svc: Services, record: Document) -> bool:
    """Whether an erasure that goes on has reserved the run: it begins it, however long the host was away meanwhile."""
    request = record["request"]
    held_by = turns.holder(svc, request["enrichment"]) if request["kind"] == "erasure" else None
    return (
        held_by is not None
        and held_by["runId"] == request["run_id"]
        and any(each.id == held_by["erasure"] and each.is_open for each in erasures.every(svc))
    )


def _dead_status(svc: Services, record: Document, status: Any) -> Document:
    last = getattr(status, "custom_status", None) or record["status"]
    if last["state"] in ENDED:
        return dict(last)
    problem = Problem(
        title="The run stopped without ending",
        detail="Its orchestration is no longer running and left no result. Nothing was published; the former result "
        "stays. The app's log says why; start a new run.",
    )
    return cut_short(last, "Failed", to_us(svc.now()), problem)


def configuration(rules: Document, config_hash: str, erased: Sequence[str]) -> Document:
    """What is kept of a run's plan in its record: what changed its numbers (semantics §9), and a hash of the whole
    configuration.

    erased: ids of the erasures under which it reads and counts.
    """
    return {"rules": rules, "configHash": config_hash, "erased": list(erased)}


def remember_configuration(
    svc: Services, enrichment: str, run_id: str, rules: Document, config_hash: str, erased: Sequence[str]
) -> None:
    """Store `configuration` with the run, unless an attempt before has done so."""
    told = configuration(rules, config_hash, erased)

    def knowing(record: Document) -> Document | None:
        return None if "configHash" in record else record | told

    change(svc.storage.config, blob_names.run(enrichment, run_id), knowing)


def settle_configuration(svc: Services, enrichment: str, run_id: str, told: Document) -> None:
    """Store the `configuration` of the plan that counts: what other attempts have said gives way."""

    def settled(record: Document) -> Document | None:
        return None if record | told == record else record | told

    change(svc.storage.config, blob_names.run(enrichment, run_id), settled)


def keep_faults(svc: Services, enrichment: str, run_id: str, title: str, faults: list[Document]) -> None:
    """Store all faults of the run's problem of this title: what passes through its orchestration is bounded."""
    name = blob_names.run(enrichment, run_id)
    change(svc.storage.config, name, lambda record: record | {"faulty": title, "faults": faults})


def begin_publishing(svc: Services, enrichment: str, run_id: str) -> bool:
    """From here on the run cannot be cancelled; False where it has been. Again for the same run: True again."""

    def publishing(record: Document) -> Document | None:
        return record | {"phase": "publishing"} if record["phase"] in ("active", "publishing") else None

    return change(svc.storage.config, blob_names.run(enrichment, run_id), publishing) is not None


def is_publishing(svc: Services, enrichment: str, run_id: str) -> bool:
    """Whether it publishes and has not ended: not, where another attempt has brought it to its end meanwhile."""
    record = find(svc, enrichment, run_id)
    return record is not None and record["phase"] == "publishing"


def close(svc: Services, enrichment: str, run_id: str, status: Document) -> None:
    """Keep the run's last status and let the next one start. Doing it twice is doing it once."""
    whole = (blob_names.staging(enrichment, run_id),)
    kept_no_longer = svc.settings.staging_retention == timedelta(0)
    for prefix in whole if kept_no_longer else blob_names.between_stages(enrichment, run_id):
        svc.storage.staging.delete_prefix(prefix)

    def closed(record: Document) -> Document | None:
        if record["phase"] == "canceled":
            return None
        return record | {"phase": "closed", "status": _with_all_faults(status, record)}

    is_known = change(svc.storage.config, blob_names.run(enrichment, run_id), closed) is not None
    # An attempt that comes after its enrichment was removed must not speak for a new one of that name.
    if is_known and status["state"] in ("Succeeded", "SucceededWithWarnings"):
        svc.storage.config.write(blob_names.published(enrichment), dump({"runId": run_id}))
    _unlock(svc, enrichment, run_id)


def _with_all_faults(status: Document, record: Document) -> Document:
    """Faults that another attempt has kept, of which nobody heard, are not the problem's."""
    problem, faults = status.get("problem"), record.get("faults")
    if not problem or not faults:
        return status
    told = problem.get("errors") or []
    if problem["title"] != record.get("faulty", problem["title"]) or told != faults[: len(told)]:
        return status
    return status | {"problem": problem | {"errors": faults}}


def _unlock(svc: Services, enrichment: str, run_id: str) -> None:
    turns.release(svc, enrichment, run_id)
    turns.let_go(svc, blob_names.active(enrichment), run_id)


async def cancel(svc: Services, durable: Durable, enrichment: str, run_id: str) -> None:
    """Stop the run; `Conflict` once it publishes or has ended, and for an erasure's, which is carried out."""
    record = await asyncio.to_thread(record_of, svc, enrichment, run_id)
    if record["request"]["kind"] == "erasure":
        raise Conflict("An erasure is not cancelled", "This run takes a person out of the tables; nothing was stopped.")
    await _cancel(svc, durable, enrichment, run_id)


async def _cancel(svc: Services, durable: Durable, enrichment: str, run_id: str) -> None:
    instance = instance_id(enrichment, run_id)
    status = await _asked(durable.get_status(instance))

    def canceled(record: Document) -> Document | None:
        if record["phase"] != "active":
            return None
        last = getattr(status, "custom_status", None) or record["status"]
        return record | {"phase": "canceled", "status": cut_short(last, "Canceled", to_us(svc.now()))}

    record = await asyncio.to_thread(change, svc.storage.config, blob_names.run(enrichment, run_id), canceled)
    if record is None:
        raise Conflict("Too late to cancel", "The run is publishing its result or has ended; nothing was stopped.")
    await _terminate(durable, instance, record["status"])
    await asyncio.to_thread(_unlock, svc, enrichment, run_id)


async def stop(svc: Services, durable: Durable, enrichment: str) -> None:
    """Cancel the enrichment's active run, and an erasure's, if it has one. `Conflict` while that one publishes, or is
    just ending.
    """
    for run_id in await check_stoppable(svc, durable, enrichment):
        try:
            await _cancel(svc, durable, enrichment, run_id)
        except Conflict:
            raise _publishing(run_id) from None


async def check_stoppable(svc: Services, durable: Durable, enrichment: str) -> list[str]:
    """The enrichment's runs that have not ended. `Conflict` where one of them cannot be stopped any more."""
    await let_go_of_the_dead(svc, durable, enrichment)
    run_ids = await asyncio.to_thread(_not_ended, svc, enrichment)
    for run_id in run_ids:
        record = await asyncio.to_thread(find, svc, enrichment, run_id)
        if record and record["phase"] in ("publishing", "closed"):
            raise _publishing(run_id)
    return run_ids


def _not_ended(svc: Services, enrichment: str) -> list[str]:
    """The active run, and the one whose turn it is to read, which may be an erasure's."""
    held_by = turns.holder(svc, enrichment)
    found = (active_run(svc, enrichment), held_by["runId"] if held_by else None)
    return [run_id for run_id in dict.fromkeys(found) if run_id]


def _publishing(run_id: str) -> Conflict:
    detail = f"The run {run_id} is publishing its result. Nothing was changed; try again when it has ended."
    return Conflict("A run is publishing", detail)


async def _terminate(durable: Durable, instance: str, status: Document) -> None:
    """Terminating an orchestration leaves its children running: end them by their ids."""
    people = status["counts"]["mailboxes"]["selected"]
    groups = math.isqrt(people - 1) + 1 if people else 0
    children = [f"{instance}:consent", *(f"{instance}:{group}" for group in range(groups))]
    for name in (instance, *children):
        if await is_alive(durable, name):
            await _asked(durable.terminate(name, "cancelled"))


async def follow(svc: Services, durable: Durable, enrichment: str, run_id: str) -> Document:
    """The run's status: its record's where it has ended, else its orchestration's with what the markers add."""
    return await follow_record(svc, durable, await asyncio.to_thread(record_of, svc, enrichment, run_id))


async def follow_record(svc: Services, durable: Durable, record: Document) -> Document:
    enrichment, run_id = record["request"]["enrichment"], record["request"]["run_id"]
    if record["phase"] in turns.ENDED_PHASES:
        return dict(record["status"])
    status = await _asked(durable.get_status(instance_id(enrichment, run_id)))
    if await _is_dead(svc, record, status):
        await asyncio.to_thread(close, svc, enrichment, run_id, _dead_status(svc, record, status))
        return dict((await asyncio.to_thread(record_of, svc, enrichment, run_id))["status"])
    told = dict(getattr(status, "custom_status", None) or record["status"])
    return await asyncio.to_thread(markers.refine, svc, told)
