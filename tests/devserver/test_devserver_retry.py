"""`POST /runs/{id}:retry`: who may be retried, what becomes of the run, what of it runs again."""

import pytest
from devserver_irs import Raw, connect
from kfp import compiler, dsl
from kfp_gitops.devserver.executor import LOCALRUN
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.runtree import View, of_records

NEVER = "1970-01-01T00:00:00Z"


def retried(world, key: str, behave: str) -> tuple[int, object]:
    """Asked to go on, and to do so from then on."""
    (world.run_dir(key) / "behave").write_text(behave)
    return Raw(world.server.url).send("POST", f"api:/runs/{key}:retry")


def told(server, key: str) -> dict:
    return Raw(server.url).send("GET", f"api:/runs/{key}")[1]


def states(run: dict) -> list[str]:
    return [entry["state"] for entry in run["state_history"]]


def ended(world, behave: str) -> str:
    key = world.run(behave)
    world.server.wait_idle()
    return key


def test_its_end_is_taken_back_until_it_ends_again(world, clock):
    key = ended(world, "fail")
    before = told(world.server, key)
    clock.advance(minutes=5)
    assert retried(world, key, "hang") == (200, {})
    under_way = told(world.server, key)
    assert (under_way["state"], under_way["finished_at"]) == ("RUNNING", NEVER)
    assert states(under_way) == ["PENDING", "RUNNING", "FAILED", "RUNNING"]
    world.client.terminate_run(key)
    world.server.wait_idle()
    assert retried(world, key, "succeed") == (200, {})  # also one that was terminated
    world.server.wait_idle()
    after = told(world.server, key)
    assert states(after) == [*states(under_way), "CANCELING", "FAILED", "RUNNING", "SUCCEEDED"]
    assert after["finished_at"] > before["finished_at"]
    same = ("run_id", "created_at", "scheduled_at", "display_name", "storage_state", "runtime_config")
    assert [after[name] for name in same] == [before[name] for name in same]


def test_once_it_goes_on_it_is_not_failed_any_more(world):
    key = ended(world, "fail")
    retried(world, key, "hang")
    status, body = retried(world, key, "hang")
    assert (status, body["code"]) == (409, 10)
    assert body["details"][0]["message"] == "Workflow must be Failed/Error to retry"


@pytest.mark.parametrize("behave", ["succeed", "hang"])
def test_only_what_failed_is_retried(world, behave):
    key = world.run(behave)
    if behave == "succeed":
        world.server.wait_idle()
    before = told(world.server, key)["state"]
    status, body = Raw(world.server.url).send("POST", f"api:/runs/{key}:retry")
    assert (status, body["code"]) == (409, 10)
    assert told(world.server, key)["state"] == before


def test_of_one_that_is_not_there(world):
    status, body = Raw(world.server.url).send("POST", "api:/runs/nobody:retry")
    assert (status, body["code"]) == (404, 5)
    assert body["message"] == (
        "Failed to retry a run: Failed to retry run nobody due to error fetching the run: "
        "Failed to fetch run nobody: ResourceNotFoundError: Run nobody not found"
    )


def test_an_archived_one_goes_on_and_stays_archived(world):
    key = ended(world, "fail")
    world.client.archive_run(key)
    assert retried(world, key, "succeed")[0] == 200
    world.server.wait_idle()
    run = told(world.server, key)
    assert (run["state"], run["storage_state"]) == ("SUCCEEDED", "ARCHIVED")


def test_its_version_need_not_be_there_any_more_but_its_experiment_must(world):
    gone, alone = ended(world, "fail"), ended(world, "fail")
    world.client.delete_pipeline_version(world.pipeline, world.version)
    assert retried(world, gone, "succeed")[0] == 200
    world.server.wait_idle()
    assert told(world.server, gone)["state"] == "SUCCEEDED"
    world.client.delete_experiment(world.experiment)
    status, body = retried(world, alone, "succeed")
    assert (status, body["code"]) == (404, 5)


def test_one_that_was_terminated_before_it_began_begins(make_world):
    world = make_world(parallel=1)
    first, second = world.run("hang"), world.run()
    world.client.terminate_run(second)
    world.server.tick()
    assert Raw(world.server.url).send("POST", f"api:/runs/{second}:retry") == (200, {})
    world.client.terminate_run(first)
    world.server.wait_idle()
    assert states(told(world.server, second)) == ["PENDING", "CANCELING", "FAILED", "RUNNING", "SUCCEEDED"]


