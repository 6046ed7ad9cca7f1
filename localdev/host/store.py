"""Everything the host must not forget, in one SQLite file: instances, histories, waiting messages, tasks, schedules.

One connection, used on one thread; each public method is one transaction, or part of one that `transaction` holds.
Instants are whole microseconds since the epoch. A message or task of a former execution of an instance is dropped.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from localdev.host.history import Event, Kind, Parent

_SCHEMA = """
CREATE TABLE IF NOT EXISTS instance(
    id TEXT PRIMARY KEY, execution TEXT NOT NULL, name TEXT NOT NULL, version TEXT, status TEXT NOT NULL,
    input TEXT, output TEXT, custom TEXT, created INTEGER NOT NULL, updated INTEGER NOT NULL,
    parent_id TEXT, parent_execution TEXT, parent_name TEXT, parent_task INTEGER,
    continued INTEGER NOT NULL DEFAULT 0, held INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS history(
    id TEXT NOT NULL, execution TEXT NOT NULL, seq INTEGER NOT NULL, kind INTEGER NOT NULL, body TEXT NOT NULL,
    eid INTEGER NOT NULL, ref INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY(id, execution, seq)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS message(
    n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, execution TEXT, kind INTEGER NOT NULL, body TEXT NOT NULL,
    eid INTEGER NOT NULL, ref INTEGER NOT NULL, name TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS message_of ON message(id, n);
CREATE TABLE IF NOT EXISTS task(
    n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, execution TEXT NOT NULL, eid INTEGER NOT NULL,
    name TEXT NOT NULL, input TEXT, created INTEGER NOT NULL, fire INTEGER,
    state TEXT NOT NULL, UNIQUE(id, execution, eid));
CREATE INDEX IF NOT EXISTS task_waiting ON task(state, n);
CREATE INDEX IF NOT EXISTS task_due ON task(fire) WHERE fire IS NOT NULL;
CREATE TABLE IF NOT EXISTS schedule(
    name TEXT PRIMARY KEY, last INTEGER, next INTEGER NOT NULL, updated INTEGER NOT NULL);
"""

_PLAIN_COLUMNS = (
    "id", "execution", "name", "version", "status", "input_text", "output", "custom", "created", "updated",
)  # fmt: skip

FINISHED = ("Completed", "Failed", "Terminated", "Canceled")


@dataclass(frozen=True, slots=True)
class Instance:
    """`input_text`, `output`, `custom`: JSON text · `held`: never to be started."""

    id: str
    execution: str
    name: str
    version: str | None
    status: str
    input_text: str | None
    output: str | None
    custom: str | None
    created: int
    updated: int
    parent: Parent | None
    continued: bool
    held: bool

    @property
    def finished(self) -> bool:
        return self.status in FINISHED


class Task(NamedTuple):
    """An activity that has been claimed: `input_text` is JSON text."""

    n: int
    instance: str
    execution: str
    eid: int
    name: str
    input_text: str


class DueTimer(NamedTuple):
    n: int
    instance: str
    execution: str
    eid: int
    created: int
    fire: int


class Filter(NamedTuple):
    """Which instances a list or a purge is about; times in microseconds, `after`: the last id of the page before."""

    created_from: int | None = None
    created_to: int | None = None
    statuses: tuple[str, ...] = ()
    prefix: str = ""
    after: str = ""
    top: int = 100


class Store:
    """`path`: None keeps everything in memory. `on_message(instance id)` is called when a message has been left."""

    def __init__(self, path: Path | None, on_message: Callable[[str], None] = lambda _: None) -> None:
        self._db = sqlite3.connect(":memory:" if path is None else path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)
        self._inside = False
        self.on_message = on_message

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; inside another one it is part of that."""
        if self._inside:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        self._inside = True
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        else:
            self._db.execute("COMMIT")
        finally:
            self._inside = False

    # Instances

    def instance(self, instance: str) -> Instance | None:
        row = self._db.execute("SELECT * FROM instance WHERE id = ?", (instance,)).fetchone()
        return _instance(row) if row else None

    def put_instance(self, instance: Instance) -> None:
        parent = instance.parent or (None, None, None, None)
        values = (
            instance.id, instance.execution, instance.name, instance.version, instance.status, instance.input_text,
            instance.output, instance.custom, instance.created, instance.updated,
            *parent[:4], instance.continued, instance.held,
        )  # fmt: skip
        marks = ",".join("?" * len(values))
        with self.transaction():
            self._db.execute(f"INSERT OR REPLACE INTO instance VALUES({marks})", values)

    def create(self, instance: Instance, started: Event) -> None:
        """A new instance in place of whatever had this id."""
        with self.transaction():
            self.purge([instance.id])
            self.put_instance(instance)
            if not instance.held:
                self.send(instance.id, instance.execution, started)

    def purge(self, instances: Sequence[str]) -> None:
        with self.transaction():
            for table in ("instance", "history", "message", "task"):
                self._db.executemany(f"DELETE FROM {table} WHERE id = ?", [(one,) for one in instances])  # noqa: S608

    def find(self, wanted: Filter) -> list[Instance]:
        """In the order of their ids, at most `wanted.top`."""
        conditions, values = ["id > ?"], [wanted.after]
        if wanted.prefix:
            conditions.append("substr(id, 1, length(?)) = ?")
            values += [wanted.prefix, wanted.prefix]
        limits: list[tuple[str, Any]] = [("created >= ?", wanted.created_from), ("created <= ?", wanted.created_to)]
        for condition, limit in limits:
            if limit is not None:
                conditions.append(condition)
                values.append(limit)
        if wanted.statuses:
            conditions.append(f"status IN ({','.join('?' * len(wanted.statuses))})")
            values += wanted.statuses
        query = f"SELECT * FROM instance WHERE {' AND '.join(conditions)} ORDER BY id LIMIT {wanted.top}"  # noqa: S608
        return [_instance(row) for row in self._db.execute(query, values)]

    # Histories and messages

    def history(self, instance: str, execution: str) -> list[Event]:
        query = "SELECT kind, body, eid, ref, name FROM history WHERE id = ? AND execution = ? ORDER BY seq"
        return [_event(row) for row in self._db.execute(query, (instance, execution))]

    def append(self, instance: str, execution: str, first: int, events: Sequence[Event]) -> None:
        """`first`: how many events the history has already."""
        rows = [(instance, execution, seq, *_row(event)) for seq, event in enumerate(events, first)]
        with self.transaction():
            self._db.executemany("INSERT INTO history VALUES(?,?,?,?,?,?,?,?)", rows)

    def send(self, instance: str, execution: str | None, event: Event) -> None:
        """Leave a message for an instance; with an execution, for that one only."""
        with self.transaction():
            self._db.execute(
                "INSERT INTO message(id, execution, kind, body, eid, ref, name) VALUES(?,?,?,?,?,?,?)",
                (instance, execution, *_row(event)),
            )
        self.on_message(instance)

    def send_first(self, instance: str, execution: str, events: Sequence[Event]) -> None:
        """Leave messages before all that wait already, in this order."""
        with self.transaction():
            lowest = self._db.execute("SELECT coalesce(min(n), 1) FROM message").fetchone()[0]
            rows = [(n, instance, execution, *_row(event)) for n, event in enumerate(events, lowest - len(events))]
            self._db.executemany("INSERT INTO message VALUES(?,?,?,?,?,?,?,?)", rows)
        self.on_message(instance)

    def messages(self, instance: str, execution: str, limit: int) -> list[tuple[int, Event]]:
        """The oldest waiting messages with their numbers; what was meant for a former execution is removed."""
        with self.transaction():
            self._db.execute("DELETE FROM message WHERE id = ? AND execution <> ?", (instance, execution))
        query = "SELECT n, kind, body, eid, ref, name FROM message WHERE id = ? ORDER BY n LIMIT ?"
        return [(row[0], _event(row[1:])) for row in self._db.execute(query, (instance, limit))]

    def forget_messages(self, numbers: Sequence[int]) -> None:
        with self.transaction():
            self._db.executemany("DELETE FROM message WHERE n = ?", [(n,) for n in numbers])

    def drop_messages(self, instance: str) -> None:
        with self.transaction():
            self._db.execute("DELETE FROM message WHERE id = ?", (instance,))

    def waiting(self, instance: str | None = None) -> list[str]:
        """The instances for which messages wait, or this one if it has any."""
        if instance is not None:
            row = self._db.execute("SELECT 1 FROM message WHERE id = ? LIMIT 1", (instance,)).fetchone()
            return [instance] if row else []
        return [row[0] for row in self._db.execute("SELECT id FROM message GROUP BY id ORDER BY min(n)")]

    # Tasks: activities wait, run and are gone; timers wait and are gone; the lost ones nobody can do

    def add_activity(
        self, instance: str, execution: str, eid: int, name: str, text: str, at: int, *, lost: bool
    ) -> None:
        row = (instance, execution, eid, name, text, at, None, "lost" if lost else "waiting")
        self._add(row)

    def add_timer(self, instance: str, execution: str, eid: int, at: int, fire: int) -> None:
        self._add((instance, execution, eid, "", None, at, fire, "timed"))

    def _add(self, row: tuple[Any, ...]) -> None:
        columns = "id, execution, eid, name, input, created, fire, state"
        with self.transaction():
            self._db.execute(f"INSERT INTO task({columns}) VALUES(?,?,?,?,?,?,?,?)", row)

    def claim(self, limit: int) -> list[Task]:
        """Up to `limit` waiting activities, oldest first, from now on running."""
        query = "SELECT n, id, execution, eid, name, input FROM task WHERE state = 'waiting' ORDER BY n LIMIT ?"
        with self.transaction():
            tasks = [Task(*row) for row in self._db.execute(query, (limit,))]
            self._db.executemany("UPDATE task SET state = 'running' WHERE n = ?", [(task.n,) for task in tasks])
        return tasks

    def has_waiting_activity(self) -> bool:
        return self._db.execute("SELECT 1 FROM task WHERE state = 'waiting' LIMIT 1").fetchone() is not None

    def finish(self, task: Task, outcome: Event) -> None:
        """The activity is done: its outcome goes to the instance, if that still waits for it."""
        with self.transaction():
            gone = self._db.execute("DELETE FROM task WHERE n = ? AND state = 'running'", (task.n,)).rowcount == 0
            if not gone and self._is_active(task.instance, task.execution):
                self.send(task.instance, task.execution, outcome)

    def next_due(self) -> int | None:
        row = self._db.execute("SELECT min(fire) FROM task WHERE fire IS NOT NULL").fetchone()
        return None if row[0] is None else int(row[0])

    def due(self, now: int) -> list[DueTimer]:
        query = "SELECT n, id, execution, eid, created, fire FROM task WHERE fire <= ? ORDER BY fire, n"
        return [DueTimer(*row) for row in self._db.execute(query, (now,))]

    def fire(self, timer: DueTimer, fired: Event) -> None:
        with self.transaction():
            self._db.execute("DELETE FROM task WHERE n = ?", (timer.n,))
            if self._is_active(timer.instance, timer.execution):
                self.send(timer.instance, timer.execution, fired)

    def drop_timers(self, instance: str, execution: str, eids: Sequence[int] | None = None) -> None:
        """The given timers of an execution, or all of them."""
        query = "DELETE FROM task WHERE id = ? AND execution = ? AND fire IS NOT NULL"
        with self.transaction():
            if eids is None:
                self._db.execute(query, (instance, execution))
            else:
                self._db.executemany(f"{query} AND eid = ?", [(instance, execution, eid) for eid in eids])

    def drop_execution(self, instance: str, execution: str) -> None:
        """Everything an execution has left behind, after it continued as new."""
        with self.transaction():
            for table in ("history", "task"):
                self._db.execute(f"DELETE FROM {table} WHERE id = ? AND execution = ?", (instance, execution))  # noqa: S608

    def requeue_running(self) -> int:
        """Activities that ran when the host died wait again; how many they were."""
        with self.transaction():
            return self._db.execute("UPDATE task SET state = 'waiting' WHERE state = 'running'").rowcount

    def _is_active(self, instance: str, execution: str) -> bool:
        found = self.instance(instance)
        return found is not None and found.execution == execution and not found.finished

    # Schedules of timer triggers

    def schedule(self, name: str) -> tuple[int | None, int, int] | None:
        """When the function ran last, when it is to run next, when that was written."""
        row = self._db.execute("SELECT last, next, updated FROM schedule WHERE name = ?", (name,)).fetchone()
        return tuple(row) if row else None

    def put_schedule(self, name: str, last: int | None, following: int, updated: int) -> None:
        with self.transaction():
            self._db.execute("INSERT OR REPLACE INTO schedule VALUES(?,?,?,?)", (name, last, following, updated))


def _row(event: Event) -> tuple[int, str, int, int, str]:
    return int(event.kind), event.body, event.eid, event.ref, event.name


def _event(row: tuple[Any, ...]) -> Event:
    kind, body, eid, ref, name = row
    return Event(Kind(kind), body, eid, ref, name)


def _instance(row: tuple[Any, ...]) -> Instance:
    plain: dict[str, Any] = dict(zip(_PLAIN_COLUMNS, row[:10], strict=True))
    parent = None if row[10] is None else Parent(*row[10:14])
    return Instance(**plain, parent=parent, continued=bool(row[14]), held=bool(row[15]))
