"""After a run with all its bad days: no address and no secret where none may be (semantics §8, interfaces §1, §4)."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from localdev import browser
from localdev.world import Source
from shared.core.addresses import normalise
from tests.end_to_end.app import App, OpenWorld

pytestmark = [pytest.mark.whole, pytest.mark.azurite]

SECRET = "a-secret-of-this-test-only"
KEY = base64.b64encode(bytes(range(100, 132))).decode()
STRANGER = "stranger@elsewhere.example"
TENANTS = ("village", "lord-howe")
ADDRESS_LIKE = re.compile(r"""[^\s"'<>()\[\]{},;:|=/\\]+(?:@|%40)[^\s"'<>()\[\]{},;:|=/\\]+""")
# The one thing with an "@" that is nobody's: names of OData's own properties and types.
ODATA = re.compile(r"@(odata|microsoft)\.")


@dataclass(frozen=True)
class Left:
    """What the app has left behind in one place: as text, and the whole numbers and bytes that stand in columns."""

    place: str
    text: str
    numbers: frozenset[int] = frozenset()
    values: frozenset[bytes] = frozenset()


@pytest.fixture(scope="module", params=TENANTS)
def app(
    request: pytest.FixtureRequest, open_world: OpenWorld, village_folder: Path, shared_folder: Path
) -> Iterator[App]:
    """A tenant in which consent was asked for by mail, declined, and given; runs failed, were cancelled, succeeded."""
    folder = (
        village_folder if request.param == "village" else shared_folder / "fixtures" / "organisations" / "lord-howe"
    )
    settings = {"CLIENT_SECRET": SECRET, "PSEUDONYM_KEY": KEY}
    with open_world(Source(folder=folder), granted=False, settings=settings) as app:
        app.emulator("POST", "app", {"secret": SECRET})
        _be_refused(app)
        link = app.save()["consent"]["url"]
        run = app.start()
        browser.decide(app.world.at_emulator(link), "Decline")
        browser.decide(app.world.at_emulator(app.enrichment()["consent"]["url"]))
        app.succeed(run)
        _be_refused(app)
        _have_a_bad_run(app)
        app.kill_host()  # what it had in memory is on disk, or nowhere
        app.start_host()
        yield app


def _be_refused(app: App) -> None:
    """Calls that are wrong, each with an address of the body in it."""
    body = app.body()
    somebody = body["addresses"][0]
    path = f"enrichments/{app.name}"
    for wrong in (
        {**body, "addresses": [*body["addresses"], STRANGER]},
        {**body, "addresses": [somebody, f"{STRANGER} {somebody}"]},
        {**body, "administrators": [f"<{STRANGER}"], STRANGER: somebody},
        {**body, "contacts": {**body["contacts"], "email": STRANGER}},
        {**body, "timeZone": STRANGER, "output": somebody, "schedule": somebody},
    ):
        app.ask("PUT", path, json=wrong)
    assert not app.ask("PUT", path, data=f'{{"addresses": ["{STRANGER}"'.encode()).ok
    assert not app.ask("PUT", f"enrichments/{STRANGER}", json=body).ok
    assert not app.ask("POST", f"{path}/runs", json={"asOf": somebody}).ok
    assert not app.ask("GET", f"{path}/results", params={"level": somebody, "customerId": somebody}).ok
    assert not app.ask("GET", "consent/callback", params={"state": somebody, "error_description": somebody}).ok


def _have_a_bad_run(app: App) -> None:
    """Graph says addresses in its errors, links and half pages; facts are broken, so that a step keeps failing."""
    somebody = app.body()["addresses"][0]
    messages = {"path": "/users/*/messages"}
    app.emulator(
        "POST",
        "faults",
        [
            {"kind": "slow", "seconds": 3.0, **messages},  # one mailbox leaves time to break the facts of others
            {"kind": "status", "status": 503, "message": f"The mailbox of {somebody} is busy.", **messages},
            {"kind": "halfJson", **messages},
            {"kind": "badItem", "item": somebody, **messages},
            {"kind": "foreignNextLink", "url": f"https://graph.invalid/v1.0/users/{somebody}/messages", **messages},
        ],
    )
    run = app.start()
    app.await_task(run, "extract", at_least=1)
    prefix = f"{app.name}/{run.rpartition('/')[2]}/mailboxes/"
    broken = io.BytesIO()
    pq.write_table(pa.table({"nothing": [1]}), broken)
    with app.storage as service:
        for name in app.names("enrichment-staging", prefix):
            if name.endswith(".parquet"):  # the answers of the calls stay: the mailboxes were read
                service.get_blob_client("enrichment-staging", name).upload_blob(broken.getvalue(), overwrite=True)
    app.await_task(run, "aggregate")
    app.ask("POST", f"{run}/cancel")


@pytest.fixture(scope="module")
def left(app: App) -> list[Left]:
    return [*_blobs(app), *_book(app), *_logs(app)]


@pytest.fixture(scope="module")
def addresses(app: App) -> set[str]:
    """Every address of the tenant's people, groups and messages, and of the contacts data, normalised."""
    files = app.world.tenant
    found = {STRANGER, *files.enrichment["addresses"], *files.enrichment.get("administrators", ())}
    for entity in (*files.users, *files.groups):
        found |= {entity.get("mail"), entity.get("userPrincipalName"), *entity.get("proxyAddresses", ())}
    for row in csv.DictReader(io.StringIO(files.contacts_csv.decode("utf-8-sig"), newline="")):
        found.add(row[files.enrichment["contacts"]["email"]])
    found |= set(re.findall(r'"address": ?"([^"]*)"', json.dumps(list(files.mailboxes.values()), ensure_ascii=False)))
    return {normal for address in found if address and "@" in (normal := normalise(address))}


def test_no_address_is_left_in_staging_records_durable_state_logs_or_tables(
    app: App, left: list[Left], addresses: set[str]
) -> None:
    """§8: never an address. Whatever looks like one is one too many, in clear or as part of an URL."""
    assert ADDRESS_LIKE.findall(app.blob("enrichment-config", f"enrichments/{app.name}.json").decode())
    assert {place.place.partition("/")[0] for place in left} == {"config", "staging", "output", "book", "file", "log"}
    for place in left:
        said = place.text.casefold()
        assert [address for address in addresses if address in said] == [], place.place
        if place.place.startswith("file/"):
            continue  # pages of a database, in which any byte may be an "@"
        found = [each for each in ADDRESS_LIKE.findall(place.text) if not ODATA.search(each)]
        assert found == [], f"{place.place}: {found[:5]}"


def test_no_address_is_left_in_a_disguise_that_anybody_can_lift(left: list[Left], addresses: set[str]) -> None:
    """§8: keyed hashes. Neither base64 nor a plain hash of an address is found."""
    assert len(addresses) > 20
    digests = {digest for address in addresses for digest in _plain_hashes(address)}
    words = {base64.b64encode(address.encode()).decode()[:16] for address in addresses}
    words |= {digest.hex()[:16] for digest in digests} | {base64.b64encode(digest).decode()[:16] for digest in digests}
    numbers = {int.from_bytes(digest[:8], order, signed=sign) for digest in digests for order, sign in _READINGS}
    for place in left:
        assert not words & {word[:16] for word in re.findall(r"[A-Za-z0-9+/_-]{16,}", place.text)}, place.place
        assert not numbers & place.numbers, place.place
        assert not {digest[:8] for digest in digests} & {value[:8] for value in place.values}, place.place


def test_no_secret_is_left_anywhere(app: App, left: list[Left]) -> None:
    raw = base64.b64decode(KEY)
    for place in left:
        for secret in (SECRET, KEY, "Bearer", "eyJ0eXA", raw.hex(), "AccountKey"):
            assert secret not in place.text, place.place
        assert raw not in place.values


def test_answers_hold_no_secret_and_no_link_of_the_platform(app: App) -> None:
    """Interfaces §1: the platform's own management links carry a key with power over every instance."""
    keys = list(_strings(json.loads((app.world.state / "host" / "keys.json").read_text("utf-8"))))
    assert keys
    assert len(app.heard) > 20
    for answer in app.heard:
        text = f"{dict(answer.headers)} {answer.text}"
        for secret in (SECRET, KEY, "/runtime/", "durabletask", "code=", "access_token", *keys):
            assert secret not in text, answer.request.path_url


def test_error_bodies_name_an_address_by_where_it_stands(app: App, addresses: set[str]) -> None:
    errors = [answer for answer in app.heard if answer.status_code >= 400]
    assert len(errors) >= 18
    for answer in errors:
        assert answer.headers["Content-Type"].startswith("application/problem+json")
        said = answer.text.casefold()
        assert [address for address in addresses if address in said] == [], answer.text
    unknown = next(answer for answer in errors if "/addresses/" in answer.text)
    assert unknown.status_code == 400


def test_graph_has_nothing_to_complain_about(app: App) -> None:
    """§8: `$select` on every call that returns entities; never a subject, body or preview; headers where asked for."""
    stats = app.emulator("GET", "stats")
    assert stats["complaints"] == []
    assert stats["mostInFlight"] <= 4
    wanted = app.body().get("options", {}).get("readHeaders", False)
    assert (stats["messageHeadersRead"] > 0) is wanted


def test_the_custom_status_fits_where_the_platform_keeps_it(app: App) -> None:
    """Interfaces §4: < 16 KB."""
    with closing(sqlite3.connect(app.world.state / "host" / "host.db")) as book:
        sizes = [len(text.encode()) for (text,) in book.execute("SELECT custom FROM instance WHERE custom IS NOT NULL")]
    assert sizes
    assert max(sizes) < 16 * 1024


def _blobs(app: App) -> Iterator[Left]:
    """The app's containers, but for what is the customer's: the input, and the configuration that repeats addresses."""
    with app.storage as service:
        for place in ("config", "staging", "output"):
            container = service.get_container_client(f"enrichment-{place}")
            for blob in container.list_blobs(include=["metadata"]):
                if place == "config" and blob.name.startswith("enrichments/"):
                    continue
                data = container.download_blob(blob.name).readall()
                about = f"{blob.name} {blob.metadata} "
                yield (
                    _table(f"{place}/{blob.name}", about, data)
                    if blob.name.endswith(".parquet")
                    else Left(f"{place}/{blob.name}", about + data.decode("utf-8"))
                )


def _table(place: str, about: str, data: bytes) -> Left:
    table = pq.read_table(io.BytesIO(data))
    numbers: set[int] = set()
    values: set[bytes] = set()
    texts = [about, str(table.schema.metadata), *table.column_names]
    for column in table.columns:
        kind = column.type
        cells: list[Any] = column.drop_null().to_pylist()
        if pa.types.is_integer(kind):
            numbers |= set(cells)
        elif pa.types.is_list(kind) and pa.types.is_integer(kind.value_type):
            numbers |= {number for cell in cells for number in cell}
        elif pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind):
            values |= set(cells)
        else:
            texts += map(str, cells)
    return Left(place, "\n".join(texts), frozenset(numbers), frozenset(values))


