"""HTTP triggers, keys and limits, as on the real host (§1.1, §1.2, §1 of the interfaces)."""

from __future__ import annotations

import io
import json
from contextlib import asynccontextmanager

import aiohttp
import pytest
from yarl import URL

from localdev.host.index import HostJson
from localdev.host.keys import Keys
from localdev.host.server import Host, StateInUse


@asynccontextmanager
async def _served(app, state, **options):
    async with Host(app, state, **options) as host, aiohttp.ClientSession(host.url) as session:
        yield host, session


async def _json(session, method, path, **options):
    async with session.request(method, path, **options) as response:
        return response.status, json.loads(await response.text() or "null")


async def _status(session, method, path, **options):
    async with session.request(method, path, **options) as response:
        return response.status, await response.read()


async def test_functions_are_tried_in_the_order_of_their_names_and_the_first_match_wins(sample_app, tmp_path):
    """§1.2: no precedence of literals."""
    async with _served(sample_app, tmp_path) as (_, session):
        assert (await _json(session, "GET", "/api/things/special"))[1]["function"] == "b_thing"
        assert (await _json(session, "GET", "/api/people/all"))[1]["function"] == "d_all"
        assert (await _json(session, "GET", "/api/people/12"))[1]["function"] == "e_person"
        assert (await _json(session, "PUT", "/api/people/12"))[1]["function"] == "f_put_person"


async def test_routes_match_in_any_case_with_a_slash_at_the_end_and_optional_parts(sample_app, tmp_path):
    """§1.2: `ui/{*path}` also matches `/ui`; the parameter is then missing."""
    async with _served(sample_app, tmp_path) as (_, session):
        assert (await _json(session, "GET", "/API/Things/X/"))[1]["route"] == {"id": "X"}
        assert (await _json(session, "GET", "/api/ui"))[1]["route"] == {}
        assert (await _json(session, "GET", "/api/ui/a/b"))[1]["route"] == {"path": "a/b"}
        assert (await _json(session, "DELETE", "/api/maybe"))[1]["route"] == {}
        assert (await _json(session, "GET", "/api/maybe/1"))[1]["route"] == {"x": "1"}
        assert await _status(session, "GET", "/api/by_its_name") == (200, b"plain")


async def test_an_encoded_slash_stays_encoded_in_a_parameter(sample_app, tmp_path):
    """§1.2: `%2F` in a parameter stays `%2F`."""
    async with _served(sample_app, tmp_path) as (host, session):
        url = URL(f"{host.url}/api/things/a%2Fb%20c%C3%A9", encoded=True)
        assert (await _json(session, "GET", url))[1]["route"] == {"id": "a%2Fb cé"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/nothing"),
        ("POST", "/api/things/1"),
        ("HEAD", "/api/things/1"),
        ("OPTIONS", "/api/things/1"),
        ("GET", "/api/people/x1"),
        ("GET", "/things/1"),
        ("GET", "/api/admin/own"),
        ("GET", "/admin/nothing"),
        ("GET", "/"),
    ],
)
async def test_unknown_routes_and_methods_are_404_and_empty(method, path, sample_app, tmp_path):
    """§1.2: unknown route, wrong method, HEAD or OPTIONS on a GET function."""
    async with _served(sample_app, tmp_path) as (_, session):
        assert await _status(session, method, path) == (404, b"")


async def test_a_route_that_begins_with_admin_puts_its_function_in_error_and_the_others_run(sample_app, tmp_path):
    """§1.2: routes beginning with `admin` are refused, whatever the prefix."""
    async with _served(sample_app, tmp_path) as (host, session):
        assert "admin" in host.index.faulty["i_admin"]
        assert (await _json(session, "GET", "/api/things/1"))[0] == 200


async def test_the_prefix_of_routes_may_be_empty(sample_app, tmp_path):
    """§1.1: `extensions.http.routePrefix` may be ""."""
    async with _served(sample_app, tmp_path, host_json=HostJson(route_prefix="")) as (_, session):
        assert (await _json(session, "GET", "/things/1"))[0] == 200
        assert (await _status(session, "GET", "/api/things/1"))[0] == 404


