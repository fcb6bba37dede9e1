"""Who may do what: as a multi-user KFP decides it, with the official client asking."""

from __future__ import annotations

import kfp_server_api
import pytest
from kfp_gitops.devserver import Rights


def _status(call) -> int:
    with pytest.raises(kfp_server_api.ApiException) as caught:
        call()
    return caught.value.status


@pytest.fixture
def guarded(make_world):
    """A world that was made while everybody was let in."""
    rights = Rights()
    world = make_world(rights=rights)
    return world, rights


def test_without_tokens_everybody_may_do_everything(world):
    assert world.client.list_pipelines().total_size == 1


def test_an_unknown_token_is_401_and_an_upload_400(guarded, package):
    world, rights = guarded
    rights.set(tokens={"good"})
    assert _status(world.client.list_pipelines) == 401
    assert _status(lambda: world.upload_version("second")) == 400
    assert world.client.get_kfp_healthz().multi_user is False  # nobody is asked for that


def test_a_token_that_expires_is_refused_from_then_on(guarded):
    world, rights = guarded
    world.client._existing_config.api_key = {"authorization": "one"}
    world.client._existing_config.api_key_prefix = {"authorization": "Bearer"}
    rights.set(tokens={"one"})
    assert world.client.list_pipelines().total_size == 1
    rights.set(tokens={"two"})
    assert _status(world.client.list_pipelines) == 401


@pytest.mark.parametrize(
    ("right", "call"),
    [
        (("list", "pipelines"), lambda w: w.client.list_pipelines()),
        (("get", "pipelines"), lambda w: w.client.get_pipeline(w.pipeline)),
        (("list", "pipelines"), lambda w: w.client.list_pipeline_versions(w.pipeline)),
        (("create", "jobs"), lambda w: w.schedule()),
        (("enable", "jobs"), lambda w: w.client.enable_recurring_run("x")),
        (("list", "jobs"), lambda w: w.client.list_recurring_runs()),
        (("delete", "runs"), lambda w: w.client.delete_run("x")),
        (("create", "experiments"), lambda w: w.client.create_experiment("new")),
    ],
)  # fmt: skip
def test_a_missing_right_is_403(guarded, right, call):
    world, rights = guarded
    world.client._existing_config.api_key = {"authorization": "Bearer one"}
    rights.set(tokens={"one"}, denied={right})
    assert _status(lambda: call(world)) == 403
