"""The durable client and the management API behind it (§3), on a host in the test's process."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import aiohttp
import pytest

from localdev.host.index import HostJson
from localdev.host.server import Host

HOOKS = "/runtime/webhooks/durabletask"


class _Caller:
    """Talks to one host; answers are (status, parsed body or None)."""

    def __init__(self, host, session):
        self.host = host
        self._session = session

    async def __call__(self, method, path, body=None, *, raw=None, headers=None):
        data = raw if raw is not None else (None if body is None else json.dumps(body))
        headers = {"Content-Type": "application/json"} | (headers or {})
        async with self._session.request(method, path, data=data, headers=headers) as response:
            text = await response.text()
            self.headers = response.headers
            return response.status, json.loads(text) if text else None

    async def start(self, name, body=None, identity=None):
        status, links = await self("POST", f"/api/start/{name}" + (f"?id={identity}" if identity else ""), body)
        assert status == 202
        return links["id"]

    async def status(self, identity, query=""):
        return await self("GET", f"{HOOKS}/instances/{identity}?{query}")

    async def until(self, identity, *wanted):
        for _ in range(1000):
            _, told = await self.status(identity)
            if told and told["runtimeStatus"] in wanted:
                return told
            await asyncio.sleep(0.005)
        raise AssertionError(f"{identity} is still {told}")

    async def ended(self, identity):
        return await self.until(identity, "Completed", "Failed", "Terminated")

    async def client(self, operation, identity, *arguments):
        return (await self("POST", f"/api/client/{operation}/{identity}", list(arguments)))[1]


@asynccontextmanager
async def _caller(app, state, **options):
    async with Host(app, state, **options) as host, aiohttp.ClientSession(host.url) as session:
        yield _Caller(host, session)


@pytest.fixture
async def call(sample_app, tmp_path):
    async with _caller(sample_app, tmp_path) as caller:
        yield caller


async def test_a_start_is_answered_with_links_to_manage_it(call):
    """§3.1: `create_check_status_response` answers 202, `Location` and `Retry-After: 10`."""
    status, links = await call("POST", "/api/start/wait?id=one")

    assert status == 202
    assert call.headers["Retry-After"] == "10"
    assert links["statusQueryGetUri"].startswith(f"{call.host.url}{HOOKS}/instances/one?taskHub=TestHubName")
    assert set(links) == {
        "id", "statusQueryGetUri", "sendEventPostUri", "terminatePostUri", "rewindPostUri", "purgeHistoryDeleteUri",
        "restartPostUri", "suspendPostUri", "resumePostUri",
    }  # fmt: skip


async def test_the_status_tells_input_output_and_history(call):
    """§3.2: the input of a client is a string of JSON; the history is there when asked for."""
    identity = await call.start("hello", {"n": 1})
    told = await call.ended(identity)

    assert told["input"] == '{"n": 1}'
    assert told["output"] == [{"k": "å"}, {"n": 1}]
    assert told["createdTime"].endswith("Z")
    assert "historyEvents" not in told
    _, with_history = await call.status(identity, "showHistory=True&showHistoryOutput=True&showInput=False")
    assert [event["EventType"] for event in with_history["historyEvents"]] == [
        "ExecutionStarted", "TaskCompleted", "ExecutionCompleted",
    ]  # fmt: skip
    assert with_history["historyEvents"][1]["Result"] == {"k": "å"}
    assert with_history["input"] is None
    _, without_output = await call.status(identity, "showHistory=true")
    assert "Result" not in without_output["historyEvents"][1]


async def test_names_are_found_in_any_case_and_by_the_durable_name(call):
    """§1: the durable name is the trigger's own; lookup is case-insensitive."""
    assert (await call.ended(await call.start("named")))["output"] == 1


async def test_an_unknown_instance_is_404_and_empty(call):
    assert await call.status("nope") == (404, None)
    assert await call("POST", f"{HOOKS}/instances/nope/raiseEvent/x", 1) == (404, None)
    assert (await call("POST", f"{HOOKS}/instances/nope/terminate"))[0] == 404
    assert (await call("DELETE", f"{HOOKS}/instances/nope"))[0] == 404
    assert (await call("POST", f"{HOOKS}/instances/nope/restart"))[0] == 400
    assert (await call("GET", f"{HOOKS}/entities/counter/one"))[0] == 501
    assert "error" in await call.client("raise_event", "nope", "go", 1)


async def test_a_running_instance_is_202_and_cannot_be_started_again(call):
    """§3.2: a start on an id that runs is 409; the client raises."""
    await call.start("wait", identity="w")
    await call.until("w", "Running")

    assert (await call.status("w"))[0] == 202
    assert call.headers["Retry-After"] == "5"
    status, told = await call("POST", f"{HOOKS}/orchestrators/wait/w")
    assert (status, told) == (
        409, {"Message": "An Orchestration instance with the status Running already exists."},
    )  # fmt: skip
    assert (await call.status("w"))[1]["customStatus"] == {"waits": True}


