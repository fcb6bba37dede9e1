"""What happens to one object on KFP, and why: what a plan consists of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kfp_gitops.reconcile.drift import Difference


class Action(StrEnum):
    """What happens to one object."""

    CREATE = "create"
    ADOPT = "adopt"
    REPLACE = "replace"
    ENABLE = "enable"
    DISABLE = "disable"
    ARCHIVE = "archive"
    DELETE = "delete"
    START = "start"
    CONFLICT = "conflict"
    UNCHANGED = "unchanged"


class Kind(StrEnum):
    """The kinds of KFP objects that we manage, in the order in which they are made."""

    PIPELINE = "pipeline"
    VERSION = "version"
    EXPERIMENT = "experiment"
    RUN = "run"
    SCHEDULE = "schedule"


@dataclass(frozen=True)
class Change:
    """One object and what happens to it, with the reason a person reads."""

    action: Action
    kind: Kind
    pipeline: str
    name: str
    reason: str
    differences: tuple[Difference, ...] = ()
    in_flight: int = 0
    """Runs that are still to end and go on."""
    firings: tuple[datetime, ...] = ()
    """The next ones, once this is done."""
    missed: int = 0
    """Firings that nobody ran; 1,000 stands for more."""
    removal: bool = False
    """Whether something stops to exist or to fire, and nothing takes its place."""
    tidying: bool = False
    """Done along with the rest, and no reason to say that KFP is not as desired."""
