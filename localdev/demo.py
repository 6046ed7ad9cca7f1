"""`make demo`: the whole product once, offline, from an empty storage to a published result, and everything stopped."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from localdev import browser, world
from localdev.caller import Caller, NotDone
from localdev.graph import sample
from localdev.graph.cli import instant
from localdev.processes import Interrupted, WorldBroken, tidy_signals
from localdev.results import Result, fetch, weights
from localdev.screen import Screen
from localdev.world import Source, World

FOLDER = world.ROOT / ".local" / "demo"
NAME = "demo"
GOOD = ("Succeeded", "SucceededWithWarnings")


def main(argv: Sequence[str]) -> int:
    """Run the demo: 0 when it has shown a result, 1 when something failed, 130 when it was interrupted."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    source = _source(parser, arguments)
    folder: Path = arguments.folder
    screen = Screen()
    forget_failures(folder)
    state = folder / f"world-{os.getpid()}"
    try:
        with tidy_signals():
            show(source, state, folder / (source.domain or "sample"), screen)
    except Interrupted:
        shutil.rmtree(state, ignore_errors=True)
        screen.say("\nInterrupted; everything is stopped.")
        return 130
    except (WorldBroken, NotDone, browser.PageUnexpected, requests.RequestException) as failure:
        print(f"\nThe demo failed: {failure}\nLogs: {state / 'logs'}", file=sys.stderr)
        return 1
    shutil.rmtree(state)
    return 0


def forget_failures(folder: Path) -> None:
    """Remove what demos that failed left for looking into, unless they are still at it."""
    for left in folder.glob("world-*"):
        if not Path(f"/proc/{left.name.partition('-')[2]}").exists():
            shutil.rmtree(left, ignore_errors=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m localdev demo", description=__doc__)
    parser.add_argument("--mail", type=Path, metavar="FILE", help="a mail archive in CSV instead of the sample company")
    parser.add_argument("--domain", help="whose mail it is: each other domain is a customer")
    parser.add_argument("--as-of", type=instant, help="an instant, or a date, which stands for its last second in UTC")
    parser.add_argument("--folder", type=Path, default=FOLDER, metavar="DIR", help="where the tables are kept")
    return parser


def _source(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> Source:
    if bool(arguments.mail) != bool(arguments.domain):
        parser.error("--mail and --domain (MAIL and DOMAIN) go together")
    if arguments.mail and not arguments.mail.is_file():
        parser.error(f"there is no file {arguments.mail}")
    now = datetime.now(UTC).replace(microsecond=0)
    if arguments.as_of and arguments.as_of > now:
        parser.error("--as-of (AS_OF) lies in the future")
    return Source(arguments.as_of or (now if arguments.mail else sample.AS_OF), None, arguments.mail, arguments.domain)


def show(source: Source, state: Path, tables: Path, screen: Screen) -> Result:
    """Start the world, go the way of a customer, show what comes out, stop the world."""
    started = time.monotonic()
    screen.title("Account engagement, offline")
    screen.say("Starting Azurite, the Graph and Entra emulator, the mail catcher and the local host …")
    with world.running(source, state) as here:
        screen.say(f"  up after {time.monotonic() - started:.1f} s: the app is at {here.url}")
        result = first_run(here, source, tables, screen)
        screen.say("\nStopping everything …")
    screen.say(f"Done after {time.monotonic() - started:.1f} s.")
    return result


def first_run(here: World, source: Source, tables: Path, screen: Screen) -> Result:
    """Save the tenant's enrichment, give consent, run it, show the result. Raises `NotDone` where the run fails."""
    caller = Caller(here.url)
    about = here.tenant.tenant
    screen.title(f"{about['displayName']}: {len(here.tenant.users):,} users, {len(here.tenant.groups):,} groups")
    saved = caller.save(NAME, here.tenant.enrichment)
    screen.say(f"The enrichment “{NAME}” is saved; consent is {saved['consent']['state']}.")
    give_consent(here, saved, screen)
    status = screen_run(caller, world.rfc3339(source.as_of), screen)
    result = fetch(caller, NAME, here.tenant.enrichment, here.tenant.accounts_csv, tables)
    show_result(result, here.tenant.enrichment, status, screen)
    return result


def give_consent(here: World, saved: dict[str, Any], screen: Screen) -> None:
    """Open the link in the answer, as an administrator would, and press “Accept”."""
    if saved["consent"]["state"] == "requested":
        screen.say(f"A mail to {', '.join(saved['administrators'])} asks for it; it is shown at {here.mails_url}/")
    address = here.at_emulator(saved["consent"]["url"])
    screen.say("An administrator opens the link in the answer,")
    screen.say(f"  {address}")
    screen.say(f"reads what is asked for ({', '.join(browser.permissions(address))}),")
    arrived = browser.decide(address)
    screen.say(f"accepts, and is back at {arrived}")
    here.consented.touch()


def screen_run(caller: Caller, as_of: str, screen: Screen) -> dict[str, Any]:
    """One run, followed to its end; its last status. Raises `NotDone` where it did not succeed."""
    run = caller.start(NAME, as_of)
    screen.title(f"Run {run.rpartition('/')[2]} as of {as_of}")
    status = screen.follow(caller.follow(run))
    if status["state"] not in GOOD:
        problem = status.get("problem") or {}
        raise NotDone(f"the run ended as {status['state']}: {problem.get('title')}. {problem.get('detail')}")
    return status


def show_result(result: Result, enrichment: dict[str, Any], status: dict[str, Any], screen: Screen) -> None:
    counts = status["counts"]
    elapsed = datetime.fromisoformat(status["endedAt"]) - datetime.fromisoformat(status["startedAt"])
    screen.say(
        f"{status['state']} in {elapsed.total_seconds():.1f} s: {counts['mailboxes']['read']:,} of "
        f"{counts['mailboxes']['selected']:,} mailboxes, {counts['messages']['read']:,} messages read and "
        f"{counts['messages']['counted']:,} counted, {counts['meetings']['read']:,} meetings and "
        f"{counts['meetings']['counted']:,}, {counts['customers']:,} customers"
    )
    screen.tops(result)
    if years := result.years():
        screen.card(result.card(years[0], weights(enrichment)))
    screen.coverage(result)
    screen.title("Tables")
    screen.say(f"  container enrichment-output, {result.output}/{status['runId']}/ (gone with Azurite)")
    for name, rows in result.tables.items():
        screen.say(f"  {os.path.relpath(result.folder / name)}.csv, .parquet  {len(rows):,} rows")
