"""The planner: pure, ordered, and never touching what is not ours."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from kfp_gitops.kfpapi.actual import Actual, ActualPipeline, ActualSchedule
from kfp_gitops.manifest import Schedule
from kfp_gitops.ownership import Owner, describe, owner
from kfp_gitops.reconcile import plan as planning
from kfp_gitops.reconcile.desired import Desired, DesiredPipeline, schedule_digest
from kfp_gitops.reconcile.plan import Action, Change, Kind, plan

OWNER = Owner("example-repository", "dev")
OTHER = Owner("another-repository", "dev")
WEEKLY = Schedule("weekly", "0 0 3 * * 1", None, True, {}, None, None, 1, False, ())
PIPELINE = DesiredPipeline("p", "d", "sha256:1", "sha-1", "sha256:1", "ir", (WEEKLY,))
DESIRED = Desired(OWNER, "http://127.0.0.1", "", (PIPELINE,))
EMPTY = Actual({}, {}, ())


def _schedule(
    id_: str = "s1",
    *,
    enabled: bool = True,
    of: Owner | None = OWNER,
    digest: str | None = None,
    pipeline: str = "p1",
) -> ActualSchedule:
    return ActualSchedule(id_, "p-weekly", pipeline, enabled, of, digest or schedule_digest(PIPELINE, WEEKLY))


def _actual(*schedules: ActualSchedule, of: Owner | None = OWNER, version: str = "sha-1") -> Actual:
    return Actual({"p": ActualPipeline("p1", "p", of, {version: "v1"})}, {"p-dev": "e1"}, schedules)


def _changes(actual: Actual, desired: Desired = DESIRED) -> list[tuple[Action, Kind]]:
    return [(change.action, change.kind) for change in plan(desired, actual).to_do]


def test_everything_is_created_on_an_empty_server() -> None:
    assert _changes(EMPTY) == [
        (Action.CREATE, Kind.PIPELINE),
        (Action.CREATE, Kind.VERSION),
        (Action.CREATE, Kind.EXPERIMENT),
        (Action.CREATE, Kind.SCHEDULE),
    ]


def test_nothing_is_to_do_when_all_is_there() -> None:
    assert _changes(_actual(_schedule())) == []


def test_new_content_is_a_new_version_and_a_replaced_schedule() -> None:
    actual = _actual(_schedule(digest="old"), version="sha-0")
    assert _changes(actual) == [(Action.CREATE, Kind.VERSION), (Action.REPLACE, Kind.SCHEDULE)]


def test_an_unmarked_pipeline_of_our_name_is_a_conflict_and_nothing_of_it_is_touched() -> None:
    for whose in (None, OTHER, replace(OWNER, environment="prod")):
        found = plan(DESIRED, _actual(_schedule(of=whose), of=whose))
        assert found.to_do == []
        assert [change.kind for change in found.conflicts] == [Kind.PIPELINE]


def test_schedules_of_others_are_never_changed() -> None:
    theirs = [_schedule("s2", of=None, digest="x"), _schedule("s3", of=OTHER, digest="y")]
    assert _changes(_actual(_schedule(), *theirs)) == []


def test_a_schedule_disabled_by_hand_is_made_anew_rather_than_enabled() -> None:
    (change,) = plan(DESIRED, _actual(_schedule(enabled=False))).to_do
    assert (change.action, change.reason) == (Action.REPLACE, "is disabled, shall be enabled")


def test_enabled_false_keeps_the_object_disabled() -> None:
    off = replace(WEEKLY, enabled=False)
    desired = replace(DESIRED, pipelines=(replace(PIPELINE, schedules=(off,)),))
    assert _changes(_actual(_schedule(enabled=True)), desired) == [(Action.DISABLE, Kind.SCHEDULE)]
    assert _changes(_actual(_schedule(enabled=False)), desired) == []


def test_what_a_killed_replacement_left_over_is_deleted() -> None:
    leftover = _schedule("s0", enabled=False, digest="old")
    (change,) = plan(DESIRED, _actual(_schedule(), leftover)).to_do
    assert (change.action, change.superseded) == (Action.DELETE, (leftover,))


def test_schedules_of_a_vanished_pipeline_are_disabled_and_no_more() -> None:
    desired = replace(DESIRED, pipelines=())
    (change,) = plan(desired, _actual(_schedule())).to_do
    assert (change.action, change.kind) == (Action.DISABLE, Kind.SCHEDULE)


def test_a_schedule_that_left_the_manifest_is_disabled() -> None:
    desired = replace(DESIRED, pipelines=(replace(PIPELINE, schedules=()),))
    assert _changes(_actual(_schedule()), desired) == [(Action.DISABLE, Kind.SCHEDULE)]


@given(
    st.text(max_size=50), st.dictionaries(st.sampled_from(["release", "digest", "spec"]), st.just("sha256:1"))
)
def test_a_description_keeps_its_owner_whatever_people_write_before_it(
    text: str, facts: dict[str, str]
) -> None:
    assert owner(describe(OWNER, text, **facts)) == OWNER


def test_a_text_that_looks_like_a_marker_inside_a_description_does_not_change_the_owner() -> None:
    forged = describe(OTHER)
    assert owner(describe(OWNER, forged)) == OWNER


ACTUALS = st.builds(
    lambda schedules, of, version: _actual(*schedules, of=of, version=version),
    st.lists(
        st.builds(
            _schedule,
            st.uuids().map(str),
            enabled=st.booleans(),
            of=st.sampled_from([OWNER, OTHER, None]),
            digest=st.sampled_from(["old", None]),
            pipeline=st.sampled_from(["p1", "p2"]),
        ),
        max_size=5,
    ),
    st.sampled_from([OWNER, OTHER, None]),
    st.sampled_from(["sha-0", "sha-1"]),
)


def _carry_out(actual: Actual, change: Change) -> Actual:
    """A model of what `apply` does, on records."""
    pipelines, experiments, schedules = (
        dict(actual.pipelines),
        dict(actual.experiments),
        list(actual.schedules),
    )
    gone = {item.id for item in change.superseded}
    match change.kind, change.action:
        case Kind.PIPELINE, Action.CREATE:
            pipelines["p"] = ActualPipeline("p1", "p", OWNER, {})
        case Kind.VERSION, Action.CREATE:
            pipelines["p"] = replace(pipelines["p"], versions={**pipelines["p"].versions, change.name: "v"})
        case Kind.EXPERIMENT, Action.CREATE:
            experiments[change.name] = "e1"
        case Kind.SCHEDULE, Action.CREATE | Action.REPLACE:
            schedules = [item for item in schedules if item.id not in gone] + [_schedule("new")]
        case Kind.SCHEDULE, Action.DELETE:
            schedules = [item for item in schedules if item.id not in gone]
        case Kind.SCHEDULE, Action.DISABLE:
            schedules = [replace(item, enabled=item.enabled and item.id not in gone) for item in schedules]
    return Actual(pipelines, experiments, tuple(schedules))


@given(ACTUALS)
def test_from_any_state_one_apply_converges_and_leaves_others_alone(actual: Actual) -> None:
    after = actual
    for change in plan(DESIRED, actual).to_do:
        after = _carry_out(after, change)
    assert plan(DESIRED, after).to_do == []
    others = [item for item in actual.schedules if item.owner != OWNER]
    assert [item for item in after.schedules if item.owner != OWNER] == others


@given(ACTUALS)
def test_the_plan_does_not_depend_on_the_order_of_the_server(actual: Actual) -> None:
    backwards = replace(actual, schedules=tuple(reversed(actual.schedules)))
    first, second = planning.to_text(plan(DESIRED, actual)), planning.to_text(plan(DESIRED, backwards))
    assert first == second
