"""What the commands show and say: progress with and without a terminal, the app's own words, the consent page."""

import asyncio
import io

import pytest
from aiohttp import web
from rich.console import Console

from localdev import browser, demo
from localdev.caller import Caller, NotDone
from localdev.graph.app import running
from localdev.graph.context import Emulator
from localdev.graph.sample import build
from localdev.results import PARTS, weights
from localdev.screen import Screen

NAMES = ("consent", "delay", "resolve", "extract", "aggregate", "publish")
STARTED, ENDED = "2026-11-20T15:30:00Z", "2026-11-20T15:30:04.250Z"


def status(**states: str):
    """A run's progress, in which the named tasks are in these states and all others wait."""
    tasks = [
        {
            "name": name,
            "state": (state := states.get(name, "waiting")),
            "done": 3 if state == "running" else 39,
            "total": 39 if name == "extract" else 1,
            "startedAt": STARTED,
            "endedAt": None if state == "running" else ENDED,
            "warnings": 3 if state == "warning" else 0,
            "errors": 0,
        }
        for name in NAMES
    ]
    return {"tasks": tasks, "state": "Running"}


STATUSES = [
    status(),
    status(consent="done", extract="running"),
    status(consent="done", extract="running"),
    status(consent="done", extract="warning"),
]


def shown(terminal: bool) -> str:
    output = io.StringIO()
    last = Screen(Console(file=output, force_terminal=terminal, width=100, highlight=False)).follow(iter(STATUSES))
    assert last == STATUSES[-1]
    return output.getvalue()


def test_without_a_terminal_each_change_of_a_task_is_one_plain_line():
    assert [line.split() for line in shown(terminal=False).splitlines()] == [
        ["✓", "consent", "done", "39", "of", "1", "4.2", "s"],
        ["▸", "extract", "running", "3", "of", "39"],
        ["!", "extract", "warning", "39", "of", "39,", "3", "warnings", "4.2", "s"],
    ]


def test_on_a_terminal_all_tasks_stand_in_a_display_that_moves():
    text = shown(terminal=True)

    assert "\x1b[" in text
    assert all(name in text for name in NAMES)
    assert "━" in text


def test_the_most_points_of_a_part_are_those_of_the_enrichment():
    assert weights({}) == dict(zip(PARTS, (20, 15, 35, 15, 15), strict=True))
    assert weights({"options": {"score": {"weights": {"meetings": 0, "emailVolume": 55}}}})["EmailVolume"] == 55


@pytest.fixture
async def refusing():
    """An app that refuses every enrichment, and whose runs fail."""

    async def refuse(_request: web.Request) -> web.Response:
        faults = [{"pointer": "/addresses", "detail": "is missing"}, {"pointer": "/contacts", "detail": "is missing"}]
        problem = {"title": "Not valid", "status": 400, "detail": "2 faults.", "errors": faults}
        return web.json_response(problem, status=400, content_type="application/problem+json")

    async def start(request: web.Request) -> web.Response:
        return web.Response(status=202, headers={"Location": str(request.url / "20261120T153000Z")})

    async def fail(_request: web.Request) -> web.Response:
        return web.json_response(
            {
                **status(consent="failed"),
                "state": "Failed",
                "problem": {"title": "No mailbox", "detail": "None was read."},
            }
        )

    app = web.Application()
    app.router.add_put("/api/enrichments/{name}", refuse)
    app.router.add_post("/api/enrichments/{name}/runs", start)
    app.router.add_get("/api/enrichments/{name}/runs/{run}", fail)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield "http://{}:{}".format(*runner.addresses[0])
    await runner.cleanup()


async def test_a_refusal_is_told_in_the_apps_own_words_with_every_fault(refusing):
    with pytest.raises(NotDone) as refusal:
        await asyncio.to_thread(Caller(refusing).save, "demo", {})

    assert str(refusal.value).splitlines() == [
        "PUT /api/enrichments/demo → 400: 2 faults.",
        "  /addresses: is missing",
        "  /contacts: is missing",
    ]


async def test_a_run_that_fails_is_told_with_its_problem(refusing):
    screen = Screen(Console(file=io.StringIO()))

    with pytest.raises(NotDone, match=r"ended as Failed: No mailbox\. None was read\."):
        await asyncio.to_thread(demo.screen_run, Caller(refusing), STARTED, screen)


@pytest.fixture
async def consent_page():
    """A consent link at the emulator, which leads back to the emulator's own statistics."""
    files = build()
    async with running(Emulator(files), 0) as served:
        query = (
            f"client_id=c&scope=https://graph.microsoft.com/.default&redirect_uri={served.url}/_emulator/stats&state=s"
        )
        yield f"{served.url}/{files.tenant['tenantId']}/v2.0/adminconsent?{query}"


async def test_an_administrator_reads_what_is_asked_for_and_accepts(consent_page):
    asked = await asyncio.to_thread(browser.permissions, consent_page)
    arrived = await asyncio.to_thread(browser.decide, consent_page)

    assert "Mail.ReadBasic.All" in asked
    assert "admin_consent=True" in arrived
    assert "error" not in arrived
    assert "state=s" in arrived


async def test_an_administrator_may_decline(consent_page):
    arrived = await asyncio.to_thread(browser.decide, consent_page, "Decline")

    assert "AADSTS65004" in arrived


async def test_a_page_that_does_not_ask_for_consent_is_noticed(consent_page):
    with pytest.raises(browser.PageUnexpected, match="no button"):
        await asyncio.to_thread(browser.decide, consent_page, "Perhaps")
    with pytest.raises(browser.PageUnexpected, match="answered 400"):
        await asyncio.to_thread(browser.decide, consent_page.replace(".default", "x"))
