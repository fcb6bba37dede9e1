"""What a backfill costs, by the runs that there were."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from kfp_gitops.kfpserver.kfpapi.models import RunState
from kfp_gitops.operate.operations import ran

BEGAN = datetime(2026, 11, 1, tzinfo=UTC)


def _run(seconds: float | None, state: str = "SUCCEEDED") -> RunState:
    ended = None if seconds is None else BEGAN + timedelta(seconds=seconds)
    return RunState("r", "r", state, BEGAN, ended, None, ())


def test_the_usual_time_is_the_middle_of_those_that_succeeded() -> None:
    runs = [_run(60), _run(120), _run(3600), _run(5, "FAILED"), _run(None, "RUNNING"), _run(None)]
    assert ran.usual_time(runs) == timedelta(seconds=120)
    assert ran.usual_time([_run(5, "FAILED")]) is None


@pytest.mark.parametrize(
    ("number", "seconds", "says"),
    [
        (3, None, "cost unknown: no run of it has succeeded here"),
        (3, 5400, "about 4.5 run-hours, 90 min each"),
        (2, 60, "less than 0.1 run-hours, 60 s each"),
    ],
)
def test_costs_are_told_in_run_hours(number: int, seconds: float | None, says: str) -> None:
    assert ran.cost(number, None if seconds is None else timedelta(seconds=seconds)) == says
