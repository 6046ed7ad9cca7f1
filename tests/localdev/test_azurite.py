"""Azurite: the real one, on a free port, with its state in a folder."""

import pytest
from azure.storage.blob import BlobServiceClient

from localdev import azurite
from localdev.processes import WorldBroken

pytestmark = pytest.mark.azurite


def test_what_is_written_is_there_again_after_a_restart(tmp_path):
    with azurite.running(tmp_path) as first, service(first) as blobs:
        blobs.create_container("enrichment-input").upload_blob("contacts.csv", b"ContactId\r\n")

    with azurite.running(tmp_path) as second, service(second) as blobs:
        found = blobs.get_blob_client("enrichment-input", "contacts.csv").download_blob().readall()

    assert found == b"ContactId\r\n"
    assert not second.child.running


def test_it_is_told_where_azurite_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setattr(azurite, "PROGRAM", tmp_path / "nothing.js")

    with pytest.raises(WorldBroken, match=r"localdev\.setup"):
        azurite.launch(tmp_path, tmp_path / "log")


def service(running: azurite.Azurite) -> BlobServiceClient:
    return BlobServiceClient.from_connection_string(running.connection_string)
