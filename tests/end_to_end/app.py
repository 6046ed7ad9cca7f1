"""The app in its offline world as its callers see it, with a hand on the world: kill the host, take storage away."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from azure.storage.blob import BlobServiceClient

from localdev import azurite
from localdev.caller import CSV, ENDED
from localdev.world import World

PATIENCE = 120.0
GOOD = ("Succeeded", "SucceededWithWarnings")
Json = dict[str, Any]

# `with open_world(source, granted=…, settings={…}, graph_arguments=[…]) as app`
OpenWorld = Callable[..., AbstractContextManager["App"]]
# `record_property("told", …)`: a line for the end of pytest's output
Tell = Callable[[str, str], None]


class App:
    """`name`: of the enrichment that is spoken of · `output`: of its tables · `heard`: every answer so far."""

    def __init__(self, world: World, name: str = "sales", output: str = "Office") -> None:
        self.world = world
        self.name = name
        self.output = output
        self.heard: list[requests.Response] = []
        self._session = requests.Session()
        self._session.trust_env = False

    # The app

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        """Any call, whatever comes of it; `path` below `/api`, or an absolute address."""
        address = path if path.startswith("http") else f"{self.world.url}/api/{path}"
        answer = self._session.request(method, address, timeout=PATIENCE, **more)
        self.heard.append(answer)
        return answer

    def body(self, **changes: Any) -> Json:
        """The tenant's enrichment, changed."""
        return {**self.world.tenant.enrichment, "output": self.output, **changes}

    def save(self, **changes: Any) -> Json:
        answer = self.ask("PUT", f"enrichments/{self.name}", json=self.body(**changes))
        assert answer.ok, answer.text
        saved: Json = answer.json()
        return saved

    def enrichment(self) -> Json:
        saved: Json = self.ask("GET", f"enrichments/{self.name}").json()
        return saved

    def another(self, name: str) -> App:
        """The same world, and another enrichment in it, with tables of its own."""
        return App(self.world, name, f"Of_{name.replace('-', '_')}")

    def start(self, **order: Any) -> str:
        """Start a run as of the tenant's instant, which reads everything anew; its address."""
        as_of = self.world.tenant.tenant["asOf"]
        answer = self.ask("POST", f"enrichments/{self.name}/runs", json={"asOf": as_of, "full": True, **order})
        assert answer.status_code == 202, answer.text
        return answer.headers["Location"]

    def status(self, run: str) -> Json:
        """The run's status; `run` is the address it had when it started, whichever host answers now."""
        answer = self.ask("GET", f"{self.world.url}{urlsplit(run).path}")
        assert answer.ok, answer.text
        status: Json = answer.json()
        return status

    def end(self, run: str) -> Json:
        """The run's last status."""
        return self.await_status(run, has_ended)

    def succeed(self, run: str) -> Json:
        status = self.end(run)
        assert status["state"] in GOOD, (status["state"], status["problem"])
        return status

    def await_status(self, run: str, reached: Callable[[Json], bool]) -> Json:
        status: Json = await_that(lambda: self.status(run), reached)
        return status

    def await_task(self, run: str, name: str, *, at_least: int = 0) -> Json:
        """The status in which this task is at work, with so much of it done."""

        def working(status: Json) -> bool:
            task = task_of(status, name)
            assert status["state"] not in ENDED, (status["state"], status["problem"])
            return bool(task["state"] == "running" and task["done"] >= at_least)

        return self.await_status(run, working)

    def table(self, table: str, form: str = CSV, **query: Any) -> requests.Response:
        return self.ask(
            "GET", f"enrichments/{self.name}/results", params={"table": table, **query}, headers={"Accept": form}
        )

    def tables(self) -> dict[str, bytes]:
        """Every table of the current result as CSV, without the run's id; by what its name adds to the output's."""
        current = self.current()
        tables = {entry["name"]: self.table(entry["name"]).content for entry in current["tables"]}
        run_id = current["runId"].encode()
        return {name.removeprefix(self.output): text.replace(run_id, b"*") for name, text in tables.items()}

    # Storage

    @property
    def storage(self) -> BlobServiceClient:
        return BlobServiceClient.from_connection_string(self.world.connection_string, retry_total=0)

    def names(self, container: str, prefix: str = "") -> list[str]:
        """The blobs of a container, sorted; none where it does not exist."""
        with self.storage as service:
            client = service.get_container_client(container)
            return sorted(client.list_blob_names(name_starts_with=prefix)) if client.exists() else []

    def blob(self, container: str, name: str) -> bytes:
        with self.storage as service:
            data: bytes = service.get_blob_client(container, name).download_blob().readall()
            return data

    def current(self) -> Json:
        current: Json = json.loads(self.blob("enrichment-output", f"{self.output}/current.json"))
        return current

    def stop_storage(self) -> None:
        """Azurite keeps what it has confirmed only where it may end by itself, so it is asked to, not killed."""
        self.world.parts["azurite"].stop()

    def start_storage(self) -> None:
        folder, log = self.world.state / "azurite", self.world.log("azurite")
        self.world.parts["azurite"] = azurite.launch(folder, log, urlsplit(self.world.blob_url).port or 0)
        self.world.parts["azurite"].address()

    # Host and emulator

    def kill_host(self) -> None:
        """SIGKILL. What it logged is kept beside the next log."""
        self.world.parts["host"].kill()
        log = self.world.log("host")
        log.rename(log.with_name(f"host-{time.time_ns()}.log"))

    def start_host(self, **settings: str) -> None:
        """With the same state, at the same address; `settings` over those that it had."""
        self.world.settings = {**self.world.settings, **settings}
        self.world.start_host(urlsplit(self.world.url).port or 0)

    def host_logs(self) -> list[Path]:
        return sorted((self.world.state / "logs").glob("host*.log"))

    def emulator(self, method: str, name: str, body: Any = None) -> Json:
        """One of the emulator's own controls (`localdev/graph/control.py`)."""
        answer = self._session.request(method, f"{self.world.graph_url}/_emulator/{name}", json=body, timeout=PATIENCE)
        assert answer.ok, answer.text
        value: Json = answer.json()
        return value

    def faults(self, *faults: Json) -> None:
        """These faults and no others from now on; nothing is throttled any more."""
        self.emulator("POST", "reset", {"faults": True})
        if faults:
            self.emulator("POST", "faults", list(faults))

    def grant(self) -> None:
        """Consent in the admin centre, without the link."""
        self.emulator("POST", "consent", {})

    def revoke(self) -> None:
        self.emulator("DELETE", "consent")


def has_ended(status: Json) -> bool:
    return status["state"] in ENDED


def task_of(status: Json, name: str) -> Json:
    task: Json = next(task for task in status["tasks"] if task["name"] == name)
    return task


def await_that(look: Callable[[], Any], reached: Callable[[Any], bool], pause: float = 0.1) -> Any:
    """What `look` finds, as soon as it is what is waited for."""
    deadline = time.monotonic() + PATIENCE
    while not reached(found := look()):
        assert time.monotonic() < deadline, f"waited in vain; the last that was seen: {found}"
        time.sleep(pause)
    return found
