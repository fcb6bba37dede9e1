"""`import.py`: what the compiler can express comes back from IR as it was; the rest is refused at its line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from compiled_kit import DSL, compiled
from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamldump import dump_all
from kfp_gitops.base.yamltext import parse
from kfp_gitops.commands import begun
from kfp_gitops.compiling import ir
from kfp_gitops.importing.imported import imported
from project import Outcome, snapshot

Run = Callable[..., Outcome]
CASES = sorted(path.parent.name for path in DSL.glob("*/manifest.yaml"))
REFUSED: dict[str, str] = {}
"""Cases of tests/dsl that cannot be imported, with the reason that is told."""
_FOREIGN = {
    "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {}\n": "Argo Workflow",
    "apiVersion: tekton.dev/v1\nkind: PipelineRun\nmetadata: {}\n": "Tekton PipelineRun",
    "pipelineSpec: {root: {}}\nruntimeConfig: {}\n": "PipelineJob, as Vertex AI takes it",
    "apiVersion: pipelines.kubeflow.org/v2beta1\nkind: PipelineVersion\nspec: {}\n": "object PipelineVersion",
    "a: b\n": "pipelineInfo",
}
_NIGHTLY = {"name": "nightly", "cron": "0 0 3 * * *", "enabled": True, "maxConcurrency": 1, "catchup": False}
_GIVEN = {**_NIGHTLY, "parameters": {"needed": "x"}}


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "trainer.yaml"
        path.write_text(text, "utf-8")
        return path

    return write


@pytest.mark.parametrize("case", CASES)
def test_ir_comes_back_with_its_digest(case: str) -> None:
    """The proof is a part of the import: it raises where the manifest compiles to something else."""
    text = compiled(case)
    if case in REFUSED:
        with pytest.raises(InputError, match=REFUSED[case]):
            imported(text, "trainer.yaml", {}, None, "dev", strict=True)
        return
    found = imported(text, "trainer.yaml", {}, None, "dev", strict=True)
    assert (found.told, found.kept, found.accepted) == ((), {}, ())


def test_one_component_is_made_for_tasks_that_differ_in_settings_alone() -> None:
    found = imported(compiled("resources"), "trainer.yaml", {}, None, "dev")
    assert list(found.specs) == ["say"]
    again = imported(compiled("resources"), "trainer.yaml", found.specs, None, "dev")
    assert again.specs == {}
    other = imported(compiled("resources"), "trainer.yaml", {"say": "name: another\n"}, None, "dev")
    assert list(other.specs) == ["say_2"]


def test_what_components_say_of_their_inputs_and_outputs_stays() -> None:
    text = compiled("collect_artifacts")
    plain = imported(text, "trainer.yaml", {}, None, "dev").template["pipeline.yaml.j2"]
    assert "componentDescriptions" not in plain
    found = imported(_described(text), "trainer.yaml", {}, None, "dev")
    assert "componentDescriptions: true" in found.template["pipeline.yaml.j2"]
    assert found.told == ()


def _described(text: str) -> str:
    """Every input and output of a component with an executor, described."""
    documents = ir.documents(text)
    for name, component in documents[0]["components"].items():
        if "executorLabel" in component:
            for part in ("inputDefinitions", "outputDefinitions"):
                for kind in component.get(part, {}).values():
                    for port, one in kind.items():
                        one["description"] = f"{port} of {name.split('-')[1]}"
    return dump_all(documents)


_NIGHTLY = {"name": "nightly", "cron": "0 0 3 * * *", "enabled": True, "maxConcurrency": 1, "catchup": False}
_GIVEN = {**_NIGHTLY, "parameters": {"needed": "x"}}


def test_schedules_become_values() -> None:
    found = imported(compiled("parameters"), "trainer.yaml", {}, None, "dev", schedules=[_GIVEN])
    assert found.values["schedules"] == [_GIVEN]
    schema = json.loads(found.template["values.schema.json"])
    assert schema["properties"]["schedules"]["items"] == {"$ref": "#/$defs/schedule"}
    assert "cron" in schema["$defs"]["schedule"]["properties"]
    assert "schedules" not in schema["required"]


def test_what_tasks_need_becomes_values(repository: Path, command: Run, file: Callable[[str], Path]) -> None:
    outcome = command("import", file(compiled("resources")), "--root", repository)
    assert outcome.code == 0, outcome.err
    path = repository / "environments/dev/values.yaml"
    needs = parse(path.read_text(), "v").value["pipelines"]["resources"]["values"]["resources"]
    assert needs["light"] == {"memory": {"limit": "1G"}}
    assert needs["heavy"]["accelerator"] == {"type": "nvidia.com/gpu", "limit": 2}
    path.write_text(path.read_text().replace("limit: 1G\n", "limit: 3G\n"))
    assert command("render", "--env", "dev", "--root", repository).code == 0
    manifest = parse((repository / "manifests/dev/pipelines/resources/pipeline.yaml").read_text(), "m").value
    assert manifest["spec"]["tasks"]["light"]["resources"] == {"memory": {"limit": "3G"}}
    path.write_text(path.read_text().replace("limit: 3G\n", "limit: a lot\n"))
    outcome = command("render", "--env", "dev", "--root", repository)
    assert outcome.code == 2
    assert "pipelines.resources.values.resources.light.memory.limit" in outcome.err
    assert "a whole number with a unit, such as 512Mi or 2Gi" in outcome.err


def test_what_tasks_of_a_pipeline_inside_need_is_told_from_that_of_others() -> None:
    text = compiled("nested_pipeline")
    label = "    exec-load:\n      container:\n"
    needs = "        resources: {cpuLimit: 2, resourceCpuLimit: '2'}\n"
    found = imported(text.replace(label, label + needs), "trainer.yaml", {}, None, "dev")
    assert found.values["resources"] == {"prepare/load": {"cpu": {"limit": "2"}}}
    assert 'values.resources["prepare/load"]' in found.template["prepare.pipeline.yaml.j2"]
    schema = json.loads(found.template["values.schema.json"])
    assert set(schema["$defs"]) == {"schedule", "resources", "cpu", "memory", "nameOrText"}


def test_what_a_run_chooses_stays_in_the_template() -> None:
    found = imported(compiled("resources_from_parameters"), "trainer.yaml", {}, None, "dev")
    assert "resources" not in found.values


def test_a_schedule_that_a_manifest_refuses_is_told() -> None:
    with pytest.raises(InputError, match=r"trainer.yaml:1:1: schedule 'nightly' does not give 'needed'"):
        imported(compiled("parameters"), "trainer.yaml", {}, None, "dev", schedules=[_NIGHTLY])


def test_an_import_is_rendered_with_its_values(
    repository: Path, command: Run, file: Callable[[str], Path]
) -> None:
    path = file(compiled("parameters"))
    outcome = command("import", path, "--root", repository, "--owner", "team-a")
    assert outcome.code == 0, outcome.err
    assert "equal: rendered and compiled, parameters is" in outcome.out
    values = parse((repository / "environments/dev/values.yaml").read_text(), "v").value
    given = values["pipelines"]["parameters"]["values"]
    assert given["owner"] == "team-a"
    manifest = parse((repository / "manifests/dev/pipelines/parameters/pipeline.yaml").read_text(), "m").value
    defaults = {n: p["default"] for n, p in manifest["spec"]["parameters"].items() if "default" in p}
    assert given["parameters"] == defaults != {}
    before = snapshot(repository)
    again = command("import", path, "--root", repository)
    assert again.code == 2
    assert "dev has a pipeline 'parameters' already" in again.err
    assert snapshot(repository) == before


def test_an_image_by_tag_waits_for_its_digest(
    repository: Path, command: Run, file: Callable[[str], Path]
) -> None:
    text = compiled("if_only").replace("registry.example.com/steps@sha256:" + "1" * 64, "python:3.11")
    outcome = command("import", file(text), "--root", repository, "--into", "templates/pipelines/other")
    assert outcome.code == 0, outcome.err
    assert "the digest of python:3.11 is not known" in outcome.err
    release = parse((repository / "environments/dev/release.yaml").read_text(), "r").value
    assert release["images"]["python:3.11"] == f"python@sha256:{'0' * 64}"
    values = parse((repository / "environments/dev/values.yaml").read_text(), "v").value
    assert values["pipelines"]["if-only"]["template"] == "other"


@pytest.mark.parametrize(
    ("case", "part", "malformed"),
    [
        ("security_and_timeout", "activeDeadlineSeconds: '600'", "activeDeadlineSeconds: []"),
        ("pod_and_image", "imagePullPolicy: IfNotPresent", "fieldPathAsEnv: true"),
        ("importer", "schemaTitle: system.Model\n          schemaVersion: 0.0.1\n  ", "schemaTitle: []\n  "),
        ("workspace_and_config", "activeDeadlineSeconds: 7200", "activeDeadlineSeconds: {}"),
        ("if_else", "condition: inputs", "strategy: inputs"),
        ("placement", "- key: metadata.name\n", "- values: 1.5\n            - key: metadata.name\n"),
        ("importer", "image: registry", "image: '{{$.inputs.parameters[''x'']}}' # "),
        ("importer", "artifactUri:\n          constant: s3://b/data.csv", "artifactUri: 1.5"),
    ],
)  # fmt: skip
def test_what_is_not_of_kfps_form_is_told_at_its_task(case: str, part: str, malformed: str) -> None:
    text = compiled(case)
    assert part in text
    with pytest.raises(InputError, match=r"trainer.yaml:\d+:\d+: "):
        imported(text.replace(part, malformed), "trainer.yaml", {}, None, "dev", strict=True)


def test_what_would_come_out_otherwise_is_brought_whole(
    repository: Path, command: Run, file: Callable[[str], Path]
) -> None:
    text = compiled("environment_variables").replace("comp-say", "comp-tell")
    path = file(text)
    outcome = command("import", path, "--root", repository)
    assert outcome.code == 0, outcome.err
    line = text.splitlines().index("  comp-tell:") + 1
    assert f"{path}:{line}:3: imported, this would not be the same: comp-tell: " in outcome.err
    assert "brought whole" in outcome.out


def test_a_failed_import_leaves_nothing_behind(
    repository: Path, command: Run, file: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = snapshot(repository)

    def fail(*_: object) -> None:
        raise InputError.of("environments/dev/values.yaml", "too many pipelines", "take some away")

    monkeypatch.setattr(begun, "render", fail)
    outcome = command("import", file(compiled("nested_pipeline")), "--root", repository)
    assert outcome.code == 2
    assert "too many pipelines" in outcome.err
    assert snapshot(repository) == before


def test_what_was_rendered_before_it_failed_is_taken_back_too(
    repository: Path, command: Run, file: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command("render", "--env", "dev", "--lock", "--root", repository).code == 0
    before, render = snapshot(repository), begun.render
    calls: list[object] = []

    def fail_late(*arguments: Any) -> None:
        render(*arguments)
        calls.append(arguments)
        if len(calls) == 1:
            raise InputError.of("environments/dev/values.yaml", "too many pipelines", "take some away")

    monkeypatch.setattr(begun, "render", fail_late)
    assert command("import", file(compiled("if_only")), "--root", repository).code == 2
    assert snapshot(repository) == before


@pytest.mark.parametrize("text", _FOREIGN)
def test_another_kind_of_file_is_named(
    repository: Path, command: Run, file: Callable[[str], Path], text: str
) -> None:
    outcome = command("import", file(text), "--root", repository)
    assert outcome.code == 2
    assert _FOREIGN[text] in outcome.err


def test_many_files_are_tried_without_writing(repository: Path, command: Run, tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(compiled("if_only"))
    (tmp_path / "bad.yaml").write_text("apiVersion: argoproj.io/v1alpha1\nkind: Workflow\n")
    before = snapshot(repository)
    outcome = command(
        "import", "--check", tmp_path / "good.yaml", tmp_path / "bad.yaml", "--root", repository
    )
    assert outcome.code == 2
    assert f"equal    {tmp_path}/good.yaml" in outcome.out
    assert f"refused  {tmp_path}/bad.yaml" in outcome.out
    assert "1 of 2 can be imported: 1 as manifests" in outcome.out
    assert snapshot(repository) == before


@pytest.mark.parametrize("text", ["kfp-gitops-slot-0-", "kfp-gitops-slot-99-", "{{ values.owner }}", "{# x"])
def test_what_stands_in_a_pipeline_is_no_place_of_its_template(text: str) -> None:
    documents = ir.documents(compiled("resources"))
    documents[0]["pipelineInfo"]["description"] = text
    found = imported(dump_all(documents), "trainer.yaml", {}, None, "dev", strict=True)
    assert found.told == ()
    assert "owner: {{ values.owner | tojson }}\n" in found.template["pipeline.yaml.j2"]
