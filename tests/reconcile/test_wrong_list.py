"""One list that is wrong once, empty or late: never are two recurring runs on, and nothing that ran is run again."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from fake_calls import WrongList
from fake_kfp import FakeKfp, Told
from kfp_gitops.language.manifest import Trigger
from kfp_gitops.reconcile import unclear
from swap_kit import EVERY_5_MINUTES, OWNER, firings, reconciled, releasing

LISTS = range(1, 16)
"""More than an apply of one pipeline asks for."""


class Watched(FakeKfp):
    """Looks after each call that never two are on."""

    def __init__(self, latency: int = 0) -> None:
        super().__init__(latency)
        self.most = 0
        self.watch = self._count

    def _count(self) -> None:
        on = Counter(item.record.name for item in self.recurring.values() if item.record.enabled)
        self.most = max([self.most, *on.values()])


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("number", LISTS)
@pytest.mark.parametrize("version", ["sha-1", "sha-2"])
def test_never_two_are_on(number: int, late: bool, version: str) -> None:
    """With nothing to do, and in a replacement."""
    kfp, told = Watched(latency=1), Told()
    reconciled(kfp, releasing(), told)
    kfp.advance(130)
    kfp.wrong_list = WrongList(number, late)
    reconciled(kfp, releasing(version=version), told)
    kfp.wrong_list = None
    kfp.advance(600)
    reconciled(kfp, releasing(version=version), told)
    kfp.advance(600)
    assert kfp.most == 1
    fired = firings(kfp)
    assert len(fired) == len(set(fired))
    assert len([item for item in kfp.recurring.values() if item.record.name == "p-main"]) == 1


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("number", LISTS)
def test_a_release_starts_its_run_once(number: int, late: bool) -> None:
    """Killed after the run was started and before a schedule says so."""
    kfp, told = Watched(), Told()
    wanted = releasing(replace(EVERY_5_MINUTES, enabled=False), triggers=(Trigger("changed", {}, ()),))
    reconciled(kfp, wanted, told)
    kfp.recurring.clear()  # somebody deleted it, and with it what says that the triggers are done
    kfp.wrong_list = WrongList(number, late)
    reconciled(kfp, wanted, told)
    kfp.wrong_list = None
    reconciled(kfp, wanted, told)
    assert len([run for run, _ in kfp.runs.values() if run.name.startswith("p-changed-")]) == 1


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("number", LISTS)
def test_what_made_up_for_a_firing_is_not_started_again(number: int, late: bool) -> None:
    kfp, told = Watched(), Told()
    wanted = releasing(replace(EVERY_5_MINUTES, on_missed="run"))
    reconciled(kfp, wanted, told)
    (only,) = kfp.recurring.values()
    kfp.set_enabled(only.record.id, enabled=False)
    kfp.advance(700)
    reconciled(kfp, wanted, told)
    (only,) = kfp.recurring.values()
    kfp.set_enabled(only.record.id, enabled=False)
    kfp.wrong_list = WrongList(number, late)
    reconciled(kfp, wanted, told)
    kfp.wrong_list = None
    reconciled(kfp, wanted, told)
    kfp.advance(900)
    names = Counter(run.name for run, _ in kfp.runs.values() if "-missed-" in run.name)
    assert set(names.values()) == {1}, names
    assert kfp.most == 1


@pytest.mark.parametrize("number", LISTS)
def test_a_run_that_may_have_run_is_not_started_again(number: int) -> None:
    kfp, told = Watched(), Told()
    wanted = releasing(triggers=(Trigger("changed", {}, ()),))
    reconciled(kfp, replace(wanted, pipelines=(replace(wanted.pipelines[0], schedules=()),)), told)
    (run,) = [run for run, _ in kfp.runs.values()]
    unclear.note(kfp, OWNER, run.name)
    kfp.runs.clear()
    kfp.wrong_list = WrongList(number, late=False)
    reconciled(kfp, wanted, told)
    assert not [made for made, _ in kfp.runs.values() if made.name == run.name]


@pytest.mark.parametrize("number", LISTS)
def test_a_version_that_somebody_pins_is_not_deleted(number: int) -> None:
    """A recurring run whose version is gone keeps the API server from compiling any anew."""
    kfp, told = Watched(), Told()
    reconciled(kfp, replace(releasing(), keep_versions=0), told)
    pipeline = kfp.pipeline("p")
    assert pipeline
    pinned = pipeline.versions["sha-1"]
    kfp.create_schedule(
        name="by-hand", description="", pipeline_id=pipeline.id, version_id=pinned.id, experiment_id="e",
        schedule=EVERY_5_MINUTES,
    )  # fmt: skip
    reconciled(kfp, replace(releasing(version="sha-2"), keep_versions=0), told)
    kfp.wrong_list = WrongList(number, late=False)
    reconciled(kfp, replace(releasing(version="sha-3"), keep_versions=0), told)
    kfp.wrong_list = None
    found = kfp.pipeline("p")
    assert found
    assert "sha-1" in found.versions
