"""A trigger owes one run to each release, whatever happens to the apply that starts it."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

from fake_calls import Interruption, KilledError
from fake_controller import instant
from fake_kfp import FakeKfp, Told
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.language.manifest import AfterRun, OnData, Trigger, reader
from kfp_gitops.reconcile import held_triggers
from kfp_gitops.reconcile.observe import observe
from kfp_gitops.reconcile.plan import plan
from kfp_gitops.reconcile.records import Desired, DesiredPipeline, Options
from swap_kit import reconciled, releasing


def test_a_trigger_is_started_once_even_when_killed_after_it_was_heard() -> None:
    triggered = releasing(triggers=(Trigger("changed", {"n": 1}, ()),))
    for call, after in product(range(1, 14), (False, True)):
        kfp, told = FakeKfp(), Told()
        kfp.interruption = Interruption(call, after, kill=True)
        with contextlib.suppress(KilledError):
            reconciled(kfp, triggered, told)
        kfp.interruption = None
        reconciled(kfp, triggered, told)
        reconciled(kfp, triggered, told)
        assert [run.name for run, _ in kfp.runs.values()] == ["p-changed-a"], (call, after)


def test_only_triggers_on_change_that_are_on_owe_a_run_to_a_release() -> None:
    others = (
        Trigger("after", {}, (), AfterRun("q")),
        Trigger("data", {}, (), OnData("s3://lake/a", "etag")),
        Trigger("off", {}, (), enabled=False),
    )
    triggered = releasing(triggers=(*others, Trigger("changed", {}, ())))
    kfp, told = FakeKfp(), Told()
    reconciled(kfp, triggered, told)
    assert [run.name for run, _ in kfp.runs.values()] == ["p-changed-a"]
    found = kfp.pipeline("p")
    assert found is not None
    (version,) = found.versions.values()
    assert version.facts["runs"] == "changed"
    on = releasing(triggers=tuple(replace(one, enabled=True) for one in triggered.pipelines[0].triggers))
    reconciled(kfp, on, told)
    assert len(kfp.runs) == 1, "nothing is owed later"


def test_a_trigger_whose_run_was_deleted_is_not_started_again() -> None:
    triggered = releasing(triggers=(Trigger("changed", {}, ()),))
    kfp, told = FakeKfp(), Told()
    reconciled(kfp, triggered, told)
    assert [run.name for run, _ in kfp.runs.values()] == ["p-changed-a"]
    kfp.runs.clear()
    assert not plan(triggered, observe(kfp, triggered)).to_do
    reconciled(kfp, triggered, told)
    assert not kfp.runs


def test_a_pause_between_a_release_and_its_trigger_puts_it_off() -> None:
    triggered = releasing(triggers=(Trigger("changed", {}, ()),))
    kfp, told = FakeKfp(), Told()
    kfp.interruption = Interruption(5, after=True, kill=True)
    with contextlib.suppress(KilledError):
        reconciled(kfp, triggered, told)
    assert not kfp.runs
    assert kfp.uploads
    reconciled(kfp, releasing(triggers=triggered.pipelines[0].triggers, paused_until=instant(4000)), told)
    assert len(kfp.recurring) == 1
    assert not kfp.runs
    reconciled(kfp, triggered, told)
    assert [run.name for run, _ in kfp.runs.values()] == ["p-changed-a"]


def test_without_triggers_a_release_starts_nothing_then_or_later() -> None:
    triggered = releasing(triggers=(Trigger("changed", {}, ()),))
    kfp, told = FakeKfp(), Told()
    reconciled(kfp, triggered, told, options=Options(triggers=False))
    reconciled(kfp, triggered, told)
    assert not kfp.runs


def test_a_plan_says_which_triggers_a_pause_holds_back_and_what_becomes_of_what_they_wait_for() -> None:
    now = datetime(2026, 11, 29, 9, 30, tzinfo=UTC)
    until = now + timedelta(hours=8)

    def paused(name: str, until: datetime | None, **more: object) -> DesiredPipeline:
        on = {"name": "after", "runOn": {"pipeline": "train"}, **more}
        its = reader.triggers({"triggers": [on, {"name": "new", "runOn": "change"}]})
        return DesiredPipeline(name, "", "sha256:1", "sha-1", "sha256:2", "", (), its, until)

    pipelines = (
        paused("a", until), paused("b", None), paused("c", until, enabled=False), paused("d", until, onMissed="run"),
        paused("e", datetime(9999, 12, 31, tzinfo=UTC)),
    )  # fmt: skip
    desired = Desired(Owner("r", "dev"), "http://kfp", "", pipelines)
    assert [*held_triggers.told(desired, now)] == [
        "paused, so triggers start nothing: a-after until 2026-11-29T17:30:00Z, e-after; what they wait for meanwhile "
        "is missed, and status tells it",
        "paused, so triggers start nothing: d-after until 2026-11-29T17:30:00Z; when it is over one run of each makes "
        "up for what they missed",
    ]
    assert [*held_triggers.told(replace(desired, disabled=True), now)] == [
        "turned off, so triggers start nothing: a-after, b-after, e-after; what they wait for meanwhile is missed, and "
        "status tells it",
        "turned off, so triggers start nothing: d-after; when it is on again one run of each makes up for what they "
        "missed",
    ]
