"""What a semantic diff consists of: plain, ordered records without any wording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from kfp_gitops.base.errors import Problem
from kfp_gitops.language.chains.edges import Edge
from kfp_gitops.language.chains.told import Root
from kfp_gitops.language.gates import Verdict
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
    TRIGGER = "trigger"
    SETTING = "setting"
    DELIVERY = "delivery"
    FILE = "file"
    """What no other kind has words for: the file's path is the name, the place in it the field."""


class Category(StrEnum):
    """How far a change of a pipeline reaches, from nowhere to those who use it by name."""

    NONE = "none"
    PROMISES = "promises"
    SETTINGS = "settings"
    RESULTS = "results"
    INTERFACE = "interface"


@dataclass(frozen=True)
class Change:
    """One difference: `field` is None when the whole thing came, went, moved or was renamed.

    `before` and `after` are JSON-like; None where there was or is nothing. What came or went has its whole value.
    A field of a file is added or removed where its key was not there before or is there no more: its value may be null.
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
class StartedRun:
    """A run that merging starts: a trigger with `runOn: change`, and what it gives to parameters."""

    trigger: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


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
    runs_started: Sequence[StartedRun] = ()
    firings: Sequence[Firings] = ()
    warnings: Sequence[str] = ()
    noise: Sequence[str] = ()
    graph: str | None = None
    caching: Sequence[Forecast] = ()
    in_flight: int | None = None
    category: Category = Category.NONE
    breaks: Sequence[str] = ()
    """What somebody who relies on it by name must follow."""
    required: Sequence[Verdict] = ()
    """What a release that comes must have measured, and did by what release.yaml has."""
    template: str = ""
    """What it is made from; what it was made from, if it goes."""

    @property
    def triggers_changed(self) -> frozenset[str]:
        """The triggers that come, go or say something else."""
        return frozenset(change.name for change in self.changes if change.kind is Kind.TRIGGER)

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
class KnownEvent:
    """An event as a pipeline gets it, and the pipelines for which it came or went."""

    action: Action
    services: tuple[str, ...]
    begin: datetime
    end: datetime
    floor: int | None
    factor: float | None
    reason: str
    learn: bool
    pipelines: tuple[str, ...] = ()

    @property
    def amount(self) -> str:
        """What it asks for, in short."""
        if self.floor is not None:
            return f"≥ {self.floor} replicas"
        return f"× {self.factor:g}" if self.factor is not None else "no floor"


@dataclass(frozen=True)
class Link:
    """What starts a pipeline after another one or by data, before and after: None where it was not or is no more."""

    before: Edge | None
    after: Edge | None

    @property
    def edge(self) -> Edge:
        """As it is, or as it was."""
        found = self.after or self.before
        assert found is not None
        return found

    @property
    def action(self) -> Action | None:
        """What happens to it; None: it stays as it is."""
        if self.before is None or self.after is None:
            return Action.ADDED if self.before is None else Action.REMOVED
        return None if self.before.same(self.after) else Action.CHANGED


@dataclass(frozen=True)
class Between:
    """The parts of the graph between pipelines in which something changes, links of a pipeline beside one another.

    `roots`: what begins its chains after merging. `takes`: how long a run of a pipeline usually takes, if it is known.
    """

    links: Sequence[Link]
    roots: Sequence[Root] = ()
    takes: Mapping[str, timedelta] = field(default_factory=dict)


@dataclass(frozen=True)
class BackfillDiff:
    """A backfill that comes, goes or changes: what environment.yaml says of it, before and after."""

    action: Action
    id: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    there: int | None = None
    """Of how many of its firings there is a run already; None: nobody asked."""
    takes: timedelta | None = None
    """How long a run of its pipeline usually takes; None: not known."""


@dataclass(frozen=True)
class EnvironmentDiff:
    """Everything that merging would change in one environment, pipelines in order of name.

    With `problems` the rest of it may not be what merging does: the manifests are stale, or do not render.
    """

    environment: str
    base: str
    zone: str
    changes: Sequence[Change] = ()
    pipelines: Sequence[PipelineDiff] = ()
    events: Sequence[KnownEvent] = ()
    """Those that come or go; each is in a change of the pipelines that take it, too."""
    backfills: Sequence[BackfillDiff] = ()
    between: Between | None = None
    """None: no pipeline that starts another one, or is started by another or by data, changes."""
    warnings: Sequence[str] = ()
    noise: Sequence[str] = field(default=())
    problems: Sequence[Problem] = ()

    @property
    def category(self) -> Category:
        """The one of its pipelines that reaches farthest."""
        return max((p.category for p in self.pipelines), key=[*Category].index, default=Category.NONE)

    @property
    def semantic(self) -> bool:
        """Whether anything at all changes."""
        found = self.changes or self.backfills
        return bool(found) or any(pipeline.semantic for pipeline in self.pipelines)


@dataclass(frozen=True)
class SharedDiff:
    """What differs in the files that no environment owns: how Argo CD delivers, the policy, who reviews what."""

    base: str
    changes: Sequence[Change] = ()
    warnings: Sequence[str] = ()
    problems: Sequence[Problem] = ()
    """Why what is shown may not be what merging does: forged promotions, files that a forge shows otherwise."""

    @property
    def semantic(self) -> bool:
        """Whether anything at all changes."""
        return bool(self.changes)
