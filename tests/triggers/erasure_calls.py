"""Calls of the routes of erasures and runs, over an app whose enrichments publish the least there can be."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest

from shared.services import Services, erasing, runs
from shared.settings import Settings
from tests.fakes import ENVIRONMENT, FakeDurable
from tests.services.erasure_stage import CARL, erase, published
from tests.triggers.world import TENANT_ID, request
from triggers import enrichments as enrichment_routes
from triggers import erasures as routes
from triggers import http
from triggers import runs as run_routes
from triggers.http import Access

OTHER_KEY = base64.b64encode(b"\1" * 32).decode()
PATH = "/api/erasures"


def serve(monkeypatch: pytest.MonkeyPatch, svc: Services) -> Services:
    monkeypatch.setattr(http, "services", lambda: svc)
    return svc


def under_another_key(svc: Services) -> Services:
    """The same app, started with another PSEUDONYM_KEY."""
    values = ENVIRONMENT | {
        "PSEUDONYM_KEY": OTHER_KEY,
        "TENANT_ID": TENANT_ID,
        "GRAPH_BASE_URL": svc.settings.graph_base_url,
        "ENTRA_LOOPBACK_URL": svc.settings.entra_loopback_url or "",
    }
    return replace(svc, settings=Settings.from_environ({name: value for name, value in values.items() if value}))


async def post(body: Any = None, durable: FakeDurable | None = None) -> Any:
    wanted = {"address": CARL} if body is None else body
    return await http.respond(
        request("POST", PATH, wanted), Access.WRITE, routes.request, durable if durable is not None else FakeDurable()
    )


async def listed(query: str = "") -> Any:
    return await http.respond(request("GET", PATH + query), Access.READ, routes.every)


async def one(id: str) -> Any:
    return await http.respond(request("GET", f"{PATH}/{id}", id=id), Access.READ, routes.one)


async def start(durable: FakeDurable | None = None) -> Any:
    req = request("POST", "/api/enrichments/sales/runs", name="sales")
    return await http.respond(req, Access.WRITE, run_routes.start, durable or FakeDurable())


async def cancel(run_id: str, durable: FakeDurable | None = None) -> Any:
    req = request("POST", f"/api/enrichments/sales/runs/{run_id}/cancel", name="sales", runId=run_id)
    return await http.respond(req, Access.WRITE, run_routes.cancel, durable or FakeDurable())


async def delete(durable: FakeDurable) -> Any:
    return await http.respond(request("DELETE", name="sales"), Access.WRITE, enrichment_routes.delete, durable)


async def pending(svc: Services) -> str:
    """An erasure of which no run has begun; the id of the erasure."""
    await published(svc)
    return (await erase(svc)).id


async def recomputing(svc: Services, durable: FakeDurable) -> str:
    """The id of an erasure's run that goes on."""
    erasure = await pending(svc)
    (run,) = erasing.begin(svc, erasure).runs
    durable.started[runs.instance_id("sales", run.run_id)] = run.to_wire()
    return run.run_id


def blobs(svc: Services) -> dict[str, bytes]:
    """All that the app keeps."""
    containers: Any = (svc.storage.config, svc.storage.staging, svc.storage.output)
    return {name: blob[0] for container in containers for name, blob in container.blobs.items()}
