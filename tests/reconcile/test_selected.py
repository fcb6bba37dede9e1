"""A part of an environment: what is not selected is there, and is neither touched nor missed."""

from __future__ import annotations

from dataclasses import replace

from fake_controller import Recurring
from fake_kfp import FakeKfp, Told
from hypothesis import given, settings
from hypothesis import strategies as st
from kfp_gitops.language.manifest import Schedule
from kfp_gitops.reconcile import inventory
from kfp_gitops.reconcile.change import Action, Change, Kind
from kfp_gitops.reconcile.observe import observe
from kfp_gitops.reconcile.plan import Plan, plan
from kfp_gitops.reconcile.records import Absent, Desired, DesiredPipeline, Entry, Options
from plan_kit import LIVE, actual_of
from plan_kit import PIPELINE as P
from swap_kit import DESIRED, EVERY_5_MINUTES, reconciled

NAMES = ("a", "a-b", "b", "c-c")
SCHEDULES = st.lists(
    st.builds(
        lambda name, enabled, catchup: replace(EVERY_5_MINUTES, name=name, enabled=enabled, catchup=catchup),
        st.sampled_from(["m", "n"]), st.booleans(), st.booleans(),
    ),
    unique_by=lambda schedule: schedule.name,
    max_size=2,
)  # fmt: skip


def _pipeline(name: str, schedules: list[Schedule], version: int) -> DesiredPipeline:
    number = f"{version}{sum(map(ord, name))}"
    return DesiredPipeline(
        name, "d", f"sha256:{number}", f"sha-{number}", f"sha256:{number}", "ir", tuple(schedules)
    )


@st.composite
def _environments(draw: st.DrawFn) -> Desired:
    """Any of four pipelines, each with schedules and one of two versions, or as a tombstone."""
    entries: list[Entry] = []
    for name in draw(st.lists(st.sampled_from(NAMES), unique=True)):
        if draw(st.integers(0, 4)) == 0:
            entries.append(Absent(name, draw(st.sampled_from(["schedules", "versions", "pipeline"]))))
        else:
            entries.append(_pipeline(name, draw(SCHEDULES), draw(st.integers(1, 2))))
    return _of(entries)


def _of(entries: list[Entry]) -> Desired:
    pipelines = tuple(entry for entry in entries if isinstance(entry, DesiredPipeline))
    return replace(DESIRED, pipelines=pipelines, absent=tuple(e for e in entries if isinstance(e, Absent)))


def part(desired: Desired, names: frozenset[str]) -> Desired:
    """What `--pipeline` makes of it."""
    found = _of([entry for entry in desired.entries if entry.name in names])
    beside = frozenset(entry.name for entry in desired.entries if entry.name not in names)
    return replace(found, selected=tuple(sorted(names)), beside=beside)


def _planned(kfp: FakeKfp, desired: Desired) -> Plan:
    return plan(desired, observe(kfp, desired))


def _standing(kfp: FakeKfp, names: frozenset[str]) -> object:
    """All of these pipelines on KFP, but for what fires by itself."""
    ids = {kfp._pipelines[name].id for name in names if name in kfp._pipelines}
    recurring = [_still(found) for found in kfp.recurring.values() if found.record.pipeline_id in ids]
    experiments = {name: kfp._experiments.get(f"{name}-dev") for name in names}
    return {name: kfp._pipelines.get(name) for name in names}, experiments, recurring


def _still(found: Recurring) -> object:
    return found.record


@settings(max_examples=150)
@given(_environments(), _environments(), st.frozensets(st.sampled_from(NAMES), min_size=1))
def test_an_apply_of_a_part_does_what_the_whole_would_do_there_and_nothing_else(
    before: Desired, after: Desired, names: frozenset[str]
) -> None:
    kfp, told = FakeKfp(), Told()
    reconciled(kfp, before, told)
    kfp.advance(320)
    some = part(after, names)
    whole, planned = _planned(kfp, after), _planned(kfp, some)
    chosen = {entry.name for entry in some.entries}
    assert list(planned.changes) == [change for change in whole.changes if change.pipeline in chosen]
    others = frozenset(NAMES) - chosen
    standing = _standing(kfp, others)
    outcome = reconciled(kfp, some, told)
    assert _standing(kfp, others) == standing
    assert {event.pipeline for event in outcome.events} <= chosen
    if not outcome.failed and not outcome.postponed:
        assert _planned(kfp, some).differences == []


