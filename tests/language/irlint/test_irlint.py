"""A sound IR has no finding; wherever a reference of it is led into nothing, that is found there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import rich_ir
import yaml
from kfp import compiler
from kfp_gitops.base.yamltext import Path, parse_all
from kfp_gitops.language import irlint

_REFERENCES = {
    "componentInputParameter", "componentInputArtifact", "producerTask", "producerSubtask", "outputParameterKey",
    "outputArtifactKey", "executorLabel", "itemInput", "inputParameter", "inputArtifact",
}  # fmt: skip


def _references(value: Any, at: Path = ()) -> Iterator[Path]:
    """Where a document names something else of the IR."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        if key in _REFERENCES or at[-1:] in (("dependentTasks",), ("componentRef",)):
            yield (*at, key)
        else:
            yield from _references(item, (*at, key))


def _every_reference() -> list[tuple[int, Path]]:
    return [(i, at) for i, document in enumerate(rich_ir.documents()) for at in _references(document)]


def _set(value: Any, at: Path, new: Any) -> None:
    for part in at[:-1]:
        value = value[part]
    value[at[-1]] = new


def test_what_the_sdk_compiles_is_sound() -> None:
    assert irlint.findings(rich_ir.documents()) == []
    text = yaml.safe_dump_all(rich_ir.documents())
    assert irlint.problems(parse_all(text, "x.yaml")) == []


def test_the_example_has_every_kind_of_reference() -> None:
    kinds = {part for _, at in _every_reference() for part in at if part in _REFERENCES}
    assert kinds == _REFERENCES - {"inputArtifact"}
    assert len(_every_reference()) > 60


@pytest.mark.parametrize(("document", "at"), _every_reference(), ids=lambda part: str(part)[:60])
def test_a_reference_into_nothing_is_found_where_it_stands(document: int, at: Path) -> None:
    documents = rich_ir.documents()
    _set(documents[document], at, "nowhere")
    found = irlint.findings(documents)
    near = [each for each in found if each.document == document and at[: len(each.at)] == each.at]
    assert near or at[-1] == "itemInput", found  # another item leaves those who read the old one in the dark
    assert found


def _task(documents: list[Any], name: str) -> Any:
    return documents[0]["root"]["dag"]["tasks"][name]


def _swap_kind(documents: list[Any]) -> None:
    documents[0]["components"]["comp-make"]["outputDefinitions"]["parameters"]["number"]["parameterType"] = (
        "LIST"
    )


def _swap_artifact(documents: list[Any]) -> None:
    given = documents[0]["components"]["comp-importer"]["outputDefinitions"]["artifacts"]["artifact"]
    given["artifactType"]["schemaTitle"] = "system.Model"


def _wrong_constant(documents: list[Any]) -> None:
    _task(documents, "use-2")["inputs"]["parameters"]["number"]["runtimeValue"]["constant"] = "two"


def _no_source(documents: list[Any]) -> None:
    _task(documents, "inner")["inputs"]["parameters"]["text"] = {}


def _missing_input(documents: list[Any]) -> None:
    del _task(documents, "inner")["inputs"]["parameters"]["text"]


def _input_too_many(documents: list[Any]) -> None:
    _task(documents, "inner")["inputs"]["parameters"]["txt"] = {"componentInputParameter": "uri"}


def _circle(documents: list[Any]) -> None:
    _task(documents, "inner")["dependentTasks"] = ["read"]


def _itself(documents: list[Any]) -> None:
    documents[0]["components"]["comp-inner"]["dag"]["tasks"]["read"]["componentRef"]["name"] = "comp-inner"


def _branch(documents: list[Any]) -> Any:
    (group,) = (node for name, node in documents[0]["components"].items() if "condition-branches" in name)
    return next(iter(group["dag"]["tasks"].values()))["triggerPolicy"]


def _broken_condition(documents: list[Any]) -> None:
    _branch(documents)["condition"] = "inputs.parameter_values['a'] == 'it's'"


def _condition_on_nothing(documents: list[Any]) -> None:
    _branch(documents)["condition"] = "inputs.parameter_values['nowhere'] == 'a'"


def _no_list(documents: list[Any]) -> None:
    loop = next(task for name, task in documents[0]["root"]["dag"]["tasks"].items() if "for-loop" in name)
    loop["parameterIterator"]["items"] = {"raw": "{}"}


def _text_reads_nothing(documents: list[Any]) -> None:
    constant = {"runtimeValue": {"constant": "{{$.inputs.parameters['nowhere']}}"}}
    _task(documents, "use-2")["inputs"]["parameters"]["text"] = constant


def _command_reads_nothing(documents: list[Any]) -> None:
    container = documents[0]["deploymentSpec"]["executors"]["exec-container"]["container"]
    container["args"].append("{{$.inputs.parameters['nowhere']}}")


