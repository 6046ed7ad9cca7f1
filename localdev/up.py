"""`make up`: the offline world with one result in it or none, left running until Ctrl-C and kept for the next time."""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import requests

from localdev import browser, demo, world
from localdev.caller import Caller, NotDone
from localdev.processes import Interrupted, WorldBroken, tidy_signals
from localdev.screen import Screen
from localdev.world import Ports, Source, World

FOLDER = world.ROOT / ".local" / "up"
EMPTY_FOLDER = world.ROOT / ".local" / "up-empty"
# The year of `docs/tour.md`, whose figures are then those on the screen.
EMPTY = Source()
WANTED = Ports(host=7071, graph=8089, blobs=10000, smtp=8025, mails=8026)
LOOK_SECONDS = 1.0


def main(argv: Sequence[str]) -> int:
    """Run until interrupted, which is how to stop it and gives 0; 1 when a part does not start or ends by itself."""
    parser = argparse.ArgumentParser(prog="python -m localdev up", description=__doc__)
    parser.add_argument("--fresh", action="store_true", help="forget what an earlier one left")
    parser.add_argument("--empty", action="store_true", help="save and run nothing: where docs/tour.md begins")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where everything is kept")
    arguments = parser.parse_args(argv)
    folder: Path = arguments.folder or (EMPTY_FOLDER if arguments.empty else FOLDER)
    if arguments.fresh:
        shutil.rmtree(folder, ignore_errors=True)
    screen = Screen()
    try:
        with tidy_signals():
            stay(folder, screen, arguments.empty)
    except Interrupted:
        screen.say(f"\nEverything is stopped; what it held is kept in {os.path.relpath(folder)}.")
        return 0
    except (WorldBroken, NotDone, browser.PageUnexpected, requests.RequestException) as failure:
        print(f"\n{failure}\nLogs: {folder / 'logs'}", file=sys.stderr)
    return 1


def stay(folder: Path, screen: Screen, empty: bool) -> None:
    """Start the world, make a first result where there is none (unless `empty`), and watch over it. Ends only by an
    exception.
    """
    source = EMPTY if empty else Source(kept_as_of(folder / "as-of"))
    screen.say("Starting Azurite, the Graph and Entra emulator, the mail catcher and the local host …")
    with world.running(source, folder, ports=usable(WANTED)) as here:
        if not empty and Caller(here.url).enrichment(demo.NAME) is None:
            demo.first_run(here, source, folder / "tables", screen)
        tell(here, screen)
        while True:
            here.check()
            time.sleep(LOOK_SECONDS)


def kept_as_of(file: Path) -> datetime:
    """Where the sample company's year ends: today, the first time; the same afterwards, so that the tenant stays."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(world.rfc3339(datetime.now(UTC).replace(minute=0, second=0, microsecond=0)))
    return datetime.fromisoformat(file.read_text().strip())


def usable(wanted: Ports) -> Ports:
    """The wanted ports, but a free one in place of each that is taken."""
    return Ports(**{name: port if _free(port) else 0 for name, port in vars(wanted).items()})


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def tell(here: World, screen: Screen) -> None:
    screen.title("Running. Ctrl-C stops everything and keeps what it holds.")
    for what, where in (
        ("Pages", f"{here.url}/ui"),
        ("API", f"{here.url}/api/enrichments"),
        ("Mails", f"{here.mails_url}/"),
        ("Graph, Entra", f"{here.graph_url}/v1.0 (counts: {here.graph_url}/_emulator/stats)"),
        ("Blobs", f"{here.blob_url}/devstoreaccount1"),
        ("Logs", str(here.state / "logs")),
    ):
        screen.say(f"  {what:<13}{where}")
