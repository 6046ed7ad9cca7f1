"""`docs/tour.md`, played call by call in the world of `make up EMPTY=1`: each answer is the one that is shown."""

from __future__ import annotations

import json
import time

import pytest
import requests

from localdev import up, world
from tests.conftest import ROOT
from tests.end_to_end.app import App, OpenWorld
from tests.end_to_end.conftest import AT_ONCE
from tests.end_to_end.transcript import Shown, Yours, exchanges

TEXT = (ROOT / "docs/tour.md").read_text("utf-8")
APP, GRAPH, MAILS = (f"http://127.0.0.1:{port}" for port in (up.WANTED.host, up.WANTED.graph, up.WANTED.mails))
PATIENCE = 60.0


def test_each_call_of_the_tour_is_answered_as_it_shows(open_world: OpenWorld) -> None:
    sample = json.loads(world.SETTINGS.read_text("utf-8"))["Values"]
    with open_world(up.EMPTY, granted=False, settings={name: sample[name] for name in AT_ONCE}) as app:
        here = app.world
        yours = Yours({APP: here.url, GRAPH: here.graph_url, MAILS: here.mails_url})
        for call, answer in exchanges(TEXT):
            assert play(app, yours, call, answer) == [], f"docs/tour.md, line {answer.line}"


def play(app: App, yours: Yours, call: Shown, answer: Shown) -> list[str]:
    """What is otherwise than shown in the answer to this call."""
    deadline = time.monotonic() + PATIENCE
    while (told := yours.differences(answer, send(app, yours, call))) and call.repeated:
        if time.monotonic() > deadline:
            break
        time.sleep(0.1)
    return told


def send(app: App, yours: Yours, call: Shown) -> requests.Response:
    method, address = call.first.split(" ")
    return app.ask(
        method,
        yours.put_in(address if address.startswith("http") else f"{APP}{address}"),
        headers={name: yours.put_in(value) for name, value in call.headers.items()},
        data=yours.put_in(call.body).encode() or None,
        allow_redirects=False,
    )


SHOWN = """\
HTTP/1.1 200 OK
Location: http://127.0.0.1:7071/runs/~20261124T164422Z

{"id": "~one-or-another", "count": "~12", "whole": {"a": 1}, "part": {"a": null, "…": "…"}, "list": [1, "…"],
 "any": "…"}
"""
FOUND = {"id": "this", "count": 7, "whole": {"a": 1}, "part": {"a": None, "b": 2}, "list": [1, 2, 3], "any": [4]}


def differences(**changes: object) -> tuple[Yours, list[str]]:
    """What is found in an answer that is `FOUND` with these changes, where `SHOWN` is shown."""
    answer = requests.Response()
    answer.status_code, answer.reason = 200, "OK"
    answer.headers.update({"Content-Type": "application/json", "Location": "http://here:1/runs/20270101T000000Z"})
    answer._content = json.dumps(FOUND | changes).encode()
    yours = Yours({APP: "http://here:1"})
    (_, shown) = next(exchanges(f"```http\nGET /\n```\n\n```http\n{SHOWN}```\n"))
    return yours, yours.differences(shown, answer)


def test_what_the_document_leaves_open_may_be_anything_and_is_put_into_later_calls() -> None:
    yours, told = differences()

    assert told == []
    assert (
        yours.put_in(f"{APP}/runs/20261124T164422Z?id=one-or-another") == "http://here:1/runs/20270101T000000Z?id=this"
    )


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"count": None}, "/count: None, shown is '~12'"),
        ({"whole": {"a": 2}}, "/whole/a: 2, shown is 1"),
        ({"whole": {"a": True}}, "/whole/a: True, shown is 1"),
        ({"whole": {"a": 1, "b": 2}}, "/whole/b is not shown"),
        ({"part": {"b": 2}}, "/part/a is missing"),
        ({"list": [2, 1]}, "/list/0: 2, shown is 1"),
        ({"list": []}, "/list: 0 elements, 1 are shown"),
        ({"more": 1}, "/more is not shown"),
    ],
)
def test_an_answer_that_is_not_as_shown_is_told_with_its_place(changes: dict[str, object], told: str) -> None:
    assert differences(**changes)[1] == [told]
