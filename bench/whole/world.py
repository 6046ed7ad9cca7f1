"""The world of a made-up organisation: its emulator, Azurite with an access log, and the local host around the app."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.report import ROOT
from bench.whole.organisation import Size, tenant_files
from localdev import azurite
from localdev.processes import Child
from localdev.world import World


@contextmanager
def running(pages: Path, size: Size, state: Path, latency: float) -> Iterator[World]:
    """pages: as `prebuild` has filled it · state: an empty folder · latency: seconds that each call to Graph takes."""
    world = World(state, tenant_files(size, {}))
    with ExitStack() as stopping:
        log = world.log("azurite")
        world.parts["azurite"] = azurite.launch(state / "azurite", log, access_log=True)
        stopping.callback(world.parts["azurite"].stop)
        command = [sys.executable, "-m", "bench.whole.graph", str(pages), str(latency)]
        world.parts["graph"] = Child("graph", command, world.log("graph"), cwd=ROOT)
        stopping.callback(world.parts["graph"].stop)
        world.blob_url = world.parts["azurite"].address()
        world.upload()
        world.graph_url = world.parts["graph"].address()
        world.start_host()
        stopping.callback(world.parts["host"].stop)
        yield world
