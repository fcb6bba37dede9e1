"""Desired state, and what a person decides for one apply, as plain records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from kfp_gitops.base.packed import Packed
from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.language.manifest import OnChange, Schedule, Slo, Trigger


@dataclass(frozen=True)
class Taken:
    """A recurring run that was made in KFP: its name there, and whom its steps run as where that is no default."""

    name: str
    service_account: str = ""


@dataclass(frozen=True)
class Adopts:
    """What Git names of what somebody made in KFP: taken over as long as it does what Git says (`adopts`)."""

    pipeline: str
    """Its name in KFP."""
    schedules: Mapping[str, Taken] = field(default_factory=dict)
    """Schedule of the manifest → the recurring run."""

    @classmethod
    def of(cls, found: Mapping[str, Any] | None) -> Adopts | None:
        """As environment.yaml has it."""
        if found is None:
            return None
        schedules = {
            name: Taken(one["recurringRun"], one.get("serviceAccount", ""))
            for name, one in found.get("schedules", {}).items()
        }
        return cls(found["pipeline"], schedules)


@dataclass(frozen=True)
class DesiredPipeline:
    """A pipeline, the one version that shall be registered, and what starts runs of it."""

    name: str
    description: str
    release: str
    version: str
    digest: str
    ir: str | Packed
    """What is uploaded, by `str`."""
    schedules: tuple[Schedule, ...]
    triggers: tuple[Trigger, ...] = ()
    paused_until: datetime | None = None
    source: str = ""
    """The path of its manifest in the repository."""
    commit: str = ""
    """The commit whose sources were promoted, where it was."""
    service_account: str = ""
    """Whom its steps run as; "": whom KFP lets them by itself."""
    team: str = ""
    """Whose it is; "": of no team."""
    responsible: str = ""
    """Who is asked when it fails: the `owner` of its manifest."""
    paused_by: str | None = None
    """Which `resume` ends its pause, as options: a note of `pause` says so; None: its values pause it."""
    paused_why: str = ""
    """Who paused it by that note, and why."""
    slo: Slo | None = None
    """What it promises; nothing of that is on KFP."""
    adopts: Adopts | None = None
    """What of it was made in KFP, by name."""

    @property
    def called(self) -> str:
        """Its name in KFP."""
        return self.adopts.pipeline if self.adopts else self.name

    @property
    def on_change(self) -> tuple[Trigger, ...]:
        """Of its triggers those that are on and owe a run to each new release: `apply` starts it."""
        return tuple(one for one in self.triggers if isinstance(one.run_on, OnChange) and one.enabled)

    @property
    def on_causes(self) -> tuple[Trigger, ...]:
        """The others, on or off: after runs and on data, of which a pass of its own starts the runs."""
        return tuple(one for one in self.triggers if not isinstance(one.run_on, OnChange))

    def is_paused(self, now: datetime) -> bool:
        """Whether its schedules and triggers start nothing at this instant."""
        return self.paused_until is not None and now < self.paused_until


@dataclass(frozen=True)
class Absent:
    """A tombstone: a pipeline whose schedules are deleted, and its versions or itself where that is asked for."""

    name: str
    delete: Literal["schedules", "versions", "pipeline"] = "schedules"
    team: str = ""
    adopts: Adopts | None = None

    @property
    def called(self) -> str:
        """Its name in KFP."""
        return self.adopts.pipeline if self.adopts else self.name


Entry = DesiredPipeline | Absent
_OWN_CRON = "own.cron"
"""With a dot, as no schedule is called."""
BACKFILLED = r"(\d{8}T\d{6}Z)(?:-(?:(\d+)|[a-z][a-z0-9-]*))?"
"""What follows `backfill_prefix`: the firing, and which attempt it is, or for which backfill it ran once more."""


@dataclass(frozen=True)
class DesiredBackfill:
    """The firings of some days that shall run once more, or at last: environments/<env>/backfills/<id>.yaml."""

    id: str
    pipeline: str
    cron: str
    start: str
    """As it stands there: a whole day in UTC, or an instant; `firings.Range.of` reads both."""
    end: str
    firings: int
    """So many are in it, as far as rendering knew."""
    tick_parameter: str
    parallel: int = 1
    newest_first: bool = False
    skip_existing: bool = True
    reason: str = ""
    schedule: str = ""
    """Whose firings they are; "": the cron is its own."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """What differs from the schedule's."""

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> DesiredBackfill:
        """As environment.yaml has it."""
        return cls(
            id=found["id"],
            pipeline=found["pipeline"],
            cron=found["cron"],
            start=found["from"],
            end=found["to"],
            firings=found["firings"],
            tick_parameter=found["tickParameter"],
            parallel=found["parallel"],
            newest_first=found["order"] == "newest-first",
            skip_existing=found["skipExisting"],
            reason=found["reason"],
            schedule=found.get("schedule", ""),
            parameters=found.get("parameters", {}),
        )

    @property
    def called(self) -> str:
        """What the names of its runs are made with: the schedule's name in KFP, or that of all crons of backfills."""
        return schedule_name(self.pipeline, self.schedule or _OWN_CRON)


