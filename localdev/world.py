"""The whole offline world: Azurite, the Graph and Entra emulator, the mail catcher and the local host around the app.

Every part is a process of its own on a loopback port. The app gets its world through settings alone, those of
`local.settings.sample.json` with the addresses of the moment.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from localdev import azurite, node
from localdev.graph import mail_archive, sample, tenant_files
from localdev.graph.tenant_files import TenantFiles
from localdev.processes import Child

ROOT = node.ROOT
INPUT = "enrichment-input"
SETTINGS = ROOT / "local.settings.sample.json"


@dataclass(frozen=True)
class Source:
    """Whose tenant is served: a folder's, a mail archive's (with its domain), or else the sample company's."""

    as_of: datetime = sample.AS_OF
    folder: Path | None = None
    archive: Path | None = None
    domain: str | None = None

    def read(self) -> TenantFiles:
        if self.folder:
            return tenant_files.load(self.folder)
        if self.archive and self.domain:
            return mail_archive.read(self.archive, self.domain, self.as_of)
        return sample.build(self.as_of)

    def arguments(self) -> list[str]:
        """The same choice as arguments of `python -m localdev graph`."""
        if self.folder:
            return ["--tenant", str(self.folder.resolve())]
        as_of = ["--as-of", rfc3339(self.as_of)]
        if self.archive and self.domain:
            return ["--mail", str(self.archive.resolve()), "--domain", self.domain, *as_of]
        return as_of


@dataclass(frozen=True)
class Ports:
    """0: a free one."""

    host: int = 0
    graph: int = 0
    blobs: int = 0
    smtp: int = 0
    mails: int = 0


@dataclass
class World:
    """The parts that run, and where. `state`: the folder that holds what they keep, and their logs."""

    state: Path
    tenant: TenantFiles
    settings: Mapping[str, str] = field(default_factory=dict)
    host_arguments: Sequence[str] = ()
    url: str = ""
    graph_url: str = ""
    blob_url: str = ""
    smtp_url: str = ""
    mails_url: str = ""
    parts: dict[str, Child] = field(default_factory=dict)

    @property
    def connection_string(self) -> str:
        return azurite.connection_string(self.blob_url)

    def environment(self) -> dict[str, str]:
        """What the host is started with: this process's environment, the sample's values, this world's addresses."""
        values: dict[str, str] = json.loads(SETTINGS.read_text("utf-8"))["Values"]
        here = {
            "AzureWebJobsStorage": self.connection_string,
            "DATA_STORAGE": self.connection_string,
            "TENANT_ID": self.tenant.tenant["tenantId"],
            "GRAPH_BASE_URL": f"{self.graph_url}/v1.0",
            "ENTRA_LOOPBACK_URL": self.graph_url,
            "MAIL_URL": self.smtp_url,
            "PUBLIC_URL": "",
        }
        return {**os.environ, **values, **here, **self.settings}

    def start_host(self, port: int = 0) -> None:
        """Start the host, again too; its state is what it was."""
        arguments = ["--port", str(port), "--state", str(self.state / "host"), *self.host_arguments]
        self.parts["host"] = self._python("host", *arguments, env=self.environment())
        self.url = self.parts["host"].address()

    def launch(self, name: str, *arguments: str) -> Child:
        """Start a part that needs nothing of the others."""
        self.parts[name] = self._python(name, *arguments)
        return self.parts[name]

    @property
    def consented(self) -> Path:
        """There once consent has been given: Entra does not forget that, the emulator, which is new each time, does."""
        return self.state / "consented"

    def log(self, name: str) -> Path:
        return self.state / "logs" / f"{name}.log"

    def upload(self) -> None:
        """Lay the customer's data into the input container, where the app looks for it."""
        from azure.storage.blob import BlobServiceClient

        with BlobServiceClient.from_connection_string(self.connection_string) as service:
            container = service.get_container_client(INPUT)
            if not container.exists():
                container.create_container()
            for name, data in (("contacts.csv", self.tenant.contacts_csv), ("accounts.csv", self.tenant.accounts_csv)):
                if data:
                    container.upload_blob(name, data, overwrite=True)

    def at_emulator(self, address: str) -> str:
        """An address of Entra's, as it is here: the emulator answers in its place."""
        return urlunsplit((*urlsplit(self.graph_url)[:2], *urlsplit(address)[2:]))

    def check(self) -> None:
        """Raise `WorldBroken` where a part has ended."""
        for child in self.parts.values():
            child.must_run()

    def _python(self, name: str, *arguments: str, env: Mapping[str, str] | None = None) -> Child:
        return Child(name, [sys.executable, "-m", "localdev", name, *arguments], self.log(name), env, cwd=ROOT)


@contextmanager
def running(
    source: Source,
    state: Path,
    *,
    ports: Ports | None = None,
    granted: bool = False,
    settings: Mapping[str, str] | None = None,
    graph_arguments: Sequence[str] = (),
    host_arguments: Sequence[str] = (),
) -> Iterator[World]:
    """The world for as long as the block runs; then everything is stopped, the host first and the blobs last.

    `granted`: consent has been given before · `settings`: over those of the sample · `…_arguments`: for the commands.
    """
    ports = ports or Ports()
    state.mkdir(parents=True, exist_ok=True)
    world = World(state.resolve(), source.read(), settings or {}, host_arguments)
    grant = ["--grant"] if granted or world.consented.exists() else []
    with ExitStack() as stopping:
        stopping.callback(_stop, world)
        world.parts["azurite"] = azurite.launch(world.state / "azurite", world.log("azurite"), ports.blobs)
        mails = str(world.state / "mails")
        world.launch("mail", "--smtp-port", str(ports.smtp), "--port", str(ports.mails), "--folder", mails)
        world.launch("graph", "--port", str(ports.graph), *source.arguments(), *grant, *graph_arguments)
        world.blob_url = world.parts["azurite"].address()
        world.upload()
        world.smtp_url = world.parts["mail"].said(r"(smtp://127\.0\.0\.1:\d+)")
        world.mails_url = world.parts["mail"].address()
        world.graph_url = world.parts["graph"].address()
        world.start_host(ports.host)
        yield world


def _stop(world: World) -> None:
    for name in ("host", "graph", "mail", "azurite"):
        if name in world.parts:
            world.parts[name].stop()


def rfc3339(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