async def test_repeated_query_keys_arrive_joined(sample_app, tmp_path):
    """§1.2: a repeated query key arrives as `1,2`."""
    async with _served(sample_app, tmp_path) as (host, session):
        _, seen = await _json(session, "GET", "/api/maybe?a=1&b=x%20y&a=2", data=b"\xff", headers={"X-Own": "1"})

        assert seen["params"] == {"a": "1,2", "b": "x y"}
        assert seen["url"] == f"{host.url}/api/maybe?a=1&b=x%20y&a=2"
        assert seen["headers"]["x-own"] == "1"
        assert seen["body"] == "\xff"


@pytest.mark.parametrize("kind", ["boom", "none", "dict", "int"])
async def test_an_exception_or_a_value_that_is_no_response_is_an_empty_500(kind, sample_app, tmp_path):
    """§1.1: `None`, dict, int and exceptions: 500 empty."""
    async with _served(sample_app, tmp_path) as (_, session):
        assert await _status(session, "GET", f"/api/answers/{kind}") == (500, b"")


async def test_repeated_headers_and_the_type_of_a_response_reach_the_caller(sample_app, tmp_path):
    """§1.1: keep repeats such as Set-Cookie; the charset goes with `text/*`."""
    async with _served(sample_app, tmp_path) as (_, session), session.get("/api/answers/cookies") as response:
        assert response.status == 201
        assert response.headers.getall("Set-Cookie") == ["a=1; Path=/", "b=2; Path=/"]
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"


async def test_requests_that_are_too_long_are_refused(sample_app, tmp_path):
    """§1.2: URL over 8 KB 414; a header of 33 KB 431."""
    async with _served(sample_app, tmp_path) as (_, session):
        assert (await _status(session, "GET", "/api/maybe?" + "x" * 9000))[0] == 414
        assert (await _status(session, "GET", "/api/maybe", headers={"X-Long": "x" * 33 * 1024}))[0] == 431
        assert (await _status(session, "POST", "/api/maybe", data=io.BytesIO(b"x" * 2_000_000)))[0] == 200


async def test_without_keys_every_level_is_open(sample_app, tmp_path):
    async with _served(sample_app, tmp_path) as (_, session):
        assert (await _json(session, "GET", "/api/things/1"))[0] == 200


async def test_with_keys_each_level_wants_its_key(sample_app, tmp_path):
    """§1.2: authLevel FUNCTION: no or bad key 401; function, host or master key 200. §3.2: webhooks: 401, 403, 200."""
    async with _served(sample_app, tmp_path, check_keys=True) as (host, session):
        keys = host.keys

        async def status(path, key=None):
            return (await _status(session, "GET", path, headers={"x-functions-key": key} if key else {}))[0]

        assert await status("/api/open") == 200
        assert await status("/api/things/1") == 401
        assert await status("/api/things/1", "wrong") == 401
        assert await status("/api/things/1", keys.function) == 200
        assert await status(f"/api/things/1?code={keys.function}") == 200
        assert await status("/api/things/1", keys.master) == 200
        webhook = "/runtime/webhooks/durabletask/instances/nope"
        assert [await status(webhook, key) for key in (None, keys.function, keys.system)] == [401, 403, 404]
        assert await status("/admin/host/status", keys.function) == 401
        assert await status("/admin/host/status", keys.master) == 200


def test_keys_are_made_once_and_kept(tmp_path):
    assert Keys.kept_in(tmp_path) == Keys.kept_in(tmp_path)
    assert (tmp_path / "keys.json").stat().st_mode & 0o077 == 0


async def test_a_state_folder_has_one_host(sample_app, tmp_path):
    async with _served(sample_app, tmp_path):
        with pytest.raises(StateInUse, match="in use by another host"):
            async with Host(sample_app, tmp_path):
                pass


async def test_a_function_that_wants_its_context_gets_it(sample_app, tmp_path):
    """§1: the extra argument `context` is passed iff the signature has it."""
    async with _served(sample_app, tmp_path) as (_, session):
        _, seen = await _json(session, "GET", "/api/open")

        assert seen["name"] == "j_open"
        assert seen["invocation"]
