"""The plan: pure, ordered, with reasons; never touching what is not ours; and the guard before it is carried out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from kfp_gitops.kfpserver.kfpapi.actual import (
    ActualExperiment,
    ActualPipeline,
    ActualRun,
    ActualSchedule,
    ActualVersion,
)
from kfp_gitops.language.manifest import Schedule, Trigger
from kfp_gitops.reconcile import converge, inventory
from kfp_gitops.reconcile.change import Action, Kind
from kfp_gitops.reconcile.plan import plan
from kfp_gitops.reconcile.records import Absent, Options
from kfp_gitops.reconcile.steps import DeletePipeline
from plan_kit import DESIRED, EMPTY, LIVE, NOW, OTHER, OWNER, V1, WEEKLY, actual_of, changes, releasing


def test_everything_is_created_on_an_empty_server() -> None:
    assert changes(EMPTY) == [
        (Action.CREATE, Kind.PIPELINE),
        (Action.CREATE, Kind.VERSION),
        (Action.CREATE, Kind.EXPERIMENT),
        (Action.CREATE, Kind.SCHEDULE),
    ]


def test_nothing_is_to_do_when_all_is_there() -> None:
    assert changes(actual_of(LIVE)) == []


@pytest.mark.parametrize(
    ("live", "schedule", "field", "old", "new"),
    [
        (replace(LIVE, version_id="v0"), WEEKLY, "version", "sha-0", "sha-1"),
        (LIVE, replace(WEEKLY, cron="0 0 4 * * 1"), "cron", "0 0 3 * * 1", "0 0 4 * * 1"),
        (replace(LIVE, cron="0 0 9 * * *"), WEEKLY, "cron", "0 0 9 * * *", "0 0 3 * * 1"),
        (replace(LIVE, max_concurrency=10), WEEKLY, "maxConcurrency", 10, 1),
        (LIVE, replace(WEEKLY, catchup=True), "catchup", False, True),
        (replace(LIVE, parameters={"n": 1}), replace(WEEKLY, parameters={"n": 2}), "parameters.n", 1, 2),
        (replace(LIVE, parameters={"n": 1}), WEEKLY, "parameters.n", 1, None),
        (
            replace(LIVE, parameters={"n": 1}),
            replace(WEEKLY, parameters={"n": True}),
            "parameters.n",
            1,
            True,
        ),
        (
            replace(LIVE, parameters={"n": [{"a": False}]}),
            replace(WEEKLY, parameters={"n": [{"a": 0}]}),
            "parameters.n",
            [{"a": False}],
            [{"a": 0}],
        ),
        (LIVE, replace(WEEKLY, end="2027-01-01T00:00:00Z"), "end", None, "2027-01-01T00:00:00Z"),
        (LIVE, replace(WEEKLY, start="2025-01-01T00:00:00Z"), "start", None, "2025-01-01T00:00:00Z"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_replacement_says_which_field_differs(
    live: ActualSchedule, schedule: Schedule, field: str, old: object, new: object
) -> None:
    (change,) = plan(releasing(schedule), actual_of(live)).to_do
    assert (change.action, change.kind) == (Action.REPLACE, Kind.SCHEDULE)
    (found,) = change.differences
    assert (found.field, found.old, found.new) == (field, old, new)
    assert len(change.firings) == 3
    assert not change.removal


def test_runs_in_flight_are_told() -> None:
    runs = tuple(ActualRun(f"r{n}", "x", state, "v1", "s1") for n, state in enumerate(["RUNNING", "FAILED"]))
    actual = actual_of(replace(LIVE, version_id="v0"), runs={"p": runs})
    (change,) = plan(DESIRED, actual).to_do
    assert change.in_flight == 1


def test_an_unmarked_pipeline_of_our_name_is_a_conflict_and_nothing_of_it_is_touched() -> None:
    for whose in (None, OTHER, replace(OWNER, environment="prod")):
        found = plan(DESIRED, actual_of(replace(LIVE, owner=whose), of=whose))
        assert found.to_do == []
        assert [change.kind for change in found.conflicts] == [Kind.PIPELINE]


def test_adoption_takes_what_nobody_marked_and_never_what_others_marked() -> None:
    adopting = Options(adopt=frozenset({"p"}))
    by_hand = actual_of(replace(LIVE, owner=None, version_id="v0"), of=None)
    assert changes(by_hand, options=adopting) == [
        (Action.ADOPT, Kind.PIPELINE),
        (Action.REPLACE, Kind.SCHEDULE),
    ]
    theirs = plan(DESIRED, actual_of(LIVE, of=OTHER), adopting)
    assert theirs.to_do == []
    assert len(theirs.conflicts) == 1


def test_an_unmarked_schedule_of_our_name_on_our_pipeline_is_a_conflict_and_others_are_not() -> None:
    same_name = replace(LIVE, id="s2", owner=None)
    assert [change.name for change in plan(DESIRED, actual_of(LIVE, same_name)).conflicts] == ["p-weekly"]
    others = [replace(same_name, name="by-hand"), replace(same_name, pipeline_id="p2")]
    assert changes(actual_of(LIVE, *others)) == []


def test_a_schedule_disabled_by_hand_is_enabled_while_nothing_fell_due_and_replaced_after_that() -> None:
    (change,) = plan(DESIRED, actual_of(replace(LIVE, enabled=False))).to_do
    assert (change.action, change.reason) == (Action.ENABLE, "is disabled, shall be enabled")
    older = replace(LIVE, enabled=False, created=NOW - timedelta(days=15))
    (change,) = plan(DESIRED, actual_of(older)).to_do
    assert (change.action, change.reason) == (Action.REPLACE, "is disabled, shall be enabled")
    assert change.missed == 3


def test_enabled_false_keeps_the_object_disabled() -> None:
    off = releasing(replace(WEEKLY, enabled=False))
    assert changes(actual_of(LIVE), off) == [(Action.DISABLE, Kind.SCHEDULE)]
    assert changes(actual_of(replace(LIVE, enabled=False)), off) == []


def test_an_environment_that_is_turned_off_is_told_once() -> None:
    off = replace(releasing(WEEKLY, paused_until=NOW + timedelta(days=9999)), disabled=True)
    found = plan(off, actual_of(LIVE))
    assert [change.action for change in found.to_do] == [Action.DISABLE]
    (note,) = found.notes
    assert "is turned off (`state: disabled`)" in note


def test_a_pause_disables_until_it_ends_and_then_shows_as_a_difference() -> None:
    paused = releasing(WEEKLY, paused_until=NOW + timedelta(days=1))
    found = plan(paused, actual_of(LIVE))
    assert [change.action for change in found.to_do] == [Action.DISABLE]
    assert found.notes == ("p is paused until 2026-11-24T12:00:00Z",)
    off = replace(LIVE, enabled=False)
    assert changes(actual_of(off), paused) == []
    later = replace(actual_of(off), now=NOW + timedelta(days=1))
    assert changes(later, paused) == [(Action.ENABLE, Kind.SCHEDULE)]
    assert (
        "take `state: paused` and `until` out of environments/dev/values.yaml" in plan(paused, later).notes[0]
    )


def test_what_a_killed_replacement_left_over_is_deleted() -> None:
    leftover = replace(LIVE, id="s0", enabled=False, version_id="v0")
    (change,) = plan(DESIRED, actual_of(LIVE, leftover)).to_do
    assert (change.action, change.reason, change.removal) == (
        Action.DELETE,
        "left over by a replacement",
        False,
    )


def test_schedules_of_a_vanished_pipeline_are_disabled_and_no_more() -> None:
    (change,) = plan(replace(DESIRED, pipelines=()), replace(actual_of(LIVE), pipelines={})).to_do
    assert (change.action, change.kind, change.removal) == (Action.DISABLE, Kind.SCHEDULE, True)


def test_a_schedule_that_left_the_manifest_is_deleted() -> None:
    (change,) = plan(releasing(), actual_of(LIVE)).to_do
    assert (change.action, change.removal) == (Action.DELETE, True)


@pytest.mark.parametrize(
    ("delete", "kinds"),
    [
        ("schedules", [Kind.SCHEDULE]),
        ("versions", [Kind.SCHEDULE, Kind.EXPERIMENT, Kind.VERSION, Kind.VERSION]),
        ("pipeline", [Kind.SCHEDULE, Kind.EXPERIMENT, Kind.VERSION, Kind.VERSION, Kind.PIPELINE]),
    ],
)
def test_a_tombstone_says_what_goes(delete: str, kinds: list[Kind]) -> None:
    desired = replace(DESIRED, pipelines=(), absent=(Absent("p", delete),))  # type: ignore[arg-type]  # one of its literals
    assert [change.kind for change in plan(desired, actual_of(LIVE)).to_do] == kinds


def test_a_pipeline_that_somebody_elses_schedule_runs_is_not_deleted() -> None:
    desired = replace(DESIRED, pipelines=(), absent=(Absent("p", "pipeline"),))
    theirs = replace(LIVE, id="s2", name="theirs", owner=OTHER)
    found = plan(desired, actual_of(LIVE, theirs))
    assert found.to_do == []
    assert [change.name for change in found.conflicts] == ["theirs"]


def test_the_experiment_of_another_owner_is_never_used_nor_archived() -> None:
    """Pipeline p of environment dev, and one of another repository, whose experiment has that name."""
    theirs = {"p-dev": ActualExperiment("e1", "p-dev", OTHER)}
    found = plan(DESIRED, actual_of(replace(LIVE, version_id="v0"), experiments=theirs))
    assert [(change.kind, change.name) for change in found.conflicts] == [(Kind.EXPERIMENT, "p-dev")]
    gone = replace(DESIRED, pipelines=(), absent=(Absent("p", "pipeline"),))
    actual = actual_of(experiments=theirs)
    view = replace(inventory.view_of(gone, gone.absent[0], actual, Options()), in_flight=())
    assert isinstance(converge.next_step(OWNER, 10, gone.absent[0], view, Options()), DeletePipeline)


def test_old_versions_go_and_pinned_ones_stay() -> None:
    old = [ActualVersion(f"o{n}", f"sha-o{n}", NOW - timedelta(days=30 - n), OWNER) for n in range(4)]
    by_hand = ActualVersion("h", "by-hand", NOW - timedelta(days=99), None)
    pipeline = ActualPipeline("p1", "p", OWNER, {v.name: v for v in (*old, by_hand, V1)})
    pins = replace(LIVE, id="s9", name="theirs", owner=OTHER, version_id="o0")
    actual = replace(actual_of(LIVE, pins), pipelines={"p": pipeline})
    found = plan(replace(DESIRED, keep_versions=1), actual).to_do
    assert [(change.action, change.name) for change in found] == [
        (Action.DELETE, "sha-o1"),
        (Action.DELETE, "sha-o2"),
    ]
    busy = (ActualRun("r", "x", "RUNNING", "o2"),)
    names = [
        change.name
        for change in plan(replace(DESIRED, keep_versions=1), replace(actual, in_flight=busy)).to_do
    ]
    assert names == ["sha-o1"]


def test_a_new_release_starts_its_triggers_and_other_values_of_it_do_not() -> None:
    triggered = releasing(WEEKLY, triggers=(Trigger("changed", {}, ()),), version="sha-2")
    starts = [c.name for c in plan(triggered, actual_of(LIVE)).to_do if c.action is Action.START]
    assert starts == ["p-changed-1"]
    assert not [
        c for c in plan(triggered, actual_of(LIVE), Options(triggers=False)).to_do if c.action is Action.START
    ]
    known = replace(V1, facts={"release": "sha256:1"})
    pipeline = ActualPipeline("p1", "p", OWNER, {"sha-1": known})
    again = replace(actual_of(LIVE), pipelines={"p": pipeline})
    assert not [c for c in plan(triggered, again).to_do if c.action is Action.START]


def test_what_another_version_of_kfp_compiled_was_compiled_anew_when_the_server_started() -> None:
    old = replace(actual_of(replace(LIVE, facts={"kfp": "2.16.0"})), dangling=())
    for refresh in (False, True):
        found = plan(DESIRED, old, Options(server="2.17.0", refresh_stale=refresh))
        assert (found.to_do, found.notes) == ([], ())


def test_what_the_server_could_not_compile_anew_is_told_and_replaced_when_asked() -> None:
    old = replace(actual_of(replace(LIVE, facts={"kfp": "2.16.0"})), dangling=("by-hand",))
    told = plan(DESIRED, old, Options(server="2.17.0"))
    assert (told.to_do, len(told.notes)) == ([], 1)
    assert "--refresh-stale" in told.notes[0]
    assert "by-hand pins a version that is deleted" in told.notes[0]
    (change,) = plan(DESIRED, old, Options(server="2.17.0", refresh_stale=True)).to_do
    assert [(d.field, d.old, d.new) for d in change.differences] == [("launcher", "2.16.0", "2.17.0")]
    fresh = replace(actual_of(replace(LIVE, facts={"kfp": "2.17.0"})), dangling=("by-hand",))
    assert not plan(DESIRED, fresh, Options(server="2.17.0", refresh_stale=True)).to_do
