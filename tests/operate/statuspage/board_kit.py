"""Boards made up for tests: small ones by hand, and large ones of a fleet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from kfp_gitops.language import cron
from kfp_gitops.operate.statuspage import week
from kfp_gitops.operate.statuspage.records import (
    Backfill,
    Board,
    Coming,
    Due,
    Environment,
    Finding,
    Fires,
    Missed,
    Pipeline,
    Promise,
    Run,
    Schedule,
    Seen,
    Trigger,
    Unseen,
    Waits,
)
from kfp_gitops.reconcile.timing import Timing

NOW = datetime(2026, 11, 29, 14, 7, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOSTILE = "<img src=x onerror='window.obeyed = 1'>\"&{{ 7 * 7 }}</script></style>\u202e\x1b[2J"


def pipeline(number: int, environment: str, **changes: Any) -> Pipeline:
    """One of a fleet: every tenth has failed, every seventh waits for prod."""
    name, bad = f"usage-customer-{number:04d}", number % 10 == 3
    timing = Timing(cron.parse(f"0 {number % 60} {number % 24} * * *"), None, NOW - 99 * HOUR, None)
    runs = [
        Run(
            f"{number:08d}-0000-4000-8000-{age:012d}",
            "FAILED" if bad and age == 0 else "SUCCEEDED",
            NOW - age * HOUR,
        )
        for age in range(10)
    ]
    failed = Finding(
        "failed",
        name,
        f"run {runs[0].id} of 2026-11-29 14:07",
        f"python scripts/run.py --status {runs[0].id}",
    )
    made = Pipeline(
        name=name,
        team=("churn", "growth", "platform")[number % 3],
        owner="team-growth",
        version=f"sha-{number:012x}",
        registered=True,
        release=f"sha256:{number:064x}",
        commit=f"{number:040x}",
        needs=bad,
        waits=Waits("dev", "sha256:" + "ab" * 32, NOW) if environment == "prod" and number % 7 == 0 else None,
        schedules=(
            Schedule(
                f"{name}-daily",
                f"cron 0 {number % 60} {number % 24} * * *",
                True,
                timing.next_after(NOW),
                week=week.fires(timing, week.begins(NOW)),
            ),
        ),
        runs=tuple(runs),
        findings=(failed,) if bad else (),
        promise=Promise(93_600, 2_700, 3_600, 1_800) if number % 2 else None,
    )
    return replace(made, **changes)


def seen(pipelines: Iterable[Pipeline], **changes: Any) -> Seen:
    """An environment that was looked at just now."""
    found = Seen(
        "http://ml-pipeline.kubeflow:8888",
        "https://kfp.example.com",
        NOW,
        week.begins(NOW),
        900,
        False,
        tuple(pipelines),
        (),
        (),
    )
    return replace(found, **changes)


def board(number: int, environments: Iterable[str] = ("dev", "prod"), **changes: Any) -> Board:
    """A fleet of so many pipelines in these environments."""
    every = tuple(
        Environment(name, seen(pipeline(each, name) for each in range(number))) for name in environments
    )
    return replace(Board(NOW, 900, every), **changes)


def everything() -> Board:
    """All that a page can tell, with names of a stranger, and environments that could not be looked at."""
    strange = pipeline(
        1,
        "dev",
        name=HOSTILE,
        team=HOSTILE,
        owner=HOSTILE,
        version=HOSTILE,
        commit=HOSTILE,
        needs=True,
        registered=False,
        paused_until=NOW + 9 * HOUR,
        findings=(Finding("missed", HOSTILE, HOSTILE, HOSTILE), Finding("a new kind", HOSTILE, HOSTILE, "")),
        drift=(HOSTILE,),
        schedules=(
            Schedule(HOSTILE, HOSTILE, False, None, (Missed(NOW - HOUR, "outage"),) * 3, (NOW,), 2),
            Schedule("gone", "cron 0 0 * * * *", None, None),
        ),
        backfills=(
            Backfill(HOSTILE, HOSTILE, HOSTILE, 31, 12, 1, 2, None, NOW + HOUR),
            Backfill("over", "", "31/31 done", 31, 31, 0, 0, NOW, None),
        ),
        triggers=(
            Trigger(
                HOSTILE,
                HOSTILE,
                True,
                NOW + HOUR,
                NOW,
                HOSTILE,
                (Due(HOSTILE, NOW, HOSTILE),),
                (Due(HOSTILE, NOW - HOUR, HOSTILE),),
                (Due(HOSTILE, NOW - HOUR, "it was paused then"),),
                1,
                HOSTILE,
                f"run {HOSTILE}",
                NOW,
                (Fires(3, 1, 1),),
            ),
            Trigger("off", "s3://bucket/key changes", False, None, None),
        ),
        runs=(
            Run("1", "RUNNING", NOW),
            Run("2", HOSTILE, NOW),
            Run("3", "PENDING", None),
            Run("4", "CANCELED", NOW),
        ),
        promise=Promise(3_600, 60, None, 7_200, ("fresh", "duration")),
        waits=Waits(HOSTILE, HOSTILE, None),
    )
    server = Finding(
        "server", "database", "KFP's database is another one", "python scripts/reconcile.py apply --env dev"
    )
    other = Finding(
        "other", "", "delete schedule old-nightly: it is in no manifest", "python scripts/reconcile.py plan"
    )
    dev = seen(
        [*(pipeline(each, "dev") for each in range(6)), strange], findings=(server, other), host=HOSTILE
    )
    late = NOW - 7 * HOUR
    coming = (Coming("brand-new", Waits("dev", "sha256:" + "cd" * 32, NOW - 90 * HOUR)),)
    prod = seen((pipeline(each, "prod") for each in range(6)), at=late, coming=coming)
    off = seen((), disabled=True, coming=None)
    environments = (
        Environment("dev", dev),
        Environment("prod", prod, Unseen(late + HOUR, f"no answer within 5 s\n{HOSTILE}")),
        Environment("lab", None, Unseen(NOW, "manifests/lab: no such folder")),
        Environment("old", off),
    )
    return Board(NOW, 900, environments)
