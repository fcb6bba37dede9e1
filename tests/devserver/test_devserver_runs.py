"""Runs: created, executed by a program, bounded, stopped, shown."""

from __future__ import annotations

import json
import time

import pytest
from devserver_irs import PLATFORM, Raw, ir
from kfp_server_api import ApiException


def wait_for(path):
    for _ in range(1000):
        if path.exists():
            return
        time.sleep(0.01)
    raise TimeoutError(path)


def states(run):
    return [entry.state for entry in run.state_history]


def test_a_run_succeeds_and_its_details_are_argos_nodes(world):
    key = world.run()
    world.server.wait_idle()
    world.client.get_run(key)
    run = world.client.get_run(key)
    assert (run.state, states(run)) == ("SUCCEEDED", ["PENDING", "RUNNING", "SUCCEEDED"])
    nodes = {task.display_name: task for task in run.run_details.task_details}
    (workflow,) = [name for name in nodes if name.startswith("churn-") and not name.endswith("(0)")]
    tried = {"root-driver", "root", "d1-driver", "d1", "t1-driver", "t1", "executor", workflow}
    assert set(nodes) == tried | {f"{name}(0)" for name in tried}
    assert {node.state for node in nodes.values()} == {"SUCCEEDED"}
    assert all(node.parent_task_id is None and node.pod_name is None for node in nodes.values())
    assert all(child.task_id is None for node in nodes.values() for child in node.child_tasks or [])
    assert all(node.start_time and node.end_time for node in nodes.values())


def test_the_order_of_details_says_nothing(world):
    orders = set()
    for _ in range(3):
        key = world.run()
        world.server.wait_idle()
        found = world.client.get_run(key).run_details.task_details
        orders.add(tuple(task.display_name.split("-")[0] for task in found))
    assert len(orders) > 1


def test_tasks_are_told_a_moment_behind_the_run(world):
    key = world.run()
    world.server.wait_idle()
    first, second = (Raw(world.server.url).send("GET", f"api:/runs/{key}")[1] for _ in range(2))
    assert first["state"] == second["state"] == "SUCCEEDED"
    told = [{task["state"] for task in run["run_details"]["task_details"]} for run in (first, second)]
    assert told == [{"SUCCEEDED", "RUNNING"}, {"SUCCEEDED"}]
    running = [task for task in first["run_details"]["task_details"] if task["state"] == "RUNNING"]
    assert {task["end_time"] for task in running} == {"0001-01-01T00:00:00Z"}


def test_the_executor_gets_the_ir_the_parameters_and_the_python_path(make_world, tmp_path):
    world = make_world(python_path=[tmp_path])
    key = world.run()
    world.server.wait_idle()
    folder = world.run_dir(key)
    assert json.loads((folder / "parameters.json").read_text()) == {"behave": "succeed"}
    assert "imagePullPolicy: Always" in (folder / "ir.yaml").read_text().split("---")[1]


@pytest.mark.parametrize("behave", ["succeed", "fail"])
def test_a_run_that_ended_has_the_fields_of_a_real_one(world, raw, behave):
    """Seen on KFP 2.17.0: of one that was scheduled the server knows by its workflow alone, and so knows less."""
    by_hand = world.run(behave)
    schedule = world.schedule(params={"behave": behave})
    world.server.clock.advance(minutes=1)
    world.server.tick()
    world.server.wait_idle()
    found = {run["run_id"]: run for run in raw.send("GET", "api:/runs")[1]["runs"]}
    one = found.pop(by_hand)
    [scheduled] = found.values()
    fields = {"created_at", "display_name", "experiment_id", "finished_at", "pipeline_version_reference", "run_id",
              "runtime_config", "scheduled_at", "state", "state_history", "storage_state"}  # fmt: skip
    end = "SUCCEEDED" if behave == "succeed" else "FAILED"
    assert set(one) == fields | {"service_account"}
    assert [entry["state"] for entry in one["state_history"]] == ["PENDING", "RUNNING", end]
    assert set(scheduled) == fields | {"recurring_run_id"}
    assert [entry["state"] for entry in scheduled["state_history"]] == ["RUNNING", end]
    assert scheduled["recurring_run_id"] == schedule


def test_a_failed_run_does_not_say_why(world):
    """As on the real server: `error` is set neither of the run nor of a task; the pod's log alone tells."""
    key = world.run("fail")
    world.server.wait_idle()
    run = world.client.get_run(key)
    assert (run.state, run.error, run.state_history[-1].error) == ("FAILED", None, None)
    assert [t.error for t in run.run_details.task_details if t.error] == []
    later = world.client.get_run(key)  # the tasks are told a moment behind the run
    assert "FAILED" in {t.state for t in later.run_details.task_details}


def test_what_this_machine_is_to_blame_for_is_said_by_the_run(world):
    key = world.run("refuse")
    world.server.wait_idle()
    run = world.client.get_run(key)
    error = "refused: the IR is not for me"
    assert (run.state, run.error.message, run.state_history[-1].error.message) == ("FAILED", error, error)


