"""Executes pending runs, the oldest first and only so many at once."""

from __future__ import annotations

import shutil
import signal
import subprocess
import threading
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from kfp_gitops.devserver import executor, taskcache
from kfp_gitops.devserver.clock import Clock, epoch
from kfp_gitops.devserver.executor import Launch
from kfp_gitops.devserver.records import Run
from kfp_gitops.devserver.states import pass_to
from kfp_gitops.devserver.store import Store

KILLED = "its workflow was deleted with its recurring run, and nobody told how it ended"
TERMINATED = "the run was terminated"
STOPPED = "the development server stopped while the run was executing"


@dataclass
class _Executing:
    """A run under way; changed only under the lock of the store."""

    process: subprocess.Popen[bytes]
    watcher: threading.Thread
    killed: bool = False
    """Its workflow is gone, and nobody tells KFP how it ended."""
    timer: threading.Timer | None = None


class RunPool:
    """Every change happens under the store's lock; only waiting for processes does not."""

    def __init__(
        self, store: Store, clock: Clock, launch: Launch, runs_dir: Path, parallel: int, caching: bool = False
    ) -> None:
        self._store, self._clock, self._launch = store, clock, launch
        self._runs_dir, self._parallel, self._caching = runs_dir, parallel, caching
        self._executing: dict[str, _Executing] = {}
        self._closing = False

    def recover(self) -> None:
        """At start: what was executing when the server died is lost."""
        with self._store.transaction():
            for run in self._store.runs.where("state IN ('RUNNING', 'CANCELING') AND error <> ?", KILLED):
                pass_to(self._store, run, "FAILED", self._now(), STOPPED, ours=True)

    def fill(self) -> None:
        """Start as many pending runs as there is room for."""
        with self._store.transaction():
            room = 0 if self._closing else max(self._parallel - len(self._executing), 0)
            for run in self._store.runs.where("state = 'PENDING'", limit=room):
                self._start(run)

    def settle(self) -> None:
        """What was terminated before it began ends, a moment later, as all others do."""
        with self._store.transaction():
            for run in self._store.runs.where("state = 'CANCELING'"):
                if run.id not in self._executing:
                    pass_to(self._store, run, "FAILED", self._now(), TERMINATED)

    def _start(self, run: Run) -> None:
        line = taskcache.Line(self._store, self._clock, run) if self._caching else None
        try:
            with line or nullcontext() as cache:
                process = executor.start(self._launch, run, self._runs_dir / run.id, cache)
        except OSError as error:
            why = f"the executor did not start: {error}"
            pass_to(self._store, run, "FAILED", self._now(), why, ours=True)
            return
        watcher = threading.Thread(
            target=self._watch, args=(run.id, process, line), name=f"run-{run.id}", daemon=True
        )
        self._executing[run.id] = _Executing(process, watcher)
        pass_to(self._store, run, "RUNNING", self._now())
        watcher.start()

    def _watch(self, run_id: str, process: subprocess.Popen[bytes], line: taskcache.Line | None) -> None:
        code = process.wait()
        if line:
            line.wait()
        with self._store.transaction():
            ended = self._executing.pop(run_id)
            if ended.timer:
                ended.timer.cancel()
            executor.signal_group(process, signal.SIGKILL)  # whatever it left behind
            self._finish(run_id, code, killed=ended.killed)
            self.fill()  # under the same lock: after it, `close` does not wait for this thread any more

    def _finish(self, run_id: str, code: int, *, killed: bool) -> None:
        run = self._store.runs.get(run_id)
        if run is None:  # deleted meanwhile
            shutil.rmtree(self._runs_dir / run_id, ignore_errors=True)
        elif killed:
            pass
        elif code == 0:
            pass_to(self._store, run, "SUCCEEDED", self._now())
        elif run.state == "CANCELING":
            pass_to(self._store, run, "FAILED", self._now(), TERMINATED)
        elif self._closing:
            pass_to(self._store, run, "FAILED", self._now(), STOPPED, ours=True)
        else:
            why = executor.failure(code, self._runs_dir / run_id)
            pass_to(self._store, run, "FAILED", self._now(), why, ours=code != executor.RUN_FAILED)

    def cancel(self, run_id: str) -> None:
        """Stop a run: it is CANCELING until its process has ended, then FAILED."""
        with self._store.transaction():
            run = self._store.runs.get(run_id)
            if run and run.state in ("PENDING", "RUNNING"):
                pass_to(self._store, run, "CANCELING", self._now())
                self._stop(run_id)

    def kill(self, run_id: str) -> bool:
        """As Kubernetes takes a workflow away: its run stays as it is; says whether a process is still to end."""
        with self._store.transaction():
            run, under_way = self._store.runs.get(run_id), self._executing.get(run_id)
            if run and run.state == "PENDING":
                pass_to(self._store, run, "RUNNING", self._now())  # so that it is never begun
            self._store.runs.update(run_id, error=KILLED)
            if under_way:
                under_way.killed = True
                self._stop(run_id)
            return under_way is not None

    def _stop(self, run_id: str) -> None:
        under_way = self._executing.get(run_id)
        if under_way and under_way.timer is None:
            under_way.timer = executor.stop(under_way.process, self._launch.grace)

    def wait_idle(self, timeout: float = 120) -> None:
        """Until nothing executes and nothing is pending; for tests and scripts."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            with self._store.lock:
                waiting = self._store.runs.count("state = 'PENDING'")
                if not waiting and not self._executing:
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
