"""The app's own functions over a served emulator: its settings, and a mailbox read on from call to call."""

from __future__ import annotations

from typing import Any

from localdev.graph.app import Served
from shared.core.contracts import ExtractedPart, ExtractOrder
from shared.settings import Settings
from tests.fake_graph import settings


def settings_for(served: Served, tenant_id: str, **more: Any) -> Settings:
    """What reading the tenant looks at, and whatever else the test needs."""
    return settings(
        tenant_id=tenant_id,
        client_id="c1",
        client_secret="any",
        graph_base_url=served.graph_url,
        authority_url="https://login.microsoftonline.com",
        entra_loopback_url=served.url,
        pseudonym_key=bytes(range(32)),
        supported_countries=frozenset({"DE", "US", "GB"}),
        **more,
    )


def following(order: ExtractOrder, part: ExtractedPart) -> ExtractOrder:
    """The order for the next call of a mailbox that has more, as its group gives it."""
    carried = {"part": part.parts, "cursor": part.cursor, "progressed_us": part.progressed_us}
    return order.model_copy(update=carried)
