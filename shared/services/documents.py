"""JSON documents in a container, changed by conditional writes only: two writers never undo each other."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from shared.adapters.blobs import Container

Document = dict[str, Any]


def dump(document: Document) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def read(container: Container, name: str) -> Document | None:
    data = container.read(name)
    return None if data is None else json.loads(data)


def change(container: Container, name: str, how: Callable[[Document], Document | None]) -> Document | None:
    """The document as `how` made it of the stored one; again from the start where somebody else was faster.

    None, and nothing changed, where there is no such document or `how` gives None.
    """
    while (tagged := container.read_tagged(name)) is not None:
        changed = how(json.loads(tagged[0]))
        if changed is None:
            return None
        if container.replace(name, dump(changed), tagged[1]) is not None:
            return changed
    return None
