"""What a run has left and asked for: blobs, requests to storage, rows of orchestrations' histories."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from bench.whole.organisation import NAME

_REQUEST = re.compile(r'"(?P<method>[A-Z]+) /devstoreaccount1/?(?P<path>[^ ?"]*)(?P<query>\?[^ "]*)? HTTP')
_CONTAINER = "enrichment-"
_EPISODE, _SCHEDULED = 12, 4  # kinds of events of a history: a turn begins; an activity is wanted


def storage_requests(log: Iterable[str]) -> dict[str, dict[str, int]]:
    """Of an access log of Azurite's: what was asked for → operation → how often.

    Operations as they are charged: `write` (containers made, too), `list`, `read` (properties, too), `delete`.
    """
    counted: dict[str, Counter[str]] = {}
    for line in log:
        if found := _REQUEST.search(line):
            query = found["query"] or ""
            what = what_is(unquote(found["path"]))
            counted.setdefault(what, Counter())[_operation(found["method"], query)] += 1
    return {what: dict(sorted(operations.items())) for what, operations in sorted(counted.items())}


def _operation(method: str, query: str) -> str:
    if "comp=list" in query:
        return "list"
    return {"PUT": "write", "POST": "write", "DELETE": "delete"}.get(method, "read")


def what_is(path: str) -> str:
    """What a blob is for: `staging mailboxes messages`, `staging partitions`, `output`, `config runs` …"""
    container, _, name = path.partition("/")
    container = container.removeprefix(_CONTAINER)
    parts = name.split("/")
    if container != "staging":
        return f"{container} {parts[0]}" if container == "config" and len(parts) > 1 else container
    folder = parts[2] if len(parts) > 3 and parts[0] == NAME else ""
    kind = name.split(".")[-2] if folder == "mailboxes" and "." in parts[-1] else ""
    return " ".join(filter(None, (container, folder, kind)))


def blobs(connection_string: str) -> dict[str, dict[str, int]]:
    """What there is: blobs and bytes, by what they are for."""
    from azure.storage.blob import BlobServiceClient

    found: dict[str, dict[str, int]] = {}
    with BlobServiceClient.from_connection_string(connection_string) as service:
        for container in service.list_containers():
            for blob in service.get_container_client(container.name).list_blobs():
                one = found.setdefault(what_is(f"{container.name}/{blob.name}"), {"blobs": 0, "bytes": 0})
                one["blobs"] += 1
                one["bytes"] += blob.size
    return dict(sorted(found.items()))


def orchestrations(database: Path, run: str) -> dict[str, Any]:
    """Of the local host's store: how much there is of what in a run and its parts, and the largest of each.

    run: the id of its orchestration, with which those of its parts begin. Sizes in bytes.
    """
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        for table in ("history", "instance"):
            db.execute(f"CREATE TEMP VIEW own_{table} AS SELECT * FROM main.{table} WHERE id LIKE '{run}%'")

        def one(query: str) -> tuple[Any, ...]:
            found: tuple[Any, ...] = db.execute(query).fetchone()
            return found

        rows, size = one("SELECT count(*), sum(length(body)) FROM own_history")
        most_rows, most_bytes = one(
            "SELECT max(n), max(size) FROM (SELECT count(*) n, sum(length(body)) size FROM own_history GROUP BY id)"
        )
        instances, custom, given, told = one(
            "SELECT count(*), max(length(custom)), max(length(input)), max(length(output)) FROM own_instance"
        )
        return {
            "orchestrations": instances,
            "episodes": one(f"SELECT count(*) FROM own_history WHERE kind = {_EPISODE}")[0],
            "activities": one(f"SELECT count(*) FROM own_history WHERE kind = {_SCHEDULED}")[0],
            "rows": rows,
            "bytes": size,
            "largest history, rows": most_rows,
            "largest history, bytes": most_bytes,
            "largest event": one("SELECT max(length(body)) FROM own_history")[0],
            "largest custom status": custom,
            "largest input": given,
            "largest output": told,
        }
