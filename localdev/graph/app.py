"""The emulator as a web application: Graph under `/v1.0`, Entra under the tenant's name, controls beside them."""

import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from aiohttp import web

from localdev.graph import consent, control, service
from localdev.graph.context import Emulator
from localdev.graph.entra import Entra, EntraError, instance_discovery
from localdev.graph.wire import Answer, Call

_EMULATOR = web.AppKey("emulator", Emulator)
_WORTH_COMPRESSING = 600
_LOOPBACK = ("127.0.0.1", "::1")


@dataclass(frozen=True)
class Served:
    """A running emulator: `url` is its address, `graph_url` what stands for `https://graph.microsoft.com/v1.0`."""

    emulator: Emulator
    url: str

    @property
    def graph_url(self) -> str:
        return f"{self.url}/v1.0"


def create_app(emulator: Emulator) -> web.Application:
    app = web.Application(client_max_size=8 * 1024 * 1024)
    app[_EMULATOR] = emulator
    app.router.add_route("*", "/v1.0/{path:.*}", _graph)
    app.router.add_route("*", "/_emulator/{name}", _control)
    app.router.add_get("/common/discovery/instance", _instance)
    app.router.add_get("/{tenant}/v2.0/.well-known/openid-configuration", _openid)
    app.router.add_post("/{tenant}/oauth2/v2.0/token", _token)
    app.router.add_get("/{tenant}/v2.0/adminconsent", _consent_page)
    app.router.add_post("/{tenant}/v2.0/adminconsent", _consent_decision)
    return app


@asynccontextmanager
async def running(emulator: Emulator, port: int = 0, host: str = "127.0.0.1") -> AsyncIterator[Served]:
    """Serve the emulator in this event loop, on a free port unless one is named, for the time of the block."""
    runner = web.AppRunner(create_app(emulator), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        await site.start()
        bound = runner.addresses[0][1]
        yield Served(emulator, f"http://{host}:{bound}")
    finally:
        await runner.cleanup()


async def _graph(request: web.Request) -> web.StreamResponse:
    call = await _call(request, request.rel_url.raw_path.removeprefix("/v1.0"))
    return _response(request, await service.answer(request.app[_EMULATOR], call))


async def _control(request: web.Request) -> web.StreamResponse:
    if request.remote not in _LOOPBACK:
        raise web.HTTPForbidden(text="only from this machine")
    name = request.match_info["name"]
    return _response(request, control.answer(request.app[_EMULATOR], request.method, name, await request.read()))


async def _instance(request: web.Request) -> web.StreamResponse:
    return _json(request, Answer.of(instance_discovery(request.query.get("authorization_endpoint", ""))))


async def _openid(request: web.Request) -> web.StreamResponse:
    async def work(entra: Entra) -> Answer:
        return Answer.of(entra.openid_configuration(request.match_info["tenant"]))

    return await _entra(request, "openid-configuration", work)


async def _token(request: web.Request) -> web.StreamResponse:
    async def work(entra: Entra) -> Answer:
        form = {name: str(value) for name, value in (await request.post()).items()}
        return Answer.of(entra.token(request.match_info["tenant"], form))

    return await _entra(request, "token", work)


async def _consent_page(request: web.Request) -> web.StreamResponse:
    async def work(entra: Entra) -> Answer:
        asked = consent.read(entra, request.match_info["tenant"], request.query)
        return Answer(200, consent.page(entra, asked).encode(), {"Content-Type": "text/html; charset=utf-8"})

    return await _entra(request, "consent page", work)


async def _consent_decision(request: web.Request) -> web.StreamResponse:
    async def work(entra: Entra) -> Answer:
        asked = consent.read(entra, request.match_info["tenant"], request.query)
        accepted = (await request.post()).get("decision") == "accept"
        delay = request.app[_EMULATOR].consent_delay
        return Answer(302, b"", {"Location": consent.decide(entra, asked, accepted, delay)})

    return await _entra(request, "consent decision", work)


async def _entra(request: web.Request, kind: str, work: Callable[[Entra], Awaitable[Answer]]) -> web.StreamResponse:
    """One call to Entra: faults that are scripted for its path strike first."""
    emulator = request.app[_EMULATOR]
    emulator.stats.requests[f"entra {kind}"] += 1
    try:
        answer = await service.faulty(emulator, await _call(request, request.rel_url.raw_path))
        if answer is None:
            answer = await work(emulator.entra)
    except EntraError as refusal:
        answer = refusal.answer()
    return _json(request, answer)


async def _call(request: web.Request, raw_path: str) -> Call:
    return Call(
        method=request.method,
        segments=tuple(unquote(segment) for segment in raw_path.strip("/").split("/")),
        query=dict(parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True)),
        headers={name.lower(): value for name, value in request.headers.items()},
        base=f"{request.scheme}://{request.host}/v1.0",
        body=await request.read() if request.can_read_body else b"",
    )


def _json(request: web.Request, answer: Answer) -> web.StreamResponse:
    if answer.headers.get("Content-Type", "").startswith("application/json"):
        answer.headers["Content-Type"] = "application/json; charset=utf-8"
    return _response(request, answer)


def _response(request: web.Request, answer: Answer) -> web.StreamResponse:
    if answer.reset:
        transport = request.transport
        if transport is not None:
            transport.abort()
        return web.Response(status=500)
    body = answer.body
    wanted = "gzip" in request.headers.get("Accept-Encoding", "") and "Content-Encoding" not in answer.headers
    if wanted and len(body) > _WORTH_COMPRESSING:
        packer = zlib.compressobj(level=1, wbits=31)
        body = packer.compress(body) + packer.flush()
        answer.headers["Content-Encoding"] = "gzip"
    return web.Response(status=answer.status, body=body, headers=answer.headers)