@given(_environments(), _environments(), st.frozensets(st.sampled_from(NAMES), min_size=1, max_size=3))
def test_part_after_part_is_the_whole_but_for_what_is_in_no_manifest(
    before: Desired, after: Desired, names: frozenset[str]
) -> None:
    kfp, told = FakeKfp(), Told()
    reconciled(kfp, before, told)
    kfp.advance(20)
    for some in (names, frozenset(NAMES) - names):
        reconciled(kfp, part(after, some), told)
    known = {entry.name for entry in after.entries}
    left = [change for change in _planned(kfp, after).differences if change.pipeline in known]
    assert [change for change in left if not _may_be_of_two(change, known)] == []


def _may_be_of_two(change: Change, names: set[str]) -> bool:
    """Whether by its name a schedule may be of several pipelines: then a part leaves it to the whole."""
    return change.kind is Kind.SCHEDULE and sum(change.name.startswith(f"{name}-") for name in names) > 1


def test_a_vanished_pipeline_is_nobodys_part() -> None:
    kfp, told = FakeKfp(), Told()
    both = replace(
        DESIRED, pipelines=tuple(_pipeline(name, [EVERY_5_MINUTES], 1) for name in ("a", "b", "gone"))
    )
    reconciled(kfp, both, told)
    rest = replace(both, pipelines=both.pipelines[:2])
    some = part(rest, frozenset({"a"}))
    assert _planned(kfp, some).to_do == []
    assert not any("gone" in note for note in _planned(kfp, some).notes)
    (stopped,) = _planned(kfp, rest).to_do
    assert (stopped.action, stopped.kind) == (Action.DISABLE, Kind.SCHEDULE)


def test_a_schedule_that_may_be_of_a_pipeline_that_is_not_selected_is_left_alone() -> None:
    """Its name says so, though it runs the selected one: whoever made it so, the whole plan decides."""
    odd = replace(LIVE, id="s2", name="p-q-weekly")
    desired = replace(DESIRED, pipelines=(P, replace(P, name="p-q")), owner=LIVE.owner)
    actual = actual_of(LIVE, odd)
    assert any(change.name == "p-q-weekly" and change.removal for change in plan(desired, actual).to_do)
    some = part(desired, frozenset({"p"}))
    assert plan(some, actual).to_do == []
    assert [s.id for s in inventory.view_of(some, P, actual, Options()).schedules] == ["s1"]


def test_what_is_selected_is_part_of_a_plans_identity() -> None:
    desired = replace(DESIRED, pipelines=(P,), owner=LIVE.owner)
    actual = actual_of(LIVE)
    whole, some = plan(desired, actual), plan(part(desired, frozenset({"p"})), actual)
    assert whole.basis.id != some.basis.id
    assert some.notes[0] == "only p: 1 of 1 pipelines; the others are not looked at"


def test_whose_a_pipeline_is_moves_no_plan() -> None:
    desired = replace(DESIRED, pipelines=(P,), owner=LIVE.owner)
    theirs = replace(desired, pipelines=(replace(P, team="churn"),))
    assert plan(desired, actual_of(LIVE)).basis.id == plan(theirs, actual_of(LIVE)).basis.id


def test_what_happens_beside_a_part_moves_no_plan_of_it() -> None:
    """Nor what is in no manifest: somebody who waits for an approval does not wait for all the others."""
    theirs = replace(LIVE, id="s2", name="q-weekly", pipeline_id="p2")
    desired = replace(DESIRED, pipelines=(P, replace(P, name="q")), owner=LIVE.owner)
    some = part(desired, frozenset({"p"}))
    ids = {
        plan(some, actual_of(LIVE, *others)).basis.id
        for others in (
            (),
            (theirs,),
            (replace(theirs, enabled=False),),
            (replace(theirs, name="gone-weekly"),),
        )
    }
    assert len(ids) == 1
    assert plan(desired, actual_of(LIVE)).basis.id != plan(desired, actual_of(LIVE, theirs)).basis.id
