"""Every answer that a test of this folder gets is held against the OpenAPI document of the same routes."""

from __future__ import annotations

import pytest

from tests.described import Described
from triggers import http


@pytest.fixture(scope="session", autouse=True)
def answers_as_described(registered):
    described = Described(registered)
    answered = http.respond

    async def respond(req, access, run, *more, **named):
        response = await answered(req, access, run, *more, **named)
        described.check_answer_of(run, response)
        return response

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(http, "respond", respond)
        yield