@dataclass(frozen=True)
class Aside:
    """That this is a copy of an environment's pipelines beside it, on the same KFP (`reconcile.aside`)."""

    of: str
    """The environment."""
    over: datetime | None = None
    """When its time is over; None: it has no end."""
    by: str = ""
    """Who made it, in a word."""

    @property
    def marks(self) -> dict[str, str]:
        """What all that is made for it says of itself, beside whose it is."""
        over = f"{self.over:%Y-%m-%dT%H:%M:%SZ}" if self.over else ""
        return {key: text for key, text in (("aside", self.of), ("over", over)) if text}


@dataclass(frozen=True)
class Desired:
    """All that shall exist on one KFP for one environment."""

    owner: Owner
    host: str
    namespace: str
    pipelines: tuple[DesiredPipeline, ...]
    absent: tuple[Absent, ...] = ()
    keep_versions: int = 10
    commit: str = ""
    """The commit that is applied, where somebody told it."""
    time_zone: str = "UTC"
    checkout: str = ""
    """The commit of the repository that it is applied from, where there is one."""
    disabled: bool = False
    """Turned off as a whole: then all its pipelines are paused."""
    service_account: str = ""
    """Whom what is started runs as; "": whom KFP lets it by itself."""
    selected: tuple[str, ...] = ()
    """What this part of the environment was selected by (`Selection.texts`); nothing: it is all of it."""
    beside: frozenset[str] = frozenset()
    """The pipelines and tombstones that were not selected: they are there, and none of them is touched."""
    backfills: tuple[DesiredBackfill, ...] = ()
    aside: Aside | None = None
    """That it is no environment of its own, but a copy beside one."""

    @property
    def marks(self) -> dict[str, str]:
        """Facts that all that is made for it bears."""
        return self.aside.marks if self.aside else {}

    @property
    def entries(self) -> list[Entry]:
        """Pipelines and tombstones, by name."""
        entries: list[Entry] = [*self.pipelines, *self.absent]
        return sorted(entries, key=lambda entry: entry.name)


@dataclass(frozen=True)
class Options:
    """What a person decides for one apply."""

    triggers: bool = True
    """False: a release that is new starts no run, now or later."""
    server: str = ""
    """The server's version, as far as it tells: noted on recurring runs, for it compiled their workflows."""
    refresh_stale: bool = False
    """Whether recurring runs that another version compiled, and this one did not anew, shall be replaced."""
    adopt: frozenset[str] = frozenset()
    """Pipelines that are taken over although they are not ours."""


def experiment_name(pipeline: str, environment: str) -> str:
    """The experiment that groups a pipeline's runs in one environment."""
    return f"{pipeline}-{environment}"


def marked_experiment(owner: Owner, pipeline: str, **facts: str) -> str:
    """The description of the experiment of a pipeline's runs, at most as long as KFP keeps: the mark is whole."""
    text, mark = f"Runs of {pipeline}.", ownership.describe(owner, **facts)
    return ownership.describe(owner, text if len(text) + len(mark) + 2 <= _DESCRIPTION else "", **facts)


_DESCRIPTION = 255
"""Characters of an experiment's description (VARCHAR)."""


def backfill_prefix(schedule: str) -> str:
    """What the names of all runs of backfills of a schedule of this name on KFP begin with; an instant follows."""
    return f"backfill-{schedule}-"


def makeup_prefix(schedule: str) -> str:
    """The same of runs that make up for all that was missed up to an instant."""
    return f"{schedule}-missed-"


def fired_prefix(schedule: str) -> str:
    """The same of runs that a person fired by `run.py --schedule`; the minute follows."""
    return f"{schedule}-fired-"


def schedule_name(pipeline: str, schedule: str) -> str:
    """The display name of a recurring run in KFP."""
    return f"{pipeline}-{schedule}"
