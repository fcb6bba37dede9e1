"""What a semantic diff consists of: plain, ordered records without any wording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from kfp_gitops.review.caching.starts import Forecast


class Action(StrEnum):
    """What happened to one thing."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    REWIRED = "rewired"
    MOVED = "moved"
    RENAMED = "renamed"


class Kind(StrEnum):
    """What the thing is, in the order in which a reviewer reads."""

    PIPELINE = "pipeline"
    PARAMETER = "parameter"
    TASK = "task"
    CONDITION = "condition"
    LOOP = "loop"
    EXIT_HANDLER = "exit handler"
    OUTPUT = "output"
    COMPONENT = "component"
    SCHEDULE = "schedule"
    SETTING = "setting"
    DELIVERY = "delivery"


@dataclass(frozen=True)
class Change:
    """One difference: `field` is None when the whole thing came, went, moved or was renamed.

    `before` and `after` are JSON-like; None where there was or is nothing.
    """

    action: Action
    kind: Kind
    name: str
    field: str | None = None
    before: Any = None
    after: Any = None


@dataclass(frozen=True)
class Firings:
    """A schedule's next five firings (UTC) before and after; empty when it does not fire."""

    schedule: str
    before: Sequence[datetime]
    after: Sequence[datetime]
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class PipelineDiff:
    """What changes for one pipeline.

    `noise` says what differs in the files without changing what runs; `warnings` what a reviewer must not miss;
    `caching` which tasks run again.
    """

    name: str
    action: Action | None
    changes: Sequence[Change] = ()
    version_before: str | None = None
    version_after: str | None = None
    release_before: str | None = None
    release_after: str | None = None
    schedules_added: Sequence[str] = ()
    replaced: Sequence[str] = ()
    switched_off: Sequence[str] = ()
    schedules_removed: Sequence[str] = ()
    firings: Sequence[Firings] = ()
    warnings: Sequence[str] = ()
    noise: Sequence[str] = ()
    graph: str | None = None
    caching: Sequence[Forecast] = ()
    in_flight: int | None = None

    @property
    def new_version(self) -> bool:
        """Whether a version is registered that was not there before."""
        return self.version_after is not None and self.version_after != self.version_before

    @property
    def unlocked(self) -> bool:
        """Whether nobody knows which version it is."""
        return self.version_after is None and self.action is not Action.REMOVED

    @property
    def semantic(self) -> bool:
        """Whether anything changes in what runs or when."""
        return self.action is not None or bool(self.changes)


@dataclass(frozen=True)
class EnvironmentDiff:
    """Everything that merging would change in one environment, pipelines in order of name."""

    environment: str
    base: str
    zone: str
    changes: Sequence[Change] = ()
    pipelines: Sequence[PipelineDiff] = ()
    warnings: Sequence[str] = ()
    noise: Sequence[str] = field(default=())

    @property
    def semantic(self) -> bool:
        """Whether anything at all changes."""
        return bool(self.changes) or any(pipeline.semantic for pipeline in self.pipelines)