async def test_an_event_reaches_the_orchestrator(call):
    """§2.8: the client's payload arrives as a JSON string, a raw body as its value."""
    await call.start("wait", identity="by client")
    await call.client("raise_event", "by client", "go", {"ok": True})
    await call.start("wait", identity="by hook")
    assert await call("POST", f"{HOOKS}/instances/by hook/raiseEvent/go", {"ok": True}) == (202, None)

    assert json.loads((await call.ended("by client"))["output"]) == {"ok": True}
    assert (await call.ended("by hook"))["output"] == {"ok": True}
    assert await call("POST", f"{HOOKS}/instances/by hook/raiseEvent/go", 1) == (410, None)


async def test_an_event_needs_a_json_body(call):
    """§3.2: 400 for no body or one that is not JSON."""
    await call.start("wait", identity="w")

    assert (await call("POST", f"{HOOKS}/instances/w/raiseEvent/go"))[0] == 400
    assert (await call("POST", f"{HOOKS}/instances/w/raiseEvent/go", raw="{no"))[0] == 400


async def test_terminate_ends_an_instance_with_its_reason(call):
    await call.start("wait", identity="w")
    await call.until("w", "Running")
    assert await call.client("terminate", "w", "because") == {"ok": None}

    told = await call.ended("w")
    assert (told["runtimeStatus"], told["output"]) == ("Terminated", "because")
    assert (await call("POST", f"{HOOKS}/instances/w/terminate?reason=x"))[0] == 410
    assert await call.client("terminate", "w", "again") == {"ok": None}


async def test_suspend_and_resume(call):
    """§2.8, §3.2: the reason is shown as output; suspend twice or resume a running one is 500; 410 when finished."""
    await call.start("hello", identity="h")
    await call.ended("h")
    assert (await call("POST", f"{HOOKS}/instances/h/suspend"))[0] == 410
    await call.start("wait", identity="w")
    await call.until("w", "Running")
    assert (await call("POST", f"{HOOKS}/instances/w/resume?reason=x"))[0] == 500

    assert (await call("POST", f"{HOOKS}/instances/w/suspend?reason=pause"))[0] == 202
    told = await call.until("w", "Suspended")
    assert told["output"] == "pause"
    assert (await call("POST", f"{HOOKS}/instances/w/suspend"))[0] == 500
    assert (await call("POST", f"{HOOKS}/instances/w/resume?reason=go%20on"))[0] == 202
    assert (await call.until("w", "Running"))["output"] == "go on"


async def test_failed_instances_are_500_only_on_request(call):
    identity = await call.start("fails")
    told = await call.ended(identity)

    assert told["output"] == "Orchestrator function 'fails' failed: on purpose"
    assert (await call.status(identity))[0] == 200
    assert (await call.status(identity, "returnInternalServerErrorOnFailure=true"))[0] == 500
    assert (await call("POST", f"{HOOKS}/instances/{identity}/rewind?reason=x"))[0] == 501


async def test_an_unknown_orchestrator_is_accepted_and_then_fails(call):
    """§2.6: start 202, then Failed "The function 'Nope' doesn't exist, is disabled, …"."""
    told = await call.ended(await call.start("Nope"))

    assert told["runtimeStatus"] == "Failed"
    assert told["output"].startswith(
        "The function 'Nope' doesn't exist, is disabled, or is not an orchestrator function."
    )


@pytest.mark.parametrize(
    ("body", "words"), [("[1]", "not list"), ("5", "not int"), ('"Tokyo"', "Expecting value: line 1 column 1 (char 0)")]
)
async def test_a_raw_body_that_is_no_object_fails_the_orchestration(body, words, call):
    """§2.1: webhook bodies `[1]`, `5`, `"Tokyo"` cannot be read as input; an object can."""
    _, links = await call("POST", f"{HOOKS}/orchestrators/hello", raw=body)
    told = await call.ended(links["id"])

    assert told["runtimeStatus"] == "Failed"
    assert words in told["output"]
    _, links = await call("POST", f"{HOOKS}/orchestrators/hello", {"a": 1})
    assert (await call.ended(links["id"]))["output"][1] == {"a": 1}


