"""Pipelines that double with every level are counted, and never walked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp_gitops.kfpserver.runtree.steps import steps
from kfp_gitops.language import expansion
from kfp_gitops.language.irlint import lint
from kfp_gitops.local.localrun import Refused, RunContext, execute
from project import Outcome

Run = Callable[..., Outcome]
LEVELS = 45
"""Written out these are 10^13 tasks."""


@contextmanager
def _soon(seconds: float = 20.0) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


def doubling(levels: int) -> dict[str, Any]:
    """An IR of a few kilobytes in which each group runs the next one twice."""

    def dag(level: int) -> dict[str, Any]:
        below = f"comp-{level + 1}" if level < levels else "comp-leaf"
        tasks = {
            name: {"componentRef": {"name": below}, "taskInfo": {"name": name}, "cachingOptions": {}}
            for name in ("a", "b")
        }
        return {"dag": {"tasks": tasks}}

    container = {"image": "python@sha256:" + "1" * 64, "command": ["true"]}
    return {
        "schemaVersion": "2.1.0",
        "sdkVersion": "kfp-2.17.0",
        "pipelineInfo": {"name": "doubling"},
        "root": dag(0),
        "components": {
            **{f"comp-{level}": dag(level) for level in range(1, levels + 1)},
            "comp-leaf": {"executorLabel": "exec-leaf"},
        },
        "deploymentSpec": {"executors": {"exec-leaf": {"container": container}}},
    }


def _templates(root: Path, levels: int) -> None:
    """The same as a pipeline of templates, each level a pipeline of its own."""
    folder = root / "templates/pipelines/hello"
    named = "metadata: {{name: {}, description: d, owner: o}}"
    head = f"apiVersion: kfp-gitops/v1\nkind: PipelineManifest\n{named}\nspec:\n"
    two = "  tasks:\n    a: {{pipeline: n{0}}}\n    b: {{pipeline: n{0}}}\n"
    (folder / "pipeline.yaml.j2").write_text(head.format("hello") + two.format(0))
    for level in range(levels):
        last = "  tasks:\n    t: {component: greet, arguments: {name: x}}\n"
        body = two.format(level + 1) if level + 1 < levels else last
        (folder / f"n{level}.pipeline.yaml.j2").write_text(head.format(f"n{level}") + body)


def test_they_are_refused_before_they_are_rendered_or_compiled(repository: Path, command: Run) -> None:
    _templates(repository, LEVELS)
    with _soon():
        done = command("render", "--root", repository, "--env", "dev", "--lock")
    assert done.code == 2
    assert "templates/pipelines/hello/pipeline.yaml.j2" in done.err
    assert (
        "has some 10^14 tasks with those of the pipelines and groups in it; 5000 are possible; run fewer"
        in done.err
    )


def test_manifests_that_somebody_wrote_by_hand_are_refused_too(repository: Path, command: Run) -> None:
    """By the plan, a local run, a diff: whoever compiles what stands there."""
    _templates(repository, 2)
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    folder = repository / "manifests/dev/pipelines/hello/pipelines"
    first, last = (folder / "n0.yaml").read_text(), (folder / "n1.yaml").read_text()
    for level in range(LEVELS):
        (folder / f"n{level}.yaml").write_text(
            first.replace("n1", f"n{level + 1}").replace("n0", f"n{level}")
        )
    (folder / f"n{LEVELS}.yaml").write_text(last.replace("n1", f"n{LEVELS}"))
    with _soon():
        done = command("run", "--root", repository, "--env", "dev", "--pipeline", "hello", "--local")
        assert (done.code, "5000 are possible" in done.err) == (2, True), done.err
        host = ("--host", "http://127.0.0.1:9", "--patience", "0")
        done = command("reconcile", "plan", "--root", repository, "--env", "dev", *host)
        assert (done.code, "5000 are possible" in done.err) == (2, True), done.err


def test_an_ir_that_doubles_is_found_by_the_check(tmp_path: Path) -> None:
    with _soon():
        found = [finding.what for finding in lint.findings([doubling(LEVELS)])]
    assert any("5000 are possible" in what for what in found), found
    assert not any("are possible" in finding.what for finding in lint.findings([doubling(4)]))


def test_and_by_a_local_run(tmp_path: Path) -> None:
    run = RunContext("i", "n", tmp_path, "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z")
    with _soon(), pytest.raises(Refused, match="5000 are possible"):
        execute([yaml.safe_load(yaml.safe_dump(doubling(LEVELS)))], {}, run, lambda _: None)


def test_a_run_of_such_a_pipeline_is_shown_by_its_outermost_tasks() -> None:
    with _soon():
        found = steps(doubling(LEVELS), {})
    assert [(step.id, step.inside) for step in found] == [("a", ()), ("b", ())]
    assert [len(step.inside) for step in steps(doubling(3), {})] == [2, 2]


def test_levels_are_counted_too_and_circles_end() -> None:
    chain = {str(n): [str(n + 1)] for n in range(20_000)}
    assert expansion.too_much(chain, "0").startswith("20000 tasks")
    assert expansion.too_much({str(n): [str(n + 1)] for n in range(60)}, "0").startswith("60 levels")
    assert expansion.too_much({"a": ["b", "b"], "b": ["a", "c"]}, "a") == ""
    assert expansion.too_much({str(n): [str(n + 1)] * 2 for n in range(30_000)}, "0").startswith("some 10^90")


def test_a_pipeline_of_many_tasks_is_fine() -> None:
    assert expansion.too_much({"": ["leaf"] * 5_000}, "") == ""
