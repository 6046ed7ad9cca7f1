"""Answers that were made beforehand: given where they were kept, and nothing else is different for it."""

from hashlib import sha256

import pytest

from localdev.graph import prebuilt, service
from localdev.graph.context import Emulator
from localdev.graph.prebuilt import Prebuilt, Recorder
from localdev.graph.wire import Answer, Call
from tests.localdev.graph.conftest import ADA, small_tenant

BEFOREHAND = [sha256(bytes([number])).hexdigest() for number in range(50)]  # more than is worth compressing again
ASKED = f"/users/{ADA}/messages?$select=id&$top=5&$count=true"


def call(path: str, query: dict[str, str]) -> Call:
    return Call("GET", tuple(path.strip("/").split("/")), query, {}, "http://127.0.0.1:1/v1.0")


@pytest.fixture
def kept(tmp_path):
    """A folder with one answer about Ada's mailbox, which says something else than her mailbox would."""
    recorder = Recorder()
    asked = call(f"/users/{ADA}/messages", {"$select": "id", "$top": "5", "$count": "true"})
    recorder.keep(asked, Answer.of({"value": [{"id": each} for each in BEFOREHAND]}))
    recorder.save(tmp_path, ADA)
    return Prebuilt(tmp_path)


async def test_what_was_kept_is_given_whatever_the_order_of_the_options(open_emulator, kept):
    async with open_emulator(prebuilt=kept) as graph:
        found = await graph.get(ASKED)
        turned = await graph.get(f"/users/{ADA}/messages?$count=true&$top=5&$select=id")

    assert found.ids == turned.ids == BEFOREHAND
    assert found.headers["Content-Encoding"] == "gzip"
    assert kept.missed == 0


async def test_what_was_not_kept_is_answered_as_usual_and_counted(open_emulator, kept):
    async with open_emulator(prebuilt=kept) as graph:
        found = await graph.get(f"/users/{ADA}/messages?$select=id&$top=5")
        told = (await graph.control("GET", "stats")).body

    assert len(found.ids) == 5
    assert told["notPrebuilt"] == kept.missed == 1


async def test_roles_and_gates_are_judged_before_it(open_emulator, kept):
    async with open_emulator(prebuilt=kept, granted=False) as graph:
        graph.emulator.consent.grant(["User.Read.All"])
        graph.token = graph.emulator.entra.issue("client")
        refused = await graph.get(ASKED)

    assert refused.status == 403


async def test_a_caller_that_cannot_unpack_is_answered_as_usual(open_emulator, kept):
    async with open_emulator(prebuilt=kept) as graph:
        found = await graph.get(ASKED, Accept_Encoding="identity")

    assert len(found.ids) == 5


async def test_refusals_are_kept_too(tmp_path):
    recorder, emulator = Recorder(), Emulator(small_tenant(), granted=True)
    asked = call(f"/users/{ADA}/mailFolders/syncissues", {"$select": "id"})
    asked.headers = {"authorization": f"Bearer {emulator.entra.issue('client')}", "accept-encoding": "gzip"}

    recorder.keep(asked, await service.answer(emulator, asked))
    recorder.save(tmp_path, ADA)

    again = Prebuilt(tmp_path).answer(ADA, asked)
    assert again is not None
    assert again.status == 404


def test_a_key_has_path_and_query_and_no_preferences():
    plain = call(f"/users/{ADA}/messages", {"$top": "5"})
    asking = call(f"/users/{ADA}/messages", {"$top": "5"})
    asking.headers = {"prefer": 'IdType="ImmutableId"'}

    assert prebuilt.key(plain) == prebuilt.key(asking)
    assert prebuilt.key(plain) != prebuilt.key(call(f"/users/{ADA}/messages", {"$top": "6"}))
    assert prebuilt.key(plain) != prebuilt.key(call(f"/users/{ADA}/calendarView", {"$top": "5"}))
