"""Health (interfaces §1), and the static shell of the pages."""

from __future__ import annotations

import re

import azure.functions as func
import pytest

from shared.core.errors import StorageAway
from tests.fakes import fake_services
from tests.triggers.world import request, told, world
from triggers import health, http, pages
from triggers.http import Access


async def test_missing_consent_is_healthy():
    async with world(granted=False) as made:
        response = await health.get(request(), made.svc)

    assert response.status_code == 200
    assert told(response)["state"] == "healthy"


async def test_a_storage_that_is_away_is_not_healthy(monkeypatch):
    def away(name):
        raise StorageAway("away")

    async with world() as made:
        monkeypatch.setattr(made.svc.storage.config, "read", away)
        response = await health.get(request(), made.svc)

    assert response.status_code == 503
    assert told(response)["checks"] == {
        "settings": "ok",
        "storage": "Blob Storage does not answer.",
        "tokenEndpoint": "ok",
    }


async def test_a_token_endpoint_that_is_away_is_not_healthy():
    async with world() as made:
        svc = made.svc
    response = await health.get(request(), svc)  # the emulator is gone

    assert response.status_code == 503
    assert told(response)["checks"]["storage"] == "ok"


async def test_a_credential_that_entra_refuses_is_not_healthy():
    async with world() as made:
        made.emulator.entra.registration.secret = "another"
        response = await health.get(request(), made.svc)

    assert response.status_code == 503
    assert "7000215" in told(response)["detail"]


@pytest.fixture
def page(monkeypatch):
    svc = fake_services()
    monkeypatch.setattr(http, "services", lambda: svc)

    async def read(path):
        # `ui/{*path}` matches /ui too, without the parameter then.
        req = func.HttpRequest(
            "GET", f"https://app.example/ui/{path}", route_params={"path": path} if path else {}, body=b""
        )
        return await http.respond(req, Access.ANYBODY, pages.get)

    return read


@pytest.mark.parametrize("path", [None, "", "sales", "sales/runs/20261124T120000Z", "assets"])
async def test_every_page_is_the_same_shell(page, path):
    response = await page(path)

    assert response.status_code == 200
    assert response.mimetype == "text/html"
    assert "default-src 'self'" in response.headers["Content-Security-Policy"]


async def test_what_the_shell_refers_to_is_there(page):
    shell = (await page(None)).get_body().decode()
    references = re.findall(r'(?:href|src)="/ui/([^"]+)"', shell)

    assert references
    for reference in references:
        assert (await page(reference)).status_code == 200
    assert "style=" not in shell  # the policy forbids it


@pytest.mark.parametrize("path", ["assets/none.css", "assets/../index.html", "assets/..%2f__init__.py", "assets/"])
async def test_no_file_but_an_asset_is_served(page, path):
    response = await page(path)

    assert response.mimetype in ("application/problem+json", "text/html")
    assert response.status_code == 404 or path == "assets/"


async def test_the_stylesheet_says_what_it_is(page):
    response = await page("assets/app.css")

    assert response.mimetype == "text/css"
