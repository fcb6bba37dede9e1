"""Which crons may stand in a manifest, and what a person is told to write instead."""

from __future__ import annotations

from dataclasses import replace

import pytest
from kfp_gitops.base.yamltext import parse
from kfp_gitops.checking.check import schedules
from kfp_gitops.language.manifest import Manifest, Schedule

NIGHTLY = Schedule("nightly", "0 0 3 * * *", None, True, {}, None, None, 1, False, ("schedules", 0))


def _manifest(schedule: Schedule) -> Manifest:
    text = "schedules:\n- cron: x\n  intervalSeconds: 1\n  start: a\n  end: b\n"
    return Manifest("p", "d", "o", (), (), (schedule,), parse(text, "pipeline.yaml"))


@pytest.mark.parametrize("text", ["0 0 3 * * 1", "0 0 0 29 2 *", "0 0 0 13 * 5", "0  0 3 * *\t?"])
def test_six_fields_that_fire_are_fine(text: str) -> None:
    assert schedules.refusal(text) is None


@pytest.mark.parametrize(
    ("text", "todo"),
    [
        ("0 2 * * *", "write '0 0 2 * * *' (seconds first), or '0 2 * * * *' for what KFP would do"),
        ("*/15 * * * *", "write '0 */15 * * * *' (seconds first), or '*/15 * * * * *' for what KFP would do"),
        ("0 9 * * 7", "write '0 0 9 * * 0' (seconds first), or '0 9 * * 7 *' for what KFP would do"),
        ("0 9 1W * *", "write six fields: second minute hour day month weekday"),
        ("@daily", "write '0 0 0 * * *'"),
        ("@every 1h30m", "write intervalSeconds: 5400 instead of cron"),
        ("@reboot", "write six: second minute hour day month weekday"),
        ("0 0 2 * * 1 2026", "write six: second minute hour day month weekday"),
        ("", "write six: second minute hour day month weekday"),
    ],
)
def test_other_than_six_fields_are_refused_with_what_was_meant(text: str, todo: str) -> None:
    found = schedules.refusal(text)
    assert found is not None
    assert found[1] == todo


@pytest.mark.parametrize("text", ["0 0 0 30 2 *", "0 0 0 31 4,6 ?", ", 0 0 * * *", "0 0 0 29 2 */8"])
def test_what_never_fires_for_years_is_refused_for_kfp_would_fire_it_always(text: str) -> None:
    found = schedules.refusal(text)
    assert found is not None
    assert "never fires" in found[0]


def test_what_kfp_refuses_is_refused_with_its_words() -> None:
    found = schedules.refusal("0 0 2 * * 7")
    assert found is not None
    assert found[0] == "KFP refuses cron '0 0 2 * * 7': End of range (7) above maximum (6): 7"


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (replace(NIGHTLY, cron="*/20 * * * * *"), "fires 3 times within a minute"),
        (replace(NIGHTLY, cron=None, interval_seconds=30), "fires every 30 seconds"),
    ],
)
def test_more_often_than_once_a_minute_is_warned_of(schedule: Schedule, expected: str) -> None:
    manifest = _manifest(schedule)
    assert [problem.what for problem in schedules.warnings(manifest)] == [expected]
    assert list(schedules.problems(manifest)) == []
    assert list(schedules.warnings(_manifest(NIGHTLY))) == []


def test_start_and_end_are_instants_in_order_and_the_problem_has_its_line() -> None:
    wrong = replace(NIGHTLY, start="2026-02-30T00:00:00Z")
    (problem,) = schedules.problems(_manifest(wrong))
    assert str(problem).startswith("pipeline.yaml:4:10: '2026-02-30T00:00:00Z': day")
    backwards = replace(NIGHTLY, start="2026-03-01T00:00:00Z", end="2026-03-01T00:00:00Z")
    (problem,) = schedules.problems(_manifest(backwards))
    assert str(problem) == "pipeline.yaml:5:8: the end is not after the start; write a later instant"
