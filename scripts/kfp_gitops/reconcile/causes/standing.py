"""How a trigger stands, for people: what waits and why, what was missed, what it last started."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Waiting:
    """A cause that has no run yet, and why; its `moment` as of the cause."""

    cause: str
    digest: str
    moment: datetime
    why: str
    tries: int = 0
    """How many passes tried to start it, and failed: those that fail less go first."""


@dataclass(frozen=True)
class Missed:
    """A cause that gets no run, and why; with `onMissed: run` one run is started for the newest of them."""

    cause: str
    moment: datetime
    why: str
    found: datetime
    """When a pass found it; a day later it is told no more."""


@dataclass(frozen=True)
class Started:
    """The newest run of a trigger."""

    cause: str
    run_name: str
    run_id: str
    at: datetime


@dataclass(frozen=True)
class Standing:
    """One trigger, as its newest pass left it."""

    pipeline: str
    trigger: str
    looked: datetime
    """When the pass looked, by the server's clock."""
    waiting: tuple[Waiting, ...] = ()
    """In the order in which they will be started."""
    held: str = ""
    """Why it starts nothing at all: paused, turned off, or outside of its window; "": it may."""
    missed: tuple[Missed, ...] = ()
    """The newest first."""
    unclear: tuple[str, ...] = ()
    """Names of runs that KFP may have started although it lists none."""
    unclear_causes: tuple[str, ...] = ()
    """Of each of these, in their order."""
    last: Started | None = None
    problem: str = ""
    """Why the pass could not tell what is due; "": it could."""
