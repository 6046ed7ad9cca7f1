"""Several calls in one: their limits, their order, their failures."""

ADA = "/users/00000000-0000-0000-0000-00000000000a"


def part(name, url, **other):
    return {"id": name, "method": "GET", "url": url, **other}


async def send(graph, *requests):
    return await graph.send("POST", "/$batch", {"requests": list(requests)})


async def test_parts_are_answered_each_by_itself_and_in_no_useful_order(graph):
    requests = [part(str(number), f"{ADA}?$select=id") for number in range(6)]

    reply = await send(graph, *requests, part("bad", "users/nobody?$select=id"))

    statuses = {each["id"]: each["status"] for each in reply.body["responses"]}
    assert reply.status == 200
    assert statuses == {**{str(number): 200 for number in range(6)}, "bad": 404}
    assert [each["id"] for each in reply.body["responses"]] != [each["id"] for each in requests] + ["bad"]


async def test_a_part_whose_forerunner_failed_is_not_carried_out(graph):
    reply = await send(
        graph,
        part("a", "/users/nobody?$select=id"),
        part("b", f"{ADA}?$select=id", dependsOn=["A"]),
        part("c", f"{ADA}?$select=id", dependsOn=["b"]),
    )

    assert {each["id"]: each["status"] for each in reply.body["responses"]} == {"a": 404, "b": 424, "c": 424}


async def test_each_part_is_throttled_alone(graph):
    graph.emulator.faults.add({"kind": "throttle", "path": "/users/*/messages", "retryAfter": "3"})

    reply = await send(graph, part("mail", f"{ADA}/messages?$select=id"), part("user", f"{ADA}?$select=id"))

    parts = {each["id"]: each for each in reply.body["responses"]}
    assert (parts["mail"]["status"], parts["mail"]["headers"]["Retry-After"]) == (429, "3")
    assert parts["user"]["status"] == 200


async def test_at_most_four_parts_run_at_once(open_emulator):
    async with open_emulator(latency=0.02) as graph:
        reply = await send(graph, *(part(str(number), f"{ADA}/messages?$select=id") for number in range(9)))

        assert {each["status"] for each in reply.body["responses"]} == {200}
        assert graph.emulator.throttle.most_at_once[ADA.removeprefix("/users/")] == 4


async def test_a_malformed_batch_is_refused_whole(graph):
    many = [part(str(number), "/users") for number in range(21)]
    for requests in (
        many,
        [],
        [part("a", "/users"), part("A", "/users")],
        [part("a", "https://graph.microsoft.com/v1.0/users")],
        [part("a", "/users", dependsOn=["b"])],
        [{"id": "a"}],
        ["a"],
    ):
        assert (await send(graph, *requests)).status == 400
    assert (await graph.send("POST", "/$batch", ["no object"])).status == 400


async def test_parts_without_select_are_complained_about(graph):
    await send(graph, part("a", "/users"))

    assert graph.complaints() == {"no $select": 1}
