"""How the client bears Graph's manners (graph-facts §2 Errors, §3)."""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
import logging
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import web

from shared.adapters.graph import client as graph_client
from shared.adapters.graph import links
from shared.adapters.graph.inflate import BrokenBody, inflate
from shared.adapters.graph.patience import retry_after
from shared.adapters.graph.refusals import MailboxRefused, RequestRefused, TenantRefused, TooSlow, judge
from shared.adapters.graph.wire import decode_events, decode_messages
from shared.core.errors import GraphAway
from tests.fake_graph import Clock, FakeGraph, FakeTokens, always, client_of, error, once, page, serving, settings

MESSAGES = "/users/ada/messages"
ONE = {"id": "m1", "receivedDateTime": "2026-01-01T00:00:00Z"}


async def ask(client: graph_client.GraphClient, path: str = MESSAGES, **how: Any) -> list[Any]:
    found = await client.page(client.address(path, {"$top": "10"}), decode=decode_messages, **how)
    return found.items


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [("7", 7, 7.2), ("2.128", 2.128, 2.3), ("0", 0, 0.2), (None, 0.5, 1.2), ("soon", 0.5, 1.2), ("-3", 0.5, 1.2)],
)
async def test_retry_after_is_honoured_whole_fractional_and_missing(header, least, most):
    clock = Clock()
    graph = FakeGraph([ONE], script=[once(error(429, **({"Retry_After": header} if header else {})))])
    async with client_of(graph, clock) as client:
        items = await ask(client)

    assert len(items) == 1
    assert least <= sum(clock.slept) <= most


def test_a_date_in_retry_after_is_counted_from_now():
    now = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)

    assert retry_after(format_datetime(datetime(2026, 11, 20, 15, 30, 9, tzinfo=UTC), usegmt=True), now) == 9
    assert retry_after(format_datetime(datetime(2026, 11, 20, tzinfo=UTC), usegmt=True), now) == 0


async def test_without_retry_after_the_waits_grow():
    clock = Clock()
    graph = FakeGraph([ONE], script=[once(*(error(503) for _ in range(5)))])
    async with client_of(graph, clock) as client:
        await ask(client)

    for failures, waited in enumerate(clock.slept):
        assert 0.5 * min(2**failures, 16) <= waited <= min(2**failures, 16) + 0.1


async def test_a_long_wait_is_handed_to_the_caller_instead_of_slept():
    clock = Clock()
    graph = FakeGraph(script=[always(lambda: error(429, "TooManyRequests", Retry_After="3600"))])
    async with client_of(graph, clock) as client:
        with pytest.raises(GraphAway) as away:
            await ask(client)
        with pytest.raises(GraphAway):
            await ask(client)

    assert away.value.wait == 3600
    assert clock.slept == []
    # Requests made while throttled count, so the second was never sent.
    assert len(graph.seen) == 1


async def test_who_is_told_to_wait_holds_back_the_other_requests_to_that_mailbox():
    clock = Clock()
    graph = FakeGraph([ONE], script=[once(error(429, Retry_After="9"), to="ada/messages")])
    sent_at: list[float] = []

    async def note(request: web.Request) -> None:
        sent_at.append(clock.now)

    graph.script.insert(0, note)
    async with client_of(graph, clock) as client:
        first = asyncio.create_task(ask(client))
        while not clock.slept:
            await asyncio.sleep(0.001)
        await asyncio.gather(first, ask(client), ask(client))

    early, *later = sent_at
    assert early == 1000.0
    assert all(at >= 1009.0 for at in later)


async def test_after_many_failures_in_a_row_the_caller_is_told_to_come_back():
    """A worker is not kept busy for hours by a page that is always broken."""
    clock = Clock()
    graph = FakeGraph(script=[always(lambda: web.Response(text="<html>"))])
    async with client_of(graph, clock) as client:
        with pytest.raises(GraphAway) as away:
            await ask(client, deadline=clock.now + 10_000)

    assert away.value.wait == 60
    assert len(graph.seen) == 8


async def test_nothing_is_asked_again_after_the_deadline():
    clock = Clock()
    graph = FakeGraph(script=[always(lambda: error(500))])
    async with client_of(graph, clock) as client:
        with pytest.raises(GraphAway):
            await ask(client, deadline=clock.now + 12)

    assert clock.now < 1012
    assert 3 <= len(graph.seen) <= 8


async def test_an_expired_token_is_renewed_once():
    tokens = FakeTokens()
    graph = FakeGraph([ONE], script=[once(error(401, "InvalidAuthenticationToken"))])
    async with client_of(graph, tokens=tokens) as client:
        assert len(await ask(client)) == 1

    assert tokens.asked_afresh == 1
    first, second = (request.headers["Authorization"] for request in graph.seen)
    assert first != second


async def test_a_second_401_is_the_tenants_refusal():
    graph = FakeGraph(script=[always(lambda: error(401, "InvalidAuthenticationToken"))])
    async with client_of(graph) as client:
        with pytest.raises(TenantRefused):
            await ask(client)

    assert len(graph.seen) == 2


