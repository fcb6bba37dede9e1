"""`run.py --local --cache`: a task is answered from what it gave before, by KFP's key, and says so."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from project import Outcome
from shared_specs import edit_spec

pytestmark = pytest.mark.usefixtures("quick_runs")

Run = Callable[..., Outcome]

_MANIFEST = """apiVersion: kfp-gitops/v1alpha1
kind: PipelineManifest
metadata: {name: hello, description: d, owner: o}
spec:
  parameters:
    name: {type: str, default: dev}
  tasks:
    greet:
      component: greet
      arguments: {name: {param: name}}
    again:
      component: greet
      arguments: {name: {task: greet, output: greeting}}
    always:
      component: greet
      cache: false
      arguments: {name: x}
"""


@pytest.fixture
def root(repository: Path, command: Run) -> Path:
    (repository / "templates/pipelines/hello/pipeline.yaml.j2").write_text(_MANIFEST)
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    return repository


class Cached:
    """Runs with --cache unless told otherwise."""

    def __init__(self, root: Path, command: Run) -> None:
        self.root, self.command = root, command
        self.out = ""

    def run(self, *more: object, options: tuple[str, ...] = ("--cache",)) -> set[str]:
        """The tasks that it did not execute, as progress and result say."""
        given = ("--root", self.root, "--env", "dev", "--pipeline", "hello", "--local")
        done = self.command("run", *given, *options, *more)
        assert done.code == 0, done.err
        self.out = done.out
        told = {
            line.split(":")[0].strip()
            for line in done.err.splitlines()
            if line.endswith(": SUCCEEDED (cached)")
        }
        assert told == {line.split()[1] for line in done.out.splitlines() if line.endswith("(cached)")}
        return told

    def values(self) -> list[str]:
        return [line for line in self.out.splitlines() if " = " in line]


@pytest.fixture
def cached(root: Path, command: Run) -> Cached:
    return Cached(root, command)


def test_what_ran_before_is_not_run_again_unless_the_manifest_says_so(cached: Cached) -> None:
    assert cached.run() == set()
    before = cached.values()
    assert cached.run() == {"greet", "again"}
    assert cached.values() == before
    assert len(before) == 3
    shutil.rmtree(cached.root / ".local-runs")
    assert cached.run() == set()


def test_only_when_asked(cached: Cached) -> None:
    assert cached.run(options=()) == set()
    assert not (cached.root / ".local-runs/.cache").exists()
    cached.run()
    assert cached.run(options=()) == set()


def test_another_value_or_another_source_runs(cached: Cached) -> None:
    assert cached.run("--param", "name=b") == set()
    assert cached.run("--param", "name=c") == set()
    assert cached.run("--param", "name=b") == {"greet", "again"}
    edit_spec(cached.root, "dev", "greet", "return named", "named = ''; return named")
    assert cached.run("--param", "name=b") == set()


def test_the_libraries_count_as_the_image_that_they_stand_for(cached: Cached) -> None:
    library = cached.root / "components/src/some_library.py"
    library.parent.mkdir(parents=True, exist_ok=True)
    library.write_text("A = 1\n")
    cached.run()
    library.write_text("A = 2\n")
    assert cached.run() == set()


def test_a_result_that_is_damaged_is_none(cached: Cached) -> None:
    cached.run()
    kept = sorted((cached.root / ".local-runs/.cache/dev/hello").iterdir())
    assert len(kept) == 2
    for file, text in zip(kept, ("{", '{"parameters": {}, "artifacts": 3}'), strict=True):
        file.write_text(text)
    assert cached.run() == set()


def test_without_local_it_is_refused(root: Path, command: Run) -> None:
    done = command("run", "--root", root, "--env", "dev", "--pipeline", "hello", "--cache")
    assert done.code == 2
    assert "--cache is for --local" in done.err
