"""What is stored, one frozen record for each table; times are epoch seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


_JSON = {"json": True}
"""Marks a column that holds JSON text."""


@dataclass(frozen=True)
class Experiment:
    id: str
    name: str
    description: str
    namespace: str
    created: int
    storage_state: str = "AVAILABLE"
    last_run_created: int = 0


@dataclass(frozen=True)
class Pipeline:
    id: str
    name: str
    display_name: str
    description: str
    namespace: str
    created: int
    tags: Json = field(metadata=_JSON, default_factory=dict)


@dataclass(frozen=True)
class Version:
    id: str
    pipeline_id: str
    name: str
    display_name: str
    description: str
    created: int
    spec: Json = field(metadata=_JSON)
    tags: Json = field(metadata=_JSON, default_factory=dict)


@dataclass(frozen=True)
class RecurringRun:
    """A schedule. `spec` is the frozen IR of a pinned or inline one, and empty when it follows the latest."""

    id: str
    display_name: str
    description: str
    namespace: str
    experiment_id: str
    pipeline_id: str
    version_id: str
    service_account: str
    max_concurrency: int
    enabled: bool
    no_catchup: bool
    created: int
    updated: int
    resource_name: str
    spec: Json = field(metadata=_JSON)
    runtime_config: Json = field(metadata=_JSON)
    trigger: Json = field(metadata=_JSON)
    last_fired: int | None = None
    last_index: int = 0


@dataclass(frozen=True)
class Run:
    id: str
    display_name: str
    description: str
    namespace: str
    experiment_id: str
    pipeline_id: str
    version_id: str
    recurring_run_id: str
    service_account: str
    created: int
    scheduled: int
    spec: Json = field(metadata=_JSON)
    runtime_config: Json = field(metadata=_JSON)
    state: str = "PENDING"
    storage_state: str = "AVAILABLE"
    finished: int = 0
    error: str = ""
    state_history: list[Json] = field(metadata=_JSON, default_factory=list)

    @property
    def active(self) -> bool:
        """Not finished; what `max_concurrency` counts."""
        return self.state in ACTIVE_STATES


@dataclass(frozen=True)
class CachedTask:
    """What a task gave that ended well with the cache on (task.go): found again by fingerprint, pipeline, namespace.

    `outputs` are the executor's own words for them.
    """

    id: str
    fingerprint: str
    pipeline: str
    namespace: str
    run_id: str
    created: int
    outputs: Json = field(metadata=_JSON)


ACTIVE_STATES = ("PENDING", "RUNNING", "CANCELING")
"""The states of a run that is still to end, in the order it passes them."""
