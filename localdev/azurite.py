"""Azurite, the Blob Storage emulator from npm: found, started, stopped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from localdev import node
from localdev.processes import Child, WorldBroken

PROGRAM = node.ROOT / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
ACCOUNT = "devstoreaccount1"
# The key that Azurite's documentation gives to everybody; it opens nothing but Azurite.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@dataclass(frozen=True)
class Azurite:
    """A running Azurite. `address`: of its blob service, without the account."""

    child: Child
    address: str

    @property
    def connection_string(self) -> str:
        return connection_string(self.address)


def connection_string(address: str) -> str:
    return f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={KEY};BlobEndpoint={address}/{ACCOUNT};"


def launch(folder: Path, log: Path, port: int = 0, *, access_log: bool = False) -> Child:
    """Start Azurite with its state in the folder; port 0: a free one. Its address is in the log soon after.

    access_log: tell there of each request, too.
    """
    if not PROGRAM.exists():
        raise WorldBroken("Azurite is not installed. Run: python3 -m localdev.setup node")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        found = node.find()
    except node.NodeMissing as missing:
        raise WorldBroken(str(missing)) from missing
    options = [
        *([] if access_log else ["--silent"]),
        "--skipApiVersionCheck",
        "--disableTelemetry",
        "--blobHost",
        "127.0.0.1",
    ]
    command = [str(found.node), str(PROGRAM), *options, "--blobPort", str(port), "--location", str(folder)]
    return Child("Azurite", command, log)


@contextmanager
def running(folder: Path, port: int = 0) -> Iterator[Azurite]:
    """Azurite for as long as the block runs, with its state and its log in the folder."""
    child = launch(folder / "state", folder / "azurite.log", port)
    try:
        yield Azurite(child, child.address())
    finally:
        child.stop()
