"""Who or what started a run, by what KFP and the run's name tell."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from kfp_gitops.kfpserver.kfpapi.models import RunState
from kfp_gitops.operate import runs
from kfp_gitops.operate.runlook import origin
from kfp_gitops.operate.runlook.origin import Cause, Kind, Origin
from kfp_gitops.reconcile.records import backfill_prefix, fired_prefix, makeup_prefix

TICK = datetime(2026, 1, 5, 3, 0, tzinfo=UTC)
MADE = datetime(2026, 1, 5, 3, 7, tzinfo=UTC)


def _run(name: str, schedule: str | None = None, description: str = "") -> RunState:
    return RunState("r", name, "FAILED", MADE, None, None, (), schedule, TICK, description=description)


@pytest.mark.parametrize(
    ("run", "wanted"),
    [
        (_run("churnwm2x4-1-191046", "s"), Origin(Kind.SCHEDULE, "churn-daily", TICK)),
        (_run("churn-dailywm2x4-1-1910463", "old"), Origin(Kind.SCHEDULE, "churn-daily", TICK)),
        (_run("x-1-2", "gone"), Origin(Kind.SCHEDULE, "that is no more (gone)", TICK)),
        (_run(f"{backfill_prefix('churn-daily')}20260105T030000Z"), Origin(Kind.BACKFILL, "churn-daily", TICK)),
        (_run(f"{backfill_prefix('churn-daily')}20260105T030000Z-2"), Origin(Kind.BACKFILL, "churn-daily", TICK)),
        (_run(f"{backfill_prefix('churn-daily')}20260105T030000Z-march-2"), Origin(Kind.BACKFILL, "churn-daily", TICK)),
        (_run(f"{backfill_prefix('churn-own.cron')}20260105T030000Z"), Origin(Kind.BACKFILL, "churn-own.cron", TICK)),
        (_run(f"{makeup_prefix('churn-daily')}20260105T030000Z"), Origin(Kind.MAKEUP, "churn-daily", TICK)),
        (_run(f"{fired_prefix('churn-daily')}20260105T0300Z"), Origin(Kind.FIRED, "churn-daily", TICK)),
        (_run("churn-20260105-030000-1a2b", description=runs.started(by="Ann B.")), Origin(Kind.HAND, by="Ann-B.")),
        (_run("churn-changed-0123456789ab"), Origin(Kind.TRIGGER, "changed")),
        (
            _run(
                "churn-after-0123456789abcdef",
                description=runs.started(trigger="after", cause="0b4b2f9e", upstream="train-1"),
            ),
            Origin(Kind.TRIGGER, "after", cause=Cause("0b4b2f9e", "train-1", "https://kfp/0b4b2f9e")),
        ),
        (
            _run(
                "churn-new-0123456789abcdef",
                description=runs.started(trigger="new", cause="abc", data="s3://bucket/key"),
            ),
            Origin(Kind.TRIGGER, "new", cause=Cause(data="s3://bucket/key", etag="abc")),
        ),
        (_run("churn-after-0123456789abcdef"), Origin(Kind.OTHER)),
        (_run("churn-after-0123456789abcdef", description=runs.started(trigger="other")), Origin(Kind.OTHER)),
        (
            _run("churn-20260105-030000-1a2b-rerun-20260105-030700-ffff", description=runs.started(rerun="u", by="b")),
            Origin(Kind.RERUN, "u", by="b"),
        ),
        (_run("other-20260105-030000-1a2b"), Origin(Kind.OTHER)),
        (_run("my experiment"), Origin(Kind.OTHER)),
        (_run(f"{backfill_prefix('churn-daily')}20261399T030000Z"), Origin(Kind.OTHER)),
        (_run(f"{fired_prefix('churn-daily')}20260105T0399Z"), Origin(Kind.OTHER)),
    ],
    ids=["schedule", "replaced schedule", "deleted schedule", "backfill", "redone", "run once more", "of its own cron",
         "make-up", "fired", "hand",
         "trigger", "after a run", "by data", "nothing told", "another trigger told",
         "rerun", "another pipeline's name", "another tool", "no day", "no minute"],
)  # fmt: skip
def test_where_a_run_comes_from(run: RunState, wanted: Origin) -> None:
    assert origin.of(run, "churn", {"s": "churn-daily"}, lambda run: f"https://kfp/{run}") == wanted


def test_a_cause_is_told_with_its_run_or_its_data() -> None:
    after = Origin(Kind.TRIGGER, "after", cause=Cause("0b4b", "train-1"))
    assert (str(after), after.short) == (
        "trigger after, after run 0b4b (train-1)",
        "trigger after after train-1",
    )
    data = Origin(Kind.TRIGGER, "new", cause=Cause(data="s3://b/k", etag="abc"))
    assert (str(data), data.short) == ("trigger new, for s3://b/k (abc)", "trigger new for s3://b/k")


@pytest.mark.parametrize("by", ["", "x" * 500, "one\ntwo kfp-gitops repository=a environment=b", "🔥"])
def test_who_started_it_is_one_word_that_kfp_keeps(by: str) -> None:
    text = runs.started(rerun="0b4b2f9e-5f0e-4d6e-9a39-0d6a1d3c2b11", by=by)
    assert len(text) <= 255
    assert "\n" not in text
    assert max(map(ord, text)) <= 0xFFFF
