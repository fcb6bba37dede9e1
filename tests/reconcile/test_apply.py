"""An apply of a whole environment: what one pipeline, version, experiment or pause means to the others."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fake_calls import Interruption
from fake_controller import instant, seconds
from fake_kfp import FakeKfp, Told
from kfp_gitops.base.errors import RemoteError
from swap_kit import DESIRED, PIPELINE, firings, reconciled, releasing


def test_one_pipelines_failure_does_not_stop_the_others() -> None:
    kfp, told = FakeKfp(), Told()
    both = replace(DESIRED, pipelines=(PIPELINE, replace(PIPELINE, name="q")))
    kfp.interruption = Interruption(6, after=False, kill=False)
    outcome = reconciled(kfp, both, told)
    assert [name for name, _ in outcome.failed] == ["p"]
    assert [found.record.name for found in kfp.recurring.values() if found.record.enabled] == ["q-main"]
    assert not reconciled(kfp, both, told).failed


def test_a_broken_connection_while_looking_changes_nothing() -> None:
    kfp = FakeKfp()
    kfp.interruption = Interruption(1, after=False, kill=False)
    with pytest.raises(RemoteError):
        reconciled(kfp, DESIRED, Told())
    assert not kfp.recurring


def test_versions_beyond_the_newest_few_are_deleted_and_those_in_flight_stay() -> None:
    kfp, told = FakeKfp(lasts=10_000), Told()
    few = replace(DESIRED, keep_versions=1)
    for number in range(1, 6):
        reconciled(kfp, replace(few, pipelines=releasing(version=f"sha-{number}").pipelines), told)
        kfp.advance(310 if number == 1 else 40)
    versions = set(kfp._pipelines["p"].versions)
    assert versions == {"sha-1", "sha-4", "sha-5"}  # sha-1 has a run in flight


def test_an_archived_experiment_is_brought_back_before_its_schedules_are_enabled() -> None:
    kfp, told = FakeKfp(), Told()
    reconciled(kfp, DESIRED, told)
    kfp._archive(kfp._experiments["p-dev"].id, archived=True)
    assert not reconciled(kfp, DESIRED, told).failed
    assert not kfp._experiments["p-dev"].archived


def test_a_pause_ends_by_itself_and_what_it_missed_is_told() -> None:
    kfp, told = FakeKfp(), Told()
    paused = releasing(paused_until=instant(1000))
    reconciled(kfp, DESIRED, told)
    kfp.advance(310)
    reconciled(kfp, paused, told)
    kfp.advance(1000)
    reconciled(kfp, paused, told)
    assert {seconds(moment) for event in told.events for moment in event.missed} == {600, 900, 1200}
    kfp.advance(300)
    assert firings(kfp) == [300, 1500]
