"""Actual state: the part of KFP that a plan looks at, as plain records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kfp_gitops.ownership import Owner


@dataclass(frozen=True)
class ActualPipeline:
    """A pipeline on the server."""

    id: str
    name: str
    owner: Owner | None
    versions: Mapping[str, str] = field(default_factory=dict)
    """Version name → id."""


@dataclass(frozen=True)
class ActualSchedule:
    """A recurring run on the server; `digest` is what we wrote into its description."""

    id: str
    name: str
    pipeline_id: str | None
    enabled: bool
    owner: Owner | None
    digest: str | None


@dataclass(frozen=True)
class Actual:
    """What is there: pipelines of the desired names, our experiments by name → id, all recurring runs."""

    pipelines: Mapping[str, ActualPipeline]
    experiments: Mapping[str, str]
    schedules: tuple[ActualSchedule, ...]
