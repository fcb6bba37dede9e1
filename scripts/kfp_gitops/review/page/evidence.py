"""What a page is made of beside the diff's own records: the states, the week, and what the policy says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from kfp_gitops.base.errors import Problem
from kfp_gitops.review.diff.state import State
from kfp_gitops.review.page.week import Week


@dataclass(frozen=True)
class Judged:
    """What the policy says: what it refuses wherever it is, and what it wants of the change; `said` is its sum."""

    refused: Sequence[Problem] = ()
    demanded: Sequence[Problem] = ()
    said: str = ""


@dataclass(frozen=True)
class Evidence:
    """By environment the states that were compared, and their week; `made` is when (aware).

    `policy` is None where nobody asked it.
    """

    made: datetime
    sides: Mapping[str, tuple[State, State]] = field(default_factory=dict)
    weeks: Mapping[str, Week] = field(default_factory=dict)
    policy: Judged | None = None
