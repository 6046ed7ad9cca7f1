"""The pages: a static shell that holds no data, and its assets (interfaces §1)."""

from __future__ import annotations

import mimetypes
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func

from shared.core.errors import Missing
from shared.services import Services
from triggers import http
from triggers.http import Access

bp = df.Blueprint()

WEB = Path(__file__).parents[1] / "web"
ASSETS = WEB / "assets"

# Nothing from elsewhere, nothing inline: what the pages show can hold no script of anybody's.
POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


@bp.function_name("pages_get")
@bp.route(route="ui/{*path}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
async def pages_get(req: func.HttpRequest) -> func.HttpResponse:
    return await http.respond(req, Access.ANYBODY, get)


async def get(req: func.HttpRequest, _: Services) -> func.HttpResponse:
    """An asset where one is named, else the shell; which page it shows is in the address, for the browser to read."""
    path = (req.route_params.get("path") or "").strip("/")
    if path.startswith("assets/"):
        return _file(_asset(path.removeprefix("assets/")))
    return _file(WEB / "index.html")


def _asset(name: str) -> Path:
    # Looked up among those that are there, so that no name leads out of the folder.
    found = {file.name: file for file in ASSETS.iterdir() if file.is_file()}
    if name not in found:
        raise Missing("File not found", "There is no such file.")
    return found[name]


def _file(path: Path) -> func.HttpResponse:
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return func.HttpResponse(path.read_bytes(), mimetype=kind, charset="utf-8", headers=HEADERS)
