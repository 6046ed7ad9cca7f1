"""Whatever a caller sends: never a 500, always a problem that points into the body and repeats no address of it."""

from __future__ import annotations

import copy
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared.adapters.identity import NotConsented
from shared.services import Services
from tests.fakes import FakeDurable, fake_services
from tests.triggers import segment_calls, test_results
from tests.triggers import world as w
from tests.triggers.world import BODY, request, told, world
from triggers import consent, enrichments, http, preview, results, runs
from triggers.http import Access

FULL: dict[str, Any] = BODY | {
    "displayName": "Sales",
    "output": "Office",
    "administrators": ["it@contoso.example"],
    "customers": {"blob": "contacts.csv", "customerId": "Account", "name": "Id", "parent": "Email"},
    "timeZone": "Europe/Berlin",
    "internalDomains": ["sister.example"],
    "schedule": "0 0 2 * * 1",
    "options": {
        "maxRecipients": 100,
        "minPeople": 0,
        "readHeaders": False,
        "bands": {"high": 67, "medium": 34},
        "score": {
            "weights": {"emailVolume": 20, "emailTwoWay": 15, "meetings": 35, "breadth": 15, "recency": 15},
            "floors": {"year": {"emailVolume": 24}, "week": {}},
            "percentile": 0.95,
            "halfLifeDays": 30,
        },
    },
}
START = {"asOf": "2026-11-20T15:30:00Z", "full": False}
RETRY = {"retry": "20261120T153000Z"}
FILTER: dict[str, Any] = {
    "level": "Month",
    "period": "2026-10-01",
    "where": {
        "all": [
            {"column": "DaysSinceLastEmail", "op": "gt", "value": 60},
            {
                "any": [
                    {"column": "CustomerId", "op": "in", "value": ["A"]},
                    {"column": "EngagementScore", "op": "isNull"},
                ]
            },
            {"not": {"column": "EngagementStartDate", "op": "lt", "value": "2026-01-01"}},
        ]
    },
}

FEW = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

SPECIAL = [
    "@",
    "zoe@secret.example",
    "zoe@secret.example\n",
    "\ud800",
    "\0",
    "../x",
    "a/b~c",
    "",
    " ",
    "٣",
    "\u202e",
    "'",
]
texts = st.sampled_from(SPECIAL) | st.text(max_size=20) | st.emails()
scalars = (
    st.none()
    | st.booleans()
    | texts
    | st.integers()
    | st.floats()
    | st.sampled_from([10**400, -(2**63), 1e308, 5e-324])
)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=8
)


