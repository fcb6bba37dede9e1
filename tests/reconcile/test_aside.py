"""What an aside is: other names, nothing that starts runs, an IR of its own name, and marks with its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aside_kit import AsideKfp, desired, own
from kfp_gitops.base.errors import RefusedError, UsageError
from kfp_gitops.checking import limits
from kfp_gitops.compiling import ir, lock
from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.language.manifest import Schedule, Trigger
from kfp_gitops.reconcile import aside, takedown
from kfp_gitops.reconcile.aside import Known
from kfp_gitops.reconcile.records import Absent, Adopts, experiment_name, marked_experiment

DEV = Owner("example-repository", "dev")
ALICE = Owner("example-repository", "dev-as-alice")
UNTIL = datetime(2026, 12, 6, 12, tzinfo=UTC)
WEEKLY = Schedule("weekly", "0 0 3 * * 1", None, True, {}, None, None, 1, False, ())


def test_nothing_starts_a_run_of_an_aside_and_its_names_are_its_own() -> None:
    dev = desired(DEV, "churn", "fraud")
    busy = replace(
        dev.pipelines[0], schedules=(WEEKLY,), triggers=(Trigger("changed", {}, ()),), paused_until=UNTIL,
        adopts=Adopts("Somebody's churn"),
    )  # fmt: skip
    dev = replace(dev, pipelines=(busy, dev.pipelines[1]), absent=(Absent("old"),), disabled=True)
    found = own(dev, "alice", UNTIL)
    assert [one.name for one in found.pipelines] == ["alice-churn", "alice-fraud"]
    assert [one.called for one in found.pipelines] == ["alice-churn", "alice-fraud"]
    assert not any(one.schedules or one.triggers or one.paused_until for one in found.pipelines)
    assert (found.owner, found.absent, found.disabled) == (ALICE, (), False)
    assert found.marks == {"aside": "dev", "over": "2026-12-06T12:00:00Z"}
    assert [one.release for one in found.pipelines] == [one.release for one in dev.pipelines]


def test_the_ir_is_called_as_the_pipeline_for_kfps_cache_goes_by_that_name() -> None:
    dev = desired(DEV, "churn")
    (found,) = own(dev, "alice", UNTIL).pipelines
    documents = ir.documents(str(found.ir))
    assert documents[0]["pipelineInfo"]["name"] == "alice-churn"
    assert found.digest == ir.digest(documents) != dev.pipelines[0].digest
    assert found.version == lock.version_name(found.digest)
    before = ir.documents(str(dev.pipelines[0].ir))
    before[0]["pipelineInfo"]["name"] = "alice-churn"
    assert documents == before


def test_what_is_too_long_for_kfp_is_told_all_at_once_with_what_to_do() -> None:
    fits, long, longer = "a" * 108, "b" * 109, "c" * 125
    dev = desired(DEV, fits, long, longer)
    assert len(experiment_name(f"alice-{fits}", ALICE.environment)) <= limits.EXPERIMENT.maximum
    with pytest.raises(RefusedError) as caught:
        own(dev, "alice", UNTIL)
    first, second = str(caught.value).splitlines()
    assert first.startswith(f"alice-{long}: ") and second.startswith(f"alice-{longer}: ")
    assert "experiment" in first and "a pipeline" in second
    assert all("choose a name that is shorter than 'alice'" in line for line in (first, second))


def test_a_name_that_the_environment_has_itself_is_refused() -> None:
    dev = desired(DEV, "churn", "alice-churn")
    with pytest.raises(RefusedError, match="alice-churn: dev has a pipeline of this name"):
        own(dev, "alice", UNTIL)
    selected = replace(desired(DEV, "churn"), beside=frozenset({"ALICE-churn"}))
    with pytest.raises(RefusedError, match="alice-churn: dev has a pipeline of this name"):
        own(selected, "alice", UNTIL)


@pytest.mark.parametrize(
    "name", ["", "Alice", "a_b", "-a", "a-", "a" * 21, "as", "x-as-y", "as-x", "a\n", "pr-42", "pr-42-x"]
)
def test_what_cannot_be_a_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="--as"):
        aside.owner_of("example-repository", "dev", name)


def test_no_two_environments_and_names_give_one_owner() -> None:
    names = ["a", "b", "pr", "pr-4x", "a-b", "x-y-z", "asa", "a-asb"]
    environments = ["dev", "dev-as-a", "dev-as-a-b", "a-b"]
    found = {(e, n): aside.owner_of("example-repository", e, n) for e in environments for n in names}
    assert len({*found.values()}) == len(found)


def test_an_environment_has_so_many_at_once_and_one_more_is_refused_with_what_to_take_down() -> None:
    kfp, dev = AsideKfp(), desired(DEV, "churn")
    numbers = range(aside.AT_ONCE)
    many = [own(dev, f"n{number}", kfp.now() + timedelta(hours=99 - number)) for number in numbers]
    for one in many:
        takedown.announced(kfp, one)
    takedown.announced(kfp, many[0])  # it is there already
    takedown.announced(kfp, own(desired(Owner(DEV.repository, "test"), "churn"), "alice", UNTIL))
    takedown.announced(kfp, own(desired(Owner("another-one", "dev"), "churn"), "alice", UNTIL))
    before = kfp.marked()
    with pytest.raises(RefusedError) as refused:
        takedown.announced(kfp, own(dev, "alice", UNTIL))
    assert kfp.marked() == before
    head, *commands = str(refused.value).splitlines()
    assert head.startswith("dev-as-alice: 50 copies of dev are there, and no more than 50 may be at once")
    assert [line.split("  #")[0].strip() for line in commands] == [
        f"python scripts/reconcile.py down --env dev --as n{number}" for number in (49, 48, 47)
    ]


def test_a_preview_that_is_to_make_room_is_named_by_its_number() -> None:
    there = [Known(Owner("r", f"pr-{n}"), "preview", None) for n in range(1, 1 + aside.AT_ONCE)]
    with pytest.raises(RefusedError, match=r"\n  python scripts/preview.py down --pr 1  # without an end\n"):
        aside.refuse_more(Owner("r", "pr-99"), "preview", there)


@pytest.mark.parametrize("until", [UNTIL, None])
def test_the_marks_fit_into_what_kfp_keeps(until: datetime | None) -> None:
    of = Owner("r" * 40, f"{'e' * 32}-as-{'n' * 20}")
    note = own(replace(desired(Owner("r" * 40, "e" * 32), "p"), namespace=""), "n" * 20, until)
    text = marked_experiment(of, "p" * 80, **note.marks)
    assert len(text) <= limits.EXPERIMENT_DESCRIPTION.maximum
    assert ownership.owner(text) == of
    assert ownership.facts(text)["aside"] == "e" * 32
    kfp = AsideKfp()
    assert note.aside
    takedown.announced(kfp, replace(note, aside=replace(note.aside, by="b" * 40)))  # type: ignore[arg-type]  # a fake
    (said,) = kfp.marked()
    assert said.owner == note.owner and aside.is_note(said)


def test_each_apply_puts_the_end_off_and_a_killed_one_loses_none() -> None:
    kfp = AsideKfp()
    dev = desired(DEV, "churn")
    takedown.announced(kfp, own(dev, "alice", kfp.now() + timedelta(days=1)))
    later = kfp.now() + timedelta(days=7)
    takedown.announced(kfp, own(dev, "alice", later))
    (known,) = aside.known(kfp.marked())
    assert (known.owner, known.of, known.over, known.by) == (ALICE, "dev", later, "alice")
    assert len(kfp.marked()) == 1
    sooner = kfp.now() + timedelta(hours=1)
    takedown.announced(kfp, own(dev, "alice", sooner))
    assert aside.known(kfp.marked())[0].over == sooner
    assert takedown.over(kfp, "example-repository", sooner - timedelta(seconds=1)) == []
    assert [one.owner for one in takedown.over(kfp, "example-repository", sooner)] == [ALICE]
    assert takedown.over(kfp, "another-repository", sooner) == []


@pytest.mark.parametrize("call", [1, 2, 3, 4])
def test_of_two_who_note_an_end_at_once_neither_deletes_the_others(call: int) -> None:
    kfp = AsideKfp()
    dev = desired(DEV, "churn")
    takedown.announced(kfp, own(dev, "alice", kfp.now() + timedelta(days=1)))
    later = kfp.now() + timedelta(days=7)
    kfp.meanwhile = call, lambda: takedown.announced(kfp, own(dev, "alice", later + timedelta(days=1)))
    takedown.announced(kfp, own(dev, "alice", later))
    kfp.meanwhile = None
    (known,) = aside.known(kfp.marked())
    assert known.over is not None and known.over >= later
    takedown.announced(kfp, own(dev, "alice", later))
    assert len(kfp.marked()) == 1


def test_an_environment_whose_name_is_like_an_asides_is_not_taken_down() -> None:
    """What says of itself only whose it is, and not that it is an aside's, stays."""
    kfp = AsideKfp()
    text = ownership.describe(ALICE)
    pipeline = kfp.create_pipeline("churn", text)
    kfp.upload_version(pipeline.id, "v", "ir", text)
    kfp.create_experiment("churn-dev-as-alice", text)
    assert takedown.taken_down(kfp, ALICE) == takedown.TakenDown()
    assert kfp.of(ALICE) == ["churn", "churn-dev-as-alice", "v"]


