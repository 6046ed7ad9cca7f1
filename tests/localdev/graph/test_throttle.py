"""How much a mailbox and the directory bear, and what is noted about callers who ask for more."""

import asyncio

ADA = "/users/00000000-0000-0000-0000-00000000000a"
BOB = "/users/00000000-0000-0000-0000-00000000000b"
MESSAGES = f"{ADA}/messages?$select=id"
VIEW = f"{ADA}/calendarView?startDateTime=2026-05-01&endDateTime=2026-06-01&$select=id"


async def together(graph, *paths):
    return await asyncio.gather(*(graph.get(path) for path in paths))


async def test_four_calls_at_once_are_borne_and_the_fifth_is_throttled(open_emulator):
    async with open_emulator(latency=0.1) as graph:
        four = await together(graph, MESSAGES, VIEW, MESSAGES, VIEW)
        five = await together(graph, MESSAGES, VIEW, MESSAGES, VIEW, MESSAGES)

    assert [each.status for each in four] == [200] * 4
    assert sorted(each.status for each in five) == [200] * 4 + [429]
    refused = next(each for each in five if each.status == 429)
    assert (refused.code, refused.headers["Retry-After"]) == ("ApplicationThrottled", "1")
    assert "MailboxConcurrency" in refused.body["error"]["message"]


async def test_each_mailbox_has_four_places_of_its_own(open_emulator):
    async with open_emulator(latency=0.1) as graph:
        replies = await together(graph, *[MESSAGES] * 4, *[f"{BOB}/messages?$select=id"] * 4)
        stats = (await graph.control("GET", "stats")).body

    assert [each.status for each in replies] == [200] * 8
    assert stats["mostInFlight"] == 4
    assert stats["complaints"] == []


async def test_a_mailbox_takes_ten_thousand_calls_in_ten_minutes(graph, clock):
    user_id = ADA.removeprefix("/users/")
    for _ in range(10_000):
        with graph.emulator.throttle.mailbox(user_id):
            pass
    clock.now += 400

    refused = await graph.get(MESSAGES)
    clock.now += 200
    later = await graph.get(MESSAGES)

    assert (refused.status, refused.headers["Retry-After"]) == (429, "200")
    assert later.status == 200


async def test_the_directory_has_a_budget_of_resource_units(graph, clock):
    graph.emulator.throttle.directory(3490)

    cheap = await graph.get("/organization?$select=id")
    dear = [await graph.get("/groups/00000000-0000-0000-0000-000000000101/members?$select=id") for _ in range(5)]
    clock.now += 10
    later = await graph.get("/organization?$select=id")

    assert (cheap.headers["x-ms-resource-unit"], dear[0].headers["x-ms-resource-unit"]) == ("1", "2")
    assert cheap.headers["x-ms-throttle-limit-percentage"] == "1.00"
    assert [each.status for each in dear] == [200, 200, 200, 200, 429]
    assert "x-ms-throttle-scope" in dear[4].headers
    assert later.status == 200


async def test_who_asks_before_the_wait_is_over_is_complained_about(graph, clock):
    graph.emulator.faults.add({"kind": "throttle", "mailbox": "ada@contoso.example", "retryAfter": "2.128"})

    refused = await graph.get(MESSAGES)
    await graph.get(MESSAGES)
    clock.now += 2.2
    await graph.get(MESSAGES)

    assert refused.headers["Retry-After"] == "2.128"
    assert graph.complaints() == {"before Retry-After": 1}


async def test_too_many_in_flight_is_complained_about(open_emulator):
    async with open_emulator(latency=0.1) as graph:
        await together(graph, *[MESSAGES] * 6)

        assert graph.complaints() == {"throttled": 2}


async def test_careless_calls_are_complained_about(graph):
    await graph.get("/users")
    await graph.get(f"{ADA}/messages?$select=id,subject,bodyPreview")
    await graph.get("/me")
    await graph.get(f"{ADA}/messages?$select=id")

    stats = (await graph.control("GET", "stats")).body
    assert stats["complaintCounts"] == {"no $select": 1, "private property": 1, "unknown route": 1}
    assert stats["complaints"][1]["detail"] == "bodyPreview,subject"
    assert stats["requests"]["byKind"]["GET /users/{user-id}/messages"] == 2


async def test_a_reset_forgets_what_was_counted(graph):
    await graph.get("/users")
    await graph.control("POST", "reset")

    stats = (await graph.control("GET", "stats")).body
    assert stats["requests"]["total"] == 0
    assert stats["complaints"] == []
