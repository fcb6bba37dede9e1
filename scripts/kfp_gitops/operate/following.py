"""Runs on a server as people wrote their pipelines: read, followed to the end, listed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from kfp_gitops.base.errors import GitOpsError, RemoteError
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.kfpapi.models import Compiled, RunState
from kfp_gitops.kfpserver.runtree import View, of_records, show
from kfp_gitops.kfpserver.runtree.ids import Ids
from kfp_gitops.kfpserver.runtree.records import ACTIVE
from kfp_gitops.language.manifest import Manifest

# Every state after which nothing more happens (KFP v2beta1 RuntimeState). The official client's own wait
# does not know CANCELED and waits for ever.
FINAL = frozenset({"SUCCEEDED", "FAILED", "SKIPPED", "CANCELED"})
_MAX_POLL = 5.0
_SETTLING_READS = 10


@dataclass(frozen=True)
class Known:
    """The manifests that ids are taken from, by pipeline, and the version that each compiles to.

    `inner` reads the pipelines inside one.
    """

    manifests: Mapping[str, Manifest]
    versions: Mapping[str, str]
    inner: Callable[[str], Mapping[str, Manifest]]

    def ids(self, version: Compiled) -> Ids | None:
        """The ids for a version: of the manifest that compiles to it, else of the pipeline of its name as it is now."""
        same = next((name for name, its in self.versions.items() if its == version.name), None)
        spec = version.spec.get("pipeline_spec", version.spec)
        name = same or (spec.get("pipelineInfo") or {}).get("name", "")
        if name not in self.manifests:
            return None
        return Ids(self.manifests[name], self.inner(name), same is not None)


@dataclass(frozen=True)
class Shown:
    """A run and its tasks as they stood at one read."""

    run: RunState
    tasks: tuple[View, ...]
    version: Compiled | None = None
    """What it runs, where the server gives that."""

    @property
    def settled(self) -> bool:
        """Whether the run has ended and no task is told as under way: KFP stores both one after the other."""
        return self.run.state in FINAL and not any(record.state in ACTIVE for record in self.run.tasks)


class Names(Protocol):
    """What knows the ids of a version's tasks."""

    def ids(self, version: Compiled) -> Ids | None:
        """None: they are not known."""


@dataclass(frozen=True)
class Late:
    """The same as what `read` gives, read when it is first asked: 1,000 manifests take their time.

    Where they cannot be read, nothing is known: at night a run is looked at, not its manifest.
    """

    read: Callable[[], Known]
    _found: list[Known | None] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ids(self, version: Compiled) -> Ids | None:
        """As `Known.ids`."""
        with self._lock:
            if not self._found:
                self._found.append(self._read())
        known = self._found[0]
        return known.ids(version) if known else None

    def _read(self) -> Known | None:
        try:
            return self.read()
        except GitOpsError:
            return None


@dataclass(frozen=True)
class Watch:
    """Reads runs; the pipeline of each version is read once."""

    api: KfpApi
    known: Names
    sleep: Callable[[float], None] = time.sleep
    _read: dict[tuple[str, str], Compiled | None] = field(default_factory=dict)

    def look(self, run_id: str) -> Shown:
        """A run as it stands now."""
        run = self.api.run(run_id)
        version = self._version(run)
        ids = self.known.ids(version) if version else None
        names = ids or (lambda found: found)
        spec = version.spec if version else None
        return Shown(run, of_records(spec, run.parameters, run.tasks, run.state, names), version)

    def settled(self, shown: Shown) -> Shown:
        """An ended run once two reads of it agree, with no task under way; a few seconds later as it is then."""
        if shown.run.state not in FINAL:
            return shown
        for _ in range(_SETTLING_READS):
            self.sleep(0.2 if shown.settled else 1.0)
            before, shown = shown, self.look(shown.run.id)
            if shown.settled and shown.tasks == before.tasks:
                break
        return shown

    def _version(self, run: RunState) -> Compiled | None:
        if run.spec:
            return Compiled("", run.spec)
        key = (run.pipeline_id, run.version_id)
        if key not in self._read:
            self._read[key] = self.api.compiled(*key) if run.version_id else None
        return self._read[key]


def follow(watch: Watch, run_id: str, tell: Callable[[str], None], timeout: float | None) -> Shown:
    """Follow a run to a final state, telling each change of a task.

    Raises:
        RemoteError: the timeout (seconds) passed; the run itself goes on.
    """
    deadline = None if timeout is None else time.monotonic() + timeout
    seen: dict[str, object] = {}
    wait, state = 0.5, "under way"
    while True:
        try:
            shown = watch.settled(watch.look(run_id))
        except RemoteError as error:
            if deadline is None or time.monotonic() < deadline:
                raise
            raise _still(watch, run_id, state, timeout) from error
        state = shown.run.state
        for line in _changes(shown, seen):
            tell(line)
        if shown.run.state in FINAL:
            return shown
        if deadline is not None and time.monotonic() >= deadline:
            raise _still(watch, run_id, state, timeout)
        watch.sleep(wait)
        wait = min(wait * 1.3, _MAX_POLL)


def _still(watch: Watch, run_id: str, state: str, timeout: float | None) -> RemoteError:
    link = watch.api.run_link(run_id)
    return RemoteError(f"run {run_id} is still {state} after {timeout or 0:.0f} s; it goes on: {link}")


def _changes(shown: Shown, seen: dict[str, object]) -> Iterator[str]:
    if seen.get("") != shown.run.state:
        seen[""] = shown.run.state
        yield f"run {shown.run.name}: {shown.run.state}"
    yield from show.changes(shown.tasks, seen)


def table(shown: Shown) -> list[str]:
    """A run and its tasks: each once, by the ids and in the order of the manifest, with state and seconds.

    KFP 2.17.0 tells no error of a run or a task; where another does, it stands below.
    """
    run = shown.run
    lines = [f"{run.state:<10} {run.name}{_took(run.created, run.ended)}", *show.lines(shown.tasks)]
    errors = dict.fromkeys([run.error, *(record.error for record in run.tasks)])
    return [*lines, *(f"  error: {error}" for error in errors if error)]


def _took(started: datetime | None, ended: datetime | None) -> str:
    return f" ({(ended - started).total_seconds():.1f} s)" if started and ended else ""
