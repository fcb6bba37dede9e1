"""The single steps that change KFP. After a crash, what comes next is decided anew from what is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kfp_gitops.reconcile.drift import Wanted


@dataclass(frozen=True)
class CreatePipeline:
    """Create the pipeline, empty."""


@dataclass(frozen=True)
class AdoptPipeline:
    """Mark a pipeline that somebody else made as ours."""


@dataclass(frozen=True)
class UploadVersion:
    """Register the version; `triggers` are the names of those that owe a run to it."""

    name: str
    triggers: tuple[str, ...]


@dataclass(frozen=True)
class CreateExperiment:
    """Create the experiment of the pipeline's runs."""

    name: str


@dataclass(frozen=True)
class UnarchiveExperiment:
    """An archived experiment lets no recurring run be enabled."""

    name: str


@dataclass(frozen=True)
class ArchiveExperiment:
    """Experiments are archived and never deleted: their runs would go with them."""

    name: str


@dataclass(frozen=True)
class StartRun:
    """Start one run of the registered version, under a name of its own."""

    name: str
    parameters: Mapping[str, Any]
    why: str


@dataclass(frozen=True)
class CreateSchedule:
    """Create a recurring run, disabled. What fell due up to `covered` is accounted for; None: up to its creation.

    `history`: what it is told of those before it (`carried`).
    """

    wanted: Wanted
    covered: datetime | None
    start: datetime | None
    history: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class EnableSchedule:
    """Enable a recurring run; `missed` counts the firings that nobody ran."""

    id: str
    name: str
    missed: tuple[datetime, ...] = ()


@dataclass(frozen=True)
class DisableSchedule:
    """Disable a recurring run."""

    id: str
    name: str


@dataclass(frozen=True)
class DeleteSchedule:
    """Delete a recurring run, and none of the runs that it started."""

    id: str
    name: str


@dataclass(frozen=True)
class DeleteVersion:
    """Delete a version that nothing uses."""

    id: str
    name: str


@dataclass(frozen=True)
class DeletePipeline:
    """Delete the pipeline with its versions."""


@dataclass(frozen=True)
class LookAtRuns:
    """Read the newest runs of each recurring run, and those of ours by name: what comes next depends on them."""


@dataclass(frozen=True)
class LookAtRunsInFlight:
    """Read what is still to end, of anybody: a version that it uses is not deleted."""


@dataclass(frozen=True)
class Wait:
    """Look again at `until`."""

    until: datetime
    why: str


Step = (
    CreatePipeline
    | AdoptPipeline
    | UploadVersion
    | CreateExperiment
    | UnarchiveExperiment
    | ArchiveExperiment
    | StartRun
    | CreateSchedule
    | EnableSchedule
    | DisableSchedule
    | DeleteSchedule
    | DeleteVersion
    | DeletePipeline
    | LookAtRuns
    | LookAtRunsInFlight
    | Wait
)