BAD_PAGES = {
    "html": lambda: web.Response(text="<html>Sorry</html>", content_type="text/html"),
    "half a json": lambda: web.Response(body=b'{"value": [{"id": "m1", "rec'),
    "wrong shape": lambda: web.json_response({"value": {"id": "m1"}}),
    "no list": lambda: web.json_response({"messages": []}),
    "torn gzip": lambda: web.Response(body=gzip.compress(b'{"value": []}')[:-9], headers={"Content-Encoding": "gzip"}),
    "other encoding": lambda: web.Response(body=b"x", headers={"Content-Encoding": "br"}),
    "redirect": lambda: web.Response(status=302, headers={"Location": "http://elsewhere.invalid/"}),
    "no content": lambda: web.Response(status=204),
    "link of a wrong type": lambda: web.json_response({"value": [], "@odata.nextLink": 7}),
}


@pytest.mark.parametrize("bad", BAD_PAGES.values(), ids=BAD_PAGES.keys())
async def test_a_page_that_is_none_is_asked_for_again(bad):
    graph = FakeGraph([ONE], script=[once(bad())])
    async with client_of(graph) as client:
        assert [item.id for item in await ask(client)] == ["m1"]

    assert len(graph.seen) == 2


async def test_a_broken_connection_is_tried_again():
    async def reset(request: web.Request) -> web.StreamResponse | None:
        if len(graph.seen) == 1:
            assert request.transport is not None
            request.transport.abort()
        return None

    graph = FakeGraph([ONE], script=[reset])
    async with client_of(graph) as client:
        assert len(await ask(client)) == 1


async def test_a_link_to_another_place_is_never_followed():
    """Neither to another host, nor to another mailbox of the same one; and no token goes there."""
    async with serving(FakeGraph([ONE])) as elsewhere:
        for foreign in (
            f"{elsewhere.url}{MESSAGES}",
            "{own}/users/bob/messages?$skip=1",
            "{own}" + MESSAGES.replace("messages", "messages/x"),
            "http://user@{host}/v1.0" + MESSAGES,
            "//elsewhere" + MESSAGES,
            "http://[",
        ):
            graph = FakeGraph()

            async def lead_away(request: web.Request, graph=graph, foreign=foreign) -> web.StreamResponse | None:
                link = foreign.replace("{own}", graph.url).replace("{host}", graph.url.split("/")[2])
                return web.json_response({"value": [ONE], "@odata.nextLink": link})

            graph.script.append(lead_away)
            async with client_of(graph) as client:
                with pytest.raises(GraphAway):
                    async for _ in client.pages(MESSAGES, {"$top": "1"}, decode=decode_messages):
                        pass
            assert {request.path for request in graph.seen} == {f"/v1.0{MESSAGES}"}
        assert elsewhere.seen == []


async def test_links_that_lead_in_a_circle_are_refused():
    graph = FakeGraph([ONE | {"id": f"m{n}"} for n in range(3)], cap=1)

    async def back(request: web.Request) -> web.StreamResponse | None:
        if request.query.get("$skip") != "2":
            return None
        return web.json_response({"value": [ONE], "@odata.nextLink": str(request.url.update_query({"$skip": "1"}))})

    graph.script.append(back)
    async with client_of(graph) as client:
        with pytest.raises(GraphAway):
            async for _ in client.pages(MESSAGES, {"$top": "1"}, decode=decode_messages):
                pass

    assert [request.query.get("$skip") for request in graph.seen[:4]] == [None, "1", "2", "2"]


async def test_a_link_may_spell_the_same_path_in_another_way():
    links.check_next(
        "https://g.example/v1.0/users/Ada/messages?a=1", "https://G.example:443/v1.0/users('ada')/messages"
    )
    links.check_next("https://g.example/v1.0/users/a%20b/messages", "https://g.example/v1.0/users/a b/messages?$skip=1")

    with pytest.raises(links.ForeignLink):
        links.check_next("https://g.example/v1.0/users/a/messages", "http://g.example/v1.0/users/a/messages")


def test_signs_that_would_end_or_change_an_address_are_encoded():
    address = links.literal("o'neil+x#y&z@ä.example")

    url = links.url("https://g/v1.0", "/users", {"$filter": f"mail eq {address}"})

    assert url == "https://g/v1.0/users?$filter=mail%20eq%20%27o%27%27neil%2Bx%23y%26z%40%C3%A4.example%27"


async def test_four_requests_to_a_mailbox_are_under_way_at_most_mail_and_calendar_together():
    """One gate for all clients of the process, so that a probe beside an extraction is counted too."""
    graph = FakeGraph([ONE])
    year = {"startDateTime": "2026-01-01T00:00:00Z", "endDateTime": "2027-01-01T00:00:00Z"}
    async with client_of(graph) as one:
        other = graph_client.connect(settings(graph_base_url=graph.url), FakeTokens(), clock=one.clock)
        async with other as two:
            await asyncio.gather(
                *(ask(client) for client in (one, two) for _ in range(10)),
                *(one.fetch("/users/ada/calendarView", year, decode=decode_events) for _ in range(10)),
            )

    assert graph.most_in_flight == 4


