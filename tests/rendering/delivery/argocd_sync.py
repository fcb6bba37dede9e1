"""How Argo CD decides what to sync, and in which order, as a model: it cannot run here.

Written from 3.6.0-dev: controller/appcontroller.go (autoSync, alreadyAttemptedSync, processRequestedAppOperation),
controller/state.go (evaluateRevisionChanges), gitops-engine/pkg/sync/sync_context.go (getSyncTasks, Sync, runTasks).
Seen on a live one, and in here: a self-heal sync leaves hooks out; a revision that was compared counts as attempted;
a Degraded object of a wave that is not the last fails the sync.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import delivered
from delivered import Object

Key = tuple[str, str, str]
_OPTIONS = "argocd.argoproj.io/sync-options"


def _wave(item: Object) -> int:
    return int(item["metadata"].get("annotations", {}).get("argocd.argoproj.io/sync-wave", "0"))


def _key(item: Object) -> Key:
    return item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]


def _prune_last(item: Object) -> bool:
    return "PruneLast=true" in item["metadata"].get("annotations", {}).get(_OPTIONS, "")


@dataclass
class Cluster:
    """Live objects, their health, and which Jobs were started, in order."""

    live: dict[Key, Object] = field(default_factory=dict)
    health: dict[Key, str] = field(default_factory=dict)
    started: list[str] = field(default_factory=list)
    fails: Callable[[str], bool] = lambda name: False
    """Whether the Job of a name fails."""

    def create(self, item: Object) -> None:
        key = _key(item)
        if key in self.live and item["kind"] == "Job":
            assert self.live[key]["spec"] == item["spec"], "field is immutable"
        elif item["kind"] == "Job":
            self.started.append(key[2])
            self.health[key] = "Degraded" if self.fails(key[2]) else "Healthy"
        self.live[key] = item

    def delete(self, key: Key) -> None:
        del self.live[key]
        self.health.pop(key, None)


@dataclass
class Argo:
    """One Application with `automated: {prune: true, selfHeal: true}`; Git's head is `revision` with its objects."""

    cluster: Cluster
    apply_out_of_sync_only: bool = True
    prune_last: bool = False
    limit: int = 2
    revision: str = ""
    target: tuple[Object, ...] = ()
    compared: str = ""
    synced: str | None = None
    phase: str = ""
    retries: int = 0

    def merge(self, revision: str, objects: Iterable[Object]) -> None:
        """A commit."""
        self.revision, self.target = revision, tuple(objects)

    @property
    def health(self) -> str:
        """The worst of all live objects."""
        return "Degraded" if "Degraded" in self.cluster.health.values() else "Healthy"

    @property
    def out_of_sync(self) -> set[Key]:
        """What differs; hooks are not compared."""
        wanted = delivered.tracked(self.target)
        live = self.cluster.live
        return {key for key in wanted.keys() | live.keys() if wanted.get(key) != live.get(key)}

    def refresh(self, *, latest: bool = True, window: bool = True) -> None:
        """One comparison: `latest` asks Git (each three minutes), else it is an event in the cluster."""
        changes = latest or self.compared != self.revision
        if window and self.out_of_sync and self.phase != "Running":
            self._auto_sync(changes)
        self.compared = self.revision

    def _auto_sync(self, changes: bool) -> None:
        attempted = self.synced is not None and (not changes or self.synced == self.revision)
        if not attempted:
            self.begin(None)
        elif self.phase == "Succeeded":
            self.begin(self.out_of_sync)

    def begin(self, only: set[Key] | None) -> None:
        """An operation of the present revision; `only`: a self-heal sync of these."""
        self.retries = 0
        self._attempt(only)

    def retry(self) -> None:
        """The time has come: with `refresh: true` it takes the latest revision."""
        assert self.phase == "Running"
        self._attempt(None)

    def _attempt(self, only: set[Key] | None) -> None:
        self.synced = self.revision
        done = _Sync(self, only).run()
        self.phase = "Succeeded" if done else "Running" if self.retries < self.limit else "Failed"
        self.retries += 0 if done else 1


@dataclass
class _Task:
    key: Key
    target: Object | None
    live: Object | None
    wave: int


class _Sync:
    """One attempt of a sync."""

    def __init__(self, argo: Argo, only: set[Key] | None) -> None:
        self.argo, self.cluster, self.only = argo, argo.cluster, only
        wanted = delivered.tracked(argo.target)
        self.tasks = [
            _Task(key, wanted.get(key), self.cluster.live.get(key), 0)
            for key in sorted(wanted.keys() | self.cluster.live.keys())
            if only is None or key in only
        ]
        for task in self.tasks:
            task.wave = _wave(task.target or task.live or {})
        self._order_prunes()

    def _order_prunes(self) -> None:
        prunes = [task for task in self.tasks if task.target is None]
        waves = sorted({task.wave for task in prunes})
        swapped = dict(zip(waves, reversed(waves), strict=True))
        for task in prunes:
            task.wave = swapped[task.wave]
        last = max((task.wave for task in self.tasks), default=0) + 1
        for task in prunes:
            if self.argo.prune_last or _prune_last(task.live or {}):
                task.wave = last

    def run(self) -> bool:
        """Whether it succeeded."""
        hooks = [item for item in self.argo.target if delivered.is_hook(item)] if self.only is None else []
        pending = [task for task in self.tasks if not self._left_out(task)]
        waves = sorted({task.wave for task in pending} | {_wave(hook) for hook in hooks})
        last = max((task.wave for task in self.tasks), default=0)
        for wave in waves:
            tasks = [task for task in pending if task.wave == wave]
            for task in tasks:
                self._prune(task)
            for task in tasks:
                self._apply(task)
            for hook in (hook for hook in hooks if _wave(hook) == wave):
                name = hook["metadata"]["name"]
                self.cluster.started.append(name)
                if self.cluster.fails(name):
                    return False
            if wave != last and any(self.cluster.health.get(t.key) == "Degraded" for t in tasks if t.target):
                return False
        return True

    def _left_out(self, task: _Task) -> bool:
        same = task.target is not None and task.target == task.live
        return self.argo.apply_out_of_sync_only and same

    def _prune(self, task: _Task) -> None:
        if task.target is None:
            self.cluster.delete(task.key)

    def _apply(self, task: _Task) -> None:
        if task.target is not None:
            self.cluster.create(task.target)
