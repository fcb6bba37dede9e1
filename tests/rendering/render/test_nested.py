"""A pipeline inside another one: rendered beside it, part of its release, promoted with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp_gitops.compiling import ir
from kfp_gitops.compiling.compiler import compile_pipeline
from kfp_gitops.reconcile.folder import read
from kfp_gitops.rendering.render import render
from kfp_gitops.sources import environment, released

TEMPLATE = "templates/pipelines/hello/pipeline.yaml.j2"
INNER = "templates/pipelines/hello/twice.pipeline.yaml.j2"
TWICE = """\
apiVersion: kfp-gitops/v1
kind: PipelineManifest
metadata: {name: {{ pipeline }}, description: Greets twice., owner: o}
spec:
  parameters: {name: {type: str, default: {{ values.name | tojson }}}}
  tasks:
    once: {component: greet, arguments: {name: {param: name}}}
    again: {component: greet, arguments: {name: {task: once, output: greeting}}}
  outputs: {greeting: {task: again, output: greeting}}
"""
CALL = """\
  tasks:
    greet-twice: {pipeline: twice, arguments: {name: x}}
    echo: {component: greet, arguments: {name: {task: greet-twice, output: greeting}}}
"""


@pytest.fixture
def nested(repository: Path) -> Path:
    (repository / INNER).write_text(TWICE)
    path = repository / TEMPLATE
    path.write_text(path.read_text().replace("  tasks:\n", CALL, 1))
    return repository


def _release(root: Path) -> str:
    env = environment.load(root, "dev")
    return released.releases(root, env)["hello"].digest


def test_it_is_rendered_with_the_same_values_and_compiled_as_a_task(nested: Path) -> None:
    rendered = render(nested, "dev")
    (pipeline,) = rendered.pipelines
    files = dict(pipeline.files())
    inner = yaml.safe_load(files["pipelines/hello/pipelines/twice.yaml"])
    assert inner["metadata"]["name"] == "twice"
    assert inner["spec"]["parameters"]["name"]["default"] == "dev"
    spec = ir.documents(compile_pipeline(pipeline, rendered.folder).text)[0]
    task = spec["root"]["dag"]["tasks"]["twice"]
    assert set(spec["components"][task["componentRef"]["name"]]["dag"]["tasks"]) == {"greet", "greet-2"}


def test_its_template_is_part_of_the_release(nested: Path) -> None:
    before = _release(nested)
    (nested / INNER).write_text(TWICE.replace("Greets twice.", "Greets two times."))
    assert _release(nested) != before


def test_promotion_takes_it_along_and_the_reconciler_reads_it(
    nested: Path, command: Callable[..., Any]
) -> None:
    asked = ("promote", "--root", nested, "--from", "dev", "--to", "prod", "--uncommitted")
    assert command(*asked).code == 0
    assert (nested / "environments/prod/pinned/hello/twice.pipeline.yaml.j2").read_text() == TWICE
    (nested / INNER).unlink()  # prod has its own copy
    assert command("render", "--root", nested, "--env", "prod", "--check").code == 0
    found = read(nested / "manifests/prod", "prod")
    assert set(found.rendered["hello"].inner) == {"twice"}


BAD = {
    "no such pipeline": (
        "pipeline: twice",
        "pipeline: thrice",
        TEMPLATE,
        "unknown pipeline 'thrice'",
        "add thrice.pipeline.yaml.j2, or thrice.yaml that is compiled, beside this template",
    ),
    "an argument that it does not take": (
        "arguments: {name: x}}\n    echo",
        "arguments: {nam: x}}\n    echo",
        TEMPLATE,
        "pipeline 'twice' takes no argument 'nam'",
        "choose one of: name",
    ),
    "an output that it does not give": (
        "output: greeting}}}\n    g",
        "output: greetings}}}\n    g",
        TEMPLATE,
        "task 'greet-twice' has no output 'greetings'",
        "choose one of: greeting",
    ),
    "a pipeline that runs itself": (
        "once: {component: greet, arguments: {name: {param: name}}}",
        "once: {pipeline: twice}",
        INNER,
        "pipelines run each other: twice → twice",
        "break the circle",
    ),
    "schedules of its own": (
        "spec:\n",
        "schedules: [{name: s, cron: '0 0 3 * * *', enabled: true, maxConcurrency: 1, catchup: false}]\nspec:\n",
        INNER,
        "a pipeline inside another one says this",
        "say it in the pipeline around it",
    ),
    "a promise of its own": (
        "spec:\n",
        "slo: {fresh: 26h}\nspec:\n",
        INNER,
        "a pipeline inside another one says this",
        "say it in the pipeline around it",
    ),
    "another name than its file": (
        "name: {{ pipeline }}",
        "name: other",
        INNER,
        "the name is 'other'",
        "write 'twice'",
    ),
    "something wrong inside it": (
        "{task: once, output",
        "{task: nonce, output",
        INNER,
        "unknown task 'nonce'",
        "choose one of",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_told_at_its_own_line(case: str, nested: Path, command: Callable[..., Any]) -> None:
    old, new, path, what, todo = BAD[case]
    text = (nested / path).read_text()
    assert old in text, text
    (nested / path).write_text(text.replace(old, new, 1))
    outcome = command("render", "--root", nested, "--env", "dev")
    assert outcome.code == 2
    line = outcome.err.splitlines()[0]
    assert line.startswith(f"{path}:")
    assert what in line
    assert todo in line


def test_a_loop_under_finally_is_warned_of_and_rendered(
    repository: Path, command: Callable[..., Any]
) -> None:
    path = repository / TEMPLATE
    guarded = """\
  tasks:
    all:
      finally: {last: {component: greet, arguments: {name: x}}}
      tasks:
        l: {loop: {items: [a]}, tasks: {greet-item-too: {component: greet, arguments: {name: {item: l}}}}}
"""
    path.write_text(path.read_text().replace("  tasks:\n", guarded, 1))
    outcome = command("render", "--root", repository, "--env", "dev")
    assert outcome.code == 0
    assert (
        "warning: a loop directly under `finally` fails on the KFP backend (kubeflow/pipelines #12390)"
        in outcome.err
    )
