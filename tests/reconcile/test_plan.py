"""The plan: pure, ordered, with reasons; never touching what is not ours; and the guard before it is carried out."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from kfp_gitops.base.errors import RefusedError
from kfp_gitops.base.schema import named
from kfp_gitops.kfpserver.kfpapi.actual import (
    Actual,
    ActualExperiment,
    ActualPipeline,
    ActualRun,
    ActualSchedule,
    ActualVersion,
)
from kfp_gitops.kfpserver.ownership import Owner, describe, facts, owner
from kfp_gitops.language.manifest import Schedule, Trigger
from kfp_gitops.reconcile import converge, guard, inventory, report
from kfp_gitops.reconcile.change import Action, Kind
from kfp_gitops.reconcile.guard import Limits
from kfp_gitops.reconcile.plan import plan
from kfp_gitops.reconcile.records import Absent, Desired, DesiredPipeline, Options
from kfp_gitops.reconcile.steps import DeletePipeline

OWNER = Owner("example-repository", "dev")
OTHER = Owner("another-repository", "dev")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
WEEKLY = Schedule("weekly", "0 0 3 * * 1", None, True, {}, None, None, 1, False, ())
PIPELINE = DesiredPipeline("p", "d", "sha256:1", "sha-1", "sha256:1", "ir", (WEEKLY,))
DESIRED = Desired(OWNER, "http://127.0.0.1", "", (PIPELINE,))
EMPTY = Actual({}, {}, (), NOW)
V0, V1 = (ActualVersion(f"v{n}", f"sha-{n}", NOW - timedelta(days=9 - n), OWNER) for n in (0, 1))
LIVE = ActualSchedule(
    "s1", "p-weekly", "p1", "v1", True, NOW - timedelta(hours=1), OWNER, {}, WEEKLY.cron,
)  # fmt: skip


def _actual(*schedules: ActualSchedule, of: Owner | None = OWNER, **more: object) -> Actual:
    pipeline = ActualPipeline("p1", "p", of, {v.name: v for v in (V0, V1)})
    experiment = ActualExperiment("e1", "p-dev", OWNER)
    return replace(Actual({"p": pipeline}, {"p-dev": experiment}, schedules, NOW), **more)  # type: ignore[arg-type]


def _changes(actual: Actual, desired: Desired = DESIRED, **more: object) -> list[tuple[Action, Kind]]:
    return [(change.action, change.kind) for change in plan(desired, actual, **more).to_do]  # type: ignore[arg-type]


def _with(*schedules: Schedule, **more: object) -> Desired:
    pipeline = replace(PIPELINE, schedules=schedules, **more)  # type: ignore[arg-type]
    return replace(DESIRED, pipelines=(pipeline,))


def test_everything_is_created_on_an_empty_server() -> None:
    assert _changes(EMPTY) == [
        (Action.CREATE, Kind.PIPELINE),
        (Action.CREATE, Kind.VERSION),
        (Action.CREATE, Kind.EXPERIMENT),
        (Action.CREATE, Kind.SCHEDULE),
    ]


def test_nothing_is_to_do_when_all_is_there() -> None:
    assert _changes(_actual(LIVE)) == []


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
        (LIVE, replace(WEEKLY, end="2027-01-01T00:00:00Z"), "end", None, "2027-01-01T00:00:00Z"),
        (LIVE, replace(WEEKLY, start="2025-01-01T00:00:00Z"), "start", None, "2025-01-01T00:00:00Z"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_replacement_says_which_field_differs(
    live: ActualSchedule, schedule: Schedule, field: str, old: object, new: object
) -> None:
    (change,) = plan(_with(schedule), _actual(live)).to_do
    assert (change.action, change.kind) == (Action.REPLACE, Kind.SCHEDULE)
    (found,) = change.differences
    assert (found.field, found.old, found.new) == (field, old, new)
    assert len(change.firings) == 3
    assert not change.removal


def test_runs_in_flight_are_told() -> None:
    runs = tuple(ActualRun(f"r{n}", "x", state, "v1", "s1") for n, state in enumerate(["RUNNING", "FAILED"]))
    actual = _actual(replace(LIVE, version_id="v0"), runs={"p": runs})
    (change,) = plan(DESIRED, actual).to_do
    assert change.in_flight == 1


def test_an_unmarked_pipeline_of_our_name_is_a_conflict_and_nothing_of_it_is_touched() -> None:
    for whose in (None, OTHER, replace(OWNER, environment="prod")):
        found = plan(DESIRED, _actual(replace(LIVE, owner=whose), of=whose))
        assert found.to_do == []
        assert [change.kind for change in found.conflicts] == [Kind.PIPELINE]


def test_adoption_takes_what_nobody_marked_and_never_what_others_marked() -> None:
    adopting = Options(adopt=frozenset({"p"}))
    by_hand = _actual(replace(LIVE, owner=None, version_id="v0"), of=None)
    assert _changes(by_hand, options=adopting) == [
        (Action.ADOPT, Kind.PIPELINE),
        (Action.REPLACE, Kind.SCHEDULE),
    ]
    theirs = plan(DESIRED, _actual(LIVE, of=OTHER), adopting)
    assert theirs.to_do == []
    assert len(theirs.conflicts) == 1


def test_an_unmarked_schedule_of_our_name_on_our_pipeline_is_a_conflict_and_others_are_not() -> None:
    same_name = replace(LIVE, id="s2", owner=None)
    assert [change.name for change in plan(DESIRED, _actual(LIVE, same_name)).conflicts] == ["p-weekly"]
    others = [replace(same_name, name="by-hand"), replace(same_name, pipeline_id="p2")]
    assert _changes(_actual(LIVE, *others)) == []


def test_a_schedule_disabled_by_hand_is_enabled_while_nothing_fell_due_and_replaced_after_that() -> None:
    (change,) = plan(DESIRED, _actual(replace(LIVE, enabled=False))).to_do
    assert (change.action, change.reason) == (Action.ENABLE, "is disabled, shall be enabled")
    older = replace(LIVE, enabled=False, created=NOW - timedelta(days=15))
    (change,) = plan(DESIRED, _actual(older)).to_do
    assert (change.action, change.reason) == (Action.REPLACE, "is disabled, shall be enabled")
    assert change.missed == 3


def test_enabled_false_keeps_the_object_disabled() -> None:
    off = _with(replace(WEEKLY, enabled=False))
    assert _changes(_actual(LIVE), off) == [(Action.DISABLE, Kind.SCHEDULE)]
    assert _changes(_actual(replace(LIVE, enabled=False)), off) == []


def test_an_environment_that_is_turned_off_is_told_once() -> None:
    off = replace(_with(WEEKLY, paused_until=NOW + timedelta(days=9999)), disabled=True)
    found = plan(off, _actual(LIVE))
    assert [change.action for change in found.to_do] == [Action.DISABLE]
    (note,) = found.notes
    assert "is turned off (`state: disabled`)" in note


def test_a_pause_disables_until_it_ends_and_then_shows_as_a_difference() -> None:
    paused = _with(WEEKLY, paused_until=NOW + timedelta(days=1))
    found = plan(paused, _actual(LIVE))
    assert [change.action for change in found.to_do] == [Action.DISABLE]
    assert found.notes == ("p is paused until 2026-11-24T12:00:00Z",)
    off = replace(LIVE, enabled=False)
    assert _changes(_actual(off), paused) == []
    later = replace(_actual(off), now=NOW + timedelta(days=1))
    assert _changes(later, paused) == [(Action.ENABLE, Kind.SCHEDULE)]
    assert "take `state: paused` out" in plan(paused, later).notes[0]


def test_what_a_killed_replacement_left_over_is_deleted() -> None:
    leftover = replace(LIVE, id="s0", enabled=False, version_id="v0")
    (change,) = plan(DESIRED, _actual(LIVE, leftover)).to_do
    assert (change.action, change.reason, change.removal) == (
        Action.DELETE,
        "left over by a replacement",
        False,
    )


def test_schedules_of_a_vanished_pipeline_are_disabled_and_no_more() -> None:
    (change,) = plan(replace(DESIRED, pipelines=()), replace(_actual(LIVE), pipelines={})).to_do
    assert (change.action, change.kind, change.removal) == (Action.DISABLE, Kind.SCHEDULE, True)


def test_a_schedule_that_left_the_manifest_is_deleted() -> None:
    (change,) = plan(_with(), _actual(LIVE)).to_do
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
    desired = replace(DESIRED, pipelines=(), absent=(Absent("p", delete),))  # type: ignore[arg-type]
    assert [change.kind for change in plan(desired, _actual(LIVE)).to_do] == kinds


def test_a_pipeline_that_somebody_elses_schedule_runs_is_not_deleted() -> None:
    desired = replace(DESIRED, pipelines=(), absent=(Absent("p", "pipeline"),))
    theirs = replace(LIVE, id="s2", name="theirs", owner=OTHER)
    found = plan(desired, _actual(LIVE, theirs))
    assert found.to_do == []
    assert [change.name for change in found.conflicts] == ["theirs"]


def test_the_experiment_of_another_owner_is_never_used_nor_archived() -> None:
    """Pipeline p of environment dev, and one of another repository, whose experiment has that name."""
    theirs = {"p-dev": ActualExperiment("e1", "p-dev", OTHER)}
    found = plan(DESIRED, _actual(replace(LIVE, version_id="v0"), experiments=theirs))
    assert [(change.kind, change.name) for change in found.conflicts] == [(Kind.EXPERIMENT, "p-dev")]
    gone = replace(DESIRED, pipelines=(), absent=(Absent("p", "pipeline"),))
    actual = _actual(experiments=theirs)
    view = replace(inventory.view_of(gone, gone.absent[0], actual, Options()), in_flight=())
    assert isinstance(converge.next_step(OWNER, 10, gone.absent[0], view, Options()), DeletePipeline)


def test_old_versions_go_and_pinned_ones_stay() -> None:
    old = [ActualVersion(f"o{n}", f"sha-o{n}", NOW - timedelta(days=30 - n), OWNER) for n in range(4)]
    by_hand = ActualVersion("h", "by-hand", NOW - timedelta(days=99), None)
    pipeline = ActualPipeline("p1", "p", OWNER, {v.name: v for v in (*old, by_hand, V1)})
    pins = replace(LIVE, id="s9", name="theirs", owner=OTHER, version_id="o0")
    actual = replace(_actual(LIVE, pins), pipelines={"p": pipeline})
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
    triggered = _with(WEEKLY, triggers=(Trigger("changed", {}, ()),), version="sha-2")
    starts = [c.name for c in plan(triggered, _actual(LIVE)).to_do if c.action is Action.START]
    assert starts == ["p-changed-1"]
    assert not [
        c for c in plan(triggered, _actual(LIVE), Options(triggers=False)).to_do if c.action is Action.START
    ]
    known = replace(V1, facts={"release": "sha256:1"})
    pipeline = ActualPipeline("p1", "p", OWNER, {"sha-1": known})
    again = replace(_actual(LIVE), pipelines={"p": pipeline})
    assert not [c for c in plan(triggered, again).to_do if c.action is Action.START]


def test_what_another_version_of_kfp_compiled_was_compiled_anew_when_the_server_started() -> None:
    old = replace(_actual(replace(LIVE, facts={"kfp": "2.16.0"})), dangling=())
    for refresh in (False, True):
        found = plan(DESIRED, old, Options(server="2.17.0", refresh_stale=refresh))
        assert (found.to_do, found.notes) == ([], ())


def test_what_the_server_could_not_compile_anew_is_told_and_replaced_when_asked() -> None:
    old = replace(_actual(replace(LIVE, facts={"kfp": "2.16.0"})), dangling=("by-hand",))
    told = plan(DESIRED, old, Options(server="2.17.0"))
    assert (told.to_do, len(told.notes)) == ([], 1)
    assert "--refresh-stale" in told.notes[0]
    assert "by-hand pins a version that is deleted" in told.notes[0]
    (change,) = plan(DESIRED, old, Options(server="2.17.0", refresh_stale=True)).to_do
    assert [(d.field, d.old, d.new) for d in change.differences] == [("launcher", "2.16.0", "2.17.0")]
    fresh = replace(_actual(replace(LIVE, facts={"kfp": "2.17.0"})), dangling=("by-hand",))
    assert not plan(DESIRED, fresh, Options(server="2.17.0", refresh_stale=True)).to_do


# the guard


def test_removals_are_counted_and_replacements_are_not() -> None:
    swaps = plan(DESIRED, _actual(replace(LIVE, version_id="v0")))
    guard.check(swaps, Limits(max_delete=0), desired_pipelines=1)
    removals = plan(_with(), _actual(LIVE))
    with pytest.raises(RefusedError, match="1 removals, more than 0: schedule p-weekly"):
        guard.check(removals, Limits(max_delete=0), desired_pipelines=1)
    guard.check(removals, Limits(max_delete=1), desired_pipelines=1)


def test_protected_pipelines_lose_nothing() -> None:
    with pytest.raises(RefusedError, match="protected: schedule p-weekly"):
        guard.check(plan(_with(), _actual(LIVE)), Limits(protect=frozenset({"p"})), desired_pipelines=1)
    vanished = plan(replace(DESIRED, pipelines=()), replace(_actual(LIVE), pipelines={}))
    with pytest.raises(RefusedError, match="protected"):
        guard.check(vanished, Limits(protect=frozenset({"p"}), allow_empty=True), desired_pipelines=0)


def test_a_protected_pipeline_keeps_its_versions_even_when_nothing_else_of_it_is_left() -> None:
    desired = replace(DESIRED, pipelines=(), absent=(Absent("p", "versions"),))
    archived = {"p-dev": ActualExperiment("e1", "p-dev", OWNER, archived=True)}
    found = plan(desired, _actual(experiments=archived))
    assert {change.kind for change in found.to_do} == {Kind.VERSION}
    with pytest.raises(RefusedError, match="protected: version sha-0, version sha-1"):
        guard.check(found, Limits(protect=frozenset({"p"}), allow_empty=True), desired_pipelines=0)


def test_an_empty_environment_is_refused_unless_it_is_meant() -> None:
    found = plan(replace(DESIRED, pipelines=()), EMPTY)
    with pytest.raises(RefusedError, match="--allow-empty"):
        guard.check(found, Limits(), desired_pipelines=0)
    guard.check(found, Limits(allow_empty=True), desired_pipelines=0)


# what people and machines read


def test_the_text_of_a_plan() -> None:
    desired = replace(_with(replace(WEEKLY, max_concurrency=2), version="sha-2"), time_zone="Europe/Berlin")
    text = report.to_text(plan(desired, _actual(LIVE)))
    assert text.splitlines() == [
        "plan for dev on http://127.0.0.1",
        "  = unchanged pipeline   p  (exists)",
        "  + create    version    sha-2  (release sha256:1… is not registered yet)",
        "  = unchanged experiment p-dev  (exists)",
        "  ~ replace   schedule   p-weekly  (version, maxConcurrency differ)",
        '      version: "sha-1" → "sha-2"',
        "      maxConcurrency: 1 → 2",
        "      next: 2026-11-30T03:00:00Z (Mon 04:00 CET), 2026-12-07T03:00:00Z (Mon 04:00 CET), "
        "2026-12-14T03:00:00Z (Mon 04:00 CET)",
        "1 create, 1 replace, 2 unchanged",
    ]


def test_colour_changes_no_word_and_markdown_breaks_no_table() -> None:
    found = plan(_with(replace(WEEKLY, parameters={"x": "a|b\n<script>"})), _actual(LIVE))
    coloured = report.to_text(found, colour=True)
    assert "\033[33m" in coloured
    table = [line for line in report.to_markdown(found).splitlines() if line.startswith("|")]
    assert len(table) == 3
    assert "a\\|b" in table[2]
    assert "<script>" not in table[2]


SCHEDULES = st.builds(
    lambda key, changes: replace(LIVE, id=key, **changes),
    st.uuids().map(str),
    st.fixed_dictionaries(
        {},
        optional={
            "enabled": st.booleans(),
            "owner": st.sampled_from([OWNER, OTHER, None]),
            "version_id": st.sampled_from(["v0", "v1"]),
            "pipeline_id": st.sampled_from(["p1", "p2"]),
            "created": st.sampled_from([NOW, NOW - timedelta(days=30)]),
            "cron": st.sampled_from(["0 0 3 * * 1", "0 0 4 * * 1", "from the future"]),
            "name": st.sampled_from(["p-weekly", "p-old", "q-x"]),
        },
    ),
)
ACTUALS = st.builds(
    lambda schedules, of: _actual(*schedules, of=of),
    st.lists(SCHEDULES, max_size=5),
    st.sampled_from([OWNER, OWNER, OTHER, None]),
)
WANTED = st.sampled_from(
    [DESIRED, _with(), _with(replace(WEEKLY, enabled=False)), _with(WEEKLY, version="sha-2")]
)


@given(ACTUALS, WANTED)
def test_a_plan_is_valid_json_and_independent_of_the_servers_order(actual: Actual, desired: Desired) -> None:
    found = plan(desired, actual)
    data = json.loads(report.render(found, "json"))
    Draft202012Validator(named("plan").validator.schema).validate(data)
    backwards = replace(actual, schedules=tuple(reversed(actual.schedules)))
    assert report.to_text(plan(desired, backwards)) == report.to_text(found)


@given(ACTUALS, WANTED)
def test_a_plan_is_empty_exactly_when_there_is_no_next_step(actual: Actual, desired: Desired) -> None:
    found = plan(desired, actual)
    if found.conflicts:
        return
    view = inventory.view_of(desired, desired.pipelines[0], actual, Options())
    step = converge.next_step(
        OWNER, desired.keep_versions, desired.pipelines[0], replace(view, runs=(), in_flight=()), Options()
    )
    changes = [change for change in found.to_do if change.pipeline == "p"]
    assert bool(changes) == (step is not None)


@given(
    st.text(max_size=50), st.dictionaries(st.sampled_from(["release", "digest", "spec"]), st.just("sha256:1"))
)
def test_a_description_keeps_its_owner_whatever_people_write_before_it(
    text: str, noted: dict[str, str]
) -> None:
    assert owner(describe(OWNER, text, **noted)) == OWNER


def test_a_text_that_looks_like_a_marker_inside_a_description_does_not_change_the_owner() -> None:
    forged = describe(OTHER)
    assert owner(describe(OWNER, forged)) == OWNER


@given(st.text(min_size=1, max_size=30))
def test_a_fact_with_spaces_or_lines_changes_no_owner_and_hides_no_other_fact(commit: str) -> None:
    text = describe(OWNER, "", release="sha256:1", commit=commit, runs="changed")
    assert (owner(text), facts(text)["release"], facts(text)["runs"]) == (OWNER, "sha256:1", "changed")


def test_a_forged_marker_in_a_fact_is_a_word() -> None:
    text = describe(OWNER, "", commit=f"x\n{describe(OTHER)}")
    assert owner(text) == OWNER
