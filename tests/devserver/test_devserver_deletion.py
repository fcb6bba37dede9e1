"""Recurring runs that are deleted or never stored, and what becomes of their runs."""

from __future__ import annotations

import pytest
from devserver_irs import Raw
from kfp_gitops.devserver import Fault, Features, Trouble
from kfp_server_api import ApiException


@pytest.mark.parametrize(
    ("policy", "orphan", "fate"),
    [
        (None, True, "killed"),
        ("FOREGROUND", True, "killed"),
        ("BACKGROUND", True, "killed"),
        ("ORPHAN", True, "goes on"),
        ("ORPHAN", False, "killed"),
    ],
)
def test_deleting_a_schedule_takes_its_runs_unless_orphaned(make_world, policy, orphan, fate):
    """KFP never hears how they end: they are RUNNING for ever, which no list tells from those that are."""
    world = make_world(features=Features(orphan=orphan), parallel=1)
    key = world.schedule(params={"behave": "hang"})
    world.server.clock.advance(minutes=1)
    world.server.tick()
    other = world.run()
    options = {"propagation_policy": policy} if policy else {}
    world.client.recurring_runs.recurring_run_service_delete_recurring_run(key, **options)
    [run] = [r for r in world.client.list_runs().runs if r.recurring_run_id == key]
    if fate == "killed":
        world.server.wait_idle()
    assert world.client.get_run(run.run_id).state == "RUNNING"
    assert world.client.get_run(other).state == ("SUCCEEDED" if fate == "killed" else "PENDING")
    with pytest.raises(ApiException) as error:
        world.client.get_recurring_run(key)
    assert error.value.status == 404
    world.server.close()
    again = world.server.start()
    after = Raw(again.url).send("GET", f"api:/runs/{run.run_id}")[1]["state"]
    assert after == ("RUNNING" if fate == "killed" else "FAILED")


def test_an_unknown_policy_deletes_nothing(world):
    key = world.schedule()
    path = f"api:/recurringruns/{key}?propagation_policy=ORPHANS"
    assert Raw(world.server.url).send("DELETE", path)[0] == 400
    assert world.client.get_recurring_run(key).status == "ENABLED"


def test_what_kfp_made_and_could_not_store_fires_and_no_list_shows_it(make_world):
    """resource_manager.go CreateJob and CreateRun make the object in Kubernetes before its row."""
    world = make_world(parallel=0)
    world.server.faults.add(Fault("POST", "/(recurringruns|runs)$", Trouble.HIDDEN, nth=0))
    with pytest.raises(ApiException, match="Failed to store") as refused:
        world.schedule()
    assert refused.value.status == 500
    with pytest.raises(ApiException, match="Failed to store"):
        world.run()
    assert not world.client.list_recurring_runs(experiment_id=world.experiment).recurring_runs
    assert not world.client.list_recurring_runs().recurring_runs
    world.server.clock.advance(minutes=1)
    world.server.tick()
    assert not world.client.list_runs().runs
    rows = world.server._store.runs.where("1 = 1")
    assert [bool(row.recurring_run_id) for row in rows] == [False, True]