def _book(app: App) -> Iterator[Left]:
    """The durable state: instances, histories, messages, tasks; and the file itself, with what was deleted in it."""
    file = app.world.state / "host" / "host.db"
    with closing(sqlite3.connect(file)) as book:
        for (table,) in book.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            rows = book.execute(f"SELECT * FROM {table}").fetchall()
            yield Left(f"book/{table}", "\n".join(str(row) for row in rows))
    for part in file.parent.glob("host.db*"):
        yield Left(f"file/{part.name}", part.read_bytes().decode("ascii", "ignore"))


def _logs(app: App) -> Iterator[Left]:
    for log in app.host_logs():
        yield Left(f"log/{log.name}", log.read_text("utf-8"))


_READINGS: tuple[tuple[Any, bool], ...] = (("big", False), ("big", True), ("little", False), ("little", True))


def _plain_hashes(address: str) -> Iterator[bytes]:
    """What everybody can compute from an address."""
    data = address.encode()
    for name in ("md5", "sha1", "sha256", "sha512", "sha3_256", "blake2b"):
        yield hashlib.new(name, data).digest()
    for size in (8, 16, 32):
        yield hashlib.blake2b(data, digest_size=size).digest()


def _strings(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for each in value.values():
                yield from _strings(each)
        case list():
            for each in value:
                yield from _strings(each)
