"""A compiled pipeline in place of tasks: rendered, locked, promoted and refused like any other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import rich_ir
import yaml
from brought_kit import STEPS, Run, edit, ir_file, set_beside
from kfp import components
from kfp_gitops.compiling import compiler, ir
from kfp_gitops.reconcile import desired
from kfp_gitops.reconcile.folder import read
from kfp_gitops.rendering.render import render
from kfp_gitops.sources import environment, released


def test_it_compiles_to_what_kfp_loads_with_the_environments_defaults_and_images(
    root: Path, command: Run, tmp_path: Path
) -> None:
    assert command("render", "--root", root, "--env", "dev", "--lock").code == 0
    assert command("render", "--root", root, "--env", "dev", "--check").code == 0
    wanted = rich_ir.documents()
    inputs = wanted[0]["root"]["inputDefinitions"]["parameters"]
    inputs["uri"]["defaultValue"], inputs["secret"]["defaultValue"] = "gs://x/y", "other"
    for executor in wanted[0]["deploymentSpec"]["executors"].values():
        if "container" in executor:
            executor["container"]["image"] = STEPS
    rendered = next(pipeline for pipeline in render(root, "dev").pipelines if pipeline.name == "brought")
    compiled = compiler.compile_pipeline(rendered, "manifests/dev")
    assert ir.documents(compiled.text) == wanted
    assert compiled.digest in (root / "manifests/dev/versions.lock.yaml").read_text()
    components.load_component_from_text(compiled.text)


def test_the_reconciler_reads_it_with_its_schedule(root: Path, command: Run) -> None:
    command("render", "--root", root, "--env", "dev", "--lock")
    found = desired.load(root / "manifests/dev", "dev", "http://127.0.0.1:1")
    (brought,) = (pipeline for pipeline in found.pipelines if pipeline.name == "brought")
    assert [schedule.parameters for schedule in brought.schedules] == [{"rows": [{"a": 2}]}]
    folder = read(root / "manifests/dev", "dev")
    kinds = {parameter.name: parameter.type for parameter in folder.manifests["brought"].parameters}
    assert kinds == {"uri": "str", "rows": "list", "secret": "str"}


def test_it_is_part_of_the_release_and_travels_with_a_promotion(root: Path, command: Run) -> None:
    before = released.releases(root, environment.load(root, "dev"))["brought"].digest
    with (root / "environments/prod/values.yaml").open("a") as values:
        values.write("  brought:\n    values: {uri: gs://prod/x}\n")
    asked = ("promote", "--from", "dev", "--to", "prod", "--pipeline", "brought", "--uncommitted")
    assert command(asked[0], "--root", root, *asked[1:]).code == 0
    pinned = root / "environments/prod/pinned/brought/rich.yaml"
    assert pinned.read_text() == ir_file(root).read_text()
    assert "gs://prod/x" in (root / "manifests/prod/pipelines/brought/pipeline.yaml").read_text()
    edit(ir_file(root), "name: rich", "name: richer")
    assert released.releases(root, environment.load(root, "dev"))["brought"].digest != before
    edit(pinned, "name: rich", "name: richer")
    assert "pinned copies are never edited" in command("render", "--root", root, "--env", "prod").err


def _template(old: str, new: str) -> Callable[[Path], None]:
    return lambda root: edit(root / "templates/pipelines/brought/pipeline.yaml.j2", old, new)


def _file(old: str, new: str) -> Callable[[Path], None]:
    return lambda root: edit(ir_file(root), old, new)


_newer_setting = _file(
    "    deploymentSpec:\n", "    pipelineConfig: {maxActiveRuns: 2}\n    deploymentSpec:\n"
)
_newer_field = _file(
    "    executorLabel: exec-make\n",
    "    executorLabel: exec-make\n    taskConfigPassthroughs: [{field: KUBERNETES_SEATS}]\n",
)


@pytest.mark.parametrize(
    ("damage", "place", "said"),
    [
        (_template("ir: rich.yaml", "ir: rch.yaml"), "@5:7", "no file 'rch.yaml'"),
        (_template("ir: rich.yaml", "ir: ../x.yaml"), "@5:7", "name written without Jinja"),
        (_template("    secret:", "    sekret:"), "@8:5", "declares no parameter 'sekret'"),
        (_template("default: other", "default: 3"), "@8:23", "3 is not a str"),
        (_template("rows: [{a: 2}]", "rows: 2"), "@13:22", "2 is not a list"),
        (_template("rows: [{a: 2}]", "row: 2"), "@13:16", "unknown parameter 'row'"),
        (_file("componentInputParameter: uri", "componentInputParameter: url"), "rich.yaml:", "input parameter 'url'"),
        (_file("schemaVersion: 2.1.0", "schemaVersion: 2.0.0"), "rich.yaml:", "schemaVersion is '2.0.0'"),
        (_file("taskInfo:", "taskinfo:"), "rich.yaml:", "unknown key"),
        (_newer_setting, "rich.yaml:", "pipelineConfig.maxActiveRuns'; this needs a newer KFP than 2.17"),
        (_newer_field, "rich.yaml:", 'field is "KUBERNETES_SEATS"; this needs a newer KFP than 2.17'),
        (_file("pipelineInfo:\n", "pipelineInfo: [\n"), "rich.yaml:", "not YAML"),
        (_file("---\n", "---\n{}\n---\n"), "rich.yaml:1:1", "3 YAML documents are not a compiled pipeline"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_where_it_stands(
    root: Path, command: Run, damage: Callable[[Path], None], place: str, said: str
) -> None:
    damage(root)
    done = command("render", "--root", root, "--env", "dev")
    assert done.code == 2  # bad input
    lines = [line for line in done.err.splitlines() if said in line]
    assert lines and lines[0].startswith(
        f"templates/pipelines/brought/{place}".replace("@", "pipeline.yaml.j2:")
    ), done.err
    assert not (root / "manifests").exists()


def test_what_kfp_does_not_load_is_told_when_locking(root: Path, command: Run) -> None:
    """Two values where protobuf takes one: no schema says that."""
    documents = rich_ir.documents()
    task = documents[0]["root"]["dag"]["tasks"]["use-2"]
    task["inputs"]["parameters"]["number"] = {"runtimeValue": {"constant": 1, "runtimeParameter": "b"}}
    ir_file(root).write_text(yaml.safe_dump_all(documents))
    done = command("render", "--root", root, "--env", "dev", "--lock")
    assert (done.code, "kfp 2.17 does not load this" in done.err) == (2, True)
    path = "manifests/dev/pipelines/brought/rich.yaml"
    (rendered,) = [pipeline for pipeline in render(root, "dev").pipelines if pipeline.name == "brought"]
    (problem,) = [line for line in done.err.splitlines() if line.startswith(f"{path}:")]
    line = int(problem.split(":")[1])
    told = rendered.irs["rich.yaml"].splitlines()[line - 1 :]
    assert [text.strip() for text in told[:2]] == ["runtimeValue:", "constant: 1"]


def test_settings_that_kfp_does_not_know_are_warned_of(root: Path, command: Run) -> None:
    """A newer kfp wrote them for a newer server, or somebody mistyped."""
    set_beside(root, "          seats: []\n          tolerationz: []\n")
    edit(ir_file(root), "      container:\n", "      container:\n        umage: x\n        seats: 1\n")
    done = command("render", "--root", root, "--env", "dev", "--lock")
    assert done.code == 0, done.err
    for said in (
        "exec-use-2.seats'; the driver of a server that does not know it fails the step before it starts",
        "exec-use-2.tolerationz'; did you mean 'tolerations'? Otherwise the driver of a server",
        "container.umage'; did you mean 'image'? Otherwise KFP 2.17 drops it",
        "container.seats'; KFP 2.17 drops it",
    ):
        (line,) = [line for line in done.err.splitlines() if said in line]
        assert " warning: unknown key " in line


def test_a_local_run_refuses_at_the_line_of_the_ir(
    root: Path, command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")  # where no engine answers
    command("render", "--root", root, "--env", "dev", "--lock")
    done = command("run", "--root", root, "--env", "dev", "--pipeline", "brought", "--local")
    path = "manifests/dev/pipelines/brought/rich.yaml"
    lines = (root / path).read_text().splitlines()
    root_at = next(i for i, line in enumerate(lines) if line == "root:")
    line = next(i for i, line in enumerate(lines) if line == "      container:" and i > root_at) + 1
    assert (done.code, f"{path}:{line}:7: task 'container' is a container component" in done.err) == (
        2,
        True,
    ), done.err


def test_an_optional_parameter_of_the_ir_need_not_be_given(root: Path, command: Run) -> None:
    documents = rich_ir.documents()
    documents[0]["root"]["inputDefinitions"]["parameters"]["note"] = {
        "parameterType": "STRING", "isOptional": True,
    }  # fmt: skip
    ir_file(root).write_text(yaml.safe_dump_all(documents))
    assert command("render", "--root", root, "--env", "dev", "--lock").code == 0
    folder = read(root / "manifests/dev", "dev")
    assert {p.name: p.required for p in folder.manifests["brought"].parameters} == {
        "uri": False, "rows": False, "secret": False, "note": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "at"),
    [
        ("{{ values.uri | tojson }}", "http://h/x", "7:20"),
        ("parameters: {rows: [{a: 2}]}", "parameters: {uri: /tmp/x}", "13:21"),
    ],
)
def test_a_uri_that_an_importer_of_it_does_not_read_is_told_in_the_manifest(
    root: Path, command: Run, old: str, new: str, at: str
) -> None:
    edit(root / "templates/pipelines/brought/pipeline.yaml.j2", old, new)
    done = command("render", "--root", root, "--env", "dev")
    assert done.code == 2
    assert f"pipeline.yaml.j2:{at}: KFP reads no URI like" in done.err
