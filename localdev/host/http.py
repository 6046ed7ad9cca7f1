"""Between aiohttp and HTTP functions: requests as functions get them, responses as they give them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web
from azure.functions import HttpResponse
from azure.functions.http import HttpRequest
from multidict import CIMultiDict

_log = logging.getLogger("localdev.host")

MAX_BODY = 104_857_600
MAX_URL = 8 * 1024
MAX_HEADERS = 32 * 1024
_SET_BY_THE_SERVER = ("content-length", "transfer-encoding", "connection")


def refusal(request: web.Request) -> int | None:
    """The status for a request that is too long, or None."""
    if len(request.raw_path) > MAX_URL:
        return 414
    if sum(len(name) + len(value) + 4 for name, value in request.raw_headers) > MAX_HEADERS:
        return 431
    return None


def raw_path(request: web.Request) -> str:
    """The path as it was sent, `%2F` untouched."""
    return request.raw_path.partition("?")[0]


async def function_request(request: web.Request, parameters: Mapping[str, str]) -> HttpRequest:
    """What an HTTP function receives; repeated query keys and headers arrive joined by commas."""
    return HttpRequest(
        request.method,
        f"{request.scheme}://{request.host}{request.raw_path}",
        headers=_joined(request.headers.items()),
        params=_joined(request.query.items()),
        route_params=dict(parameters),
        body_type="bytes",
        body=await request.read(),
    )


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def server_response(answer: Any) -> web.Response:
    """TypeError for what Azure answers with an empty 500: None, a dict, a number."""
    if isinstance(answer, str):
        return web.Response(text=answer)
    if not isinstance(answer, HttpResponse):
        raise TypeError(f"an HTTP function returns an HttpResponse or a str, not {type(answer).__name__}")
    headers = CIMultiDict((name, value) for name, value in answer.headers if name.lower() not in _SET_BY_THE_SERVER)
    if "content-type" not in headers:
        charset = f"; charset={answer.charset}" if answer.mimetype.startswith("text/") else ""
        headers["Content-Type"] = f"{answer.mimetype}{charset}"
    return web.Response(status=answer.status_code, body=answer.get_body(), headers=headers)
