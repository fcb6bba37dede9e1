"""What a status page tells, as plain records: schemas/status-page.schema.json has them by the same names.

All instants are aware and in UTC. The page is made of these alone, so that it can be made of files of others, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

VERSION = 1
"""Of the format; one that is read by another kfp-gitops is of its version, or is not read."""


@dataclass(frozen=True)
class Run:
    """A run."""

    id: str
    state: str
    created: datetime | None


@dataclass(frozen=True)
class Missed:
    """A firing that has no run; `cause` is empty where nothing tells it."""

    at: datetime
    cause: str = ""


@dataclass(frozen=True)
class Fires:
    """So many hours of the week, from one on, fire so often each."""

    hour: int
    hours: int
    count: int


@dataclass(frozen=True)
class Schedule:
    """A schedule; `enabled` is None when KFP has none of its name.

    `held` was held back by a pause, and `made_up` says how many of what was missed have a run by now.
    """

    name: str
    trigger: str
    enabled: bool | None
    next: datetime | None
    missed: Sequence[Missed] = ()
    held: Sequence[datetime] = ()
    made_up: int = 0
    week: Sequence[Fires] = ()
    """When it fires in the seven days from the environment's `week` on; of one that is off when it would."""


@dataclass(frozen=True)
class Due:
    """What a trigger is owed a run for, and why it has none."""

    cause: str
    at: datetime
    why: str


@dataclass(frozen=True)
class Trigger:
    """What starts a pipeline after runs of another, or by data; `next` is about when."""

    name: str
    waits_for: str
    enabled: bool
    next: datetime | None
    looked: datetime | None
    stopped: str = ""
    """Why it starts nothing at present."""
    waiting: Sequence[Due] = ()
    missed: Sequence[Due] = ()
    held: Sequence[Due] = ()
    """What a pause or its window held back."""
    made_up: int = 0
    last: str = ""
    """The id of its newest run."""
    cause: str = ""
    """What that was started for."""
    at: datetime | None = None
    week: Sequence[Fires] = ()
    """In which hours it is to be expected."""


@dataclass(frozen=True)
class Waits:
    """A release of the environment before that is not here yet; without a `since` Git does not tell it."""

    origin: str
    release: str
    since: datetime | None


@dataclass(frozen=True)
class Coming:
    """What waits for promotion to an environment that has it not yet."""

    name: str
    waits: Waits


@dataclass(frozen=True)
class Promise:
    """What a manifest promises, and how it is kept; all durations are in seconds."""

    fresh: int | None
    duration: int | None
    age: int | None
    slowest: int | None
    broken: Sequence[str] = ()


@dataclass(frozen=True)
class Finding:
    """What somebody should know: its kind, what it is about, why, and the command that comes next, if any."""

    kind: str
    name: str
    cause: str
    command: str


@dataclass(frozen=True)
class Backfill:
    """Days that Git asks to run once more, or at last."""

    name: str
    reason: str
    told: str
    """How far it is, in words."""
    total: int
    done: int
    failed: int
    running: int
    finished: datetime | None
    ends: datetime | None
    """About when it will be finished."""


@dataclass(frozen=True)
class Pipeline:
    """A pipeline in one environment; `needs` says whether somebody must do something."""

    name: str
    team: str
    owner: str
    version: str
    registered: bool
    release: str
    commit: str
    needs: bool
    paused_until: datetime | None = None
    waits: Waits | None = None
    schedules: Sequence[Schedule] = ()
    runs: Sequence[Run] = ()
    """The newest ones, the newest first."""
    drift: Sequence[str] = ()
    promise: Promise | None = None
    findings: Sequence[Finding] = ()
    triggers: Sequence[Trigger] = ()
    backfills: Sequence[Backfill] = ()


@dataclass(frozen=True)
class Seen:
    """An environment as it was at one instant; `findings` are those that are of no pipeline."""

    host: str
    ui: str
    """Where people see KFP's runs; empty: nobody told."""
    at: datetime
    week: datetime
    """The midnight with which the week of its schedules begins."""
    period: int
    """It is looked at every so many seconds; 0: when somebody asks."""
    disabled: bool
    pipelines: Sequence[Pipeline]
    findings: Sequence[Finding] = ()
    coming: Sequence[Coming] | None = None
    """What waits for promotion and is none of these: a pipeline that never was here, the reconciler's image.

    None: whoever looked has no repository, and does not know what waits, of the pipelines neither.
    """


@dataclass(frozen=True)
class Unseen:
    """Why an environment could not be looked at, and since when it cannot."""

    since: datetime
    why: str


@dataclass(frozen=True)
class Environment:
    """An environment; with `unseen`, what was `seen` before is its last known state, if there is one."""

    name: str
    seen: Seen | None
    unseen: Unseen | None = None


@dataclass(frozen=True)
class Board:
    """All that a page tells; it is made anew every `period` seconds (0: when somebody asks)."""

    made: datetime
    period: int
    environments: Sequence[Environment]
    version: int = field(default=VERSION)