async def test_the_headers_ask_for_gzip_immutable_ids_and_utc():
    graph = FakeGraph([ONE])
    async with client_of(graph) as client:
        await ask(client)

    headers = graph.seen[0].headers
    assert headers["Accept-Encoding"] == "gzip"
    assert headers["Prefer"] == 'IdType="ImmutableId", outlook.timezone="UTC"'


async def test_504_is_told_at_once_to_who_can_ask_for_less():
    graph = FakeGraph(script=[always(lambda: error(504))])
    async with client_of(graph) as client:
        with pytest.raises(TooSlow):
            await ask(client, slow_is_final=True)

    assert len(graph.seen) == 1


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (404, "MailboxNotEnabledForRESTAPI", "NotEnabled"),
        (404, "mailboxnotenabledforrestapi", "NotEnabled"),
        (404, "ResourceNotFound", "NotEnabled"),
        (404, "ErrorInvalidUser", "NotFound"),
        (404, "Request_ResourceNotFound", "NotFound"),
        (403, "ErrorAccessDenied", "AccessDenied"),
        (403, "Forbidden", "AccessDenied"),
        (403, "", "AccessDenied"),
    ],
)
async def test_a_mailbox_is_refused_with_the_reason_of_the_coverage(status, code, reason):
    """§6, scope Mailbox: the status decides first, the code second, the message never."""
    graph = FakeGraph(script=[always(lambda: error(status, code))])
    async with client_of(graph) as client:
        with pytest.raises(MailboxRefused) as refused:
            await ask(client)

    assert refused.value.reason == reason
    assert len(graph.seen) == 1


def test_a_refusal_of_the_directory_is_the_tenants():
    assert isinstance(
        judge(403, b'{"error": {"code": "Authorization_RequestDenied"}}', of_mailbox=False), TenantRefused
    )


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error": null}', b'{"error": {"code": 5}}', b"\xff"])
def test_an_error_without_a_code_is_judged_by_its_status(body):
    refusal = judge(404, body, of_mailbox=True)

    assert isinstance(refusal, MailboxRefused)
    assert refusal.code == ""


def test_a_folder_that_is_not_there_is_not_a_mailbox_that_is_not_there():
    refusal = judge(404, b'{"error": {"code": "ErrorItemNotFound"}}', of_mailbox=True)

    assert type(refusal) is RequestRefused
    assert refusal.no_such_item


def test_a_code_that_could_hold_an_address_is_not_repeated():
    assert "ada" not in str(
        judge(400, json.dumps({"error": {"code": "ada@contoso.example"}}).encode(), of_mailbox=True)
    )


async def test_logs_hold_neither_address_nor_token(caplog):
    caplog.set_level(logging.DEBUG)
    graph = FakeGraph(script=[once(error(429), error(401), web.Response(text="<html>"))])
    graph.others["/users"] = lambda _: {"value": []}
    tokens = FakeTokens("Mail.ReadBasic.All")
    async with client_of(graph, tokens=tokens) as client:
        await client.fetch("/users", {"$filter": "mail eq 'ada@contoso.example'"}, decode=decode_messages)

    own = [record for record in caplog.records if record.name.startswith("shared")]
    assert own
    text = " ".join(record.getMessage() for record in own)
    assert "ada" not in text
    assert "Bearer" not in text
    assert (await tokens.token()).split(".")[1] not in text


def test_gzip_of_several_members_is_opened_whole():
    assert bytes(inflate(gzip.compress(b"one ") + gzip.compress(b"two"), "gzip")) == b"one two"


# Named: gzip writes the second at which it compressed, and all workers have to collect the same tests.
@pytest.mark.parametrize(
    "body",
    [b"", b"x", gzip.compress(b"x" * 9)[:-1], gzip.compress(b"x")[:-4] + b"\xff\xff\xff\x7f"],
    ids=["empty", "no gzip", "cut off", "another length"],
)
def test_a_torn_gzip_body_is_told(body):
    with pytest.raises(BrokenBody):
        if not inflate(body, "gzip"):
            raise BrokenBody


async def test_an_unzipped_page_is_read_too():
    graph = FakeGraph(script=[once(web.json_response({"value": [ONE]}))])
    async with client_of(graph) as client:
        assert len(await ask(client)) == 1
    assert page({"value": []}).headers["Content-Encoding"] == "gzip"


async def test_who_comes_next_waits_as_long_as_graph_told_the_one_before():
    """A retried activity has a client of its own; requests made while throttled would count (graph-facts §3)."""
    clock = Clock()
    graph = FakeGraph(script=[always(lambda: error(429, "TooManyRequests", Retry_After="60"))])
    async with serving(graph):
        for path in ("/users", "/groups"):
            async with graph_client.connect(
                settings(graph_base_url=graph.url), FakeTokens(), clock=clock, sleep=clock.sleep
            ) as client:
                with pytest.raises(GraphAway):
                    await client.fetch(path, decode=json.loads)
            del client
            gc.collect()

    assert [request.path for request in graph.seen] == ["/v1.0/users"]
