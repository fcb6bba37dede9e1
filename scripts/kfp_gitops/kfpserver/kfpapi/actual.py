"""Actual state: the part of KFP that a plan looks at, as plain records. All instants are aware and in UTC."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from kfp_gitops.kfpserver.ownership import Owner

ACTIVE = frozenset({"PENDING", "RUNNING", "PAUSED", "CANCELING", "RUNTIME_STATE_UNSPECIFIED"})
"""States of a run that is still to end (KFP v2beta1 RuntimeState)."""


@dataclass(frozen=True)
class ActualVersion:
    """A pipeline version; `facts` are what we wrote into its description."""

    id: str
    name: str
    created: datetime
    owner: Owner | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    digest: str = ""
    """Of its IR as the server tells it, where that was asked for."""
    damaged: tuple[str, ...] = ()
    """What of it cannot be read; where that is its date, `created` is the time of the look."""
    called: str = ""
    """Its name in KFP, where somebody made it there and it holds what is wanted: `name` is then the wanted one's."""


@dataclass(frozen=True)
class ActualPipeline:
    """A pipeline with its versions by name; one of ours that is in no manifest is told without them."""

    id: str
    name: str
    owner: Owner | None
    versions: Mapping[str, ActualVersion] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    called: str = ""
    """Its name in KFP, where Git calls it otherwise: `name` is then Git's."""


@dataclass(frozen=True)
class ActualExperiment:
    """An experiment."""

    id: str
    name: str
    owner: Owner | None
    archived: bool = False
    facts: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    """Its description, where nobody has marked it."""


@dataclass(frozen=True)
class Marked:
    """A pipeline or an experiment of the namespace that says whose it is, and what else it says of itself."""

    kind: Literal["pipeline", "experiment"]
    id: str
    name: str
    owner: Owner
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ActualSchedule:
    """A recurring run: its live specification, and what we wrote into its description."""

    id: str
    name: str
    pipeline_id: str | None
    version_id: str | None
    enabled: bool
    created: datetime
    owner: Owner | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    cron: str | None = None
    interval_seconds: int | None = None
    start: datetime | None = None
    end: datetime | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    max_concurrency: int = 1
    catchup: bool = False
    experiment_id: str = ""
    service_account: str = ""
    pipeline_root: str = ""
    inline: bool = False
    """Whether it runs an IR of its own, and no registered version."""
    plugins: bool = False
    """Whether it hands something to plugins of the server."""
    damaged: tuple[str, ...] = ()
    """What of it cannot be read; where that is its date, `created` is the time of the look."""
    called: str = ""
    """Its name in KFP, where somebody made it there and its pipeline says that it is ours by now (or is to be)."""

    @property
    def marked(self) -> bool:
        """Whether it was made here, and so says more about itself than KFP does."""
        return self.owner is not None and not self.called


@dataclass(frozen=True)
class ActualRun:
    """A run: which recurring run started it, and for which firing."""

    id: str
    name: str
    state: str
    version_id: str | None = None
    schedule_id: str | None = None
    created: datetime | None = None
    scheduled: datetime | None = None

    @property
    def active(self) -> bool:
        """Whether it is still to end."""
        return self.state in ACTIVE


@dataclass(frozen=True)
class Actual:
    """What is there.

    `schedules` are all of the namespace, also those of others: a version that one of them pins is never deleted.
    `runs` are the newest ones of a pipeline's recurring runs and triggers, where a plan depends on them; `in_flight`
    are all that are still to end, where one does.
    """

    pipelines: Mapping[str, ActualPipeline]
    experiments: Mapping[str, ActualExperiment]
    schedules: tuple[ActualSchedule, ...]
    now: datetime
    runs: Mapping[str, tuple[ActualRun, ...]] = field(default_factory=dict)
    in_flight: tuple[ActualRun, ...] | None = None
    pinned: frozenset[str] = frozenset()
    """Ids of versions that recurring runs of others pin, by a second list, where a version may be deleted."""
    dangling: tuple[str, ...] | None = None
    """Recurring runs that pin a version which is gone (None: not looked at). One is enough for the API server not to
    compile any anew when it starts."""

    @cached_property
    def notes_of_runs(self) -> Mapping[str, ActualExperiment]:
        """The experiments that hold a note about a run; there may be thousands of others."""
        return {name: found for name, found in self.experiments.items() if "run" in found.facts}

    @cached_property
    def schedules_by_name(self) -> Mapping[str, tuple[ActualSchedule, ...]]:
        """Recurring runs by display name; there may be thousands."""
        return _grouped(self.schedules, lambda found: found.name)

    @cached_property
    def schedules_by_pipeline(self) -> Mapping[str, tuple[ActualSchedule, ...]]:
        """Recurring runs by the id of the pipeline that they run."""
        return _grouped(self.schedules, lambda found: found.pipeline_id or "")


def _grouped(
    schedules: Iterable[ActualSchedule], key: Callable[[ActualSchedule], str]
) -> Mapping[str, tuple[ActualSchedule, ...]]:
    groups: dict[str, list[ActualSchedule]] = {}
    for found in schedules:
        groups.setdefault(key(found), []).append(found)
    return {name: tuple(group) for name, group in groups.items()}
