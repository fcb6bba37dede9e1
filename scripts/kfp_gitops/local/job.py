"""Run one pipeline of the manifests on this machine, by the program that the development server starts for its runs.

The program (`python -m kfp_gitops.local.localrun`) writes what happens to `events.jsonl`; this follows that file.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from kfp_gitops.base.errors import ExitCode, GitOpsError, InputError, Problem
from kfp_gitops.base.yamltext import Document
from kfp_gitops.base.yamltext import Path as At
from kfp_gitops.compiling import ir
from kfp_gitops.kfpserver.runtree import Names, View, of_events, show
from kfp_gitops.kfpserver.runtree.events import Told, add
from kfp_gitops.language.manifest import Manifest, reader
from kfp_gitops.language.manifest.place import Places
from kfp_gitops.rendering.rendered import RenderedPipeline
from kfp_gitops.sources import brought

_POLL_SECONDS, _LOOK_SECONDS = 0.05, 0.5
_REFUSAL = re.compile(r"task '([^']+)': (.*)")
_SCRIPTS = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Job:
    """What to run: the compiled pipeline, its parameters, and the folder that all of it goes to.

    `names` gives its tasks the ids of the manifest; `pass_env` names variables that they see beside the usual ones;
    `cache` is the folder of what its tasks gave before; `beside` are further files for the folder, by their paths;
    `mounts` are folders of this machine that stand for what a cluster puts at their paths.
    """

    name: str
    text: str
    parameters: Mapping[str, Any]
    folder: Path
    python_path: Sequence[Path]
    workers: int
    names: Names = lambda found: found
    pass_env: Sequence[str] = ()
    cache: Path | None = None
    beside: Mapping[str, str] = field(default_factory=dict)
    mounts: Sequence[str] = ()


@dataclass(frozen=True)
class Source:
    """What people wrote: the manifest, and the IR that it brings if it does."""

    manifest: Manifest
    brought: Document | None

    @classmethod
    def of(cls, rendered: RenderedPipeline, folder: str) -> Source:
        """A pipeline in `folder`, which problems will name."""
        base = f"{folder}/pipelines/{rendered.name}"
        manifest = reader.read(rendered.manifest, f"{base}/pipeline.yaml")
        if manifest.ir is None:
            return cls(manifest, None)
        return cls(manifest, brought.read(rendered.irs[manifest.ir], f"{base}/{manifest.ir}").spec)


@dataclass
class Progress:
    """What was told so far: how each task of the job's pipeline stands, and the run as a whole."""

    job: Job
    told: dict[str, Told] = field(default_factory=dict)
    state: str = "RUNNING"
    error: str = ""
    seen: dict[str, object] = field(default_factory=dict)
    failed: list[tuple[str, str]] = field(default_factory=list)
    """The tasks that failed, in order: name and log."""

    @cached_property
    def spec(self) -> Mapping[str, Any]:
        """The pipeline that runs."""
        return ir.documents(self.job.text)[0]

    def tasks(self) -> tuple[View, ...]:
        """Each task of the pipeline once, by the manifest's ids and in its order."""
        return of_events(self.spec, self.job.parameters, self.told, self.state, self.job.names)

    def take(self, events: Iterable[Mapping[str, Any]]) -> Iterator[str]:
        """Note events; gives the lines that tell what has changed."""
        for event in events:
            match event:
                case {"event": "run", "state": state}:
                    self.state, self.error = state, event.get("error", "")
                case {"event": "warning", "message": message}:
                    yield f"warning: {message}"
                case {"event": "task"}:
                    add(self.told, event)
                    if event["state"] == "FAILED" and event.get("log"):
                        self.failed.append((event["display_name"], event["log"]))
        if self.told:  # a pipeline that is refused has run nothing
            yield from show.changes(self.tasks(), self.seen)


class SupersededError(Exception):
    """A run was given up, for what it runs is another by now."""


def _never() -> bool:
    return False


