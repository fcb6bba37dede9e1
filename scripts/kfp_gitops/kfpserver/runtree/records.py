"""What KFP tells of a run's tasks, as far as it says anything.

`task_details` are the nodes of Argo Workflows (api_converter.go `toModelTasks`; seen on KFP 2.17.0): a display name
that many nodes share, no parent, and the ids of Argo's next nodes as `child_tasks`. The order is random.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Record:
    """One entry of `task_details`. The state is empty for a node that Argo left out (its phase Omitted).

    `children` are Argo's ids of the nodes that follow: those inside it, and for the last ones of a task those of the
    tasks that wait for it.
    """

    name: str
    state: str = ""
    started: datetime | None = None
    ended: datetime | None = None
    children: tuple[str, ...] = ()
    error: str | None = None


ACTIVE = frozenset({"PENDING", "RUNNING", "PAUSED", "CANCELING"})
"""States of what is still to end (KFP v2beta1 RuntimeState)."""
