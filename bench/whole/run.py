"""One run of the whole organisation, from its configuration to its tables: measured, and compared with what it is."""

from __future__ import annotations

import io
import shutil
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from bench.whole import counts, prebuild, world
from bench.whole.organisation import AS_OF, NAME, OUTPUT, Size, customer_id
from bench.whole.team import Expected
from bench.whole.watch import Watch, watching
from localdev.caller import ENDED, PARQUET, Caller, NotDone
from localdev.world import World, rfc3339

POLL_SECONDS = 10.0  # each look at a run lists the markers of its mailboxes
_QUIET_SECONDS, _IDLE = 3.0, 0.05  # so much of a core is idling
STAGES = ("resolve", "extract", "aggregate", "publish")
_FIGURES = ("NoOfEmails_ToAccount", "NoOfEmails_FromAccount", "NoOfMeetings_ToAccount", "NoOfMeetings_FromAccount")

Measured = dict[str, Any]


def measure(size: Size, folder: Path, *, latency: float = 0.0, again: bool = False) -> dict[str, Measured]:
    """`first`: a run that reads everything; with `again` also `next`: one of the day after, that builds on it; `tick`:
    the timer that looks for what is due and tidies up, afterwards.

    Raises `NotDone` where a run fails, or where the first one's tables are not what they must be.
    """
    pages, state = folder / f"pages-{size.mailboxes}-{size.messages}-{size.meetings}", folder / "world"
    expected = prebuild.prepare(pages, size)
    shutil.rmtree(state, ignore_errors=True)
    with world.running(pages, size, state, latency) as here:
        Caller(here.url).save(NAME, here.tenant.enrichment)
        status, told = _measured(here, AS_OF)
        _compare(here, status, size, expected)
        both = {"first": {"size": size.as_json(), "latency": latency, **told}}
        if again:
            both["next"] = {"size": size.as_json(), "latency": latency, **_measured(here, AS_OF + timedelta(days=1))[1]}
        both["tick"] = _tick(here)
    shutil.rmtree(state)
    return both


def _measured(here: World, as_of: datetime) -> tuple[Measured, Measured]:
    """The run's last status, and what it took."""
    requests.post(f"{here.graph_url}/_emulator/reset", timeout=10).raise_for_status()
    asked_before = len(here.log("azurite").read_bytes())
    with watching({name: part.pid for name, part in here.parts.items()}) as watch:
        status, looks = _followed(here, as_of)
    asked = here.log("azurite").read_bytes()[asked_before:].decode()
    stats = requests.get(f"{here.graph_url}/_emulator/stats", timeout=10).json()
    return status, {
        **_times(status, watch),
        "memory": {part: round(peak) for part, peak in watch.peak.items()},
        "blobs": counts.blobs(here.connection_string),
        "storage requests": counts.storage_requests(asked.splitlines()),
        "graph requests": stats["requests"]["byKind"],
        "not prebuilt": stats["notPrebuilt"],
        "complaints": stats["complaintCounts"],
        "looks": {"number": len(looks), "longest": round(max(looks), 2)},
        "orchestrations": counts.orchestrations(here.state / "host" / "host.db", f"{NAME}-{status['runId']}"),
    }


def _tick(here: World) -> Measured:
    """It has ended when storage has been left alone for some seconds, in which neither it nor the host did much."""
    log = here.log("azurite")
    asked_before = size = log.stat().st_size
    with watching({name: here.parts[name].pid for name in ("host", "azurite")}) as watch:
        began = changed = time.time()
        requests.post(f"{here.url}/admin/functions/rerun_timer", json={"input": ""}, timeout=10).raise_for_status()
        while time.time() - changed < _QUIET_SECONDS or _busy(watch):
            time.sleep(0.05)
            if log.stat().st_size != size:
                size, changed = log.stat().st_size, time.time()
    asked = counts.storage_requests(log.read_bytes()[asked_before:].decode().splitlines())
    return {
        "seconds": round(changed - began, 2),
        "cpu": round(watch.cpu["host"][-1] - watch.cpu["host"][0], 2),
        "blobs": sum(each["blobs"] for what, each in counts.blobs(here.connection_string).items() if "staging" in what),
        "storage requests": asked,
    }


