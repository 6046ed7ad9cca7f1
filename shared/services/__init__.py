"""Where real things are chosen: settings → clients, built on first use, replaceable in tests.

Beside it lie the few things that triggers and activities both do: `enrichments` (load, save), `consent` (ask, check),
`runs` (reserve, follow, close).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from shared.adapters.blobs import Storage, connect
from shared.settings import Settings

if TYPE_CHECKING:
    from shared.adapters.graph.client import GraphClient
    from shared.adapters.identity import TokenSource


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Services:
    """What an activity or a trigger may reach.

    tokens: app-only tokens for Graph · graph: `async with svc.graph() as graph` gives a client bound to the running
    loop · now: the wall clock, aware, UTC.
    """

    settings: Settings
    storage: Storage
    tokens: TokenSource
    graph: Callable[[], AbstractAsyncContextManager[GraphClient]]
    now: Callable[[], datetime] = _now


@lru_cache(maxsize=1)
def services() -> Services:
    """The services of this process. Raises `SettingsFault`, which names every setting that is missing or wrong."""
    from shared.adapters.graph import client
    from shared.adapters.identity import TokenSource

    settings = Settings.from_environ()
    tokens = TokenSource(settings)
    storage = connect(settings.data_storage, settings.data_storage_url)
    return Services(settings, storage, tokens, graph=lambda: client.connect(settings, tokens))