async def test_a_start_can_wait_for_the_end(call):
    """§3.2: `?timeout=5&pollingInterval=1` waits."""
    query = "timeout=20&pollingInterval=0.05"
    assert await call("POST", f"{HOOKS}/orchestrators/hello?{query}", {"a": 1}) == (200, [{"k": "å"}, {"a": 1}])
    assert (await call("POST", f"{HOOKS}/orchestrators/fails?{query}"))[0] == 500
    assert (await call("POST", f"{HOOKS}/orchestrators/wait?timeout=0.01&pollingInterval=1"))[0] == 202


async def test_lists_are_filtered_and_stop_at_a_page(call):
    """§3.2: filters; 100 a page with a continuation token, which the client of 1.7 ignores."""
    for name in ("a1", "a2", "b1"):
        await call.start("hello", identity=name)
        await call.ended(name)
    await call.start("wait", identity="w")
    await call.until("w", "Running")

    async def ids(query, **options):
        status, listed = await call("GET", f"{HOOKS}/instances/?{query}", **options)
        assert status == 200
        return [one["instanceId"] for one in listed]

    assert await ids("instanceIdPrefix=a") == ["a1", "a2"]
    assert await ids("runtimeStatus=Running,Pending") == ["w"]
    assert await ids("createdTimeTo=2001-01-01T00:00:00.000000Z") == []
    assert await ids("createdTimeFrom=2001-01-01T00:00:00.000000Z&top=3") == ["a1", "a2", "b1"]
    token = call.headers["x-ms-continuation-token"]
    assert await ids("", headers={"x-ms-continuation-token": token}) == ["w"]
    assert "x-ms-continuation-token" not in call.headers


async def test_purge_removes_what_has_ended(call):
    """§3.2: 412 running; 400 without createdTimeFrom; 404 none."""
    await call.start("hello", identity="h")
    await call.ended("h")
    await call.start("wait", identity="w")

    assert (await call("DELETE", f"{HOOKS}/instances/w"))[0] == 412
    assert await call("DELETE", f"{HOOKS}/instances/h") == (200, {"instancesDeleted": 1})
    assert (await call.status("h"))[0] == 404
    assert (await call("DELETE", f"{HOOKS}/instances/?runtimeStatus=Completed"))[0] == 400
    assert (await call("DELETE", f"{HOOKS}/instances/?createdTimeFrom=2001-01-01T00:00:00Z"))[0] == 404
    await call.start("hello", identity="h")
    await call.ended("h")
    assert await call.client("purge_instance_history", "h") == {"ok": {"_instances_deleted": 1}}


async def test_restart_begins_again_with_the_stored_input(call):
    """§3.2: 202 with a new id, or the same one when finished; 409 while it runs."""
    await call.start("hello", {"n": 1}, identity="h")
    await call.ended("h")

    status, links = await call("POST", f"{HOOKS}/instances/h/restart?restartWithNewInstanceId=true")
    assert status == 202
    assert links["id"] != "h"
    assert (await call.ended(links["id"]))["output"][1] == {"n": 1}
    assert (await call("POST", f"{HOOKS}/instances/h/restart?restartWithNewInstanceId=false"))[1]["id"] == "h"
    await call.start("wait", identity="w")
    assert (await call("POST", f"{HOOKS}/instances/w/restart?restartWithNewInstanceId=false"))[0] == 409


async def test_a_version_newer_than_the_default_stays_pending(sample_app, tmp_path):
    """§2.8 Version: the default applies; a newer one, or any without a default, stays Pending for ever."""
    async with _caller(sample_app, tmp_path, host_json=HostJson(default_version="1.2")) as call:
        await call("POST", "/api/start/version?id=usual")
        await call("POST", "/api/start/version?id=older&v=1.1")
        await call("POST", "/api/start/version?id=newer&v=1.10")

        assert (await call.ended("usual"))["output"] == "1.2"
        assert (await call.ended("older"))["output"] == "1.1"
        assert (await call.status("newer"))[1]["runtimeStatus"] == "Pending"
        assert (await call("POST", f"{HOOKS}/instances/newer/terminate?reason=no"))[0] == 202
        assert (await call.status("newer"))[1]["runtimeStatus"] == "Terminated"


async def test_the_same_handlers_stand_under_the_clients_own_address(call):
    """§3: `http://127.0.0.1:…/durabletask/` without a key."""
    binding = json.loads(call.host._binding)
    assert binding["rpcBaseUrl"].endswith("/durabletask/")
    await call.start("hello", identity="h")
    await call.ended("h")

    async with aiohttp.ClientSession() as session, session.get(binding["rpcBaseUrl"] + "instances/h") as response:
        assert response.status == 200


async def test_entities_are_refused_clearly(call, caplog):
    """§2.8: refuse actions 7, 8, 9 with a clear error."""
    told = await call.ended(await call.start("entity"))

    assert told["runtimeStatus"] == "Failed"
    assert "does not serve durable entities" in told["output"]
