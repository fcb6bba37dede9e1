"""Logs of pods, as run_log_server.go serves them: 200 whatever comes, and what is wrong as JSON behind it."""

from __future__ import annotations

import json
import sys

import pytest
import urllib3
from kfp_gitops.devserver import DevServer, Faults
from kfp_gitops.devserver.argonodes import node_id
from project import PROJECT

FAKE = (sys.executable, "-I", "-S", str(PROJECT / "tests/operate/runs/fake_run.py"))
IR = {
    "pipelineInfo": {"name": "p"}, "schemaVersion": "2.1.0", "sdkVersion": "kfp-2.17.0",
    "root": {
        "dag": {"tasks": {"greet": {"taskInfo": {"name": "greet"}, "componentRef": {"name": "c"},
                                    "retryPolicy": {"maxRetryCount": 1}}}},
        "inputDefinitions": {"parameters": {"name": {"parameterType": "STRING"}}},
    },
    "components": {"c": {"executorLabel": "e"}},
    "deploymentSpec": {"executors": {"e": {"container": {"image": "x:1"}}}},
}  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with DevServer(tmp_path_factory.mktemp("logs"), executor=FAKE, faults=Faults()) as found:
        yield found


@pytest.fixture(scope="module")
def run_id(server):
    body = {"display_name": "r", "pipeline_spec": IR, "runtime_config": {"parameters": {"name": "retry"}}}
    reply = urllib3.request("POST", f"{server.url}/apis/v2beta1/runs", json=body)
    assert reply.status == 200, reply.data
    server.wait_idle()
    return reply.json()["run_id"]


def _log(server, run_id, pod):
    return urllib3.request("GET", f"{server.url}/apis/v1alpha1/runs/{run_id}/nodes/{pod}/log")


def _pods(server, run_id):
    """The pods of the task, by what a client can know: the ids of nodes, and the names of KFP's templates."""
    found = urllib3.request("GET", f"{server.url}/apis/v2beta1/runs/{run_id}").json()
    tasks = found["run_details"]["task_details"]
    ids = {child["pod_name"] for task in tasks for child in task.get("child_tasks", [])}
    workflow = next(iter(ids)).rpartition("-")[0]
    executor = f"{workflow}(0).root(0).greet(0).executor"
    tries = [node_id(workflow, f"{executor}({index})") for index in (0, 1)]
    assert {*tries} <= ids
    return [f"{workflow}-retry-system-container-impl-{one.rpartition('-')[2]}" for one in tries]


def test_each_try_is_a_pod_with_its_own_log(server, run_id):
    replies = [_log(server, run_id, pod) for pod in _pods(server, run_id)]
    assert [reply.data for reply in replies] == [b"the first time\n", b"the second time\n"]
    assert {reply.headers["content-type"] for reply in replies} == {"text/plain; charset=utf-8"}


@pytest.mark.parametrize("pod", ["nobody", "x%2F..%2Fy"])
def test_what_is_wrong_is_json_with_the_status_of_a_success(server, run_id, pod):
    reply = _log(server, run_id, pod)
    if "%2F" in pod:
        assert reply.status == 404  # a slash makes it another path
        return
    assert reply.status == 200
    found = json.loads(reply.data)
    assert found["error_message"].startswith(f"Failed to read logs for run {run_id}: ")
    assert 'pods "nobody" not found' in found["error_message"]
    assert len(found["error_details"]) > 1000


def test_an_unknown_run_is_told_likewise(server):
    reply = _log(server, "unknown", "x")
    assert (reply.status, "Run unknown not found" in json.loads(reply.data)["error_message"]) == (200, True)


def test_a_node_without_its_template_is_no_pod(server, run_id):
    pod = _pods(server, run_id)[0]
    node = f"{pod.partition('-retry-')[0]}-{pod.rpartition('-')[2]}"
    assert b"error_message" in _log(server, run_id, node).data
