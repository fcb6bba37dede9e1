"""Command lines of a brought IR that KFP does not read as they are written, outputs that nobody writes, no IR."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from kfp_gitops.base.errors import InputError, Problem
from kfp_gitops.base.yamldump import dump
from kfp_gitops.language.irlint import spelling
from kfp_gitops.sources import components
from language import brought_soundly

_IMAGE = f"r/steps@sha256:{'1' * 64}"


def _ir(*args: str, image: str = _IMAGE, more: dict[str, Any] | None = None) -> str:
    """An IR whose one container takes a text and an artifact, and gives a number and a file."""
    inputs = {
        "parameters": {"text": {"parameterType": "STRING", "defaultValue": "x"}},
        "artifacts": {
            "data": {
                "artifactType": {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"},
                "isOptional": True,
            }
        },
    }
    outputs = {
        "parameters": {"rows": {"parameterType": "NUMBER_INTEGER"}},
        "artifacts": {"copy": {"artifactType": {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"}}},
    }
    component = {"executorLabel": "exec-c", "inputDefinitions": inputs, "outputDefinitions": outputs}
    task = {"componentRef": {"name": "comp-c"}, "taskInfo": {"name": "c"}, **(more or {})}
    return dump(
        {
            "components": {"comp-c": component},
            "deploymentSpec": {
                "executors": {"exec-c": {"container": {"command": ["run"], "args": [*args], "image": image}}}
            },
            "pipelineInfo": {"name": "p"},
            "root": {"dag": {"tasks": {"c": task}}},
            "schemaVersion": "2.1.0",
            "sdkVersion": "kfp-2.17.0",
        }
    )


_TOLD = "{{$.outputs.parameters['rows'].output_file}}", "{{$.outputs.artifacts['copy'].path}}"


@pytest.mark.parametrize(
    "args",
    [
        _TOLD,
        ("{{$}}",),
        ("{{$.outputs.artifacts['copy'].uri}}", "cp x /tmp/kfp/outputs/rows"),
        (*_TOLD, '{"IfPresent": {"InputName": "text", "Then": ["{{$.inputs.parameters[\'text\']}}"], "Else": "x"}}'),
        (*_TOLD, "{{name}}", "{$.a}", "awk '{inputs = 1}'", "${inputs}"),
    ],
)  # fmt: skip
def test_an_ir_that_says_where_outputs_go_is_read(args: tuple[str, ...]) -> None:
    brought_soundly(_ir(*args), "p.yaml")


@pytest.mark.parametrize(
    ("args", "what"),
    [
        (_TOLD[:1], "never told where to write its output 'copy'"),
        (_TOLD[1:], "never told where to write its output 'rows'; write {{$.outputs.parameters['rows'].output_file}}"),
        ((*_TOLD, '{"Concat": ["a", "b"]}'), "gets this Concat as the JSON that it is"),
        (('{"IfPresent": {"InputName": "text", "Then": ["' + _TOLD[0] + '"]}}', _TOLD[1]), "it names an output"),
        ((*_TOLD, '{"IfPresent": {"InputName": "text", "Then": [{"Concat": ["a"]}]}}'), "texts only in the branches"),
        ((*_TOLD, '{"IfPresent": [1]}'), "cannot read this IfPresent"),
    ],
)  # fmt: skip
def test_what_kfp_would_not_do_is_told(args: tuple[str, ...], what: str) -> None:
    told = _told(_ir(*args))
    assert [what in problem.what + "; " + problem.todo for problem in told] == [True]
    assert all(problem.line > 1 for problem in told)


def _told(text: str) -> Sequence[Problem]:
    """What is wrong with an IR, whether a manifest may accept it or not."""
    try:
        return brought_soundly(text, "p.yaml").faults
    except InputError as error:
        return error.problems


def test_ifpresent_of_an_artifact_is_refused_where_a_task_gives_it() -> None:
    args = (*_TOLD, '{"IfPresent": {"InputName": "data", "Then": ["a"]}}')
    given = {"inputs": {"artifacts": {"data": {"componentInputArtifact": "data"}}}}
    with pytest.raises(InputError, match="IfPresent of an artifact is always false"):
        brought_soundly(_ir(*args, more=given), "p.yaml")
    brought_soundly(_ir(*args), "p.yaml")  # nobody gives it, so false is right


def test_steps_of_the_driver_itself_write_their_outputs() -> None:
    brought_soundly(_ir(image="argostub/createpvc"), "p.yaml")


def test_a_loop_over_artifacts_is_refused() -> None:
    loop = {"artifactIterator": {"items": {"inputArtifact": "data"}, "itemInput": "data"}}
    with pytest.raises(InputError, match="repeated over artifacts, which no KFP can do yet"):
        brought_soundly(_ir(*_TOLD, more=loop), "p.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "{{$.inputs.parameters[\"a\"]}}", "{{ $.inputs.parameters['a'] }}", "{{$.inputs.parameters.a}}",
        "{{$.inputs.artifacts['a']}}",
        "{{$.outputs.parameters['a']}}", "{{$.outputs.parameters['a'].path}}", "{{$.inputs.parameters['a'].value}}",
        "{inputs.parameters.a}", "{outputs.artifacts['a'].path}", "${{inputs.parameters.a}}"[1:].replace("{{", "{ "),
        "$.inputs.parameters['a']", "{$.inputs.parameters['a']}", "{{$.pipeline_job_name}}", "{{$.json_escape[1]}}",
    ],
)  # fmt: skip
def test_another_spelling_is_no_placeholder(text: str) -> None:
    assert list(spelling.misspelt(f"x {text} y"))


_ARGO = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata:
  annotations:
    pipelines.kubeflow.org/kfp_sdk_version: 1.8.9
"""


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (_ARGO, "an Argo Workflow, as kfp 1.8.9 compiled it"),
        (_ARGO + "spec: {mode: 0644, x: yes}\n", "an Argo Workflow"),  # which our reader refuses
        ("apiVersion: tekton.dev/v1beta1\nkind: PipelineRun\n", "a Tekton PipelineRun"),
        ("apiVersion: tekton.dev/v1\nkind: PipelineRun\n---\na: 1\n---\nb: 1\n", "a Tekton PipelineRun"),
        ("apiVersion: pipelines.kubeflow.org/v2beta1\nkind: PipelineVersion\n", "Kubernetes object PipelineVersion"),
        ("apiVersion: v1\nkind: ConfigMap\n", "a Kubernetes object (v1, ConfigMap)"),
        ("apiVersion: kfp-gitops/v1\nkind: PipelineManifest\n", "a PipelineManifest of this repository"),
        ("pipelineSpec: {}\nruntimeConfig: {}\n", "a PipelineJob, as Vertex AI takes it"),
        ("implementation: {container: {image: x}}\n", "a component, and no compiled pipeline"),
        ("platforms: {kubernetes: {}}\n", "the platform spec"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_ir_is_said_to_be_what_it_is(text: str, what: str) -> None:
    with pytest.raises(InputError) as refused:
        brought_soundly(text, "p.yaml")
    (problem,) = refused.value.problems
    assert (what in problem.what, problem.line) == (True, 1)


def test_a_workflow_in_place_of_a_component_is_said_to_be_one() -> None:
    with pytest.raises(InputError, match=r"an Argo Workflow, as kfp 1\.8\.9 compiled it"):
        components.read("c", _ARGO, "c.yaml")
