"""Scripted faults: what each does to whom, and how often."""

import json
from pathlib import Path

import aiohttp
import msgspec
import pytest

ADA = "/users/00000000-0000-0000-0000-00000000000a"
BOB = "/users/00000000-0000-0000-0000-00000000000b"
MESSAGES = f"{ADA}/messages?$select=id&$top=10"


async def raw(graph, path):
    """The reply as it is on the wire: status, content type, text."""
    headers = {"Authorization": f"Bearer {graph.token}"}
    async with graph.session.get(graph.served.graph_url + path, headers=headers) as response:
        return response.status, response.headers["Content-Type"], await response.text()


@pytest.mark.parametrize("header", ["7", "2.128", None])
async def test_throttling_says_how_long_or_does_not(graph, header):
    graph.emulator.faults.add({"kind": "throttle", "retryAfter": header})

    reply = await graph.get(MESSAGES)

    assert (reply.status, reply.headers.get("Retry-After")) == (429, header)
    assert (await graph.get(MESSAGES)).status == 200


async def test_a_mailbox_throttled_for_an_hour_opens_after_it(open_emulator, clock):
    async with open_emulator(expires_in=9000) as graph:
        await _throttled_for_an_hour(graph, clock)


async def _throttled_for_an_hour(graph, clock):
    graph.emulator.faults.add({"kind": "throttle", "mailbox": "ada@contoso.example", "seconds": 3600})

    first = await graph.get(MESSAGES)
    clock.now += 3000
    late = await graph.get(MESSAGES)
    other = await graph.get(f"{BOB}/messages?$select=id")
    clock.now += 600
    over = await graph.get(MESSAGES)

    assert [first.headers["Retry-After"], late.headers["Retry-After"]] == ["3600", "600"]
    assert (other.status, over.status) == (200, 200)


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ({"kind": "status"}, 503, "UnknownError"),
        ({"kind": "status", "status": 500, "code": "generalException"}, 500, "generalException"),
        ({"kind": "mailboxInfoStale"}, 503, "MailboxInfoStale"),
        ({"kind": "freshMailbox"}, 404, "ResourceNotFound"),
        ({"kind": "gatewayTimeoutAbove", "top": 9}, 504, "UnknownError"),
        ({"kind": "expireToken"}, 401, "InvalidAuthenticationToken"),
    ],
)
async def test_a_refusal_has_its_status_and_code(graph, fault, status, code):
    graph.emulator.faults.add(fault)

    reply = await graph.get(MESSAGES)

    assert (reply.status, reply.code) == (status, code)


async def test_big_pages_time_out_and_small_ones_do_not(graph):
    graph.emulator.faults.add({"kind": "gatewayTimeoutAbove", "top": 50, "times": None})

    replies = [await graph.get(f"{ADA}/messages?$select=id&$top={top}") for top in (400, 200, 50)]

    assert [each.status for each in replies] == [504, 504, 200]


async def test_a_token_that_ends_in_the_middle_stays_dead_and_a_new_one_works(graph):
    graph.emulator.faults.add({"kind": "expireToken", "after": 1})

    replies = [await graph.get(MESSAGES) for _ in range(3)]
    graph.token = graph.emulator.entra.issue("client")
    renewed = await graph.get(MESSAGES)

    assert [each.status for each in replies] == [200, 401, 401]
    assert renewed.status == 200


async def test_a_connection_can_be_torn_down(graph):
    # Twice, because the client tries a GET once more by itself.
    graph.emulator.faults.add({"kind": "reset", "times": 2})

    with pytest.raises(aiohttp.ClientError):
        await graph.get(MESSAGES)
    assert (await graph.get(MESSAGES)).status == 200


async def test_a_slow_answer_is_an_answer(graph):
    graph.emulator.faults.add({"kind": "slow", "seconds": 0.05})

    assert (await graph.get(MESSAGES)).status == 200


async def test_an_answer_may_be_a_web_page(graph):
    graph.emulator.faults.add({"kind": "html"})

    status, content_type, text = await raw(graph, MESSAGES)

    assert (status, content_type) == (200, "text/html")
    assert text.startswith("<!doctype html>")


async def test_an_answer_may_break_off(graph):
    graph.emulator.faults.add({"kind": "halfJson"})

    status, _, text = await raw(graph, MESSAGES)

    assert status == 200
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(text)


