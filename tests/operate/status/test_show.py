"""Status as people read it: health first, in 80 columns, with commands that can be pasted; JSON loses nothing."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kfp_gitops.base.schema import named
from kfp_gitops.operate.faults.fault import Fault
from kfp_gitops.operate.status.health import Kind, findings
from kfp_gitops.operate.status.model import (
    BackfillStatus,
    Cause,
    LastRun,
    Missed,
    PipelineStatus,
    Promise,
    ScheduleStatus,
    Status,
    TriggerStatus,
)
from kfp_gitops.operate.status.show import to_json, to_text

NOW = datetime(2026, 11, 29, 9, 30, tzinfo=UTC)
RUN = "0b4b2f9e-5f0e-4d6e-9a39-0d6a1d3c2b11"


def _say(text: str) -> str:
    script, _, rest = text.partition(" ")
    return f"python scripts/{script} --env dev --host https://kfp.example.com {rest}"


def _pipeline(name: str, **changes: object) -> PipelineStatus:
    schedule = ScheduleStatus(f"{name}-daily", "cron 0 0 3 * * *", True, NOW + timedelta(hours=18), ())
    found = PipelineStatus(
        name=name, team="", version="sha-0123456789abcdef0123", registered=True, release="sha256:1", commit="",
        paused_until=None, paused_by=None, schedules=(schedule,), last_run=None, last_finished=None, drift=(),
        unhealthy=(),
    )  # fmt: skip
    return replace(found, **changes)  # type: ignore[arg-type]  # fields of many types


def _failed(name: str) -> PipelineStatus:
    run = LastRun(RUN, "r", "FAILED", NOW - timedelta(hours=6))
    return _pipeline(name, last_run=run, last_finished=run, unhealthy=("its last run failed",))


def _missed(name: str) -> PipelineStatus:
    (schedule,) = _pipeline(name).schedules
    missed = tuple(Missed(NOW - timedelta(days=days), Cause.OUTAGE) for days in (2, 1))
    return _pipeline(name, schedules=(replace(schedule, missed=missed),), unhealthy=("missed",))


def _held(name: str) -> PipelineStatus:
    (schedule,) = _pipeline(name).schedules
    return _pipeline(name, schedules=(replace(schedule, held=(NOW - timedelta(days=1),)),))


def _running(name: str, state: str, hours: float) -> PipelineStatus:
    return _pipeline(name, last_run=LastRun(RUN, "r", state, NOW - timedelta(hours=hours)))


def _different(name: str) -> PipelineStatus:
    lines = (
        f"create version sha-{len(name):016x}: has other values now",
        "replace schedule x: version differs",
    )
    return _pipeline(name, drift=lines, unhealthy=("2 differences from the manifest",))


PAUSED = _pipeline("paused", paused_until=NOW + timedelta(days=1), paused_by="")
CONFLICT = _pipeline(
    "taken", drift=("conflict pipeline taken: exists and is not marked",), unhealthy=("something",)
)
PROMISE = Promise(
    fresh=timedelta(hours=26), duration=timedelta(minutes=45), newest_success=NOW - timedelta(hours=30),
    age=timedelta(hours=30), took=timedelta(minutes=40), slowest=timedelta(minutes=40), slowest_run=RUN,
    broken=("fresh",),
)  # fmt: skip
BACKFILL = BackfillStatus("january", "daily", "wrong", NOW, NOW, 31, 12, 11, 1, 0, 2, 2, (NOW,))
TRIGGER = TriggerStatus("x-after", "y succeeded", "y", True, None, NOW - timedelta(hours=1))
ONE_OF_EACH = (
    _pipeline("x", triggers=(TRIGGER,), unhealthy=("no pass",)),
    _running("waits", "PENDING", 0.2),
    CONFLICT,
    PAUSED,
    _held("held"),
    _different("different"),
    _running("stuck", "RUNNING", 30),
    _pipeline("late", promise=PROMISE, unhealthy=("promised",)),
    _missed("missed"),
    _failed("failed"),
    _pipeline("wrong", backfills=(BACKFILL,)),
)


def _status(*pipelines: PipelineStatus, healthy: int = 0, other: tuple[str, ...] = ()) -> Status:
    well = (_pipeline(f"well-{number:04}") for number in range(healthy))
    return Status("dev", "https://kfp.example.com", NOW, (*well, *pipelines), other)


def test_what_needs_somebody_comes_first_in_the_order_of_its_urgency_and_the_sum_is_the_last_line() -> None:
    text = to_text(_status(*ONE_OF_EACH, healthy=991, other=("disable schedule gone-daily: left",)), _say)
    heads = [line.split()[0] for line in text.splitlines() if line[:1].isupper()]
    assert heads == [
        "FAILED",
        "MISSED",
        "LATE",
        "TRIGGER",
        "STUCK",
        "DIFFERENT",
        "PAUSED",
        "HELD",
        "CONFLICT",
        "WAITING",
        "BACKFILL",
        "OTHER",
    ]
    assert "well-" not in text
    assert " ".join(text.split()).endswith(
        "dev: 1,002 pipelines, 996 healthy, 1 failed, 1 missed, 1 late, 1 trigger, 1 stuck, 1 different, "
        "1 paused, 1 held, 1 conflict, 1 waiting, 1 backfill, 1 other; next firing 2026-11-30 03:30 UTC"
    )


def test_each_has_its_cause_and_the_next_command() -> None:
    text = to_text(_status(_failed("churn"), _missed("train")), _say)
    assert f"  churn  run {RUN} of 2026-11-29 03:30\n" in text
    assert "  train-daily  2 firings (outage), the last at 2026-11-28 09:30\n" in text
    joined = text.replace(" \\\n", "")
    words = [shlex.split(line) for line in joined.splitlines() if line.strip().startswith("python")]
    assert [found[-2:] for found in words] == [["--status", RUN], ["--backfill", "--missed"]]
    assert all(found[:6] == shlex.split(_say("run.py "))[:6] for found in words)


def test_what_is_late_is_looked_at_where_a_run_is_at_fault_and_started_where_none_is() -> None:
    def command(**changes: object) -> list[str]:
        (found,) = findings(_status(_pipeline("late", **{"promise": PROMISE, **changes})), lambda text: text)
        assert found.kind is Kind.LATE
        return shlex.split(found.command)[1:]

    slow = replace(PROMISE, broken=("fresh", "duration"), slowest=timedelta(hours=2), slowest_run="slow")
    off = replace(_pipeline("late").schedules[0], enabled=False)
    canceled = LastRun("stopped", "r", "CANCELED", NOW)
    assert command() == ["--pipeline", "late", "--schedule", "daily"]
    assert command(schedules=(off,)) == ["--pipeline", "late"]
    assert command(promise=slow) == ["--status", "slow"]
    assert command(last_run=canceled) == ["--status", "stopped"]


def test_a_pause_is_ended_by_a_resume_of_its_part_and_that_of_the_values_by_none() -> None:
    until = NOW + timedelta(days=1)
    by_note = _pipeline("north", paused_until=until, paused_by="--select team=north")
    by_values = _pipeline("south", paused_until=until)
    lines = to_text(_status(by_note, by_values), _say).splitlines()
    assert lines[1] == "  north  until 2026-11-30 09:30"
    assert lines[2].strip().startswith(_say("reconcile.py resume --select team=north")[:40])
    assert lines[-3] == "  south  until 2026-11-30 09:30, by `state: paused` in its values"
    alone = to_text(_status(by_values), _say)
    assert "resume" not in alone


def test_all_is_well_is_one_line() -> None:
    text = to_text(_status(healthy=1000), _say)
    assert text == "dev: 1,000 pipelines, 1,000 healthy; next firing 2026-11-30 03:30 UTC"


@given(st.integers(40, 120), st.integers(1, 200))
def test_no_line_is_longer_than_the_columns_but_for_what_must_stay_whole(width: int, length: int) -> None:
    name = "n" * length
    status = _status(_failed(name), _missed(name), _different(name), _running(name, "PENDING", 2), healthy=3)
    for everything in (False, True):
        lines = to_text(status, _say, width, everything=everything).splitlines()
        assert all(len(line) <= width or len(line.split()) <= 3 for line in lines), lines
        assert name in "".join(lines)
        assert RUN in "".join(lines)


def test_a_thousand_with_the_same_cause_are_one_line_and_those_with_another_are_not_lost() -> None:
    status = _status(*(_different(f"p-{number:04}") for number in range(1000)), _failed("odd"), CONFLICT)
    text = to_text(status, _say)
    assert len(text.splitlines()) < 20
    assert "  p-0000 and 999 more  create version" in text
    assert "reconcile.py --env dev --host https://kfp.example.com plan\n" in text
    whole = to_text(status, _say, everything=True)
    assert all(f"\n  p-{number:04}  create version" in whole for number in range(1000))


def test_with_all_the_healthy_ones_are_listed_too() -> None:
    text = to_text(_status(_failed("churn"), healthy=50), _say, everything=True)
    assert all(f"well-{number:04}  ok" in text for number in range(50))
    assert text.index("FAILED (1)") < text.index("well-0000")


@pytest.mark.parametrize(
    ("state", "hours", "kind"),
    [
        ("RUNNING", 23, None), ("RUNNING", 25, Kind.STUCK), ("PENDING", 0.5, Kind.WAITING),
        ("PENDING", 2, Kind.STUCK), ("SUCCEEDED", 25, None),
    ],
)  # fmt: skip
def test_what_is_stuck_and_what_only_waits(state: str, hours: float, kind: Kind | None) -> None:
    found = findings(_status(_running("p", state, hours)), _say)
    assert [finding.kind for finding in found] == ([kind] if kind else [])


def test_json_has_every_pipeline_whatever_the_text_leaves_out() -> None:
    lost = Fault("database", "nothing of prod is there", "reconcile.py apply")
    status = replace(_status(*ONE_OF_EACH, healthy=991), faults=(lost,))
    data = json.loads(to_json(status, _say))
    named("status").validator.validate(data)
    assert len(data["pipelines"]) == 1002
    assert data["healthy"] is False
    assert [found["kind"] for found in data["findings"]] == [kind for kind in Kind if kind is not Kind.OTHER]
    assert {found["name"] for found in data["findings"]} >= {"failed", "missed-daily", "taken"}
    assert data["faults"] == [asdict(lost)]
    assert all(shlex.split(found["command"])[0] == "python" for found in data["findings"])


def test_the_schema_knows_every_kind() -> None:
    kinds = named("status").validator.schema["properties"]["findings"]["items"]["properties"]["kind"]["enum"]
    assert kinds == list(Kind)