def _output_that_nobody_gives(documents: list[Any]) -> None:
    documents[0]["components"]["comp-inner"]["dag"]["outputs"] = {}


def _output_undeclared(documents: list[Any]) -> None:
    documents[0]["components"]["comp-inner"].pop("outputDefinitions")


def _same_name(documents: list[Any]) -> None:
    documents[0]["root"]["dag"]["tasks"]["Use_2"] = _task(documents, "use-2")


def _settings_for_nobody(documents: list[Any]) -> None:
    documents[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["exec-nowhere"] = {}


def _bad_name(documents: list[Any]) -> None:
    documents[0]["pipelineInfo"]["name"] = "Rich Pipeline"


def _old_schema(documents: list[Any]) -> None:
    documents[0]["schemaVersion"] = "2.0.0"


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (_swap_kind, "is given a list where 'number' takes a number"),
        (_swap_artifact, "is given a system.Model where 'data' takes a system.Dataset"),
        (_wrong_constant, "is given a text where 'number' takes a number"),
        (_no_source, "gets 'text' from nowhere"),
        (_missing_input, "task 'inner' lacks the required input 'text'"),
        (_input_too_many, "gives 'txt', which comp-inner does not take"),
        (_circle, "tasks wait for each other"),
        (_itself, "components contain each other: comp-inner → comp-inner"),
        (_broken_condition, "has a condition that is no expression"),
        (_condition_on_nothing, "has a condition on 'nowhere', which it is not given"),
        (_no_list, "is repeated over no list"),
        (_text_reads_nothing, "puts 'nowhere' into a text, which it is not given"),
        (_command_reads_nothing, "the command of comp-container reads input 'nowhere'"),
        (_output_that_nobody_gives, "declares the output 'Output', but no task gives it"),
        (_output_undeclared, "gives the output 'Output' without declaring it"),
        (_same_name, "have the same name for Kubernetes: use-2"),
        (_settings_for_nobody, "settings for the executor 'exec-nowhere', which does not exist"),
        (_bad_name, "the pipeline's name is 'Rich Pipeline'"),
        (_old_schema, "schemaVersion is '2.0.0'"),
    ],
)
def test_damage_is_found(damage: Callable[[list[Any]], None], what: str) -> None:
    documents = rich_ir.documents()
    damage(documents)
    assert any(what in finding.what for finding in irlint.findings(documents))


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ({"componentInputParameter": "nope"}, "refers to input 'nope' of root"),
        ({"taskOutputParameter": {"producerTask": "nope", "outputParameterKey": "text"}}, "refers to task 'nope'"),
        ({"componentInputParameter": {"a": 1}}, "names neither an input nor an output of a task"),
        ({"taskOutputParameter": {}}, "names neither an input nor an output of a task"),
        ({"taskOutputParameter": "make"}, "names neither an input nor an output of a task"),
        ({"taskOutputParameter": {"producerTask": ["make"]}}, "names neither an input nor an output of a task"),
    ],
)  # fmt: skip
def test_a_source_inside_a_source_of_the_platform_document_is_looked_at(source: Any, what: str) -> None:
    documents = rich_ir.documents()
    settings = documents[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["exec-use-2"]
    mount = {"componentInputParameter": "uri", "mountPath": "/data", "pvcNameParameter": source}
    settings["pvcMount"] = [mount]
    (finding,) = irlint.findings(documents)
    at = ("platforms", "kubernetes", "deploymentSpec", "executors", "exec-use-2", "pvcMount", 0)
    assert (finding.document, finding.at) == (1, (*at, "pvcNameParameter"))
    assert what in finding.what


def test_static_list_of_maps_in_a_condition_gh_13273(tmp_path: Any) -> None:
    """The SDK compiles it; the IR refers to an item that no loop there has."""
    path = tmp_path / "broken.yaml"
    compiler.Compiler().compile(rich_ir.gh_13273, str(path))
    (problem,) = irlint.problems(parse_all(path.read_text(), "broken.yaml"))
    assert "refers to input parameter 'loop-item-param-" in problem.what
    assert "which does not exist" in problem.what
    assert "componentInputParameter: loop-item-param" in "\n".join(
        path.read_text().splitlines()[problem.line - 1 : problem.line + 1]
    )


def test_structure_is_checked_before_references() -> None:
    text = "pipelineInfo: {name: x}\nroot: {dag: {tasks: [1]}}\n"
    text += "components: {}\ndeploymentSpec: {}\nschemaVersion: 2.1.0\n"
    (problem,) = irlint.problems(parse_all(text, "x.yaml"))
    assert (problem.line, problem.what) == (2, "root.dag.tasks is [1], not a map")
