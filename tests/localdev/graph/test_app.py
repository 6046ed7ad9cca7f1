"""The emulator on the wire and on the command line."""

import asyncio
import gzip
import json
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from localdev.graph.cli import instant, main
from tests.localdev.graph.conftest import small_tenant

_ROOT = Path(__file__).parents[3]


async def test_answers_are_compressed_for_those_who_can_read_it(graph):
    path = f"{graph.served.graph_url}/users"
    headers = {"Authorization": f"Bearer {graph.token}"}
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        async with session.get(path, headers={**headers, "Accept-Encoding": "gzip"}) as packed:
            packed_body = await packed.read()
        async with session.get(path, headers={**headers, "Accept-Encoding": "identity"}) as plain:
            plain_body = await plain.read()

    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(packed_body) == plain_body


async def test_unknown_options_and_unsupported_ones_are_refused(graph):
    assert (await graph.get("/users?$select=id&$foo=1")).status == 400
    assert (await graph.get("/users?$select=id&$search=ada")).status == 501
    assert (await graph.get("/users?$select=id&$expand=manager")).status == 501


@pytest.mark.parametrize(
    "query",
    ["$orderby=", "$orderby=id up", "$filter=", "$select=", "$top=", "$skip=-1", "$skiptoken=", "$skiptoken=ab"],
)
async def test_nonsense_in_the_query_is_refused(graph, query):
    assert (await graph.get(f"/users/ada@contoso.onmicrosoft.example/messages?{query}")).status == 400


async def test_what_the_contract_has_and_the_emulator_does_not_answers_501(graph):
    reply = await graph.get("/directoryRoles?$select=id")

    assert (reply.status, reply.code) == (501, "NotImplemented")


async def test_errors_carry_the_callers_request_id(graph):
    reply = await graph.get("/users/nobody?$select=id", client_request_id="my-id")

    assert reply.body["error"]["innerError"]["client-request-id"] == "my-id"


async def test_controls_say_what_they_cannot_do(graph):
    assert (await graph.control("POST", "nonsense")).status == 404
    assert (await graph.control("POST", "mailboxes", {"user": "nobody"})).status == 400
    assert (await graph.control("POST", "app", {"nonsense": 1})).status == 400


async def test_a_mailbox_can_change_its_state(graph):
    path = "/users/ada@contoso.onmicrosoft.example/messages?$select=id"
    await graph.control("POST", "mailboxes", {"user": "ada@contoso.onmicrosoft.example", "state": "AccessDenied"})

    assert (await graph.get(path)).status == 403
    assert (await graph.control("GET", "tenant")).body["displayName"] == "Contoso"


def test_a_date_stands_for_its_last_second():
    assert instant("2001-12-31") == datetime(2001, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert instant("2001-12-31T10:00:00+01:00") == datetime(2001, 12, 31, 9, tzinfo=UTC)


def test_a_mail_archive_needs_its_domain(capsys):
    assert main(["--mail", "mail.csv"]) == 2
    assert "--domain" in capsys.readouterr().err


@pytest.mark.parametrize("source", ["tenant", "mail", "sample"])
async def test_the_command_serves_a_tenant_until_it_is_interrupted(tmp_path, source):
    small_tenant().save(tmp_path / "tenant")
    (tmp_path / "mail.csv").write_text("sent,sender,recipients\n2001-01-01T10:00:00Z,a@our.example,b@their.example\n")
    (tmp_path / "faults.json").write_text(json.dumps([{"kind": "status", "status": 502}]))
    arguments = {
        "tenant": ["--tenant", str(tmp_path / "tenant"), "--faults", str(tmp_path / "faults.json")],
        "mail": ["--mail", str(tmp_path / "mail.csv"), "--domain", "our.example", "--as-of", "2001-12-31"],
        "sample": ["--as-of", "2026-11-20T12:00:00Z"],
    }[source]
    if source == "sample":
        pytest.importorskip("localdev.graph.sample")
    code = "import sys; from localdev.graph.cli import main; sys.exit(main(sys.argv[1:]))"

    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, "--port", "0", "--grant", *arguments,
        cwd=_ROOT, env={**os.environ, "PYTHONPATH": str(_ROOT)}, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
        url = line.split(": ")[0].split(" on ")[1]
        async with aiohttp.ClientSession() as session, session.get(f"{url}/_emulator/tenant") as response:
            about = await response.json()
    finally:
        process.send_signal(signal.SIGINT)
        ended = await asyncio.wait_for(process.wait(), 30)

    assert ended == 0
    assert about["displayName"] in line
