"""`python -m kfp_gitops.local.localrun`: events on disk, exit codes, cancellation."""
# ruff: noqa: T201 - the tasks write down what they received

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from localrun_kit import compiled, component, fail, text

SCRIPTS = Path(__file__).parents[3] / "scripts"


@component
def sleeps(seconds: float):
    import os
    import subprocess
    import time

    child = subprocess.Popen(["sleep", str(seconds)])
    print("PIDS", os.getpid(), child.pid, flush=True)
    time.sleep(seconds)


def command(folder, function, parameters):
    compiled(function, folder)
    (folder / "parameters.json").write_text(json.dumps(parameters))
    return [
        *(sys.executable, "-m", "kfp_gitops.local.localrun", "--ir", folder / "pipeline.yaml"),
        *("--parameters", folder / "parameters.json", "--run-dir", folder / "run"),
        *("--run-id", "id-1", "--run-name", "A run", "--workers", "2"),
    ]


def started(folder, function, **parameters):
    return subprocess.Popen(
        command(folder, function, parameters),
        env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def events(folder):
    path = folder / "run" / "events.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_a_run_imports_no_client_of_an_api(tmp_path):
    def pipeline():
        text(value="x")

    python, _, _, *arguments = command(tmp_path, pipeline, {})
    code = (
        "import sys; from kfp_gitops.local.localrun.__main__ import main; code = main()\n"
        "print({'kfp.client', 'kubernetes', 'kfp.local'} & set(sys.modules)); sys.exit(code)"
    )
    done = subprocess.run(
        [python, "-c", code, *arguments], env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "{'kfp.local'}\n"


def test_events_of_a_run_that_succeeds(tmp_path):
    def pipeline(value: str):
        text(value=value).set_display_name("Shown name")

    process = started(tmp_path, pipeline, value="x")
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 0
    first, *tasks, last = events(tmp_path)
    assert (first["event"], first["state"], last["event"], last["state"]) == (
        "run",
        "RUNNING",
        "run",
        "SUCCEEDED",
    )
    assert [{k: v for k, v in task.items() if k != "time"} for task in tasks] == [
        {
            "event": "task",
            "task_id": "text",
            "parent_task_id": None,
            "name": "text",
            "display_name": "Shown name",
            "kind": "task",
            "state": state,
            "attempt": 1,
            "log": "logs/text.log",
            **more,
        }
        for state, more in [
            ("RUNNING", {}),
            ("SUCCEEDED", {"outputs": {"parameters": {"Output": "x"}, "artifacts": {}}}),
        ]
    ]
    assert all(len(each["time"]) == len("2026-01-02T03:04:05.000006Z") for each in events(tmp_path))


def test_failed_run_exits_4(tmp_path):
    def pipeline():
        fail()

    process = started(tmp_path, pipeline)
    process.communicate(timeout=60)
    assert process.returncode == 4
    assert events(tmp_path)[-1]["error"] == "fail failed: exit code 1: ValueError: told to fail"


def test_refused_run_exits_2_and_says_why_on_stderr_and_in_the_events(tmp_path):
    def pipeline(value: str):
        text(value=value)

    process = started(tmp_path, pipeline, other=1)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    (event,) = events(tmp_path)
    assert (event["event"], event["state"]) == ("run", "FAILED")
    assert event["error"] == errors.strip()
    assert "no such parameter" in errors
    assert "a value is required" in errors


def test_file_that_is_no_yaml_exits_2(tmp_path):
    def pipeline():
        text()

    arguments = command(tmp_path, pipeline, {})
    (tmp_path / "pipeline.yaml").write_text("a: [")
    done = subprocess.run(
        arguments, env={**os.environ, "PYTHONPATH": str(SCRIPTS)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "pipeline.yaml" in done.stderr


def wait_for(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.02)
    pytest.fail("waited too long")


def pids(folder):
    log = folder / "run" / "logs" / "exit-handler-1" / "sleeps.log"
    lines = log.read_text().splitlines(keepends=True) if log.exists() else []
    return next(
        ([int(n) for n in line.split()[1:]] for line in lines if re.fullmatch(r"PIDS.*\n", line)), None
    )


def alive(pid):
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_cancel_ends_the_processes_of_the_tasks_and_tells_it(tmp_path, number):
    from kfp import dsl

    def pipeline():
        with dsl.ExitHandler(text()):
            waits = sleeps(seconds=60.0)
            text(value="never").after(waits)

    process = started(tmp_path, pipeline)
    running = wait_for(lambda: pids(tmp_path))
    assert all(alive(pid) for pid in running)
    process.send_signal(number)
    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == 130
    wait_for(lambda: not any(alive(pid) for pid in running))
    last = {event.get("task_id", "run"): event["state"] for event in events(tmp_path)}
    assert last == {"exit-handler-1": "CANCELED", "exit-handler-1/sleeps": "CANCELED", "run": "CANCELED"}
    assert events(tmp_path)[-1]["event"] == "run"


@component
def shows(names: list):
    import json
    import os

    print("RECEIVED", json.dumps([os.environ.get(name) for name in names]))


@pytest.mark.parametrize(
    ("named", "seen"), [([], [None, None]), (["--pass-env", "A_TOKEN"], ["secret", None])]
)
def test_variables_are_passed_by_name_alone(tmp_path, monkeypatch, named, seen):
    def pipeline():
        shows(names=["A_TOKEN", "B_TOKEN"])

    monkeypatch.setenv("A_TOKEN", "secret")
    monkeypatch.setenv("B_TOKEN", "secret")
    arguments = [*command(tmp_path, pipeline, {}), *named]
    done = subprocess.run(
        arguments, env={**os.environ, "PYTHONPATH": str(SCRIPTS)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"RECEIVED {json.dumps(seen)}" in (tmp_path / "run/logs/shows.log").read_text()