def run(
    job: Job, tell: Callable[[str], None], superseded: Callable[[], bool] = _never
) -> tuple[int, Progress]:
    """Run a job to its end, telling each change; returns the program's exit code (0, 2, 3, 4) and what happened.

    Raises:
        KeyboardInterrupt: cancelled by SIGINT or SIGTERM; the processes of the run have ended.
        SupersededError: `superseded` said so; its processes have ended, too.
    """
    progress = Progress(job)
    command = _prepare(job)
    with _cancellable(), (job.folder / "executor.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=_environment(),
            start_new_session=True,
        )
        try:
            _follow(process, job.folder / "events.jsonl", progress, tell, superseded)
        except (KeyboardInterrupt, SupersededError):
            process.terminate()
            _follow(process, job.folder / "events.jsonl", progress, tell)
            raise
    return process.returncode, progress


def _prepare(job: Job) -> list[str]:
    job.folder.mkdir(parents=True)
    (job.folder / "ir.yaml").write_text(job.text, "utf-8")
    (job.folder / "parameters.json").write_text(json.dumps(dict(job.parameters)), "utf-8")
    for path, text in job.beside.items():
        (job.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (job.folder / path).write_text(text, "utf-8")
    paths = [word for path in job.python_path for word in ("--python-path", str(path))]
    paths += [word for name in job.pass_env for word in ("--pass-env", name)]
    paths += [word for path in job.mounts for word in ("--mount", path)]
    return [
        *(sys.executable, "-m", "kfp_gitops.local.localrun", "--ir", str(job.folder / "ir.yaml")),
        *("--parameters", str(job.folder / "parameters.json"), "--run-dir", str(job.folder)),
        *("--run-id", job.folder.name, "--run-name", job.name, "--workers", str(job.workers), *paths),
        *(("--cache", str(job.cache)) if job.cache else ()),
    ]


def _environment() -> dict[str, str]:
    """Only for finding the program; what the tasks may import goes by --python-path."""
    inherited = os.environ.get("PYTHONPATH")
    path = os.pathsep.join([str(_SCRIPTS), *([inherited] if inherited else [])])
    return {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}


@contextmanager
def _cancellable() -> Iterator[None]:
    """SIGTERM cancels as Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _follow(
    process: subprocess.Popen[bytes],
    events: Path,
    progress: Progress,
    tell: Callable[[str], None],
    superseded: Callable[[], bool] = _never,
) -> None:
    position, ended, looked = 0, False, time.monotonic()
    while not ended:
        ended = process.poll() is not None
        position, lines = _new_lines(events, position)
        for line in progress.take(map(json.loads, lines)) if lines else ():
            tell(line)
        if not ended and time.monotonic() - looked > _LOOK_SECONDS:
            looked = time.monotonic()
            if superseded():
                raise SupersededError
        if not ended:
            time.sleep(_POLL_SECONDS)


def _new_lines(path: Path, position: int) -> tuple[int, list[bytes]]:
    """The complete lines after a position, and where they end."""
    if not path.exists():
        return position, []
    with path.open("rb") as events:
        events.seek(position)
        whole, _, _ = events.read().rpartition(b"\n")
    return position + (len(whole) + 1 if whole else 0), whole.splitlines()


def failure(code: int, progress: Progress, job: Job, source: Source) -> GitOpsError | None:
    """The error that an exit code of the program stands for; None when the run ended, well or not."""
    if code == ExitCode.BAD_INPUT:
        places = Places(source.manifest, ir.documents(job.text)[0])
        return InputError(_refusal(line, places, source) for line in progress.error.splitlines())
    if code in (ExitCode.OK, ExitCode.REMOTE_FAILED):
        return None
    return GitOpsError(f"the local executor ended with {code}; see {job.folder / 'executor.log'}")


def _refusal(reason: str, places: Places, source: Source) -> Problem:
    """Why it cannot run here, at the line of the task: in the manifest, or in the IR that it brings."""
    found = _REFUSAL.fullmatch(reason)
    document = source.brought or source.manifest.document
    at: At = ()
    if found:
        reason = f"task {found[1]!r} {found[2]}"
        at = places.in_ir(found[1]) if source.brought else places.of_task(found[1])
    return document.problem(
        at, reason, "run it on KFP (--host URL in place of --local), or change that", key=True
    )
