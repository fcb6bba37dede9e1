"""An environment of one pipeline with one schedule, applied to a KFP of a test's own, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from fake_controller import RHYTHMS, seconds
from fake_kfp import FakeKfp, Told
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.language.manifest import Schedule
from kfp_gitops.reconcile.apply import Outcome, Pace, apply
from kfp_gitops.reconcile.observe import observe
from kfp_gitops.reconcile.plan import plan
from kfp_gitops.reconcile.records import Desired, DesiredPipeline, Options

OWNER = Owner("example-repository", "dev")
EVERY_5_MINUTES = Schedule("main", "0 */5 * * * *", None, True, {}, None, None, 10, False, ())
PIPELINE = DesiredPipeline("p", "d", "sha256:a", "sha-1", "sha256:1", "ir", (EVERY_5_MINUTES,))
NO_OPTIONS = Options()
DESIRED = Desired(OWNER, "http://127.0.0.1", "", (PIPELINE,))


def reconciled(
    kfp: FakeKfp, desired: Desired, told: Told, wait: int = 600, options: Options = NO_OPTIONS
) -> Outcome:
    actual = observe(kfp, desired, options)
    found = plan(desired, actual, options)
    pace = Pace(workers=1, wait=timedelta(seconds=wait), sleep=kfp.advance)
    return apply(kfp, desired, found, actual, options, told, pace)


def releasing(schedule: Schedule = EVERY_5_MINUTES, version: str = "sha-1", **more: Any) -> Desired:
    pipeline = replace(PIPELINE, schedules=(schedule,), version=version, **more)
    return replace(DESIRED, pipelines=(pipeline,))


def firings(kfp: FakeKfp) -> list[int]:
    return sorted(seconds(run.scheduled) for run, _ in kfp.runs.values() if run.scheduled and run.schedule_id)


def firings_due(cron: str, since: int, until: int) -> Iterator[int]:
    period, offset = RHYTHMS[cron]
    return iter(range(since + 1 + (offset - since - 1) % period, until + 1, period))


def makeups(kfp: FakeKfp) -> list[str]:
    return [run.name for run, _ in kfp.runs.values() if "-missed-" in run.name]
