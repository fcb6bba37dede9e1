"""The development server as an object: made, used as a context manager, gone."""

from __future__ import annotations

import fcntl
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TextIO

from kfp_gitops.devserver import experiments, scheduler
from kfp_gitops.devserver.app import App
from kfp_gitops.devserver.auth import Rights
from kfp_gitops.devserver.clock import Clock, SystemClock
from kfp_gitops.devserver.errors import StartError
from kfp_gitops.devserver.executor import LOCALRUN, Launch
from kfp_gitops.devserver.faults import Faults, Logged
from kfp_gitops.devserver.features import Features
from kfp_gitops.devserver.guard import door
from kfp_gitops.devserver.ir_proto import check_installed
from kfp_gitops.devserver.listener import Listener
from kfp_gitops.devserver.pool import RunPool
from kfp_gitops.devserver.scheduler import Ticker
from kfp_gitops.devserver.store import Store


class DevServer:
    """KFP's REST API, on loopback unless `listen` names another address.

    All state is in `data_dir`; one server at a time may use it.

    With the system's clock the schedules tick by themselves; with any other, `tick()` drives them.
    `executor` is the command that executes a run, `parallel` how many may do so at once. Every `cadence` seconds it
    looks for what is due; the real controller does every 30. With `cache` a task that ended well before is not executed
    again, as on KFP.
    """

    def __init__(  # noqa: PLR0913 each by name, all but the folder optional
        self,
        data_dir: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        listen: str | None = None,
        allow_hosts: Sequence[str] = (),
        clock: Clock | None = None,
        executor: Sequence[str] = LOCALRUN,
        python_path: Sequence[Path] = (),
        pass_env: Sequence[str] = (),
        mounts: Sequence[str] = (),
        faults: Faults | None = None,
        features: Features | None = None,
        rights: Rights | None = None,
        parallel: int = 2,
        grace: float = 10.0,
        cadence: float = 1.0,
        cache: bool = False,
    ) -> None:
        self.data_dir = data_dir.resolve()
        self.clock = clock or SystemClock()
        self.faults = faults or Faults()
        self._door = door(host, port, listen, allow_hosts)
        self._features = features or Features()
        self.rights = rights or Rights()
        passed = [word for name in pass_env for word in ("--pass-env", name)]
        passed += [word for path in mounts for word in ("--mount", path)]
        self._launch = Launch((*executor, *passed), tuple(p.resolve() for p in python_path), grace)
        self._parallel = parallel
        self._cadence = cadence
        self._cache = cache

    def start(self) -> DevServer:
        """Open the data, take the port, begin to tick; StartError says why not."""
        check_installed()
        self._lock = _lock(self.data_dir)
        try:
            self._store = _open(self.data_dir)
            self._start_on(self._store)
        except BaseException:
            self._lock.close()
            raise
        return self

    def _start_on(self, store: Store) -> None:
        runs_dir = self.data_dir / "runs"
        self.pool = RunPool(store, self.clock, self._launch, runs_dir, self._parallel, self._cache)
        self._app = App(store, self.clock, self.pool, self._features, runs_dir, self.rights, self._door.names)
        try:
            self._listener = Listener(self._door, self._app, self.faults)
        except BaseException:
            store.close()
            raise
        self.pool.recover()
        experiments.ensure_default(self._app)
        self.pool.fill()
        self._ticker = Ticker(self.tick, self._cadence)
        if isinstance(self.clock, SystemClock):
            self._ticker.start()
        self._listener.start()

    def close(self) -> None:
        """Stop taking requests, stop the executors, close the data."""
        self._ticker.close()
        self._listener.close()
        self.pool.close()
        self._store.close()
        self._lock.close()

    @property
    def url(self) -> str:
        return self._listener.url

    @property
    def requests(self) -> list[Logged]:
        """What was asked so far."""
        return self.faults.requests

    def tick(self) -> None:
        """Fire what is due by the clock."""
        scheduler.tick(self._app)

    def wait_idle(self, timeout: float = 120) -> None:
        """Until every run has ended."""
        self.pool.wait_idle(timeout)

    def __enter__(self) -> DevServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _open(data_dir: Path) -> Store:
    try:
        return Store(data_dir / "kfp.sqlite")
    except sqlite3.Error as error:
        raise StartError(f"{data_dir / 'kfp.sqlite'}: {error}") from error


def _lock(data_dir: Path) -> TextIO:
    """Two servers on one folder would both execute its runs."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        file = (data_dir / "lock").open("w")
    except OSError as error:
        raise StartError(f"{data_dir}: cannot be written: {error}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise StartError(f"{data_dir}: another development server is using this folder") from error
    return file
