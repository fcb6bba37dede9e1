"""What KFP did not clearly answer is noted, told, and never done twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from fake_calls import Interruption
from fake_kfp import FakeKfp, Told
from kfp_gitops.base.errors import UnclearError
from kfp_gitops.language.manifest import Trigger
from kfp_gitops.operate.status import build
from kfp_gitops.reconcile.observe import observe
from kfp_gitops.reconcile.plan import plan
from kfp_gitops.reconcile.records import Desired
from swap_kit import DESIRED, EVERY_5_MINUTES, PIPELINE, firings, firings_due, reconciled, releasing


def test_a_run_that_is_unclear_once_more_after_it_was_settled_is_noted_once_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its note is there already, archived: KFP answers 409, and that alone stands for nothing."""
    triggered = replace(
        DESIRED, pipelines=(replace(PIPELINE, schedules=(), triggers=(Trigger("changed", {}, ()),)),)
    )
    kfp, told, sent = FakeKfp(), Told(), []

    def create_run(*, name: str, **_: object) -> str:
        sent.append(name)
        raise UnclearError("500")

    monkeypatch.setattr(kfp, "create_run", create_run)
    assert reconciled(kfp, triggered, told).failed
    (note,) = [found for name, found in kfp._experiments.items() if name.startswith("kfp-gitops-unclear-")]
    kfp.archive_experiment(note.id)
    assert reconciled(kfp, triggered, told).failed
    for _ in range(3):
        assert not reconciled(kfp, triggered, told).failed
    assert sent == ["p-changed-a"] * 2


@pytest.mark.parametrize("happened", [True, False])
def test_a_trigger_that_kfp_answered_with_500_is_never_started_again_until_a_person_settles_it(
    happened: bool,
) -> None:
    triggered = releasing(triggers=(Trigger("changed", {"n": 1}, ()),))
    kfp, told = FakeKfp(), Told()
    kfp.interruption = Interruption(_call_of("create_run", triggered), after=happened, kill=False, hides=True)
    (failed,) = reconciled(kfp, triggered, told).failed
    assert "no apply starts it again" in failed[1]
    for _ in range(3):
        assert not reconciled(kfp, triggered, told).failed
    assert [found.record.enabled for found in kfp.recurring.values()] == [True]  # all else went on
    assert len(kfp.ghost_runs) == happened
    assert not kfp.runs
    seen = observe(kfp, triggered)
    (note,) = [note for note in plan(triggered, seen).notes if "may have run" in note]
    assert "p-changed-a" in note
    status = build.build(triggered, seen, plan(triggered, seen), {})
    assert (status.healthy, status.other_drift) == (False, (note,))


def test_a_noted_run_is_owed_again_once_a_person_has_settled_it() -> None:
    """Without a schedule: one that is on is itself the sign that its version's triggers are done."""
    triggered = replace(
        DESIRED, pipelines=(replace(PIPELINE, schedules=(), triggers=(Trigger("changed", {}, ()),)),)
    )
    kfp, told = FakeKfp(), Told()
    kfp.interruption = Interruption(_call_of("create_run", triggered), after=True, kill=False, hides=True)
    assert reconciled(kfp, triggered, told).failed
    (note,) = [found for name, found in kfp._experiments.items() if name.startswith("kfp-gitops-unclear-")]
    kfp.archive_experiment(note.id)
    assert not reconciled(kfp, triggered, told).failed
    assert [run.name for run, _ in kfp.runs.values()] == ["p-changed-a"]


@pytest.mark.parametrize("happened", [True, False])
def test_a_recurring_run_that_kfp_answered_with_500_never_fires_beside_the_next_one(happened: bool) -> None:
    for desired, before in ((releasing(), None), (releasing(version="sha-2"), releasing())):
        kfp, told = FakeKfp(), Told()
        if before:
            reconciled(kfp, before, told)
        began = kfp.clock
        number = _call_of("create_schedule", desired, before)
        kfp.interruption = Interruption(number, after=happened, kill=False, hides=True)
        assert reconciled(kfp, desired, told).failed
        kfp.advance(700)
        assert not reconciled(kfp, desired, told).failed
        kfp.advance(700)
        assert len(kfp.ghosts) == happened
        assert not kfp.ghost_runs
        assert max(Counter(firings(kfp)).values()) == 1
        if before:  # the old one went on meanwhile
            assert firings(kfp) == list(firings_due(EVERY_5_MINUTES.cron or "", began, kfp.clock))


def _call_of(method: str, desired: Desired, before: Desired | None = None) -> int:
    """The number of the call of an apply that is this one."""
    kfp = FakeKfp()
    if before:
        reconciled(kfp, before, Told())
    calls, real = kfp.calls, getattr(kfp, method)
    found: list[int] = []

    def noted(*args: object, **more: object) -> object:
        found.append(kfp.calls - calls + 1)
        return real(*args, **more)

    setattr(kfp, method, noted)
    reconciled(kfp, desired, Told())
    return found[0]