@pytest.mark.parametrize("said", ["dev", "stage", "prod"])
def test_an_environment_of_which_somebody_wrote_that_it_is_an_aside_is_not_taken_down(said: str) -> None:
    """Who may make an experiment may write anything into it; the garbage collection of a pass reads that."""
    kfp = AsideKfp()
    text = ownership.describe(DEV)
    pipeline = kfp.create_pipeline("churn", text)
    version = kfp.upload_version(pipeline.id, "v", "ir", text)
    experiment = kfp.create_experiment("churn-dev", text)
    kfp.create_experiment("kfp-gitops-paused-dev", text)
    kfp.create_schedule(
        name="churn-weekly", description=text, pipeline_id=pipeline.id, version_id=version.id,
        experiment_id=experiment.id, schedule=WEEKLY,
    )  # fmt: skip
    before = kfp.all_but([])
    forged = ownership.describe(DEV, aside=said, over="2020-01-01T00:00:00Z")
    mine = kfp.create_experiment("mine", forged)
    assert takedown.over(kfp, "example-repository", kfp.now()) == []
    assert takedown.taken_down(kfp, DEV, ended=kfp.now()) == takedown.TakenDown()
    kfp.delete_experiment(mine.id)
    assert kfp.all_but([]) == before


def test_what_is_renewed_after_it_was_listed_as_over_stays() -> None:
    kfp = AsideKfp()
    dev = desired(DEV, "churn")
    takedown.announced(kfp, own(dev, "alice", kfp.now()))
    (known,) = takedown.over(kfp, "example-repository", kfp.now())
    takedown.announced(kfp, own(dev, "alice", kfp.now() + timedelta(days=7)))
    assert takedown.taken_down(kfp, known.owner, ended=kfp.now()) == takedown.TakenDown(renewed=True)
    assert len(kfp.of(ALICE)) == 1
    assert not takedown.taken_down(kfp, known.owner).left
    assert kfp.of(ALICE) == []
