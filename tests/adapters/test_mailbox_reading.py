"""Reading a mailbox: each message and event exactly once, whatever Graph's pages do (graph-facts §2, §3)."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from shared.adapters.graph import folders, mailbox
from shared.adapters.graph.refusals import MailboxRefused
from shared.core.contracts import Cursor
from shared.core.periods import Window, from_us, to_us
from tests.fake_graph import Clock, FakeGraph, Fault, always, client_of, error, once, page

AS_OF = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
WINDOW = Window(to_us(AS_OF), "Europe/Berlin")
BEGIN, END = from_us(WINDOW.read_from_us), from_us(WINDOW.read_until_us)
FORBIDDEN = ("subject", "body", "bodyPreview", "uniqueBody", "location", "locations", "attachments")


def text(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def messages_at(*instants: datetime) -> list[dict[str, Any]]:
    ordered = sorted(instants)
    return [{"id": f"m{number}", "receivedDateTime": text(instant)} for number, instant in enumerate(ordered)]


def events_at(*instants: datetime, minutes: float = 30) -> list[dict[str, Any]]:
    def moment(instant: datetime) -> dict[str, str]:
        return {"dateTime": instant.strftime("%Y-%m-%dT%H:%M:%S.0000000"), "timeZone": "UTC"}

    return [
        {"id": f"e{number}", "start": moment(instant), "end": moment(instant + timedelta(minutes=minutes))}
        for number, instant in enumerate(instants)
    ]


def some_instants(rng: random.Random, count: int, end: datetime = END) -> list[datetime]:
    """Spread over the year, in bursts too, so that many share a second."""
    seconds = int((end - BEGIN).total_seconds())
    spots = [rng.randrange(seconds) for _ in range(max(1, count // 20))]
    return [
        BEGIN + timedelta(seconds=rng.choice(spots) if rng.random() < 0.5 else rng.randrange(seconds))
        for _ in range(count)
    ]


async def read_all(
    graph: FakeGraph, clock: Clock | None = None, most_calls: int = 60, seconds: float = 240, **how: Any
) -> tuple[Counter[str | None], Counter[str | None], list[mailbox.Rest]]:
    """Call after call until nothing is left; the ids of messages and events, and what each call left."""
    clock = clock or Clock()
    messages: Counter[str | None] = Counter()
    events: Counter[str | None] = Counter()
    rests: list[mailbox.Rest] = []
    sinks = mailbox.Sinks(
        lambda items: messages.update(item.id for item in items), lambda items: events.update(item.id for item in items)
    )
    cursor = how.pop("cursor", None) or mailbox.whole(WINDOW)
    async with client_of(graph, clock) as client:
        for _ in range(most_calls):
            deadline = clock.now + seconds
            rest = await mailbox.read(
                client, "ada", cursor, sinks, deadline=deadline, now=lambda: datetime.now(UTC), **how
            )
            rests.append(rest)
            if rest.cursor is None:
                break
            clock.now += rest.wait
            cursor = Cursor.from_wire(rest.cursor.to_wire())
    return messages, events, rests


def once_each(items: list[dict[str, Any]]) -> Counter[str | None]:
    return Counter(item["id"] for item in items)


@pytest.mark.parametrize("seed", range(12))
async def test_each_message_and_event_is_handed_on_exactly_once(seed):
    """Whatever the page size, whether counts are given, and whatever goes wrong now and then."""
    rng = random.Random(seed)
    graph = FakeGraph(messages_at(*some_instants(rng, rng.choice([0, 1, 40, 900]))), counts=seed % 3 != 0)
    graph.events = events_at(*some_instants(rng, rng.choice([0, 30, 400]), AS_OF))
    graph.cap = rng.choice([1, 7, 50, 1000]) if len(graph.messages) < 100 else rng.choice([23, 100, 1000])

    async def now_and_then(request: web.Request) -> web.StreamResponse | None:
        if rng.random() < 0.85:
            return None
        return rng.choice(
            [error(503), error(429, Retry_After="1.5"), error(500), web.Response(text="<html>"), error(504)]
        )

    graph.script.append(now_and_then)
    messages, events, _ = await read_all(graph)

    assert messages == once_each(graph.messages)
    assert events == once_each(graph.events)
    assert graph.most_in_flight <= 4


async def test_a_full_page_whose_messages_share_one_second_is_read_on_by_its_links():
    busy = BEGIN + timedelta(days=100)
    graph = FakeGraph(messages_at(*[busy] * 57, busy - timedelta(seconds=1), busy + timedelta(seconds=1)), cap=10)
    messages, _, _ = await read_all(graph)

    assert messages == once_each(graph.messages)


async def test_deep_skips_are_not_used_where_seconds_differ():
    graph = FakeGraph(messages_at(*(BEGIN + timedelta(hours=n) for n in range(300))), cap=20)
    messages, _, _ = await read_all(graph)

    assert messages == once_each(graph.messages)
    assert all("$skip" not in request.query for request in graph.asked("/messages"))


async def test_short_and_empty_pages_with_a_link_are_not_the_end():
    graph = FakeGraph(messages_at(*(BEGIN + timedelta(hours=n) for n in range(50))))
    graph.events = events_at(*(BEGIN + timedelta(days=n) for n in range(1, 50)))

    async def stingy(request: web.Request) -> web.StreamResponse | None:
        """An empty page first, then two at a time."""
        if "mailFolders" in request.path:
            return None
        skip = int(request.query.get("$skip", "-1"))
        if skip == -1:
            return page({"value": [], "@odata.nextLink": str(request.url.update_query({"$skip": "0"}))})
        return page(graph.collection(request, most=2))

    graph.script.append(stingy)
    messages, events, _ = await read_all(graph)

    assert messages == once_each(graph.messages)
    assert events == once_each(graph.events)


def without_links(graph: FakeGraph, ending: str) -> Fault:
    async def forget(request: web.Request) -> web.StreamResponse | None:
        if not request.path.endswith(ending):
            return None
        content = graph.collection(request)
        content.pop("@odata.nextLink", None)
        return page(content)

    return forget


@pytest.mark.parametrize("counts", [True, False])
async def test_a_missing_link_loses_no_message(counts):
    """The count tells, and where there is none the full page."""
    graph = FakeGraph(messages_at(*(BEGIN + timedelta(hours=n) for n in range(2500))), counts=counts)
    graph.script.append(without_links(graph, "/messages"))
    messages, _, _ = await read_all(graph)

    assert messages == once_each(graph.messages)


@pytest.mark.parametrize("counts", [True, False])
async def test_a_missing_link_loses_no_event(counts):
    graph = FakeGraph(events=events_at(*(BEGIN + timedelta(hours=3 * n) for n in range(1, 2500))), counts=counts)
    graph.script.append(without_links(graph, "/calendarView"))
    _, events, _ = await read_all(graph)

    assert events == once_each(graph.events)


async def test_a_count_that_never_comes_true_does_not_keep_a_mailbox_open():
    """Graph counts items that it then does not show; what it shows is what there is."""
    graph = FakeGraph(messages_at(BEGIN, BEGIN + timedelta(days=3)), events_at(BEGIN + timedelta(days=5)))

    async def boast(request: web.Request) -> web.StreamResponse | None:
        if request.query.get("$count") != "true":
            return None
        content = graph.collection(request)
        return page(content | {"@odata.count": content["@odata.count"] + (3 if content["value"] else 0)})

    graph.script.append(boast)
    messages, events, rests = await read_all(graph)

    assert messages == once_each(graph.messages)
    assert events == once_each(graph.events)
    assert rests[-1].cursor is None


async def test_messages_that_pages_repeat_are_handed_on_once():
    busy = BEGIN + timedelta(days=9)
    graph = FakeGraph(messages_at(*[busy] * 30), cap=10)

    async def shifted(request: web.Request) -> web.StreamResponse | None:
        """As when mail arrives in the middle: each page begins with the last message of the one before, twice."""
        skip = int(request.query.get("$skip", "0"))
        if not request.path.endswith("/messages") or skip == 0:
            return None
        content = graph.collection(request)
        content["value"] = [graph.messages[skip - 1]] * 2 + content["value"]
        return page(content)

    graph.script.append(shifted)
    messages, _, _ = await read_all(graph)

    assert messages == once_each(graph.messages)


async def test_pages_get_smaller_after_504_and_the_size_that_works_is_remembered():
    graph = FakeGraph(messages_at(*(BEGIN + timedelta(hours=n) for n in range(600))))

    async def slow_above(request: web.Request) -> web.StreamResponse | None:
        return error(504) if int(request.query.get("$top", "1")) > 70 and "mailFolders" not in request.path else None

    graph.script.append(slow_above)
    clock = Clock()
    messages, _, rests = await read_all(graph, clock, most=200)

    assert messages == once_each(graph.messages)
    assert [rest.cursor.top for rest in rests[:-1] if rest.cursor] == [62] * (len(rests) - 1)
    assert clock.slept == []


async def test_pages_get_larger_again_after_a_bad_minute():
    graph = FakeGraph(messages_at(*(BEGIN + timedelta(minutes=n) for n in range(2000))), cap=20)
    graph.script.append(once(*(error(504) for _ in range(5)), to="/messages"))
    await read_all(graph)

    tops = [int(request.query["$top"]) for request in graph.asked("/messages")]
    assert min(tops) == 31
    assert tops[-1] > 31


async def test_with_504_on_a_page_of_one_the_same_is_asked_later():
    graph = FakeGraph(messages_at(BEGIN))
    graph.script.append(always(lambda: error(504), to="/messages"))
    _, _, rests = await read_all(graph, most_calls=1)

    assert rests[0].cursor is not None
    assert rests[0].cursor.top == 1
    assert len(graph.asked("/messages")) < 40


async def test_a_call_ends_with_its_time_and_the_next_goes_on_where_it_ended():
    graph = FakeGraph(messages_at(*(BEGIN + timedelta(hours=n) for n in range(400))), cap=20)
    graph.events = events_at(*(BEGIN + timedelta(days=n) for n in range(1, 100)))
    clock = Clock()

    async def take_time(request: web.Request) -> None:
        clock.now += 30

    graph.script.append(take_time)
    messages, events, rests = await read_all(graph, clock)

    assert messages == once_each(graph.messages)
    assert events == once_each(graph.events)
    assert len(rests) >= 4
    assert all(rest.items or rest.progressed for rest in rests)
    windows = [len(rest.cursor.messages) + len(rest.cursor.meetings) for rest in rests if rest.cursor]
    assert max(windows) <= 24


async def test_a_call_ends_with_its_number_of_items():
    graph = FakeGraph(messages_at(*(BEGIN + timedelta(hours=n) for n in range(500))), cap=20)
    messages, _, rests = await read_all(graph, most=100)

    assert messages == once_each(graph.messages)
    assert max(rest.items for rest in rests) <= 100 + 4 * 20


async def test_a_long_wait_ends_the_call_and_keeps_what_was_read():
    graph = FakeGraph(messages_at(*(BEGIN + timedelta(hours=n) for n in range(100))), cap=20)

    async def throttle(request: web.Request) -> web.StreamResponse | None:
        return error(429, "TooManyRequests", Retry_After="1800") if len(graph.asked("/messages")) == 3 else None

    graph.script.append(throttle)
    messages, _, rests = await read_all(graph)

    assert messages == once_each(graph.messages)
    assert rests[0].wait == pytest.approx(1800, abs=1)
    assert rests[0].items > 0
    assert rests[0].cursor is not None
    assert rests[0].cursor.messages[0][0] > WINDOW.read_from_us // 10**6


async def test_a_refusal_in_the_middle_is_raised():
    graph = FakeGraph(messages_at(*(BEGIN + timedelta(hours=n) for n in range(100))), cap=20)

    async def refuse(request: web.Request) -> web.StreamResponse | None:
        return error(403, "ErrorAccessDenied") if len(graph.asked("/messages")) > 2 else None

    graph.script.append(refuse)
    with pytest.raises(MailboxRefused):
        await read_all(graph)


async def test_windows_are_read_side_by_side_up_to_four_at_a_time():
    graph = FakeGraph(messages_at(*(BEGIN + timedelta(hours=4 * n) for n in range(2000))), cap=100)
    messages, _, _ = await read_all(graph)

    assert messages == once_each(graph.messages)
    assert graph.most_in_flight == 4
    # Hardly more requests than pages.
    assert len(graph.asked("/messages")) <= 32


@pytest.mark.parametrize("edge", ["on the cut", "across the cut", "without length on the cut"])
async def test_an_event_at_the_seam_of_two_windows_is_handed_on_once(edge):
    begin, end = mailbox.whole(WINDOW).meetings[0]
    middle = datetime.fromtimestamp((begin + end) // 2, UTC)
    start, minutes = (
        (middle - timedelta(minutes=10), 60.0) if "across" in edge else (middle, 0.0 if "length" in edge else 30.0)
    )
    graph = FakeGraph(events=events_at(start, minutes=minutes), counts=False)
    cursor = Cursor(meetings=[(begin, (begin + end) // 2), ((begin + end) // 2, end)])
    _, events, _ = await read_all(graph, cursor=cursor)

    assert events == Counter(["e0"])


async def test_messages_are_read_from_the_local_day_before_the_window_to_24_hours_after_as_of():
    """§3.1: received before the local day before the window, or more than 24 hours after `as_of`, it does not exist."""
    graph = FakeGraph(messages_at(BEGIN, END, BEGIN - timedelta(seconds=1), END + timedelta(seconds=1)))
    messages, _, _ = await read_all(graph)

    assert [message["receivedDateTime"] for message in graph.messages if message["id"] in messages] == [
        text(BEGIN),
        text(END),
    ]


async def test_every_request_selects_and_none_asks_for_what_is_private():
    """§8: never requested: subjects, bodies, previews, locations, attachments; every call names its properties."""
    graph = FakeGraph(messages_at(BEGIN), events_at(BEGIN + timedelta(days=2)))
    graph.folders = {"drafts": ["d1"], "d1": []}
    async with client_of(graph) as client:
        await folders.excluded(client, "ada", client.clock() + 60)
    await read_all(graph)

    for request in graph.seen:
        selected = request.query["$select"].split(",")
        assert "internetMessageHeaders" not in selected
        assert not set(selected).intersection(FORBIDDEN)
        assert "$expand" not in request.query
        assert "$search" not in request.query


async def test_headers_are_selected_only_where_the_enrichment_reads_them():
    """§8: the one exception is `readHeaders`."""
    graph = FakeGraph(messages_at(BEGIN))
    await read_all(graph, with_headers=True)

    assert all("internetMessageHeaders" in request.query["$select"] for request in graph.asked("/messages"))


async def test_excluded_folders_are_known_by_well_known_name_with_all_below_them():
    """§3.2: any sub-folder of these; a folder that a mailbox lacks is skipped."""
    graph = FakeGraph(
        folders={"drafts": ["d1", "d2"], "d1": ["d11"], "d11": ["d111"], "junkemail": [], "inbox": ["i1"]}
    )
    async with client_of(graph) as client:
        found = await folders.excluded(client, "ada", client.clock() + 60)

    assert found == {"drafts", "d1", "d2", "d11", "d111", "junkemail"}
    assert all(request.query.get("includeHiddenFolders") == "true" for request in graph.asked("/childFolders"))


@pytest.mark.parametrize(
    "answer", [lambda: web.Response(status=404), lambda: error(404), lambda: error(404, "itemNotFound")]
)
async def test_a_folder_that_is_not_found_is_skipped_whatever_the_code_says(answer):
    """§3.2: a folder that a mailbox lacks is skipped; the status counts before the code."""
    graph = FakeGraph(
        folders={"drafts": ["d1"]}, script=[always(answer, to="/outbox"), always(answer, to="/d1/childFolders")]
    )
    async with client_of(graph) as client:
        found = await folders.excluded(client, "ada", client.clock() + 60)

    assert found == {"drafts", "d1"}


async def test_a_mailbox_that_is_refused_is_told_with_its_folders():
    graph = FakeGraph(script=[always(lambda: error(404, "MailboxNotEnabledForRESTAPI"))])
    async with client_of(graph) as client:
        with pytest.raises(MailboxRefused) as refused:
            await folders.excluded(client, "ada", client.clock() + 60)

    assert refused.value.reason == "NotEnabled"


async def test_reading_can_be_cancelled():
    graph = FakeGraph(messages_at(BEGIN))

    async def never(request: web.Request) -> web.StreamResponse | None:
        await asyncio.sleep(30)
        return None

    graph.script.append(never)
    task = asyncio.create_task(read_all(graph))
    while not graph.seen:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
