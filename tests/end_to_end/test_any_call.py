"""Calls that schemathesis makes up from the OpenAPI document, over the local host: all answers are as described."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode

from localdev.world import Source
from tests.described import Described
from tests.end_to_end.app import App, OpenWorld, Tell
from triggers.operations.operation import PROBLEM

EXAMPLES = 12  # of each route; some keep the document's rules, some break them
THERE = {"name": "sales", "customerId": "A1", "segment": "stale"}
ENDING = {"enrichments_one_delete", "enrichments_one_deactivate"}  # nothing of interest could be asked after them

few = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def app(open_world: OpenWorld, village_folder: Path) -> Iterator[App]:
    """With a result, so that there is something to read."""
    with open_world(Source(folder=village_folder)) as app:
        app.save()
        app.succeed(app.start())
        yield app


def test_no_call_is_answered_otherwise_than_described(app: App, registered: list[Any], record_property: Tell) -> None:
    described, statuses = Described(registered), Counter[int]()
    schema = schemathesis.openapi.from_dict(app.ask("GET", "openapi.json").json())
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        call_often(app.world.url, found.ok(), described, statuses)
    told = ", ".join(f"{number} × {status}" for status, number in sorted(statuses.items()))
    record_property("told", f"{sum(statuses.values())} calls made up from the OpenAPI document: {told}")


def call_often(url: str, operation: Any, described: Described, statuses: Counter[int]) -> None:
    name = operation.definition.raw["operationId"]
    cases = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in GenerationMode))
    session = requests.Session()
    session.trust_env = False

    @few
    @given(cases, st.sampled_from([True, True, True, False]))
    def call(case: Any, there: bool) -> None:
        if there and name not in ENDING:
            case.path_parameters = {key: THERE.get(key, value) for key, value in case.path_parameters.items()}
        answer = case.call(base_url=url, session=session, allow_redirects=False)
        statuses[answer.status_code] += 1
        assert answer.status_code != 500, answer.text
        headers = CaseInsensitiveDict({header: values[0] for header, values in answer.headers.items()})
        media = headers.get("Content-Type", "").partition(";")[0]
        if answer.status_code != 404 or media == PROBLEM:  # else no route was found for the address
            described.check(name, answer.status_code, media, answer.content, headers)

    call()
    session.close()
