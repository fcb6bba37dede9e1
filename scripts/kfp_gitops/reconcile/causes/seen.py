"""What a pass has seen of KFP and of data, as plain records. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from kfp_gitops.reconcile.causes.seams import DataState

Spells = Sequence[tuple[datetime, datetime]]
"""Times from, up to but without."""


@dataclass(frozen=True)
class SeenRun:
    """A run of anybody, as a list tells it."""

    id: str
    name: str
    state: str
    ended: datetime | None = None
    """By the clock of Argo's controller (resource_manager.go ReportWorkflowResource: the workflow's finishedAt)."""
    created: datetime | None = None
    scheduled: datetime | None = None
    pipeline_id: str = ""
    version_id: str = ""
    terminated: bool = False
    """Whether somebody ended it, as far as KFP tells: the history of its states has CANCELING."""
    inline: str = ""
    """The name in its own IR, where it is of no registered version."""


@dataclass(frozen=True)
class Registered:
    """The wanted version of a pipeline, as it is on the server."""

    pipeline_id: str
    version_id: str
    created: datetime


@dataclass(frozen=True)
class Seen:
    """What was seen in one look."""

    now: datetime
    since: datetime
    """From when on all runs were listed that ended."""
    ended: Sequence[SeenRun] = ()
    active: Sequence[SeenRun] = ()
    ids: Mapping[str, str] = field(default_factory=dict)
    """A pipeline's name in KFP → its id."""
    ours: frozenset[str] = frozenset()
    """The ids of pipelines that are marked as this owner's."""
    data: Mapping[str, DataState | None] = field(default_factory=dict)
    """`Watched.key` → what is there; a trigger of data that is missing here could not be looked at."""
    problems: Mapping[str, str] = field(default_factory=dict)
    """`Watched.key` → why not."""
    pauses: Mapping[str, Spells] = field(default_factory=dict)
    """Pipeline → when notes on the server say that it was paused."""
    asked: frozenset[str] = frozenset()
    """Ids of runs that ended before `since` and were asked for one by one: they are among the runs, or gone."""
    noted: frozenset[str] = frozenset()
    """Names of runs that may have run without KFP listing them: a note on the server says so."""
    settled: frozenset[str] = frozenset()
    """The same of notes that somebody has archived since: the matter is settled."""

    @cached_property
    def ended_of(self) -> Mapping[str, Sequence[SeenRun]]:
        """Pipeline's id → its runs that ended."""
        return _grouped((run.pipeline_id, run) for run in self.ended if run.pipeline_id)

    @cached_property
    def inline_of(self) -> Mapping[str, Sequence[SeenRun]]:
        """Name in an IR of their own → the runs that ended."""
        return _grouped((run.inline, run) for run in self.ended if run.inline and not run.pipeline_id)

    @cached_property
    def active_of(self) -> Mapping[str, Sequence[SeenRun]]:
        """Pipeline's id → its runs that are still to end."""
        return _grouped((run.pipeline_id, run) for run in self.active if run.pipeline_id)

    @cached_property
    def by_name(self) -> Mapping[str, SeenRun]:
        """All runs by name."""
        return {run.name: run for run in (*self.ended, *self.active)}

    @cached_property
    def active_ids(self) -> frozenset[str]:
        """Of all that are still to end."""
        return frozenset(run.id for run in self.active)

    @cached_property
    def prefixes(self) -> frozenset[str]:
        """What names begin with before sixteen digits: of which triggers there are runs."""
        return frozenset(name[:-16] for name in self.by_name if len(name) > 16)


@dataclass(frozen=True)
class Known:
    """What was asked of KFP one by one because a decision needs it."""

    registered: Mapping[str, Registered | None] = field(default_factory=dict)
    """Pipeline → its wanted version; None: it is not registered."""
    versions: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    """(pipeline's id, version's id) → whether this repository registered it for this environment."""
    broken: Mapping[str, str] = field(default_factory=dict)
    """Pipeline, or version's id → why KFP does not tell, and would not if it were asked again."""


def _grouped(pairs: Iterable[tuple[str, SeenRun]]) -> Mapping[str, Sequence[SeenRun]]:
    groups: dict[str, list[SeenRun]] = {}
    for key, run in pairs:
        groups.setdefault(key, []).append(run)
    return groups