def _busy(watch: Watch) -> bool:
    now = time.time()
    return sum(watch.between(now - _QUIET_SECONDS, now).values()) > _QUIET_SECONDS * _IDLE


def _followed(here: World, as_of: datetime) -> tuple[Measured, list[float]]:
    """Its last status, and how many seconds each look at it took."""
    caller, looks = Caller(here.url), []
    run = caller.start(NAME, rfc3339(as_of))
    while True:
        began = time.monotonic()
        status = next(caller.follow(run))
        looks.append(time.monotonic() - began)
        here.check()
        _tell(status)
        if status["state"] in ENDED:
            break
        time.sleep(POLL_SECONDS)
    if status["state"] != "Succeeded":
        raise NotDone(f"the run ended as {status['state']}: {status.get('problem')}")
    return status, looks


def _tell(status: Measured) -> None:
    tasks = ", ".join(f"{task['name']} {task['done']}/{task['total']}" for task in status["tasks"] if task["total"])
    print(f"{time.strftime('%H:%M:%S')} {status['state']}: {tasks}", file=sys.stderr, flush=True)


def _times(status: Measured, watch: Watch) -> Measured:
    """Of each stage, and of all from the first to the last: wall seconds, and CPU seconds by part."""
    tasks = {task["name"]: task for task in status["tasks"]}
    edges = {name: (_moment(tasks[name]["startedAt"]), _moment(tasks[name]["endedAt"])) for name in STAGES}
    edges["all"] = edges[STAGES[0]][0], _moment(status["endedAt"])
    return {
        "seconds": {name: round(end - begin, 2) for name, (begin, end) in edges.items()},
        "cpu": {
            name: {part: round(spent, 2) for part, spent in watch.between(begin, end).items()}
            for name, (begin, end) in edges.items()
        },
    }


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _compare(here: World, status: Measured, size: Size, expected: Expected) -> None:
    """Every customer's four counts of the year, and the sums of the coverage."""
    by_customer = expected.by_customer()
    rows = {row["CustomerId"]: tuple(row[name] for name in _FIGURES) for row in _table(here, OUTPUT, level="Year")}
    _equal("customers of the table", rows, {customer_id(each): figures for each, figures in by_customer.items()})
    coverage: dict[str, dict[str, int]] = {}
    for row in _table(here, f"{OUTPUT}_Coverage"):
        coverage.setdefault(row["Scope"], {})[row["Reason"]] = row["Count"]
    _equal("mailboxes", coverage["Mailbox"], {"Read": size.mailboxes})
    _equal("messages read", sum(coverage["Message"].values()), size.mailboxes * size.messages)
    _equal("meetings read", sum(coverage["Meeting"].values()), size.mailboxes * size.meetings)
    _equal("messages counted", coverage["Message"]["Counted"], expected.to.total() + expected.from_.total())
    _equal(
        "meetings counted",
        coverage["Meeting"]["Counted"],
        expected.meetings_to.total() + expected.meetings_from.total(),
    )
    _equal("contacts used", coverage["Contact"], {"Used": size.contacts})
    _equal("customers told", status["counts"]["customers"], len(by_customer))


def _equal(what: str, told: object, wanted: object) -> None:
    if told != wanted:
        raise NotDone(f"{what}: {str(told)[:300]} in place of {str(wanted)[:300]}")


def _table(here: World, table: str, **filters: str) -> list[dict[str, Any]]:
    from pyarrow import parquet

    session = requests.Session()
    session.trust_env = False
    address, asked = f"{here.url}/api/enrichments/{NAME}/results", {"table": table, **filters}
    answer = session.get(address, params=asked, headers={"Accept": PARQUET}, timeout=120)
    answer.raise_for_status()
    rows: list[dict[str, Any]] = parquet.read_table(io.BytesIO(answer.content)).to_pylist()
    return rows
