"""A pipeline with a weekly schedule, and what a KFP has of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from kfp_gitops.kfpserver.kfpapi.actual import (
    Actual,
    ActualExperiment,
    ActualPipeline,
    ActualSchedule,
    ActualVersion,
)
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.language.manifest import Schedule
from kfp_gitops.reconcile.change import Action, Kind
from kfp_gitops.reconcile.plan import plan
from kfp_gitops.reconcile.records import Desired, DesiredPipeline

OWNER = Owner("example-repository", "dev")
OTHER = Owner("another-repository", "dev")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
WEEKLY = Schedule("weekly", "0 0 3 * * 1", None, True, {}, None, None, 1, False, ())
PIPELINE = DesiredPipeline("p", "d", "sha256:1", "sha-1", "sha256:1", "ir", (WEEKLY,))
DESIRED = Desired(OWNER, "http://127.0.0.1", "", (PIPELINE,))
EMPTY = Actual({}, {}, (), NOW)
V0, V1 = (
    ActualVersion(f"v{n}", f"sha-{n}", NOW - timedelta(days=9 - n), OWNER, digest=f"sha256:{n}")
    for n in (0, 1)
)
LIVE = ActualSchedule(
    "s1", "p-weekly", "p1", "v1", True, NOW - timedelta(hours=1), OWNER, {}, WEEKLY.cron,
    experiment_id="e1",
)  # fmt: skip


def actual_of(*schedules: ActualSchedule, of: Owner | None = OWNER, **more: Any) -> Actual:
    pipeline = ActualPipeline("p1", "p", of, {v.name: v for v in (V0, V1)})
    experiment = ActualExperiment("e1", "p-dev", OWNER)
    return replace(Actual({"p": pipeline}, {"p-dev": experiment}, schedules, NOW), **more)


def changes(actual: Actual, desired: Desired = DESIRED, **more: Any) -> list[tuple[Action, Kind]]:
    return [(change.action, change.kind) for change in plan(desired, actual, **more).to_do]


def releasing(*schedules: Schedule, **more: Any) -> Desired:
    pipeline = replace(PIPELINE, schedules=schedules, **more)
    return replace(DESIRED, pipelines=(pipeline,))
