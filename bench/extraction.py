"""Extraction: prebuilt pages from a server on one core → facts, by the product's own activity on another.

`python -m bench extraction [--mailboxes 3] [--rounds 5] [--sdk <python>] [--json <file>]` prints medians of CPU time:
items per second and core, with folders, plan, ledger and Parquet included. Beside it, in turn, the loops of
`extraction_peer`, whose rows have to be the same, and the models of msgraph-sdk where a Python that has them is named.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import gc
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any, cast

import aiohttp.connector

from activities import extract_mailbox
from bench import extraction_pages, extraction_peer, extraction_rows
from bench.extraction_pages import CERTIFICATE, EVENTS, MESSAGES, PEOPLE, pin
from bench.extraction_peer import Row
from bench.folder import storage
from shared.adapters.graph.client import connect
from shared.adapters.plan_files import write_plan
from shared.core.contracts import ExtractOrder
from shared.services import Services

NAME = "bench"
PEERS = {"requests + json": extraction_peer.by_requests, "httpx + json": extraction_peer.by_httpx}
_SDK_PAGES = 2


@dataclass(frozen=True, slots=True)
class Variant:
    """title: in the table · must, aim: items per second and core."""

    title: str
    person: str
    tls: bool
    items: int
    must: int
    aim: int


VARIANTS = (
    Variant("messages, lean pages", "lean", False, MESSAGES, 250_000, 350_000),
    Variant("messages, with ids and etags", "full", False, MESSAGES, 200_000, 260_000),
    Variant("messages, lean pages over TLS", "lean", True, MESSAGES, 200_000, 260_000),
    Variant("calendar pages", "calendar", False, EVENTS, 150_000, 250_000),
)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench extraction")
    parser.add_argument("--mailboxes", type=int, default=3, help="of one round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--alone", action="store_true", help="without what it is compared with")
    parser.add_argument("--sdk", type=Path, help="a Python that has msgraph-sdk")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--profile", type=Path, help="where to write a profile of one round")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name, _server(Path(name)) as urls:
        # The context that every session of aiohttp's uses where it is told nothing else.
        aiohttp.connector._SSL_CONTEXT_VERIFIED.load_verify_locations(Path(name) / CERTIFICATE)
        pin(1)
        print(f"{given.mailboxes} mailboxes a round, n = {given.rounds}; CPU time of the client's process")
        told = [_measure(Path(name), urls[variant.tls], variant, given) for variant in VARIANTS]
    if given.json:
        given.json.write_text(json.dumps(told, indent=1) + "\n")
    return 0


def _measure(folder: Path, url: str, variant: Variant, given: argparse.Namespace) -> dict[str, Any]:
    """Rounds of ours and of the peers in turn, so that a noisy stretch of the machine strikes all of them."""
    svc = _services(folder / variant.title, url)
    peers = {} if given.alone else PEERS
    seconds: dict[str, list[float]] = {who: [] for who in ("ours", *peers)}
    _extract(svc, variant, 1)  # the server makes its pages when they are asked for the first time
    own = extraction_rows.of_ours(svc.storage.staging, NAME, variant.person)
    for peer in peers.values():
        extraction_rows.check(own, peer(url, variant.person, folder / CERTIFICATE)[1], variant.title)
    if given.profile and variant is VARIANTS[0]:
        with cProfile.Profile() as profile:
            _extract(svc, variant, given.mailboxes)
        profile.dump_stats(given.profile)
    gc.collect()
    gc.freeze()  # what the bench itself holds is to slow nobody's collections
    for _ in range(given.rounds):
        seconds["ours"].append(_extract(svc, variant, given.mailboxes))
        for who, peer in peers.items():
            seconds[who].append(peer(url, variant.person, folder / CERTIFICATE)[0])
    rates = {who: [variant.items / each for each in taken] for who, taken in seconds.items()}
    if given.sdk and variant is VARIANTS[0] and not given.alone:
        rates["msgraph-sdk models"] = [_by_sdk(given.sdk, url, own)]
    return _tell(variant, rates)


def _tell(variant: Variant, rates: dict[str, list[float]]) -> dict[str, Any]:
    """One line each; the figures for the list of all benches."""
    ours = median(rates["ours"])
    noise = (max(rates["ours"]) - min(rates["ours"])) / ours
    print(f"{variant.title:<31}{ours:>10,.0f} /s/core (spread {noise:.0%}; must {variant.must:,}, aim {variant.aim:,})")
    for who in list(rates)[1:]:
        theirs = rates[who]
        pairs = zip(rates["ours"], theirs, strict=True) if len(theirs) > 1 else [(ours, theirs[0])]
        ratio = median(own / their for own, their in pairs)
        print(f"  {who:<29}{median(theirs):>10,.0f} /s/core, {ratio:,.1f} times less")
    return {
        "name": f"extraction: {variant.title}",
        "unit": "items/s/core",
        "better": "higher",
        "ours": round(ours),
        "peers": {who: round(median(each)) for who, each in rates.items() if who != "ours"},
        "must": variant.must,
        "aim": variant.aim,
        "met": ours >= variant.must,
    }


def _extract(svc: Services, variant: Variant, mailboxes: int) -> float:
    """CPU seconds for one mailbox."""
    order = ExtractOrder(enrichment=NAME, run_id=NAME, mailbox=PEOPLE.index(variant.person), patience=3600)

    async def read() -> None:
        for _ in range(mailboxes):
            part = await extract_mailbox.run(order, svc)
            assert part.outcome == "Read", part.outcome

    began = time.process_time()
    asyncio.run(read())
    return (time.process_time() - began) / mailboxes


def _by_sdk(python: Path, url: str, own: list[Row]) -> float:
    """Messages per second and core; its rows have to be the first of ours."""
    script = Path(extraction_pages.__file__).with_name("extraction_sdk.py")
    command = [str(python), str(script), url, str(_SDK_PAGES)]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    seconds, rows = json.loads(answer.stdout)
    extraction_rows.check(own[: len(rows)], [tuple(row) for row in rows], "msgraph-sdk")
    return 1000 / float(seconds)


def _services(folder: Path, url: str) -> Services:
    told = cast(Any, SimpleNamespace(graph_base_url=f"{url}/v1.0", pseudonym_key=extraction_pages.KEY))
    svc = Services(told, storage(folder), cast(Any, _Tokens()), lambda: connect(told, _Tokens()))
    write_plan(svc.storage.staging, NAME, NAME, extraction_pages.plan())
    return svc


class _Tokens:
    async def token(self) -> str:
        return "x" * 1500

    async def fresh(self) -> str:
        return await self.token()


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
