"""What Argo takes for a placeholder of its own, by its source: refused wherever it would get into a workflow."""

from __future__ import annotations

import pytest
from kfp_gitops.base.errors import InputError
from kfp_gitops.checking import check
from kfp_gitops.language import argotext
from kfp_gitops.language.manifest import reader
from kfp_gitops.sources import components
from language import COMPONENTS, HEAD, refusals

_TASK = "spec:\n  tasks:\n    a: {{component: say, arguments: {{text: {}}}}}\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{{workflow.uid}}", "{{workflow.uid}}"),
        ("a {{ tasks.one.outputs.result }} b", "{{ tasks.one.outputs.result }}"),
        ("{{item.name}}", "{{item.name}}"),
        ("{{pod.name", "{{pod.name"),  # up to the next }}, which is that of another text
        ("{{=1+1}}", "{{=1+1}}"),
        ("{{ retries }}", "{{ retries }}"),
        ("{{lastRetry.exitCode}}", "{{lastRetry.exitCode}}"),
        ("{{a {{workflow.uid}}", "{{a {{workflow.uid}}"),
        ("{{\u00a0steps.two}}", "{{ steps.two}}"),
        ("one {{two}} three {{outputs.x}}", "{{outputs.x}}"),
    ],
)
def test_placeholders_that_argo_knows(text: str, found: str) -> None:
    assert argotext.placeholder(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "{{name}}", "{{ item }}", "{{$.inputs.parameters['x']}}", "{{$}}", "{{items.x}}", "{{ =x}}",
        "{ {workflow.uid}}", "{{\nworkflow.uid}}", "{{\tworkflow.uid}}", "{{{workflow.uid}}}", "{{retries.x}}",
        "workflow.uid}}", "{{inputs}}",
    ],
)  # fmt: skip
def test_braces_that_argo_leaves_alone(text: str) -> None:
    assert argotext.placeholder(text) == ""


_TWO = "spec:\n  tasks:\n    a: {{component: two{}}}\n"
_SCHEDULED = (
    "schedules:\n- {name: s, cron: '0 0 4 * * *', enabled: true, maxConcurrency: 1, catchup: false,"
    " parameters: {x: '{{workflow.name}}'}}\n"
)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (_TASK.format("'{{workflow.uid}}'"), "'{{"),
        (_TASK.format("{concat: ['{{work', 'flow.uid}}']}"), "a:"),
        (_TWO.format("") + "  parameters: {x: {type: str, default: '{{inputs.y}}'}}\n", "'{{"),
        (_TWO.format("") + "  parameters: {x: {type: str, default: y, description: '{{steps.y}}'}}\n", "'{{"),
        (_TWO.format(", env: {A: '{{=1}}'}"), "'{{"),
        (_TWO.format(", pod: {annotations: {a: '{{pod.name}}'}}"), "'{{"),
        (_TWO.format("") + "  parameters: {x: {type: dict, default: {'{{item.a}}': 1}}}\n", "1}"),
        (_TWO.format("") + "  parameters: {x: {type: str, default: y}}\n" + _SCHEDULED, "'{{"),
    ],
)
def test_a_manifest_with_one_is_refused_where_it_stands(body: str, place: str) -> None:
    before = body[: body.index(place)]
    found = [one for one in refusals(body) if "placeholder of its own" in one]
    where = f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"
    assert [one.split(": ")[0] for one in found] == [where], refusals(body)


def test_the_pipelines_own_description_stays_outside_the_workflow() -> None:
    manifest = reader.read(
        HEAD.replace("description: d", "description: '{{workflow.uid}}'") + _TWO.format(""), "m"
    )
    assert not [one for one in check.problems(manifest, COMPONENTS) if "placeholder" in one.what]


_SPEC = """\
components:
  comp-c:
    executorLabel: exec-c
    inputDefinitions:
      parameters: {x: {parameterType: STRING, description: DESCRIPTION}}
deploymentSpec:
  executors:
    exec-c:
      container:
        command: [python3, -m, kfp.dsl.executor_main, "import kfp\\nprompt = 'PROMPT'\\n"]
        env: [{name: A, value: ENV}]
        image: steps
pipelineInfo: {name: c, description: 'about {{workflow.uid}}'}
root:
  dag:
    tasks:
      c:
        componentRef: {name: comp-c}
        inputs: {parameters: {x: {componentInputParameter: x}}}
        taskInfo: {name: c}
  inputDefinitions:
    parameters: {x: {parameterType: STRING}}
schemaVersion: 2.1.0
sdkVersion: kfp-2.17.0
"""


@pytest.mark.parametrize("where", ["DESCRIPTION", "PROMPT", "ENV"])
def test_a_compiled_component_with_one_is_refused_sources_included(where: str) -> None:
    components.read("c", _SPEC, "c.yaml")
    with pytest.raises(InputError, match=r"Argo takes '\{\{steps\.two\}\}'") as refused:
        components.read(
            "c", _SPEC.replace(where, "{{steps.two}}" if where == "PROMPT" else "'{{steps.two}}'"), "c.yaml"
        )
    assert [bool(problem.line) for problem in refused.value.problems] == [True]
    assert ("in line 2 of this text" in str(refused.value)) == (where == "PROMPT")


@pytest.mark.parametrize("where", ["ENV", "DEFAULT", "ARG"])
def test_a_hand_written_component_with_one_is_refused(where: str) -> None:
    text = (
        "name: c\ndescription: '{{workflow.uid}}'\ninputs: [{name: x, type: String, default: DEFAULT}]\n"
        "implementation: {container: {image: steps, command: [tool, ARG], env: {A: ENV}}}\n"
    )
    components.read("c", text, "c.yaml")
    with pytest.raises(InputError, match="Argo takes"):
        components.read("c", text.replace(where, "'{{workflow.uid}}'"), "c.yaml")
