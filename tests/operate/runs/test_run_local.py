"""`run.py --local`: one pipeline of the manifests on this machine, without a server."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kfp_gitops.local import job as local
from kfp_gitops.local import results
from project import PROJECT, Outcome
from shared_specs import edit_spec

Run = Callable[..., Outcome]

_MANIFEST = """apiVersion: kfp-gitops/v1alpha1
kind: PipelineManifest
metadata: {name: hello, description: d, owner: o}
spec:
  parameters:
    name: {type: str, default: dev}
    threshold: {type: int, default: 3}
  tasks:
    greet:
      component: greet
      arguments: {name: {param: name}}
    maybe:
      if: {eq: [{param: name}, "often"]}
      tasks:
        each:
          loop: {items: ["a", "b"]}
          tasks:
            again:
              component: greet
              arguments: {name: {item: each}}
"""


@pytest.fixture
def root(repository: Path, command: Run) -> Path:
    """The small repository, with a pipeline that needs no image."""
    (repository / "templates/pipelines/hello/pipeline.yaml.j2").write_text(_MANIFEST)
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    return repository


def _run(command: Run, root: Path, *more: object) -> Outcome:
    return command("run", "--root", root, "--env", "dev", "--pipeline", "hello", "--local", *more)


def test_it_runs_and_tells_what_each_task_gave_and_where(root: Path, command: Run) -> None:
    done = _run(command, root, "--param", "name=often", "--out", root / "out")
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert lines[0] == "SUCCEEDED"
    assert lines[-1] == f"logs and outputs: {root}/out"
    assert '    greeting = "hello often"' in lines
    assert [line.split(" (")[0] for line in lines if "SUCCEEDED  " in line] == [
        "  SUCCEEDED  greet",
        "  SUCCEEDED  maybe",
        "    SUCCEEDED  each 2/2",
        "      SUCCEEDED  again 2/2",
    ]
    assert lines[-3:-1] == ['        #0 greeting = "hello a"', '        #1 greeting = "hello b"']
    assert "  greet: RUNNING" in done.err
    parameters = json.loads((root / "out/parameters.json").read_text())
    assert parameters == {"name": "often"}
    assert (root / "out/logs/greet.log").is_file()


def test_what_a_task_gave_is_listed_by_name() -> None:
    event = {"event": "task", "task_id": "t", "kind": "task", "state": "SUCCEEDED", "display_name": "t"}
    ir = {"root": {"dag": {"tasks": {"t": {}}}}}
    outputs = {"parameters": {"b": 1, "a": 2}, "artifacts": {"d": [{"uri": "/d"}], "c": [{"uri": "/c"}]}}
    progress = local.Progress(local.Job("p", json.dumps(ir), {}, Path("/out"), [], 1))
    more = {"time": "2026-11-24T00:00:00+00:00", "parent_task_id": None, "attempt": 1, "outputs": outputs}
    assert list(progress.take([{**event, **more}])) == ["  t: SUCCEEDED (0.0 s)"]
    assert [line.strip() for line in results.table(progress, Path("/out"), Path("/")).splitlines()[2:-1]] == [
        "a = 2",
        "b = 1",
        "c: /c",
        "d: /d",
    ]


def test_what_a_condition_leaves_out_is_told_as_skipped(root: Path, command: Run) -> None:
    done = _run(command, root)
    assert done.code == 0
    assert done.out.splitlines()[3:6] == [
        "  SKIPPED    maybe (its condition was not met: name == 'often')",
        "    SKIPPED    each",
        "      SKIPPED    again",
    ]
    assert len(list((root / ".local-runs").iterdir())) == 1


def test_it_says_when_the_manifest_is_not_what_its_template_renders_to(root: Path, command: Run) -> None:
    assert "is not what its inputs render to" not in _run(command, root).err
    template = root / "templates/pipelines/hello/pipeline.yaml.j2"
    template.write_text(template.read_text().replace("threshold:", "limit:"))
    done = _run(command, root)
    assert (done.code, "manifests/dev is not what its inputs render to" in done.err) == (0, True)


def test_a_failed_run_exits_4_and_says_why(root: Path, command: Run) -> None:
    edit_spec(root, "dev", "greet", "return named", "assert False, 'broken'; return named")
    done = _run(command, root)
    assert done.code == 4
    assert "error: greet failed: exit code 1: AssertionError: broken" in done.out


def test_a_container_component_is_refused_at_its_line_without_docker(
    repository: Path, command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")  # where no engine answers
    command("render", "--root", repository, "--env", "dev", "--lock")
    done = _run(command, repository)
    assert done.code == 2
    path = "manifests/dev/pipelines/hello/pipeline.yaml"
    line = (repository / path).read_text().splitlines().index("    count:") + 1
    assert done.err.startswith(f"{path}:{line}:5: task 'count-words' is a container component")
    assert "no Docker engine answers here" in done.err
    assert list((repository / ".local-runs").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--host", "http://127.0.0.1:1"), "--local takes no --host"),
        (("--status", "x"), "--local takes no --status"),
        (("--workers", "0"), "--workers is at least 1"),
        (("--out", "."), "exists already"),
        (("--param", "threshold=x"), "'x' is not a int"),
        (("--param", "nothing=x"), "no such parameter"),
    ],
)
def test_a_wrong_command_line_runs_nothing(
    root: Path, command: Run, arguments: tuple[str, ...], said: str
) -> None:
    done = _run(command, root, *arguments)
    assert (done.code, said in done.err) == (2, True), done.err
    assert not (root / ".local-runs").exists()


def _commands() -> Iterator[str]:
    """The command line of every process of this machine (Linux)."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):  # it has ended meanwhile
                yield (folder / "cmdline").read_text("utf-8", "replace")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_cancelled_it_leaves_no_process_behind(root: Path, number: signal.Signals) -> None:
    edit_spec(root, "dev", "greet", "return named", "import time; time.sleep(60); return named")
    command = [
        sys.executable,
        str(PROJECT / "scripts/run.py"),
        "--root",
        str(root),
        "--env",
        "dev",
        "--local",
    ]
    process = subprocess.Popen(
        [*command, "--pipeline", "hello", "--out", str(root / "out")], stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    assert b"is not what its inputs render to" in process.stderr.readline()
    assert process.stderr.readline() == b"  greet: RUNNING\n"
    process.send_signal(number)
    assert process.wait(60) == 130
    assert b"greet: CANCELED" in process.stderr.read()
    process.stderr.close()
    end = time.monotonic() + 30  # what was told to end may take a moment
    while any(str(root) in command for command in _commands()) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(str(root) in command for command in _commands())
