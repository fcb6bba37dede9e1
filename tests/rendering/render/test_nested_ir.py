"""A compiled pipeline that a task runs: checked, rendered, part of the release, compiled into that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp_gitops.base.yamldump import dump_all
from kfp_gitops.compiling import ir
from kfp_gitops.compiling.compiler import compile_pipeline
from kfp_gitops.reconcile.folder import read
from kfp_gitops.rendering.render import render
from kfp_gitops.sources import environment, released

FOLDER = "templates/pipelines/hello"
TWICE = """\
apiVersion: kfp-gitops/v1
kind: PipelineManifest
metadata: {name: twice, description: Greets twice., owner: o}
spec:
  parameters: {name: {type: str}}
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


def _call(root: Path) -> Path:
    path = root / FOLDER / "pipeline.yaml.j2"
    path.write_text(path.read_text().replace("  tasks:\n", CALL, 1))
    return root


def _compiled(root: Path) -> list[dict[str, Any]]:
    rendered = render(root, "dev")
    (pipeline,) = rendered.pipelines
    return ir.documents(compile_pipeline(pipeline, rendered.folder).text)


@pytest.fixture
def as_manifest(repository: Path) -> list[dict[str, Any]]:
    """What it compiles to with a template in place of the compiled file, which is put there then."""
    template = repository / FOLDER / "twice.pipeline.yaml.j2"
    template.write_text(TWICE)
    documents = _compiled(_call(repository))
    template.unlink()
    spec = documents[0]
    inside = spec["components"]["comp-twice"]
    names = {task["componentRef"]["name"] for task in inside["dag"]["tasks"].values()}
    components = {name: spec["components"][name] for name in sorted(names)}
    executors = {one["executorLabel"] for one in components.values()}
    part = {
        "components": components,
        "deploymentSpec": {
            "executors": {n: spec["deploymentSpec"]["executors"][n] for n in sorted(executors)}
        },
        "pipelineInfo": {"name": "twice"},
        "root": inside,
        "schemaVersion": "2.1.0",
        "sdkVersion": spec["sdkVersion"],
    }
    (repository / FOLDER / "twice.yaml").write_text(dump_all([part]))
    return documents


def test_it_compiles_to_what_the_template_of_it_compiles_to(
    repository: Path, as_manifest: list[dict[str, Any]]
) -> None:
    assert ir.digest(_compiled(repository)) == ir.digest(as_manifest)
    (pipeline,) = render(repository, "dev").pipelines
    assert set(pipeline.irs) == {"twice.yaml"}
    assert "pipelines/hello/twice.yaml" in dict(pipeline.files())


@pytest.mark.usefixtures("as_manifest")
def test_its_images_are_those_of_the_release(repository: Path) -> None:
    path = repository / FOLDER / "twice.yaml"
    release = yaml.safe_load((repository / "environments/dev/release.yaml").read_text())
    (name, reference), *_ = release["images"].items()
    path.write_text(path.read_text().replace(reference, name))
    (pipeline,) = render(repository, "dev").pipelines
    assert f"image: {reference}\n" in pipeline.irs["twice.yaml"]


@pytest.mark.usefixtures("as_manifest")
def test_an_image_by_tag_is_warned_of(repository: Path) -> None:
    path = repository / FOLDER / "twice.yaml"
    lines = [
        line.partition("image:")[0] + "image: python:3.11" if "image:" in line else line
        for line in path.read_text().splitlines()
    ]
    path.write_text("\n".join(lines) + "\n")
    (pipeline,) = render(repository, "dev").pipelines
    (warning,) = pipeline.warnings
    assert warning.path == f"{FOLDER}/twice.yaml"
    assert "python:3.11" in warning.what


@pytest.mark.usefixtures("as_manifest")
def test_it_is_part_of_the_release_and_promoted(repository: Path, command: Callable[..., Any]) -> None:
    path = repository / FOLDER / "twice.yaml"
    before = released.releases(repository, environment.load(repository, "dev"))["hello"].digest
    path.write_text(f"# another one\n{path.read_text()}")
    assert released.releases(repository, environment.load(repository, "dev"))["hello"].digest != before
    asked = ("promote", "--root", repository, "--from", "dev", "--to", "prod", "--uncommitted")
    assert command(*asked).code == 0
    path.unlink()  # prod has its own copy
    assert command("render", "--root", repository, "--env", "prod", "--check").code == 0
    found = read(repository / "manifests/prod", "prod")
    assert set(found.rendered["hello"].irs) == {"twice.yaml"}


