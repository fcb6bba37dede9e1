"""Executes pending runs, the oldest first and only so many at once."""

from __future__ import annotations

import shutil
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from kfp_gitops.devserver import executor
from kfp_gitops.devserver.clock import Clock, epoch
from kfp_gitops.devserver.executor import Launch
from kfp_gitops.devserver.records import Run
from kfp_gitops.devserver.states import pass_to
from kfp_gitops.devserver.store import Store

STOPPED = "the development server stopped while the run was executing"


@dataclass
class _Executing:
    """A run under way; changed only under the lock of the store."""

    process: subprocess.Popen[bytes]
    watcher: threading.Thread
    canceled: str = ""
    timer: threading.Timer | None = None


class RunPool:
    """Every change happens under the store's lock; only waiting for processes does not."""

    def __init__(self, store: Store, clock: Clock, launch: Launch, runs_dir: Path, parallel: int) -> None:
        self._store, self._clock, self._launch = store, clock, launch
        self._runs_dir, self._parallel = runs_dir, parallel
        self._executing: dict[str, _Executing] = {}
        self._closing = False

    def recover(self) -> None:
        """At start: what was executing when the server died is lost."""
        with self._store.transaction():
            for run in self._store.runs.where("state IN ('RUNNING', 'CANCELING')"):
                pass_to(self._store, run, "FAILED", self._now(), STOPPED)

    def fill(self) -> None:
        """Start as many pending runs as there is room for."""
        with self._store.transaction():
            room = 0 if self._closing else max(self._parallel - len(self._executing), 0)
            for run in self._store.runs.where("state = 'PENDING'", limit=room):
                self._start(run)

    def _start(self, run: Run) -> None:
        try:
            process = executor.start(self._launch, run, self._runs_dir / run.id)
        except OSError as error:
            pass_to(self._store, run, "FAILED", self._now(), f"the executor did not start: {error}")
            return
        watcher = threading.Thread(
            target=self._watch, args=(run.id, process), name=f"run-{run.id}", daemon=True
        )
        self._executing[run.id] = _Executing(process, watcher)
        pass_to(self._store, run, "RUNNING", self._now())
        watcher.start()

    def _watch(self, run_id: str, process: subprocess.Popen[bytes]) -> None:
        code = process.wait()
        with self._store.transaction():
            ended = self._executing.pop(run_id)
            if ended.timer:
                ended.timer.cancel()
            executor.signal_group(process, signal.SIGKILL)  # whatever it left behind
            self._finish(run_id, code, ended.canceled)
            self.fill()  # under the same lock: after it, `close` does not wait for this thread any more

    def _finish(self, run_id: str, code: int, canceled: str) -> None:
        run = self._store.runs.get(run_id)
        if run is None:  # deleted meanwhile
            shutil.rmtree(self._runs_dir / run_id, ignore_errors=True)
        elif code == 0:
            pass_to(self._store, run, "SUCCEEDED", self._now())
        elif canceled:
            pass_to(self._store, run, "CANCELED", self._now(), canceled)
        elif self._closing:
            pass_to(self._store, run, "FAILED", self._now(), STOPPED)
        else:
            why = executor.failure(code, self._runs_dir / run_id)
            pass_to(self._store, run, "FAILED", self._now(), why)

    def cancel(self, run_id: str, reason: str) -> bool:
        """Stop a run, at once if it has not begun; says whether a process is still to end."""
        with self._store.transaction():
            run, under_way = self._store.runs.get(run_id), self._executing.get(run_id)
            if run and run.state == "PENDING":
                pass_to(self._store, run, "CANCELED", self._now(), reason)
            elif run and under_way and run.state == "RUNNING":
                pass_to(self._store, run, "CANCELING", self._now())
                under_way.canceled = reason
                under_way.timer = executor.stop(under_way.process, self._launch.grace)
            return under_way is not None

    def wait_idle(self, timeout: float = 30) -> None:
        """Until nothing executes and nothing is pending; for tests and scripts."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            with self._store.lock:
                active = self._store.runs.count("state IN ('PENDING', 'RUNNING', 'CANCELING')")
                if not active and not self._executing:
                    return
            time.sleep(0.01)
        raise TimeoutError(f"runs are still active after {timeout:g} s")

    def close(self) -> None:
        """Stop all processes and wait for them; pending runs stay pending for the next start."""
        with self._store.lock:
            self._closing = True
            under_way = list(self._executing.values())
            for one in under_way:
                one.timer = one.timer or executor.stop(one.process, self._launch.grace)
        for one in under_way:
            one.watcher.join()

    def _now(self) -> int:
        return epoch(self._clock.now())
