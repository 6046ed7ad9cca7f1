"""Catches every mail that the app sends offline: `python -m localdev mail`. Nothing leaves this machine.

Mails lie as `.eml` files in a folder, and a page shows them.
"""

from __future__ import annotations

import argparse
import asyncio
import email
import email.policy
import html
import signal
from collections.abc import Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

LOOPBACK = "127.0.0.1"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Mails</title>
<style>body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem }}
pre {{ white-space: pre-wrap }}</style>{content}</html>"""


class Catcher:
    """What aiosmtpd hands each mail to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        number = len(self.mails()) + 1
        content = envelope.content or b""
        (self.folder / f"{number:05d}.eml").write_bytes(content if isinstance(content, bytes) else content.encode())
        return "250 Caught"

    def mails(self) -> list[Path]:
        """The mails, oldest first."""
        return sorted(self.folder.glob("*.eml"))


def read(path: Path) -> EmailMessage:
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def page(catcher: Catcher) -> str:
    """All mails on one page, the newest first."""
    shown = [_shown(read(path)) for path in reversed(catcher.mails())]
    return PAGE.format(content="<h1>Mails</h1>" + ("".join(shown) or "<p>None yet.</p>"))


def _shown(message: EmailMessage) -> str:
    body = message.get_body(("plain", "html"))
    text = html.escape(str(body.get_content()) if body else "")
    head = html.escape(f"{message['To']} · {message['Date'] or ''}")
    return f"<article><h2>{html.escape(str(message['Subject']))}</h2><p>{head}</p><pre>{text}</pre></article>"


async def serve(catcher: Catcher, smtp_port: int, page_port: int, stopped: asyncio.Event) -> None:
    """Take mails and show them until told to stop. Port 0: a free one; both are printed."""
    loop = asyncio.get_running_loop()
    smtp = await loop.create_server(lambda: SMTP(catcher, enable_SMTPUTF8=True), LOOPBACK, smtp_port)
    app = web.Application()

    async def show(_request: web.Request) -> web.Response:
        return web.Response(text=page(catcher), content_type="text/html")

    app.router.add_get("/", show)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, LOOPBACK, page_port)
    await site.start()
    try:
        print(f"Mails are taken on smtp://{LOOPBACK}:{_port(smtp)}", flush=True)
        print(f"Mails are shown on http://{LOOPBACK}:{_port(site._server)}", flush=True)
        await stopped.wait()
    finally:
        smtp.close()
        await runner.cleanup()


def _port(server: Any) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port


def main(argv: Sequence[str]) -> int:
    """Catch mails until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m localdev mail", description=__doc__)
    parser.add_argument("--smtp-port", type=int, default=8025, help="0: a free one")
    parser.add_argument("--port", type=int, default=8026, help="of the page; 0: a free one")
    parser.add_argument("--folder", type=Path, default=Path(".local/mails"))
    arguments = parser.parse_args(argv)

    async def until_signal() -> None:
        stopped = asyncio.Event()
        for kind in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(kind, stopped.set)
        await serve(Catcher(arguments.folder), arguments.smtp_port, arguments.port, stopped)

    asyncio.run(until_signal())
    return 0
