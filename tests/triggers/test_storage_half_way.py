"""Storage that goes away between two calls of one answer: what is seen then, and that it can be done again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.adapters.blobs import Storage
from shared.core.errors import StorageAway
from shared.services import Services
from tests.fakes import FakeDurable
from tests.triggers import world as w
from tests.triggers.test_bad_input import app, get, put, start
from tests.triggers.world import BODY, told
from triggers import http


class Fuse:
    """So many calls are answered, then none. `done`: the first one that is not answered has been carried out."""

    def __init__(self, calls: int, done: bool) -> None:
        self.calls, self.done = calls, done

    def call(self, method: Callable[..., Any], *args: Any, **named: Any) -> Any:
        self.calls -= 1
        if self.calls >= 0:
            return method(*args, **named)
        if self.calls == -1 and self.done:
            method(*args, **named)
        raise StorageAway("Blob Storage did not answer.")


class Fused:
    def __init__(self, container: Any, fuse: Fuse) -> None:
        self._container, self._fuse = container, fuse

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._container, name)
        return lambda *args, **named: self._fuse.call(method, *args, **named)


def with_fuse(svc: Services, fuse: Fuse) -> Services:
    each: Any = (svc.storage.input, svc.storage.config, svc.storage.staging, svc.storage.output)
    return replace(svc, storage=Storage(*(Fused(container, fuse) for container in each)))


LOST = pytest.mark.parametrize("done", [False, True], ids=["not done", "done but not answered"])


@LOST
@pytest.mark.parametrize("granted", [True, False], ids=["granted", "consent missing"])
async def test_a_save_that_storage_leaves_half_way_can_be_seen_whole_or_not_at_all_and_done_again(
    monkeypatch, granted, done
):
    async with app(monkeypatch, granted=granted) as made:
        for calls in range(100):
            for container in (made.svc.storage.config, made.svc.storage.staging):
                container.delete_prefix("")
            fuse = Fuse(calls, done)
            monkeypatch.setattr(http, "services", lambda fuse=fuse: with_fuse(made.svc, fuse))
            response = await put(BODY | {"displayName": "First"})
            monkeypatch.setattr(http, "services", lambda: made.svc)
            if response.status_code == 201 and fuse.calls >= 0:
                break
            assert response.status_code == 503, response.get_body()
            assert int(response.headers["Retry-After"]) > 0
            seen = await get()
            assert seen.status_code == 404 or told(seen)["displayName"] == "First"
            assert (await put(BODY | {"displayName": "Second"})).status_code in (200, 201)
            assert told(await get())["displayName"] == "Second"
        else:
            pytest.fail("the save never came through")
        assert calls > 3


@LOST
async def test_a_start_that_storage_leaves_half_way_blocks_the_next_for_two_minutes_at_most(monkeypatch, done):
    """What the platform was told to run is a run; anything else is in nobody's way."""
    async with app(monkeypatch) as made:
        for calls in range(100):
            made.svc.storage.config.delete_prefix("")
            await put()
            durable, fuse = FakeDurable(), Fuse(calls, done)
            monkeypatch.setattr(http, "services", lambda fuse=fuse: with_fuse(made.svc, fuse))
            response = await start(durable)
            later = replace(made.svc, now=lambda: w.NOW + timedelta(minutes=3))
            monkeypatch.setattr(http, "services", lambda later=later: later)
            if response.status_code == 202:
                assert len(durable.started) == 1
                break
            assert response.status_code == 503
            assert int(response.headers["Retry-After"]) > 0
            assert not durable.started
            assert (await start(durable)).status_code == 202
        else:
            pytest.fail("the run never started")
        assert calls > 2
