"""`import.py`: what the compiler can express comes back from IR as it was; the rest is refused at its line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from compiled_kit import DSL, SPECS, compiled
from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamldump import dump_all
from kfp_gitops.base.yamltext import parse
from kfp_gitops.commands import begun
from kfp_gitops.compiling import ir
from kfp_gitops.compiling.compiler import compile_pipeline
from kfp_gitops.importing import comparisons, numbered
from kfp_gitops.importing.imported import imported
from kfp_gitops.rendering.rendered import RenderedPipeline
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
            imported(text, "trainer.yaml", {}, None, "dev")
        return
    assert imported(text, "trainer.yaml", {}, None, "dev").told == ()


def test_one_component_is_made_for_tasks_that_differ_in_settings_alone() -> None:
    found = imported(compiled("resources"), "trainer.yaml", {}, None, "dev")
    assert list(found.specs) == ["say"]
    again = imported(compiled("resources"), "trainer.yaml", found.specs, None, "dev")
    assert again.specs == {}
    other = imported(compiled("resources"), "trainer.yaml", {"say": "name: another\n"}, None, "dev")
    assert list(other.specs) == ["say_2"]


def test_components_of_a_pipeline_inside_keep_their_numbers() -> None:
    """The SDK names the inner ones first where the inner pipeline was made first, though it comes later in the file."""
    head = "apiVersion: kfp-gitops/v1\nkind: PipelineManifest\nmetadata: {name: %s, description: A., owner: t}\nspec:\n"
    inner = head % "prepare" + "  tasks:\n    add: {component: add, arguments: {a: 1, b: 2}}\n"
    outer = (
        head % "outer"
        + "  tasks:\n    prepare: {pipeline: prepare}\n"
        + inner.splitlines()[-1].replace("2", "3")
    )
    rendered = RenderedPipeline("outer", "sha256:0", outer, SPECS, inner={"prepare": inner})
    text = compile_pipeline(rendered, "m").text
    assert ir.documents(text)[0]["root"]["dag"]["tasks"]["add"]["componentRef"] == {"name": "comp-add-2"}
    assert imported(text, "trainer.yaml", {}, None, "dev").told == ()


def test_what_components_say_of_their_inputs_and_outputs_stays() -> None:
    text = compiled("collect_artifacts")
    plain = imported(text, "trainer.yaml", {}, None, "dev").template["pipeline.yaml.j2"]
    assert "componentDescriptions" not in plain
    found = imported(_described(text), "trainer.yaml", {}, None, "dev")
    assert "componentDescriptions: true" in found.template["pipeline.yaml.j2"]
    assert found.told == ()


def test_the_only_values_of_a_parameter_stay() -> None:
    documents = ir.documents(compiled("comparisons"))
    parameters = documents[0]["root"]["inputDefinitions"]["parameters"]
    name = next(name for name, one in parameters.items() if one["parameterType"] == "NUMBER_INTEGER")
    parameters[name]["literals"] = [parameters[name]["defaultValue"], 77.0]
    found = imported(dump_all(documents), "trainer.yaml", {}, None, "dev")
    assert found.told == ()
    schema = json.loads(found.template["values.schema.json"])
    wanted = [int(parameters[name]["defaultValue"]), 77]
    assert schema["properties"]["parameters"]["properties"][name]["enum"] == wanted


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


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("int(inputs.parameter_values['n']) > 3", {"gt": [{"param": "n"}, 3]}),
        ("double(int(inputs.parameter_values['n'])) <= 2.5", {"le": [{"param": "n"}, 2.5]}),
        ("inputs.parameter_values['n'] == 'it's == a'", {"eq": [{"param": "n"}, "it's == a"]}),
        ("inputs.parameter_values['n'] != true", {"ne": [{"param": "n"}, True]}),
        ("int(inputs.parameter_values['n']) < inputs.parameter_values['m']", {"lt": [{"param": "n"}, {"item": "l"}]}),
        ("inputs.parameter_values['other'] == 1", None),
        ("size(inputs.parameter_values['n']) == 1", None),
    ],
)  # fmt: skip
def test_conditions_are_read_as_the_sdk_writes_them(text: str, asked: dict[str, Any] | None) -> None:
    assert comparisons.comparison(text, {"n": {"param": "n"}, "m": {"item": "l"}}) == asked


def test_a_branch_asks_what_those_before_it_did_not() -> None:
    assert comparisons.own("a == 1", ()) == "a == 1"
    assert comparisons.own("!(a == 1) && b == 2", ("a == 1",)) == "b == 2"
    assert comparisons.own("!(a == 1) && !(b == 2)", ("a == 1", "b == 2")) == ""
    assert comparisons.own("b == 2", ("a == 1",)) is None


def test_tasks_are_made_in_the_order_of_their_numbers() -> None:
    siblings = {"a-group": ["condition-1", "say-2"], "say": ["say"], "say-3": ["say-3"], "other": ["other"]}
    keys = {"say", "say-2", "say-3", "other", "condition-1"}
    found = numbered.order(siblings, {"say": ["other"]}, numbered.counts(siblings, keys))
    assert found == ["other", "say", "a-group", "say-3"]
    assert numbered.counted("step-2", {"step-2"}) == ("step-2", 1)


_NIGHTLY = {"name": "nightly", "cron": "0 0 3 * * *", "enabled": True, "maxConcurrency": 1, "catchup": False}
_GIVEN = {**_NIGHTLY, "parameters": {"needed": "x"}}


def test_schedules_become_values() -> None:
    found = imported(compiled("parameters"), "trainer.yaml", {}, None, "dev", schedules=[_GIVEN])
    assert found.values["schedules"] == [_GIVEN]
    schema = json.loads(found.template["values.schema.json"])
    assert "cron" in schema["properties"]["schedules"]["items"]["properties"]
    assert "schedules" not in schema["required"]


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
    text = compiled("environment_variables").replace("      say:\n", "      say-7:\n")
    path = file(text)
    outcome = command("import", path, "--root", repository)
    assert outcome.code == 0, outcome.err
    line = text.splitlines().index("      say-7:") + 1
    assert f"{path}:{line}:7: imported, this would not be the same: say-7: " in outcome.err
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
    assert "1 of 2 can be imported" in outcome.out
    assert snapshot(repository) == before
