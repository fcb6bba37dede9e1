"""Macros of KFP's server: expanded by the development server, told of where nothing expands them."""
# ruff: noqa: E501 - manifests of one line each

from __future__ import annotations

import pytest
from kfp_gitops.devserver import macros
from kfp_gitops.devserver.records import Run
from language import refusals, warnings

_RUN = Run(
    id="0b5e", display_name="job-7-123", description="", namespace="", experiment_id="e", pipeline_id="", version_id="",
    recurring_run_id="r", service_account="", created=1_796_169_630, scheduled=1_796_169_600, spec={}, runtime_config={},
)  # fmt: skip


def _expanded(value: object, **other: object) -> object:
    from dataclasses import replace

    return macros.expanded(replace(_RUN, runtime_config={"parameters": {"p": value}}, **other))["p"]


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("[[CurrentTime]]", "20261202000030"),
        ("at [[CurrentTime.2006-01-02T15:04:05Z07:00]]", "at 2026-12-02T00:00:30Z"),
        ("[[CurrentTime.Mon Jan 02 03:04PM 06]]", "Wed Dec 02 12:00AM 26"),
        ("run [[Index]] id [[RunUUID]]", "run [[Index]] id 0b5e"),
        ("[[other]] [[ScheduleTime]]", "[[other]] [[ScheduleTime]]"),
        (["[[RunUUID]]"], ["[[RunUUID]]"]),
        (5, 5),
    ],
)
def test_the_development_server_expands_what_the_server_does(text: object, expanded: object) -> None:
    assert _expanded(text, recurring_run_id="") == expanded


def test_in_the_run_of_a_schedule_nothing_is_expanded() -> None:
    """What is compiled when it is registered holds its parameters, and the controller looks at others."""
    text = "[[ScheduledTime]] [[Index]] [[RunUUID]] [[CurrentTime]]"
    assert _expanded(text) == text


def test_a_run_by_hand_has_no_scheduled_time() -> None:
    text = "[[ScheduledTime]] [[Index]]"
    assert _expanded(text, recurring_run_id="") == text
    assert _expanded("[[RunUUID]] [[CurrentTime.2006]]", recurring_run_id="") == "0b5e 2026"


_BODY = "spec:\n  parameters: {{x: {{type: {}, default: {}}}}}\n  tasks:\n    a: {{component: say, arguments: {{text: {}}}}}\n"
_SCHEDULE = "schedules:\n- {{name: s, cron: '0 0 4 * * *', enabled: true, maxConcurrency: 1, catchup: false, parameters: {{x: {}}}}}\n"
_TRIGGER = "triggers:\n- {{name: t, runOn: change, parameters: {{x: {}}}}}\n"


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (
            _BODY.format("str", "y", "z") + _SCHEDULE.format("'[[ScheduledTime.2006-01-02]]'"),
            "KFP 2.17 expands no [[ScheduledTime]] in a schedule",
        ),
        (
            _BODY.format("str", "y", "z") + _SCHEDULE.format("'[[ScheduleTime]]'"),
            "KFP knows no [[ScheduleTime]]",
        ),
        (_BODY.format("list", "[]", "z") + _SCHEDULE.format("['[[RunUUID]]']"), "inside a list or map"),
        (_BODY.format("str", "'[[CurrentTime]]'", "z"), "in a default"),
        (_BODY.format("str", "y", "'[[RunUUID]]'"), "in an argument"),
        (_BODY.format("str", "y", "z") + _TRIGGER.format("'[[ScheduledTime]]'"), "a trigger has no schedule"),
        (_BODY.format("str", "y", "z") + _TRIGGER.format("'[[CurrentTime]]'"), ""),
        (_BODY.format("str", "'[[x]] [[wiki link]]'", "z"), ""),
    ],
)
def test_macros_that_nothing_expands_are_warned_of(body: str, what: str) -> None:
    assert refusals(body) == []
    assert [what in one for one in warnings(body)] == ([True] if what else [])
