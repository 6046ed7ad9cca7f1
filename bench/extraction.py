"""Extraction: prebuilt pages from a server on one core → facts, by the product's own activity on another.

`python -m bench extraction [--mailboxes 3] [--rounds 5] [--sdk <python>]`: items per second of CPU time, with folders,
plan, ledger and Parquet included. Beside it, in turn, the loops of `extraction_peer`, whose rows have to be the same,
and the models of msgraph-sdk where a Python has them (`make bench` makes one).
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp.connector

from bench import extraction_pages, extraction_peer, extraction_rows, frame, staged
from bench.extraction_activity import NAME, extract, with_plan
from bench.extraction_pages import CERTIFICATE, EVENTS, MESSAGES, pin
from bench.extraction_peer import Row
from bench.frame import Figure
from bench.fresh import in_fresh_process

PEERS = {"requests + json": extraction_peer.by_requests, "httpx + json": extraction_peer.by_httpx}
OURS, MODELS = "ours", "msgraph-sdk models"
MULTIPLES: tuple[tuple[str, float, float | None], ...] = (("requests + json", 3, 4), (MODELS, 1000, None))
SDK = Path(__file__).parent.parent / ".local/msgraph-sdk/bin/python"
QUICK = ("--mailboxes", "1", "--rounds", "3")
_SDK_PAGES = 2
_COLLECTING = gc.get_threshold()  # Python's own, which the activity raises for its whole process


@dataclass(frozen=True, slots=True)
class Variant:
    """title: in the table · must, aim: items per second and core · is_alone: told of memory and sizes too."""

    title: str
    person: str
    tls: bool
    items: int
    must: int
    aim: int
    is_alone: bool = False


VARIANTS = (
    Variant("messages, lean pages", "lean", False, MESSAGES, 250_000, 350_000, is_alone=True),
    Variant("messages, with ids and etags", "full", False, MESSAGES, 200_000, 260_000),
    Variant("messages, lean pages over TLS", "lean", True, MESSAGES, 200_000, 260_000),
    Variant("calendar pages", "calendar", False, EVENTS, 150_000, 250_000, is_alone=True),
)


def measure(arguments: list[str]) -> list[Figure]:
    parser = argparse.ArgumentParser(prog="python -m bench extraction")
    parser.add_argument("--mailboxes", type=int, default=3, help="of one round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--alone", action="store_true", help="without what it is compared with")
    parser.add_argument("--sdk", type=Path, default=SDK, help="a Python that has msgraph-sdk")
    parser.add_argument("--profile", type=Path, help="where to write a profile of one round")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name, _server(Path(name)) as urls:
        # The context that every session of aiohttp's uses where it is told nothing else.
        aiohttp.connector._SSL_CONTEXT_VERIFIED.load_verify_locations(Path(name) / CERTIFICATE)
        pin(1)
        return [one for variant in VARIANTS for one in _measure(Path(name), urls[variant.tls], variant, given)]


def _measure(folder: Path, url: str, variant: Variant, given: argparse.Namespace) -> list[Figure]:
    """Rounds of ours and of the peers in turn; the rows of all are compared first, which warms them up."""
    place = folder / variant.title
    svc = with_plan(place, url)
    peers = {} if given.alone else PEERS
    extract(svc, variant.person, 1)  # the server makes its pages when they are asked for the first time
    own = extraction_rows.of_ours(svc.storage.staging, NAME, variant.person)
    for peer in peers.values():
        extraction_rows.check(own, peer(url, variant.person, folder / CERTIFICATE)[1], variant.title)
    if given.profile and variant is VARIANTS[0]:
        with cProfile.Profile(time.process_time) as profile:
            extract(svc, variant.person, given.mailboxes)
        profile.dump_stats(given.profile)

    def by(peer: Callable[[str, str, Path], tuple[float, list[Row]]]) -> Callable[[], float]:
        return lambda: _as_python_collects(lambda: peer(url, variant.person, folder / CERTIFICATE)[0])

    gc.collect()
    gc.freeze()  # what the bench itself holds is to slow nobody's collections
    variants = {OURS: lambda: extract(svc, variant.person, given.mailboxes)} | {
        who: by(peer) for who, peer in peers.items()
    }
    seconds = frame.interleaved(given.rounds, variants, warm_up=False)
    rates = {who: [variant.items / each for each in taken] for who, taken in seconds.items()}
    if variant is VARIANTS[0] and given.sdk.exists() and not given.alone:
        rates[MODELS] = [_by_sdk(given.sdk, url, own)]
    told = _told(variant, rates)
    if variant.is_alone:
        peaks = [in_fresh_process("extraction_activity", variant.person, place).peak for _ in range(given.rounds)]
        name = f"extraction: {variant.title}, memory of the process at its peak"
        told.append(frame.figure(name, "MB", "lower", peaks, must=400, aim=250))
        told += staged.figures(svc.storage.staging, NAME, variant.person)
    return told


def _as_python_collects(measure: Callable[[], float]) -> float:
    """The measurement, with garbage collected as it is where nobody has set that."""
    ours = gc.get_threshold()
    gc.set_threshold(*_COLLECTING)
    try:
        return measure()
    finally:
        gc.set_threshold(*ours)


def _told(variant: Variant, rates: dict[str, list[float]]) -> list[Figure]:
    """The rate, and how many times a peer's it is where there is a limit for that."""
    name, ours = f"extraction: {variant.title}", rates.pop(OURS)
    told = [frame.figure(name, "items/s/core", "higher", ours, rates, must=variant.must, aim=variant.aim)]
    if variant is VARIANTS[0]:
        for who, must, aim in MULTIPLES:
            if who in rates:
                theirs = rates[who] if len(rates[who]) > 1 else rates[who] * len(ours)
                told.append(frame.multiple(f"{name}, beside {who}", ours, theirs, "higher", must=must, aim=aim))
    return told


def _by_sdk(python: Path, url: str, own: list[Row]) -> float:
    """Messages per second and core; its rows have to be the first of ours."""
    script = Path(extraction_pages.__file__).with_name("extraction_sdk.py")
    command = [str(python), str(script), url, str(_SDK_PAGES)]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    seconds, rows = json.loads(answer.stdout)
    extraction_rows.check(own[: len(rows)], [tuple(row) for row in rows], "msgraph-sdk")
    return 1000 / float(seconds)


@contextmanager
def _server(folder: Path) -> Iterator[tuple[str, str]]:
    """A server of pages in a process of its own; its addresses, plain and over TLS."""
    command = [sys.executable, "-m", "bench.extraction_pages", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process.stdout.readline().strip()
        finally:
            process.terminate()
