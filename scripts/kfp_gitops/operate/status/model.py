"""The status of an environment as plain records. All instants are aware and in UTC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from kfp_gitops.operate.faults.fault import Fault


@dataclass(frozen=True)
class LastRun:
    """The newest run, whoever started it."""

    id: str
    name: str
    state: str
    created: datetime | None


class Cause(StrEnum):
    """Why a firing has no run, as far as KFP tells."""

    OUTAGE = "outage"
    """The schedule was on, and KFP started nothing."""
    SWAP = "swap"
    """It was being replaced, and the replacement was killed or late."""
    PAUSE = "pause"
    """A pause of ours held it back: such a firing is `held`, and no alarm."""
    DELETED = "deleted schedule"
    DISABLED = "disabled schedule"
    """Off although it shall be on, and no pause says why."""
    BUSY = "still running"
    """As many of its runs went on as may at once (`maxConcurrency`)."""


@dataclass(frozen=True)
class Missed:
    """A firing that has no run, and that nobody has made up for."""

    at: datetime
    cause: Cause


@dataclass(frozen=True)
class ScheduleStatus:
    """A schedule of the manifest; `enabled` is None when KFP has none of its name."""

    name: str
    trigger: str
    enabled: bool | None
    next_firing: datetime | None
    missed: Sequence[Missed]
    """What alarms, the oldest first."""
    held: Sequence[datetime] = ()
    """The firings that a pause of ours held back, and that nobody has made up for."""
    made_up: int = 0
    """How many of the time that is looked at a backfill or a run of `onMissed` has made up for."""
    known_since: datetime | None = None
    """What fell due before is not known, for KFP was asked for the newest runs only; None: all that is looked at is."""


@dataclass(frozen=True)
class Promise:
    """What a pipeline promises (`slo` of its manifest; None: nothing of that), and what it keeps."""

    fresh: timedelta | None
    duration: timedelta | None
    newest_success: datetime | None
    """When the newest run that succeeded ended; a backfill counts as if it had run when it was due."""
    age: timedelta | None
    """How long ago that was."""
    took: timedelta | None
    """How long that run took, from its start to its end."""
    slowest: timedelta | None
    """The longest of that and of the runs that still go on."""
    slowest_run: str
    """Its id; "": there is none."""
    broken: tuple[str, ...]
    """What it does not keep, of `fresh` and `duration`; nothing while it is paused."""


@dataclass(frozen=True)
class ByHand:
    """What a run by hand is given for a cause in place of a trigger's: `NAME=VALUE`, and in words what is not known."""

    given: Sequence[str] = ()
    to_give: Sequence[str] = ()


@dataclass(frozen=True)
class TriggerCause:
    """What a trigger is owed a run for: `run ID` of another pipeline, or `data URI STATE`; since when, and why."""

    cause: str
    moment: datetime
    why: str
    by_hand: ByHand = ByHand()


@dataclass(frozen=True)
class TriggerRun:
    """The newest run of a trigger, and what it was started for."""

    cause: str
    name: str
    id: str
    at: datetime


@dataclass(frozen=True)
class TriggerStatus:
    """A trigger of the manifest that waits for a run of another pipeline, or for data."""

    name: str
    """Its pipeline's with its own, as its runs' names begin."""
    waits_for: str
    """Such as `train succeeded`."""
    source: str
    """The pipeline, or the URI."""
    enabled: bool
    next_start: datetime | None
    """About when, by schedules and by how long past runs took; None: not known, or nothing is to be expected."""
    looked: datetime | None
    """When a pass last looked, by the server's clock; None: none has, or it is not known here."""
    stopped: str = ""
    """Why it starts nothing at present: paused, turned off, or outside of its window."""
    waiting: Sequence[TriggerCause] = ()
    """In the order in which they will be started."""
    missed: Sequence[TriggerCause] = ()
    """What alarms, the oldest first."""
    held: Sequence[TriggerCause] = ()
    """What a pause or the window held back."""
    made_up: int = 0
    """How many of the last day a later run has made up for."""
    unclear: Sequence[str] = ()
    """Names of runs that KFP may have started although it lists none."""
    unclear_by_hand: Sequence[ByHand] = ()
    """Of each of these, in their order."""
    last: TriggerRun | None = None
    problem: str = ""
    """Why the newest pass could not tell what is due."""


@dataclass(frozen=True)
class BackfillStatus:
    """A backfill that Git asks for (environments/<env>/backfills/)."""

    name: str
    schedule: str
    """Whose firings they are; "": of a cron of its own."""
    reason: str
    first: datetime | None
    last: datetime | None
    total: int
    done: int
    """Firings whose run has ended, or that had run already."""
    ok: int
    failed: int
    left_out: int
    """Those of `done` that had run already."""
    running: int
    parallel: int
    failed_at: Sequence[datetime] = ()
    """The first ones."""
    held: str = ""
    """Why nothing of it is started at present."""
    finished: datetime | None = None
    ends: datetime | None = None
    """About when it will be finished, by how long past runs took; None: not known."""
    again: bool = False
    """Whether what had run runs once more."""
    failing: bool = False
    """Whether somebody should look at what failed: until a day after its end."""
    stalled: str = ""
    """Why nothing of it goes on though firings are left; "": it goes on, is finished, or a pause holds it."""


@dataclass(frozen=True)
class PipelineStatus:
    """A pipeline of the manifests; `drift` are the changes that an apply would make, `unhealthy` says why it is."""

    name: str
    team: str
    version: str
    registered: bool
    release: str
    commit: str
    paused_until: datetime | None
    paused_by: str | None
    """With which options `resume` ends its pause; None: it has none, or its values say so."""
    schedules: Sequence[ScheduleStatus]
    last_run: LastRun | None
    last_finished: LastRun | None
    drift: Sequence[str]
    unhealthy: Sequence[str]
    promise: Promise | None = None
    """None: it promises nothing."""
    triggers: Sequence[TriggerStatus] = ()
    backfills: Sequence[BackfillStatus] = ()
    """Those that wait for runs or data."""
    usual: timedelta | None = None
    """How long its runs usually take; None: none is known to have succeeded."""
    paused_why: str = ""
    """Who paused it, and why: `by ann: the database is being moved`; "": nobody did, or its values say so."""


@dataclass(frozen=True)
class Status:
    """An environment at one instant; `other_drift`: what is in no manifest any more, and what a person must settle."""

    environment: str
    host: str
    at: datetime
    pipelines: Sequence[PipelineStatus]
    other_drift: Sequence[str]
    faults: Sequence[Fault] = ()
    """Of the server, and of the environment as a whole."""

    @property
    def healthy(self) -> bool:
        """Whether nobody need do anything."""
        rest = self.faults or self.other_drift
        return not rest and not any(pipeline.unhealthy for pipeline in self.pipelines)