@pytest.mark.usefixtures("as_manifest")
@pytest.mark.parametrize("name", ["pipeline", "first-pipeline", "component", "first-component"])
def test_a_task_may_be_called_as_a_key_is(repository: Path, name: str) -> None:
    path = repository / FOLDER / "pipeline.yaml.j2"
    text = path.read_text()
    written = f"    {name}:\n      pipeline: twice\n      arguments: {{name: x}}\n"
    written += f"    last-{name}:\n      component: greet\n      arguments: {{name: x}}\n"
    changed = text.replace("    greet-twice: {pipeline: twice, arguments: {name: x}}\n", written)
    path.write_text(changed.replace("{task: greet-twice,", f"{{task: {name},"))
    (pipeline,) = render(repository, "dev").pipelines
    assert set(pipeline.irs) == {"twice.yaml"}


@pytest.mark.usefixtures("as_manifest", "quick_runs")
def test_it_runs_here(repository: Path, command: Callable[..., Any]) -> None:
    path = repository / FOLDER / "pipeline.yaml.j2"
    path.write_text(TWICE.partition("spec:")[0].replace("twice", "hello") + "spec:\n" + CALL)
    assert command("render", "--root", repository, "--env", "dev", "--lock").code == 0
    outcome = command("run", "--root", repository, "--env", "dev", "--pipeline", "hello", "--local")
    assert outcome.code == 0, outcome.err
    done = [line.split()[1] for line in outcome.out.splitlines() if "SUCCEEDED  " in line]
    assert done == ["greet-twice", "once", "again", "echo"]
    assert 'greeting = "hello hello hello x"' in outcome.out


def _with_an_optional_input(root: Path) -> None:
    """Which it hands to a component that must have it."""
    path = root / FOLDER / "twice.yaml"
    (part,) = ir.documents(path.read_text())
    part["root"]["inputDefinitions"]["parameters"]["name"]["isOptional"] = True
    path.write_text(dump_all([part]))


@pytest.mark.usefixtures("as_manifest")
def test_whether_an_optional_input_is_given_shows_where_it_runs(
    repository: Path, command: Callable[..., Any]
) -> None:
    _with_an_optional_input(repository)
    asked = ("render", "--root", repository, "--env", "dev", "--lock")
    assert command(*asked).code == 0
    path = repository / FOLDER / "pipeline.yaml.j2"
    text = path.read_text()
    path.write_text(text.replace("{pipeline: twice, arguments: {name: x}}", "{pipeline: twice}"))
    outcome = command(*asked)
    assert outcome.code == 2
    assert "is handed the optional parameter 'name'" in outcome.err
    manifest = (repository / "manifests/dev/pipelines/hello/pipeline.yaml").read_text()
    line = manifest.splitlines().index("    greet-twice:") + 1
    assert f"manifests/dev/pipelines/hello/pipeline.yaml:{line}:5: " in outcome.err


@pytest.mark.usefixtures("as_manifest")
def test_one_that_nothing_runs_is_warned_of(repository: Path) -> None:
    assert render(repository, "dev").pipelines[0].warnings == ()
    (repository / FOLDER / "twice.pipeline.yaml.j2").write_text(TWICE)  # which comes before it
    (warning,) = render(repository, "dev").pipelines[0].warnings
    assert (warning.path, warning.what) == (f"{FOLDER}/twice.yaml", "no template names this")


BAD = {
    "an argument that it does not take": (
        "pipeline.yaml.j2",
        "arguments: {name: x}",
        "arguments: {nam: x}",
        "pipeline 'twice' takes no argument 'nam'",
    ),
    "an output that it does not give": (
        "pipeline.yaml.j2",
        "greet-twice, output: greeting",
        "greet-twice, output: word",
        "task 'greet-twice' has no output 'word'",
    ),
    "a reference in it into nothing": ("twice.yaml", "producerTask: greet\n", "producerTask: met\n", "'met'"),
    "no IR": (
        "twice.yaml",
        "pipelineInfo:",
        "apiVersion: argoproj.io/v1\nkind: Workflow\nx:",
        "Argo Workflow",
    ),
}


@pytest.mark.usefixtures("as_manifest")
@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_told_at_its_own_line(
    case: str, repository: Path, command: Callable[..., Any]
) -> None:
    name, old, new, what = BAD[case]
    path = repository / FOLDER / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    outcome = command("render", "--root", repository, "--env", "dev")
    assert outcome.code == 2
    assert outcome.err.startswith(f"{FOLDER}/{name}:")
    assert what in outcome.err


@pytest.mark.usefixtures("as_manifest")
def test_what_the_sdk_does_not_load_is_told_in_its_file(
    repository: Path, command: Callable[..., Any]
) -> None:
    path = repository / FOLDER / "twice.yaml"
    path.write_text(
        path.read_text().replace("    enableCache: true", "    enableCache: true\n            laterKey: 1")
    )
    outcome = command("render", "--root", repository, "--env", "dev", "--lock")
    assert outcome.code == 2
    assert "twice.yaml:" in outcome.err
