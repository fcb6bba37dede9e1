"""A server that was upgraded: its schedules are told of, and refreshed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from clocked_kit import (
    EVERY_5_MINUTES,
    FAKE,
    IR,
    api_of,
    desired_of,
    firings_of,
    notes_on,
    options_for,
    pass_time,
    pipeline_of,
    reconciled,
    seen_on,
)
from kfp_gitops.devserver import DevServer, Faults, Features, ManualClock
from kfp_gitops.reconcile.observe import observe
from kfp_gitops.reconcile.plan import plan


def test_after_an_upgrade_of_the_server_its_schedules_are_told_of_and_refreshed_without_losing_a_firing(
    tmp_path: Path, clock: ManualClock
) -> None:
    """kubeflow/pipelines #13933: a recurring run starts the launcher of the KFP that compiled it."""
    data = tmp_path / "server"

    def served(version: str) -> DevServer:
        return DevServer(
            data, executor=FAKE, grace=0.3, faults=Faults(), clock=clock, features=Features(version=version)
        )

    with served("2.16.0") as old:
        assert not reconciled(old, desired_of(old, pipeline_of()), options=options_for(old)).failed
        pass_time(old, clock, 600)
        assert not notes_on(old)
        old.wait_idle()
    with served("2.17.0") as new:
        assert not notes_on(new)  # the server compiled it anew when it started
        refresh = replace(options_for(new), refresh_stale=True)
        assert not plan(
            desired_of(new, pipeline_of()),
            observe(api_of(new), desired_of(new, pipeline_of()), refresh),
            refresh,
        ).to_do
        _pin_what_is_gone(new)
    with served("2.17.0") as new:
        (note,) = notes_on(new)
        assert "compiled by KFP 2.16.0, and 2.17.0 could not compile it anew" in note
        assert "by-hand pins a version that is deleted" in note and "--refresh-stale" in note
        assert not plan(
            desired_of(new, pipeline_of()), seen_on(new), options_for(new)
        ).to_do  # unasked it is only told
        refresh = replace(options_for(new), refresh_stale=True)
        assert not reconciled(new, desired_of(new, pipeline_of()), options=refresh).failed
        pass_time(new, clock, 900)
        assert not notes_on(new)
        assert not plan(desired_of(new, pipeline_of()), seen_on(new), refresh).differences
        fired = firings_of(new)
        assert {after - before for before, after in pairwise(fired)} == {timedelta(minutes=5)}


def _pin_what_is_gone(server: DevServer) -> None:
    """Somebody's recurring run, whose version is deleted: ReconcileSwfCrs gives up at it."""
    api = api_of(server)
    made = api.create_pipeline("theirs", "")
    version = api.upload_version(made.id, "v", IR.format(text="v"), "")
    experiment = api.create_experiment("theirs", "")
    api.create_schedule(
        name="by-hand", description="", pipeline_id=made.id, version_id=version.id, experiment_id=experiment.id,
        schedule=EVERY_5_MINUTES,
    )  # fmt: skip
    api.delete_version(made.id, version.id)