def places(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path to each value in the tree."""
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [path, *(place for step, value in inner for place in places(value, (*path, step)))]


@st.composite
def spoiled(draw: st.DrawFn, body: dict[str, Any]) -> bytes:
    """A good body with some of its values replaced, left out or added to, written in one way or another."""
    tree: Any = copy.deepcopy(body)
    for _ in range(draw(st.integers(1, 3))):
        *way, last = draw(st.sampled_from([place for place in places(tree) if place] or [("x",)]))
        parent = tree
        for step in way:
            parent = parent[step]
        match draw(st.sampled_from(["replace", "leave out", "add"])):
            case "replace":
                parent[last] = draw(anything)
            case "leave out":
                del parent[last]
            case "add" if isinstance(parent, dict):
                parent[draw(texts)] = draw(anything)
            case _:
                parent.append(draw(anything))
        if not tree:
            break
    text = json.dumps(tree, ensure_ascii=draw(st.booleans()))
    return text.encode("utf-8", "surrogatepass")[
        : draw(st.none() | st.integers(0, len(text)) if draw(st.booleans()) else st.none())
    ]


def texts_in(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [*value, *(text for inner in value.values() for text in texts_in(inner))]
    return [text for inner in value for text in texts_in(inner)] if isinstance(value, list) else []


def leads_into(pointer: str, tree: Any) -> bool:
    """Whether a JSON pointer leads to a value of the tree, or to a field that one of its objects lacks."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    for number, step in enumerate(steps):
        if isinstance(tree, list):
            tree = tree[int(step)]
        elif isinstance(tree, dict) and step in tree:
            tree = tree[step]
        else:
            # A missing field of an object that is missing itself, such as a default, is no place of the body.
            return isinstance(tree, dict) and number == len(steps) - 1
    return True


def check_problem(response: Any, raw: bytes = b"") -> None:
    """What interfaces §1 says of errors."""
    assert response.status_code != 500, response.get_body()
    if response.status_code < 400:
        return
    problem = told(response)
    assert response.mimetype == "application/problem+json"
    assert problem["status"] == response.status_code
    assert problem["title"] and problem["detail"]
    try:
        tree = json.loads(raw) if raw.strip() else {}  # no body says nothing, as an empty object does
    except ValueError:
        tree = None
    for fault in problem.get("errors", ()):
        assert fault["detail"]
        assert leads_into(fault["pointer"], tree), fault["pointer"]
    said = texts_in(problem)
    assert not [text for text in texts_in(tree) if "@" in text.strip("@") and any(text in each for each in said)]


class NobodyConsented:
    async def fresh(self) -> str:
        raise NotConsented("nobody has consented yet")


@pytest.fixture
def svc(monkeypatch: pytest.MonkeyPatch) -> Services:
    """Without consent, so that Graph is not asked; the data lie there."""
    tokens: Any = NobodyConsented()
    made = replace(fake_services(w.NOW), tokens=tokens)
    made.storage.input.write("contacts.csv", w.CONTACTS)
    monkeypatch.setattr(http, "services", lambda: made)
    return made


@pytest_asyncio.fixture(scope="module")
async def granted() -> AsyncIterator[Services]:
    async with world() as made:
        yield made.svc


def blobs(svc: Services) -> dict[str, Any]:
    kept: Any = svc.storage.config
    return dict(kept.blobs)


async def put(raw: bytes, name: str = "sales") -> Any:
    req = request("PUT", f"/api/enrichments/{quote(name)}", raw, name=name)
    return await http.respond(req, Access.WRITE, enrichments.put, FakeDurable())


async def check_put(svc: Services, raw: bytes) -> None:
    svc.storage.config.delete_prefix("")
    response = await put(raw)
    check_problem(response, raw)
    if response.status_code < 400:
        assert told(response)["addresses"]
        req = request(name="sales")
        again = await http.respond(req, Access.READ, enrichments.get, FakeDurable())
        assert told(again)["options"] == told(response)["options"]
    else:
        assert not blobs(svc)


@FEW
@given(raw=spoiled(FULL))
@example(raw=b'{"options":{"score":{"percentile":1e99999999999999999999}}}')
@example(raw=b'{"addresses":{"zoe@secret.example":["\\ud800"]}}')
async def test_any_body_is_saved_or_refused(svc, raw):
    await check_put(svc, raw)


@FEW
@given(raw=st.binary(max_size=200) | anything.map(lambda tree: json.dumps(tree).encode()))
async def test_anything_that_is_no_enrichment_is_refused(svc, raw):
    await check_put(svc, raw)


@FEW
@given(raw=spoiled(FULL) | st.binary(max_size=50))
async def test_any_body_is_previewed_or_refused_and_nothing_is_saved(svc, raw):
    response = await http.respond(request("POST", "/api/preview", raw), Access.READ, preview.preview)

    check_problem(response, raw)
    assert response.status_code in (400, 409)
    assert response.status_code == 400 or told(response)["consent"]["state"] == "missing"
    assert not blobs(svc)


@FEW
@given(raw=spoiled(FILTER) | st.binary(max_size=50))
async def test_any_filter_is_saved_or_refused_and_one_that_is_refused_has_no_members_either(svc, raw):
    svc.storage.config.delete_prefix("")
    await put(json.dumps(BODY).encode())
    before = blobs(svc)
    saved, tried = await segment_calls.put("mine", raw), await segment_calls.attempt(raw)

    for response in (saved, tried):
        check_problem(response, raw or b"{}")
    # Before the first result a good filter has no members to tell.
    assert (saved.status_code, tried.status_code) in ((201, 404), (400, 400))
    assert saved.status_code == 201 or blobs(svc) == before


signs = st.characters(codec="utf-8")
addresses = st.emails() | st.builds("{}@{}".format, st.text(signs, min_size=1, max_size=8), st.text(signs, max_size=12))


@settings(FEW, max_examples=30)
@given(
    listed=st.lists(
        st.sampled_from(["ada@contoso.example", "sales@contoso.example"]) | addresses, min_size=1, max_size=4
    )
)
async def test_any_addresses_are_resolved_or_refused_by_their_place(granted, monkeypatch, listed):
    monkeypatch.setattr(http, "services", lambda: granted)

    await check_put(granted, json.dumps(BODY | {"addresses": listed}).encode())


@FEW
@given(raw=spoiled(START) | spoiled(RETRY) | st.binary(max_size=50))
async def test_any_order_starts_a_run_or_is_refused(svc, raw):
    svc.storage.config.delete_prefix("")
    await put(json.dumps(BODY).encode())
    before, durable = blobs(svc), FakeDurable()
    response = await http.respond(
        request("POST", "/api/enrichments/sales/runs", raw, name="sales"), Access.WRITE, runs.start, durable
    )

    check_problem(response, raw)
    assert (response.status_code == 202) == bool(durable.started)
    assert response.status_code == 202 or blobs(svc) == before


@FEW
@given(name=texts, run_id=texts)
async def test_any_name_and_run_id_is_found_or_not(svc, name, run_id):
    svc.storage.config.delete_prefix("")
    for method, access, route in (
        ("GET", Access.READ, enrichments.get),
        ("POST", Access.WRITE, runs.start),
        ("GET", Access.READ, runs.history),
        ("GET", Access.READ, runs.one),
        ("POST", Access.WRITE, runs.cancel),
    ):
        req = request(method, name=name, runId=run_id)
        response = await http.respond(req, access, route, FakeDurable())
        assert response.status_code in (400, 404)
        check_problem(response)
        assert "secret" not in response.get_body().decode()
    assert not blobs(svc)


@FEW
@given(query=st.dictionaries(st.sampled_from(["state", "tenant", "error", "admin_consent"]), texts))
async def test_any_callback_that_was_not_asked_for_is_refused(svc, query):
    req = request(path=f"/api/consent/callback?{urlencode(query, errors='replace')}")
    nobody: Any = None
    response = await http.respond(req, Access.ANYBODY, consent.callback, nobody)

    assert response.status_code == 400
    check_problem(response)
    assert not blobs(svc)


NUMBERS = st.integers(-2, 12_000).map(str) | st.sampled_from(
    ["9999999999", "99999999999", "1e3", " 1", "1 ", "+1", "٣", ""]
)
QUERY = st.fixed_dictionaries(
    {},
    optional={
        "table": st.sampled_from(["Office", "Office_ScoreBreakdown", "Office_Coverage", "office", "Other"]) | texts,
        "level": st.sampled_from(["Year", "Month", "Week"]) | texts,
        "customerId": st.sampled_from(["A|Year", "B"]) | texts,
        "runId": st.sampled_from([test_results.NEW, test_results.OLD]) | texts,
        "top": NUMBERS,
        "skip": NUMBERS,
        "other": texts,
    },
)
ACCEPT = st.none() | st.sampled_from(
    ["text/csv", "application/vnd.apache.parquet", "application/json;q=nan, text/csv", ";;,,q=", "*/*;q=-1", "a" * 500]
)


@FEW
@given(query=QUERY, accept=ACCEPT | st.text(max_size=30))
async def test_any_query_of_results_is_answered_or_refused(svc, query, accept):
    if not blobs(svc):
        test_results.save(svc)
        test_results.publish(svc)
    path = f"/api/enrichments/sales/results?{urlencode(query, errors='replace')}"
    req = request(path=path, headers={"Accept": accept} if accept is not None else {}, name="sales")
    response = await http.respond(req, Access.READ, results.get)

    assert response.status_code in (200, 400, 404)
    if response.status_code != 200:
        problem = told(response)
        assert problem["title"] and problem["detail"] and problem["status"] == response.status_code
        assert "secret" not in response.get_body().decode()
    elif response.mimetype == "application/json" and (link := told(response)["nextLink"]):
        again = await http.respond(
            request(path=link.removeprefix("https://app.example"), name="sales"), Access.READ, results.get
        )
        assert again.status_code == 200
