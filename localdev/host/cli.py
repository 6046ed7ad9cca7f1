"""`python -m localdev host`: serves the function app of a folder, as `func start` does."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from localdev.host.index import CannotIndex, load, read_host_json
from localdev.host.server import Host, StateInUse


def main(argv: list[str]) -> int:
    """Serves until SIGTERM or Ctrl-C; returns the exit code."""
    options = _parser().parse_args(argv)
    state = Path(options.state).resolve()
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s.%(msecs)03d %(levelname).1s %(message)s", datefmt="%H:%M:%S"
    )
    # The Azure SDK tells of every request; the app's own lines would drown in it.
    logging.getLogger("azure").setLevel(logging.WARNING)
    try:
        code = asyncio.run(_serve(options, Path(options.app).resolve(), state))
    except (CannotIndex, StateInUse, OSError) as fault:
        print(f"The local host cannot start: {fault}", file=sys.stderr)
        code = 1
    _leave_if_threads_linger(code)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m localdev host", description="Serve the function app of a folder.")
    parser.add_argument("--port", type=int, default=7071, help="HTTP port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--state", default=".local/host", help="folder in which orchestrations are kept")
    parser.add_argument("--app", default=".", help="folder of function_app.py and host.json")
    parser.add_argument("--keys", action="store_true", help="ask for keys as Azure does; they are in keys.json")
    parser.add_argument("--no-batch", action="store_true", help="give each turn of an orchestration one message only")
    parser.add_argument("--strict", choices=("fail", "log"), default="fail",
                        help="what becomes of an orchestration that would hang on Azure")  # fmt: skip
    return parser


async def _serve(options: argparse.Namespace, root: Path, state: Path) -> int:
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _ask_to_stop, asked)
    app = load(root)
    host = Host(
        app, state, port=options.port, rpc_port=17071 if options.port else 0, host_json=read_host_json(root),
        check_keys=options.keys, strict=options.strict, batch=not options.no_batch, root=root,
    )  # fmt: skip
    async with host:
        if options.keys:
            logging.getLogger("localdev.host").info("Keys are asked for; they are in %s", state / "keys.json")
        print(f"Listening on {host.url}", flush=True)
        await asked.wait()
        logging.getLogger("localdev.host").info("Stopping")
    return 0


def _ask_to_stop(asked: asyncio.Event) -> None:
    if asked.is_set():
        os._exit(130)
    asked.set()


def _leave_if_threads_linger(code: int) -> None:
    """A plain activity that still runs in a thread would keep the process; the next host runs it again."""
    if any(thread.name.startswith("function") and thread.is_alive() for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
