"""Experiments."""

from __future__ import annotations

import pytest
from kfp_gitops.devserver import Features
from kfp_server_api import ApiException, V2beta1Experiment


def test_default_exists(client):
    assert client.get_experiment(experiment_name="Default").storage_state == "AVAILABLE"


def test_create_get_list_delete(client):
    made = client.create_experiment("night", description="d")
    assert client.get_experiment(made.experiment_id).description == "d"
    assert client.create_experiment("night").experiment_id == made.experiment_id
    assert client.list_experiments(sort_by="name").total_size == 2
    client.delete_experiment(made.experiment_id)
    with pytest.raises(ApiException) as error:
        client.get_experiment(made.experiment_id)
    assert error.value.status == 404


@pytest.mark.parametrize(
    ("name", "status"),
    [("Default", 409), ("default ", 409), ("", 500), ("e" * 127, 200), ("é" * 64, 500), ("e" * 128, 500)],
)
def test_rules_of_names(raw, name, status):
    assert raw.send("POST", "api:/experiments", {"display_name": name})[0] == status


def test_archive_takes_runs_along_and_disables_schedules(world):
    run, schedule = world.run(), world.schedule()
    world.client.archive_experiment(world.experiment)
    assert world.client.get_run(run).storage_state == "ARCHIVED"
    assert world.client.get_recurring_run(schedule).status == "DISABLED"
    with pytest.raises(ApiException) as error:
        world.client.unarchive_run(run)
    assert error.value.status == 400
    world.client.unarchive_experiment(world.experiment)
    assert world.client.get_recurring_run(schedule).status == "DISABLED"
    assert world.client.get_run(run).storage_state == "ARCHIVED"
    world.client.unarchive_run(run)
    assert world.client.get_run(run).storage_state == "AVAILABLE"


def test_several_users_need_a_namespace(make_world):
    client = make_world(features=Features(multi_user=True)).client
    for namespace in ("a", "b"):
        client.create_experiment("same", namespace=namespace)
    with pytest.raises(ApiException) as error:
        client.experiments.experiment_service_create_experiment(V2beta1Experiment(display_name="x"))
    assert error.value.status == 400
    assert client.list_experiments(namespace="a").total_size == 1
