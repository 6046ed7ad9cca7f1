"""Containers: what Azurite does, and the containers of memory that tests use do alike."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from azure.storage.blob import BlobServiceClient

from localdev import azurite
from shared.adapters.blobs import _BLOCK, CONTAINERS, Container, Storage, connect
from shared.core.errors import StorageAway
from tests.fakes import memory_storage


@pytest.fixture(scope="module")
def real_storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storage]:
    if not azurite.PROGRAM.exists():
        pytest.skip("Azurite is not installed: python3 -m localdev.setup node")
    with azurite.running(tmp_path_factory.mktemp("azurite")) as running:
        yield connect(running.connection_string, None)


@pytest.fixture(params=["azurite", "memory"])
def container(request: pytest.FixtureRequest) -> Container:
    storage: Storage = request.getfixturevalue("real_storage") if request.param == "azurite" else memory_storage()
    storage.staging.delete_prefix("")
    return storage.staging


def test_what_was_written_is_read_and_what_was_not_is_none(container):
    container.write("a/b", b"one")

    assert container.read("a/b") == b"one"
    assert container.read("a/c") is None
    assert container.read_tagged("a/c") is None
    assert container.etag("a/c") is None


def test_every_write_gives_a_new_etag_which_reading_gives_too(container):
    first = container.write("a", b"one")
    second = container.write("a", b"two")

    assert first != second
    assert container.read_tagged("a") == (b"two", second)
    assert container.etag("a") == second


@pytest.mark.parametrize("size", [0, 10, _BLOCK, 2 * _BLOCK + 10])
def test_what_is_written_piece_by_piece_is_one_blob(container, size):
    data = os.urandom(size)
    container.write("a", b"before")
    with container.writing("a") as blob:
        for begin in range(0, size, 1_000_003):
            blob.write(memoryview(data)[begin : begin + 1_000_003])
        assert container.read("a") == b"before"

    assert container.read("a") == data


@pytest.mark.parametrize("size", [10, 2 * _BLOCK])
def test_what_fails_while_it_is_written_leaves_what_was_there(container, size):
    container.write("a", b"before")
    with suppress(RuntimeError), container.writing("a") as blob:
        blob.write(bytes(size))
        raise RuntimeError

    assert container.read("a") == b"before"


def test_two_that_write_the_same_piece_by_piece_do_not_disturb_each_other(container):
    """An activity may run twice at once: each of the two ends well, whichever comes first."""
    data = os.urandom(3 * _BLOCK)
    with container.writing("a") as late:
        late.write(data[: 2 * _BLOCK])
        with container.writing("a") as early:
            early.write(data)
        late.write(data[2 * _BLOCK :])

    assert container.read("a") == data


def test_creating_what_is_there_changes_nothing(container):
    assert container.create("a", b"one") is not None
    assert container.create("a", b"two") is None
    assert container.read("a") == b"one"


def test_what_is_written_under_a_condition_may_have_metadata_and_a_list_shows_them_with_the_etag(container):
    first = container.create("a", b"", {"part": "0"})
    (entry,) = container.entries("a")
    assert (entry.metadata, entry.etag) == ({"part": "0"}, first)

    second = container.replace("a", b"", entry.etag, {"part": "1"})
    (entry,) = container.entries("a")
    assert (entry.metadata, entry.etag) == ({"part": "1"}, second)


def test_replacing_takes_the_etag_of_now(container):
    old = container.write("a", b"one")
    new = container.replace("a", b"two", old)

    assert new is not None
    assert container.replace("a", b"three", old) is None
    assert container.read("a") == b"two"


def test_replacing_what_is_gone_changes_nothing(container):
    etag = container.write("a", b"one")
    container.delete("a")

    assert container.replace("a", b"two", etag) is None
    assert container.read("a") is None


def test_deleting_says_whether_there_was_one_with_this_etag(container):
    old = container.write("a", b"one")
    new = container.write("a", b"two")

    assert container.delete("a", old) is False
    assert container.delete("a", new) is True
    assert container.delete("a") is False


def test_entries_are_in_the_order_of_their_names_and_have_their_metadata(container):
    container.write("p/2", b"", {"outcome": "Read"})
    container.write("p/1", b"xy")
    container.write("q/1", b"")

    entries = list(container.entries("p/"))

    assert [(entry.name, entry.size, entry.metadata) for entry in entries] == [
        ("p/1", 2, {}),
        ("p/2", 0, {"outcome": "Read"}),
    ]
    assert container.newest_first("p/") == ["p/2", "p/1"]


def test_folders_are_told_without_what_is_in_them(container):
    for name in ("b/1/x", "b/1/y/z", "b/2/x", "b/3", "a/1", "c", "bb/1"):
        container.write(name, b"")

    assert list(container.folders("")) == ["a", "b", "bb"]
    assert list(container.folders("b/")) == ["1", "2"]
    assert list(container.folders("b/2/")) == list(container.folders("none/")) == []


def test_a_folder_is_gone_with_the_last_blob_in_it(container):
    container.write("a/1/x", b"")
    container.delete_prefix("a/1/")

    assert list(container.folders("a/")) == []


def test_deleting_a_prefix_leaves_the_others(container):
    for name in ("p/1", "p/2", "q/1"):
        container.write(name, b"")

    assert container.delete_prefix("p/") == 2
    assert [entry.name for entry in container.entries("")] == ["q/1"]


def test_a_container_that_is_missing_is_empty_until_something_is_written(real_storage):
    assert real_storage.output.read("a") is None
    assert list(real_storage.output.entries("")) == list(real_storage.output.folders("")) == []

    assert real_storage.output.create("a", b"one") is not None
    assert real_storage.output.read("a") == b"one"


@pytest.mark.usefixtures("real_storage")
def test_who_looks_at_a_storage_without_containers_finds_all_four_made(tmp_path):
    """Interfaces §6: the app creates its containers where they are missing; that of the customer's data too."""
    with azurite.running(tmp_path) as running:
        fresh = connect(running.connection_string, None)
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(lambda _: fresh.reachable(), range(4))) == [True] * 4

        with BlobServiceClient.from_connection_string(running.connection_string) as service:
            assert {container.name for container in service.list_containers()} == set(CONTAINERS)


def test_a_storage_that_does_not_answer_is_away_and_its_error_names_no_account(monkeypatch):
    key = "c2VjcmV0LXNlY3JldC1zZWNyZXQ="
    address = "http://127.0.0.1:9/hidden"
    string = f"DefaultEndpointsProtocol=http;AccountName=hidden;AccountKey={key};BlobEndpoint={address};"
    monkeypatch.setattr("time.sleep", lambda _: None)  # the SDK pauses between its retries

    with pytest.raises(StorageAway) as away:
        connect(string, None).config.read("a")

    assert "hidden" not in str(away.value)
    assert key not in str(away.value)
    assert connect(string, None).reachable() is False
