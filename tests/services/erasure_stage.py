"""Enrichments whose runs publish the least there can be, and somebody who asks for erasures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shared.core import blob_names
from shared.core.contracts import RunRequest
from shared.core.enrichment import Enrichment
from shared.core.periods import to_us
from shared.services import Services, enrichments, erasing, erasures, history, runs, snapshots, turns
from shared.services.conditions import Condition
from shared.services.erasures import Erasure
from tests.fakes import FakeDurable
from tests.triggers.world import BODY, NOW

CARL = "carl@customer.example"
AS_OF_US = to_us(NOW) - 3_600_000_000


def save(svc: Services, name: str = "sales", **changes: Any) -> None:
    body = Enrichment.model_validate(BODY | changes, by_alias=True, by_name=False)
    enrichments.save(svc, name, body, [], None, Condition())


async def erase(svc: Services, address: str = CARL, durable: FakeDurable | None = None) -> Erasure:
    return await erasing.request(svc, durable or FakeDurable(), address)


async def reading(
    svc: Services, name: str = "sales", as_of_us: int = AS_OF_US, erased: Sequence[str] = ()
) -> RunRequest:
    """An ordinary run that has resolved people, under these erasures, and now reads."""
    request = await runs.start(svc, FakeDurable(), name, kind="manual", as_of_us=as_of_us)
    assert turns.take(svc, name, request.run_id)
    resolve(svc, request, erased)
    return request


def resolve(svc: Services, request: RunRequest, erased: Sequence[str] = ()) -> None:
    runs.remember_configuration(svc, request.enrichment, request.run_id, {}, "c0ffee", erased)
    svc.storage.staging.write(blob_names.plan(request.enrichment, request.run_id, "run.json"), b"{}")


def publish(svc: Services, request: RunRequest) -> None:
    """The run's result is there, and it ends."""
    name, run_id = request.enrichment, request.run_id
    output = enrichments.load(svc, name).body.output
    assert runs.begin_publishing(svc, name, run_id)
    assert request.as_of_us is not None
    svc.storage.output.write(blob_names.table(output, run_id, output, "csv"), b"CustomerId\n")
    snapshots.make_current(svc.storage.output, output, run_id, request.as_of_us, [], "c0ffee")
    history.note(svc, name, history.Publication(request.as_of_us, run_id, output, 1))
    erasing.published(svc, enrichments.load(svc, name), run_id)
    close(svc, request)


def close(svc: Services, request: RunRequest, state: str = "Succeeded") -> None:
    status = runs.record_of(svc, request.enrichment, request.run_id)["status"] | {"state": state}
    runs.close(svc, request.enrichment, request.run_id, status)


async def published(
    svc: Services, name: str = "sales", as_of_us: int = AS_OF_US, erased: Sequence[str] = ()
) -> RunRequest:
    """An ordinary run that has come to its end."""
    request = await reading(svc, name, as_of_us, erased)
    publish(svc, request)
    return request


def recompute(svc: Services, request: RunRequest, *erased: str) -> None:
    """An erasure's run comes to its end; erased: what it has looked up."""
    assert turns.take(svc, request.enrichment, request.run_id)
    resolve(svc, request, erased)
    publish(svc, request)


def carry_out(svc: Services, erasure: Erasure) -> list[str]:
    """The whole erasure; the names of the enrichments in the order in which they were recomputed."""
    names: list[str] = []
    while (begun := erasing.begin(svc, erasure.id)).runs:
        assert not set(names) & {request.enrichment for request in begun.runs}, "recomputed twice"
        for request in begun.runs:
            recompute(svc, request, erasure.id)
            names.append(request.enrichment)
    assert not begun.waiting
    erasing.end(svc, erasure.id)
    return names


def results(svc: Services, output: str = "Office") -> list[str]:
    """Ids of the runs whose results lie there."""
    return snapshots.run_ids(svc.storage.output, blob_names.results(output))


def facts(svc: Services, name: str = "sales") -> list[str]:
    """Ids of the runs whose facts are kept."""
    return snapshots.run_ids(svc.storage.staging, blob_names.staging_of(name))


def records(svc: Services, name: str = "sales") -> list[str]:
    return [entry.name.split("/")[-1].split(".")[0] for entry in svc.storage.config.entries(blob_names.runs(name))]


def state(svc: Services, erasure: Erasure) -> str:
    return erasures.find(svc, erasure.id).state


def run_of(svc: Services, erasure: Erasure) -> str | None:
    """By which run the tables of `sales` are recomputed."""
    run = erasures.find(svc, erasure.id).run_of("sales")
    return run.run_id if run else None
