"""SQLite: one connection, one lock, transactions that nest into the outermost."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from dataclasses import Field, astuple, fields
from pathlib import Path
from typing import Any, Generic, TypeVar

from kfp_gitops.devserver import mysql
from kfp_gitops.devserver.records import CachedTask, Experiment, Pipeline, RecurringRun, Run, Version

R = TypeVar("R", Experiment, Pipeline, Version, RecurringRun, Run, CachedTask)

# The server's unique indexes: facts on duplicate pipelines, versions and experiments (409).
_UNIQUE = {
    "experiments": "UNIQUE (name, namespace)",
    "pipelines": "UNIQUE (name, namespace)",
    "versions": "UNIQUE (pipeline_id, name)",
}

_INDEXED = {
    "experiments": ("created, id",),
    "pipelines": ("created, id",),
    "versions": ("pipeline_id, created, id",),
    "recurring_runs": ("created, id", "display_name", "enabled"),
    "runs": ("created, id", "display_name", "recurring_run_id", "experiment_id", "state"),
    "cached_tasks": ("fingerprint",),
}
"""What lists are sorted and asked by: without, each request for one of 10,000 objects looks at all of them."""


class DuplicateError(Exception):
    """A unique index has it already."""


class Store:
    """All state but the files of runs. Its lock is the only one, so nothing can wait in a circle."""

    def __init__(self, path: Path) -> None:
        self.lock = threading.RLock()
        self._depth = 0
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        try:
            self._open()
        except BaseException:  # a file that is no database
            self._connection.close()
            raise

    def _open(self) -> None:
        self._connection.row_factory = sqlite3.Row
        mysql.install(self._connection)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self.experiments = Table(self, "experiments", "Experiment", Experiment)
        self.pipelines = Table(self, "pipelines", "Pipeline", Pipeline)
        self.versions = Table(self, "versions", "PipelineVersion", Version)
        self.recurring_runs = Table(self, "recurring_runs", "Job", RecurringRun)
        self.runs = Table(self, "runs", "Run", Run)
        self.cached_tasks = Table(self, "cached_tasks", "Task", CachedTask)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; a transaction within one is part of it."""
        with self.lock:
            outermost = self._depth == 0
            self._depth += 1
            try:
                with self._commit() if outermost else contextlib.nullcontext():
                    yield
            finally:
                self._depth -= 1

    @contextlib.contextmanager
    def _commit(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def execute(self, sql: str, *arguments: object) -> list[sqlite3.Row]:
        with self.lock:
            return self._connection.execute(sql, arguments).fetchall()

    def close(self) -> None:
        with self.lock:
            self._connection.close()


class Table(Generic[R]):
    """The rows of one kind of record; `resource` is its name in the API's errors.

    Table and column names are constants of this package, never input.
    """

    def __init__(self, store: Store, name: str, resource: str, record: type[R]) -> None:
        self.name, self.resource = name, resource
        self._store = store
        self._record: type[R] = record
        self._fields = fields(record)
        self._names = [f.name for f in self._fields]
        columns = [f"{f.name} {_declared(f.name)}" for f in self._fields]
        columns += [_UNIQUE[name]] if name in _UNIQUE else []
        store.execute(f"CREATE TABLE IF NOT EXISTS {name} ({', '.join(columns)})")
        for number, of in enumerate(_INDEXED[name]):
            store.execute(f"CREATE INDEX IF NOT EXISTS {name}_{number} ON {name} ({of})")

    def insert(self, record: R, *, checked: bool = True) -> R:
        """Add a record; DuplicateError for what a unique index has, mysql.DataError for what does not fit."""
        if checked:
            self._check(zip(self._names, astuple(record), strict=True))
        values = [_to_column(f, v) for f, v in zip(self._fields, astuple(record), strict=True)]
        marks = ", ".join("?" * len(values))
        try:
            self._store.execute(f"INSERT INTO {self.name} VALUES ({marks})", *values)  # noqa: S608 constants
        except sqlite3.IntegrityError as error:
            raise DuplicateError from error
        return record

    def _check(self, values: Iterable[tuple[str, object]]) -> None:
        for name, value in values:
            mysql.check(self.name, name, value)

    def get(self, key: str) -> R | None:
        found = self.where("id = ?", key)
        return found[0] if found else None

    def update(self, key: str, **changes: object) -> None:
        self._check(changes.items())
        by_name = {f.name: f for f in self._fields}
        values = [_to_column(by_name[name], value) for name, value in changes.items()]
        assignments = ", ".join(f"{name} = ?" for name in changes)
        self._store.execute(f"UPDATE {self.name} SET {assignments} WHERE id = ?", *values, key)  # noqa: S608 constants

    def delete(self, key: str) -> None:
        self._store.execute(f"DELETE FROM {self.name} WHERE id = ?", key)  # noqa: S608 constants

    def where(self, condition: str, *arguments: object, order: str = "rowid", limit: int = -1) -> list[R]:
        sql = f"SELECT * FROM {self.name} WHERE {condition} ORDER BY {order} LIMIT ?"  # noqa: S608 constants
        rows = self._store.execute(sql, *arguments, limit)
        return [self._record(**{f.name: _from_column(f, row[f.name]) for f in self._fields}) for row in rows]

    def count(self, condition: str, *arguments: object) -> int:
        sql = f"SELECT COUNT(*) FROM {self.name} WHERE {condition}"  # noqa: S608 constants
        return int(self._store.execute(sql, *arguments)[0][0])


def _declared(column: str) -> str:
    if column == "id":
        return "TEXT PRIMARY KEY"
    return f"TEXT COLLATE {mysql.COLLATION}" if column in mysql.COLLATED else ""


def _to_column(column: Field[Any], value: object) -> object:
    return json.dumps(value) if column.metadata.get("json") else value


def _from_column(column: Field[Any], value: Any) -> Any:
    if column.metadata.get("json"):
        return json.loads(value)
    # SQLite knows no booleans. Annotations are text here, because of the __future__ import.
    return bool(value) if column.type == "bool" else value