async def test_a_page_may_have_the_wrong_shape_or_one_bad_item(graph):
    graph.emulator.faults.add({"kind": "wrongShape"}, {"kind": "badItem", "after": 1, "item": {"id": 5}})

    shape, item = await graph.get(MESSAGES), await graph.get(MESSAGES)

    assert isinstance(shape.body["value"], dict)
    assert len(item.body["value"]) == 11
    assert {"id": 5} in item.body["value"]


async def test_pages_may_be_short_or_empty_and_still_go_on(graph):
    graph.emulator.faults.add({"kind": "shortPages", "size": 3, "times": None}, {"kind": "emptyPage"})

    empty = await graph.get(MESSAGES)
    first = await graph.get(empty.next)
    second = await graph.get(first.next)

    assert empty.body["value"] == []
    assert (len(first.ids), len(second.ids)) == (3, 3)
    assert not set(first.ids) & set(second.ids)


async def test_links_may_lead_elsewhere_or_in_a_circle_or_be_missing(graph):
    graph.emulator.faults.add(
        {"kind": "foreignNextLink"}, {"kind": "repeatingNextLink", "after": 1}, {"kind": "missingNextLink", "after": 2}
    )

    foreign = await graph.get(MESSAGES)
    circle = await graph.get(MESSAGES)
    missing = await graph.get(MESSAGES)

    assert foreign.next.startswith("https://graph.invalid/")
    assert (await graph.get(circle.next)).ids == circle.ids
    assert "@odata.nextLink" not in missing.body


async def test_mail_that_arrives_while_paging_downwards_shifts_the_pages(graph):
    graph.emulator.faults.add({"kind": "arrivals", "size": 2, "after": 1})

    first = await graph.get(MESSAGES)
    second = await graph.get(first.next)

    assert set(first.ids) & set(second.ids) == set(first.ids[-2:])


async def test_a_fault_strikes_only_the_method_path_and_mailbox_it_names(graph):
    graph.emulator.faults.add(
        {"kind": "status", "path": "/users/*/calendarView", "times": None},
        {"kind": "status", "mailbox": "bob@contoso.onmicrosoft.example", "times": None},
        {"kind": "status", "method": "POST", "times": None},
    )

    assert (await graph.get(MESSAGES)).status == 200
    assert (await graph.get(f"{BOB}/messages?$select=id")).status == 503
    view = await graph.get(f"{ADA}/calendarView?startDateTime=2026-05-01&endDateTime=2026-06-01&$select=id")
    assert view.status == 503


async def test_a_fault_waits_for_its_turn_and_ends(graph):
    graph.emulator.faults.add({"kind": "status", "after": 1, "times": 2})

    statuses = [(await graph.get(MESSAGES)).status for _ in range(4)]

    assert statuses == [200, 503, 503, 200]


async def test_one_call_takes_one_refusal_only(graph):
    graph.emulator.faults.add({"kind": "status"}, {"kind": "throttle"})

    statuses = [(await graph.get(MESSAGES)).status for _ in range(3)]

    assert statuses == [503, 429, 200]


async def test_faults_come_from_a_file_and_from_the_controls(graph, tmp_path: Path):
    file = tmp_path / "faults.json"
    file.write_text(json.dumps([{"kind": "status", "status": 502}]))
    graph.emulator.faults.load(file)
    put = await graph.control("POST", "faults", [{"kind": "status", "status": 500, "times": None}])

    statuses = [(await graph.get(MESSAGES)).status for _ in range(2)]
    await graph.control("DELETE", "faults")

    assert put.status == 200
    assert statuses == [502, 500]
    assert (await graph.get(MESSAGES)).status == 200


async def test_a_fault_that_is_none_is_refused(graph):
    with pytest.raises(msgspec.ValidationError):
        graph.emulator.faults.add({"kind": "explode"})
    with pytest.raises(msgspec.ValidationError):
        graph.emulator.faults.add({"kind": "status", "retry_after": 1})
    assert (await graph.control("POST", "faults", [{"kind": "explode"}])).status == 400


async def test_the_token_endpoint_has_bad_days_too(graph):
    graph.emulator.faults.add({"kind": "status", "path": "/*/oauth2/v2.0/token"})

    async with graph.session.post(f"{graph.served.url}/contoso.example/oauth2/v2.0/token") as response:
        assert response.status == 503
