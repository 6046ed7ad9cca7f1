"""Offline worlds for tests of the whole path: real HTTP, the local host, the Graph emulator, Azurite."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from localdev import azurite, node, world
from localdev.world import Source
from tests.end_to_end import village
from tests.end_to_end.app import App, OpenWorld

# Nothing waits for the clock, unless a test has set it so.
AT_ONCE = {"FIRST_RUN_DELAY": "PT0S", "CONSENT_POLL": "PT1S", "MAILBOX_PATIENCE": "PT30M"}


@pytest.fixture(scope="session")
def open_world(tmp_path_factory: pytest.TempPathFactory) -> OpenWorld:
    """Starts a world and stops it: `with open_world(source, granted=…, settings={…}) as app`."""
    if not azurite.PROGRAM.exists():
        pytest.skip("Azurite is not installed: python3 -m localdev.setup node")
    try:
        node.find()
    except node.NodeMissing as missing:
        pytest.skip(str(missing))

    @contextmanager
    def opened(
        source: Source,
        *,
        granted: bool = True,
        settings: Mapping[str, str] | None = None,
        graph_arguments: Sequence[str] = (),
    ) -> Iterator[App]:
        with world.running(
            source,
            tmp_path_factory.mktemp("world"),
            granted=granted,
            settings={**AT_ONCE, **(settings or {})},
            graph_arguments=graph_arguments,
        ) as here:
            yield App(here)

    return opened


@pytest.fixture(scope="session")
def village_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small tenant as files."""
    folder = tmp_path_factory.mktemp("village")
    village.tenant().save(folder)
    return folder
