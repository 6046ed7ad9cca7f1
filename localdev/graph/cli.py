"""The emulator alone, from the command line: `python -m localdev graph`."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time
from pathlib import Path

from localdev.graph import mail_archive, tenant_files
from localdev.graph.app import running
from localdev.graph.context import Emulator
from localdev.graph.tenant_files import TenantFiles


def main(argv: Sequence[str]) -> int:
    """Serve until interrupted; 0 then, 2 for arguments that make no sense."""
    arguments = _parser().parse_args(argv)
    if (arguments.mail is None) != (arguments.domain is None):
        print("--mail and --domain go together", file=sys.stderr)
        return 2
    emulator = Emulator(
        files(arguments),
        granted=arguments.grant,
        latency=arguments.latency,
        expires_in=arguments.expires_in,
        consent_delay=arguments.consent_delay,
    )
    if arguments.faults is not None:
        emulator.faults.load(arguments.faults)
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(emulator, arguments.host, arguments.port))
    return 0


def files(arguments: argparse.Namespace) -> TenantFiles:
    """The tenant that the arguments choose: a folder, a mail archive, or the sample."""
    as_of = arguments.as_of or datetime.now(UTC).replace(microsecond=0)
    if arguments.tenant is not None:
        return tenant_files.load(arguments.tenant)
    if arguments.mail is not None:
        return mail_archive.read(arguments.mail, arguments.domain, as_of)
    from localdev.graph import sample

    return sample.build(as_of)


def instant(text: str) -> datetime:
    """An instant as RFC 3339 says it, or a date, which stands for its last second in UTC."""
    if len(text) == len("2001-12-31"):
        return datetime.combine(date.fromisoformat(text), time(23, 59, 59), UTC)
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m localdev graph", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8089, help="0: a free one")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--tenant", type=Path, metavar="DIR", help="a tenant as files")
    source.add_argument("--mail", type=Path, metavar="FILE", help="a mail archive in CSV, plain or gzip")
    parser.add_argument("--domain", help="whose addresses are the people of the mail archive")
    parser.add_argument("--as-of", type=instant, help="instant or date up to which the sample or the archive goes")
    parser.add_argument("--grant", action="store_true", help="consent is given already")
    parser.add_argument("--faults", type=Path, metavar="FILE", help="scripted faults, a list in JSON")
    parser.add_argument("--latency", type=float, default=0.0, metavar="SECONDS", help="how long each call takes")
    parser.add_argument("--expires-in", type=int, default=3599, metavar="SECONDS", help="how long a token lives")
    parser.add_argument("--consent-delay", type=float, default=0.0, metavar="SECONDS", help="until roles appear")
    return parser


async def _serve(emulator: Emulator, host: str, port: int) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with running(emulator, port, host) as served:
        name = emulator.tenant.about.get("displayName")
        print(f"Graph and Entra emulator on {served.url}: {name}, {len(emulator.tenant.users.all)} users", flush=True)
        await stopped.wait()
