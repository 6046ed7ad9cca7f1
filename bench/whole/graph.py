"""The emulator of a made-up organisation, with its prebuilt pages: `python -m bench.whole.graph <folder> [<latency>]`.

Entra, directory, consent and everything that nobody had foreseen are answered as the emulator answers anything else.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path

from bench.whole.organisation import Size, tenant_files
from bench.whole.prebuild import LINKS, PORT
from bench.whole.team import Mailboxes
from localdev.graph.app import running
from localdev.graph.context import Emulator
from localdev.graph.prebuilt import Prebuilt


async def serve(folder: Path, latency: float) -> None:
    """Until SIGTERM. folder: as `prebuild` has filled it · latency: seconds that each call to Graph takes."""
    stamp = json.loads((folder / "size.json").read_text())
    size = Size(**{name: stamp[name] for name in Size.__dataclass_fields__})
    files = tenant_files(size, Mailboxes(size))
    emulator = Emulator(files, granted=True, latency=latency, prebuilt=Prebuilt(folder / "answers"))
    emulator.links = LINKS
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with running(emulator, PORT) as served:
        print(f"Graph and Entra emulator on {served.url}: {size.mailboxes:,} prebuilt mailboxes", flush=True)
        await stopped.wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 0.0))