def test_what_this_machine_was_to_blame_for_is_forgotten(world):
    key = ended(world, "fail")
    (world.run_dir(key) / "behave").write_text("refuse")
    Raw(world.server.url).send("POST", f"api:/runs/{key}:retry")
    world.server.wait_idle()
    assert told(world.server, key)["error"]["message"] == "refused: the IR is not for me"
    retried(world, key, "succeed")
    world.server.wait_idle()
    assert "error" not in told(world.server, key)


def test_its_tasks_are_told_as_of_the_last_time(world):
    """A moment behind the run, as ever; the pod of what failed is one with the same name."""
    key = ended(world, "fail")
    told(world.server, key)
    retried(world, key, "succeed")
    world.server.wait_idle()
    found = [
        {task["state"] for task in told(world.server, key)["run_details"]["task_details"]} for _ in range(2)
    ]
    assert found == [{"SUCCEEDED", "RUNNING"}, {"SUCCEEDED"}]


def test_a_try_that_the_last_time_did_not_need_is_told_for_ever(world):
    """Nobody takes its row away; Argo's node of the step does not name it any more."""
    key = ended(world, "fail twice")
    retried(world, key, "succeed")
    world.server.wait_idle()
    found = [told(world.server, key)["run_details"]["task_details"] for _ in range(2)][-1]
    tries = {task["display_name"]: task for task in found if task["display_name"].startswith("executor")}
    assert {name: task["state"] for name, task in tries.items()} == {
        "executor": "SUCCEEDED", "executor(0)": "SUCCEEDED", "executor(1)": "FAILED",
    }  # fmt: skip
    assert len(tries["executor"]["child_tasks"]) == 1


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def note(path: str, breaks: bool = False):
    """Leaves a line where it ran, and breaks at its first two times."""
    from pathlib import Path

    with Path(path).open("a") as lines:
        lines.write("ran\n")
    if breaks and Path(path).read_text().count("ran") < 3:
        raise ValueError("broken")


@dsl.pipeline(name="retried")
def retried_pipeline(folder: str):
    last = note(path=f"{folder}/last")
    with dsl.ExitHandler(last):  # type: ignore[no-untyped-call] # kfp gives it no type
        kept = note(path=f"{folder}/kept")
        broken = note(path=f"{folder}/broken", breaks=True).after(kept)
        broken.set_retry(num_retries=1, backoff_duration="0s")
        note(path=f"{folder}/after").after(broken)


def test_what_succeeded_is_kept_also_an_exit_task_and_the_rest_runs_again(make, localrun, tmp_path):
    server = make(executor=localrun.python(*LOCALRUN[1:]))
    package = tmp_path / "retried.yaml"
    compiler.Compiler().compile(retried_pipeline, str(package))
    arguments = {"folder": str(tmp_path)}
    key = connect(server).create_run_from_pipeline_package(str(package), arguments=arguments).run_id
    server.wait_idle()
    assert told(server, key)["state"] == "FAILED"
    assert Raw(server.url).send("POST", f"api:/runs/{key}:retry") == (200, {})
    server.wait_idle()
    assert told(server, key)["state"] == "SUCCEEDED"
    ran = {name: (tmp_path / name).read_text().count("ran") for name in ("kept", "broken", "after", "last")}
    assert ran == {"kept": 1, "broken": 3, "after": 1, "last": 1}
    left_over = [one for one in KfpApi(server.url, "").run(key).tasks if one.state == "FAILED"]
    assert [one.name for one in left_over] == ["executor(1)"]
    assert [(one.state, one.retries) for one in _as_status_shows(server, key)] == [("SUCCEEDED", 0)] * 5


def _as_status_shows(server, key: str) -> list[View]:
    """The steps of a run, groups too, as `run.py --status` reads them."""
    run = KfpApi(server.url, "").run(key)
    spec = run.spec.get("pipeline_spec", run.spec)
    waiting, found = list(of_records(spec, run.parameters, run.tasks, run.state)), []
    while waiting:
        found.append(waiting.pop())
        waiting += found[-1].inside
    return found