def test_an_executor_that_does_not_start_fails_the_run(make_world):
    world = make_world(executor=("/nowhere/python",))
    key = world.run()
    assert "did not start" in world.client.get_run(key).error.message


@pytest.mark.parametrize("behave", ["hang", "stubborn"])
def test_terminate_asks_and_then_insists(world, behave):
    key = world.run(behave)
    wait_for(world.run_dir(key) / "ready")
    world.client.terminate_run(key)
    world.server.wait_idle()
    run = world.client.get_run(key)
    assert (run.state, states(run)) == ("FAILED", ["PENDING", "RUNNING", "CANCELING", "FAILED"])
    with pytest.raises(ApiException) as error:
        world.client.terminate_run(key)
    assert error.value.status == 400


def test_two_execute_and_the_others_wait_their_turn(world):
    keys = [world.run("hang") for _ in range(4)]
    assert [world.client.get_run(k).state for k in keys] == ["RUNNING", "RUNNING", "PENDING", "PENDING"]
    world.client.terminate_run(keys[2])
    assert world.client.get_run(keys[2]).state == "CANCELING"
    world.server.tick()
    assert world.client.get_run(keys[2]).state == "FAILED"
    world.client.terminate_run(keys[0])
    wait_for(world.run_dir(keys[3]) / "ready")
    assert world.client.get_run(keys[3]).state == "RUNNING"


def test_inline_specs_in_both_shapes(world):
    run = world.client.create_run_from_pipeline_package(
        str(world.package), arguments={"n": 5}, run_name="inline"
    )
    world.server.wait_idle()
    found = world.client.get_run(run.run_id)
    assert (found.state, found.pipeline_spec) == (
        "SUCCEEDED",
        {"pipeline_spec": ir(), "platform_spec": PLATFORM},
    )


def test_a_run_of_the_latest_version_records_which(world):
    _, made = Raw(world.server.url).send(
        "POST",
        "api:/runs",
        {"display_name": "r", "pipeline_version_reference": {"pipeline_id": world.pipeline}},
    )
    assert made["pipeline_version_reference"]["pipeline_version_id"] == world.version


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 200),
        ({"display_name": ""}, 500),
        ({"display_name": "r" * 256}, 500),
        ({"experiment_id": "unknown"}, 404),
        ({"pipeline_version_reference": {"pipeline_id": "{id}", "pipeline_version_id": "unknown"}}, 500),
        ({"pipeline_version_reference": {}}, 500),
        ({"runtime_config": {"parameters": {"unknown": 1}}}, 400),
        ({"runtime_config": {"parameters": {"n": 2.5}}}, 200),
        ({"run_details": 3, "colour": 1}, 400),
        ({"pipeline_spec": "text"}, 400),
    ],
)
def test_rules_of_creation(make_world, changes, status):
    world = make_world(parallel=0)
    reference = {"pipeline_id": world.pipeline, "pipeline_version_id": world.version}
    body = {"display_name": "r", "pipeline_version_reference": reference, **changes}
    body = json.loads(json.dumps(body).replace("{id}", world.pipeline))
    assert Raw(world.server.url).send("POST", "api:/runs", body)[0] == status


def test_lists_are_filtered_by_state_name_experiment_and_storage(make_world, clock):
    world = make_world(parallel=0)
    keys = [world.run() for _ in range(3)]
    world.client.terminate_run(keys[0])
    world.client.archive_run(keys[1])

    def found(key: str, value: str) -> list[str]:
        predicate = {"key": key, "operation": 1, "stringValue": value}
        runs = world.client.list_runs(filter=json.dumps({"predicates": [predicate]})).runs
        return [run.run_id for run in runs or []]

    assert found("state", "CANCELING") == [keys[0]]
    assert found("storage_state", "ARCHIVED") == [keys[1]]
    assert len(found("display_name", "by hand")) == 3
    assert len(found("experiment_id", world.experiment)) == 3
    with pytest.raises(ApiException) as error:
        world.client.list_runs(experiment_id="other")
    assert error.value.status == 404
    assert world.client.get_experiment(world.experiment).last_run_created_at == clock.now().replace(
        microsecond=0
    )


def test_delete_removes_a_run_and_its_files_also_while_it_executes(world):
    done, under_way = world.run(), world.run("hang")
    wait_for(world.run_dir(under_way) / "ready")
    for key in (done, under_way):
        world.client.delete_run(key)
    world.server.wait_idle()
    assert not world.run_dir(done).exists()
    assert not world.run_dir(under_way).exists()
    assert world.client.list_runs().runs is None


def test_half_written_and_strange_events_are_passed_over(world):
    key = world.run()
    world.server.wait_idle()
    with (world.run_dir(key) / "events.jsonl").open("a") as file:
        file.write('[1]\n{"event":"task"}\nnonsense\n{"event":"task","task_id":"x","sta')
    world.client.get_run(key)
    assert {t.state for t in world.client.get_run(key).run_details.task_details} == {"SUCCEEDED"}
