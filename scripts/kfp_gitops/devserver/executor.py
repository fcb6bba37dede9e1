"""Starting and stopping the process that executes one run."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from kfp_gitops.devserver import macros, taskdetails, templates
from kfp_gitops.devserver.records import Run

LOCALRUN = (sys.executable, "-m", "kfp_gitops.local.localrun")
"""The executor of this project; it is started as a program and never imported."""
_SCRIPTS = Path(__file__).parents[2]
_TAIL = 2000
RUN_FAILED = 4
"""The executor's exit code when it did what it should and the pipeline failed."""


@dataclass(frozen=True)
class Launch:
    """How executors are started."""

    command: Sequence[str]
    python_path: Sequence[Path]
    grace: float
    """Seconds from SIGTERM to SIGKILL."""


def start(
    launch: Launch, run: Run, run_dir: Path, cache: socket.socket | None = None
) -> subprocess.Popen[bytes]:
    """A process in a group of its own, so that all it starts can be stopped with it.

    By `cache` it asks which tasks need not run; without it all of them do.
    """
    arguments = _prepare(launch, run, run_dir)
    asks = [cache.fileno()] if cache else []
    arguments += [word for number in asks for word in ("--cache-fd", str(number))]
    environment = os.environ | {"PYTHONPATH": _path(), "PYTHONUNBUFFERED": "1"}
    with (run_dir / "executor.log").open("wb") as log:
        return subprocess.Popen(
            arguments, cwd=run_dir, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True, pass_fds=asks,
        )  # fmt: skip


def _path() -> str:
    """Only for finding the executor; what the run itself may import goes by --python-path."""
    inherited = os.environ.get("PYTHONPATH")
    return os.pathsep.join([str(_SCRIPTS), *([inherited] if inherited else [])])


def _prepare(launch: Launch, run: Run, run_dir: Path) -> list[str]:
    run_dir.mkdir(parents=True, exist_ok=True)
    if (run_dir / "events.jsonl").exists():
        taskdetails.retried(run_dir)
    ir, parameters = run_dir / "ir.yaml", run_dir / "parameters.json"
    ir.write_text(
        yaml.dump_all(templates.documents(run.spec), Dumper=yaml.CSafeDumper, sort_keys=False), "utf-8"
    )
    parameters.write_text(json.dumps(macros.expanded(run)), "utf-8")
    paths = [part for path in launch.python_path for part in ("--python-path", str(path))]
    return [
        *launch.command,
        *("--ir", str(ir), "--parameters", str(parameters), "--run-dir", str(run_dir)),
        *("--run-id", run.id, "--run-name", run.display_name, *paths),
        *("--done", str(run_dir / "done.jsonl")),  # a run that is retried does only the rest
    ]


def stop(process: subprocess.Popen[bytes], grace: float) -> threading.Timer:
    """Ask to end, insist after the grace; cancel the timer once the process is gone."""
    signal_group(process, signal.SIGTERM)
    timer = threading.Timer(grace, signal_group, (process, signal.SIGKILL))
    timer.daemon = True
    timer.start()
    return timer


def signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def failure(code: int, run_dir: Path) -> str:
    """Why a run failed, for its `error`: the executor's own word, else the end of what it printed."""
    kind = {RUN_FAILED: "", 2: "refused: ", 3: "defect of the executor: "}.get(
        code, f"the executor ended with {code}: "
    )
    said = taskdetails.last_error(run_dir)
    if not said:
        with contextlib.suppress(OSError):
            said = (run_dir / "executor.log").read_text("utf-8", "replace")[-_TAIL:].strip()
    return kind + (said or "no reason given; see executor.log")
