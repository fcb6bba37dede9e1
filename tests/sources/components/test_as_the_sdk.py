"""Hand-written and compiled specs mean here what they mean to the SDK: names, types, defaults, command lines."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rich_ir
import yaml
from google.protobuf.json_format import MessageToDict
from kfp import compiler, dsl
from kfp import components as sdk
from kfp.dsl.types import type_utils
from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamldump import dump
from kfp_gitops.compiling.compiler import compile_pipeline
from kfp_gitops.rendering.rendered import RenderedPipeline
from kfp_gitops.sources import components
from kfp_gitops.sources.components import Port
from project import Outcome

_IMAGE = f"r/steps@sha256:{'1' * 64}"


def _read(text: str) -> components.Component:
    return components.read("c", text, "components/c/component.yaml")


def _one(inputs: str = "", outputs: str = "", args: str = "") -> str:
    """A spec of single-line parts."""
    return (
        f"name: One\ninputs: [{inputs}]\noutputs: [{outputs}]\n"
        f"implementation: {{container: {{image: {_IMAGE!r}, command: [run], args: [{args}]}}}}\n"
    )


def _of_sdk(name: str, spec: Any) -> Port:
    """A port from what the SDK read."""
    names: dict[str, Any] = {
        "String": "str", "Integer": "int", "Float": "float", "Boolean": "bool", "List": "list", "Dict": "dict",
    }  # fmt: skip
    status = spec.type == "PipelineTaskFinalStatus"
    artifact = None if spec.type in names or status else spec.type.split("@")[0]
    return Port(name, names.get(spec.type), artifact, getattr(spec, "optional", False), status)


_TYPES = (
    "String", "str", "text", "INTEGER", "int", "double", "Float", "bool", "JsonObject", "dict", "JsonArray",
    "List[String]", "typing.List[str]", "Dict[str, int]", "typing.Dict", "ListOfNames", "Optional[str]", "Report",
    "model", "HTML", "ClassificationMetrics", "system.Artifact", "google.VertexModel", "google.V2", "UI metadata",
    "String or URI", "PipelineTaskFinalStatus", "{Report: {format: csv}}", "{JsonObject: {kind: x}}", "null",
)  # fmt: skip


@pytest.mark.parametrize("kind", _TYPES)
def test_type_is_that_which_the_sdk_reads(kind: str) -> None:
    typed = f", type: {kind}" if kind.startswith("{") or kind == "null" else f", type: '{kind}'"
    for optional in ("", ", optional: true"):
        text = _one(f"{{name: A b{typed}{optional}}}", f"{{name: o{typed}}}", "'{{$}}'")
        if kind == "PipelineTaskFinalStatus":
            text = text.replace(f"{{name: o{typed}}}", "").replace(typed, f"{typed}, optional: true", 1)
            text = text.replace(", optional: true, optional: true", ", optional: true")
        found, spec = _read(text), sdk.load_component_from_text(text).component_spec
        assert found.inputs == {name: _of_sdk(name, each) for name, each in spec.inputs.items()}
        assert found.outputs == {name: _of_sdk(name, each) for name, each in (spec.outputs or {}).items()}


@pytest.mark.parametrize(
    "name", ["a.b", "Model (h5)", "train/test", "größe", "_x_", "C#", "class", "a--b", "1st"]
)
def test_name_is_that_which_the_sdk_makes(name: str) -> None:
    text = _one(f"{{name: {name!r}, type: String}}", "", f"{{inputValue: {name!r}}}")
    assert list(_read(text).inputs) == list(sdk.load_component_from_text(text).component_spec.inputs)


@pytest.mark.parametrize(
    ("kind", "default", "value"),
    [
        ("String", 5, "5"), ("String", "", ""), ("Integer", "007", 7), ("Integer", " 5 ", 5),
        ("Integer", "1_000", 1000), ("Integer", "+5", 5), ("Integer", 3.0, 3), ("Float", ".5", 0.5),
        ("Float", "1e3", 1000.0), ("Float", 5, 5.0),
        ("Bool", "yes", True), ("Bool", "1", True), ("Bool", "OFF", False), ("Bool", False, False),
        ("List", "[1]", [1]), ("Dict", '{"a": 1}', {"a": 1}),
    ],
)  # fmt: skip
def test_default_that_the_sdk_reads_is_taken(kind: str, default: object, value: object) -> None:
    assert type_utils.deserialize_v1_component_yaml_default(kind, default) == value
    _read(_one(f"{{name: a, type: {kind}, default: {json.dumps(default)}}}", "", "{inputValue: a}"))


@pytest.mark.parametrize(
    ("kind", "default"),
    [
        ("Integer", ""), ("Integer", "3.0"), ("Integer", 3.5), ("Integer", True), ("Float", True), ("Float", "nan"),
        ("Float", "inf"), ("Float", ""), ("Bool", 1), ("Bool", "maybe"), ("List", ""), ("List", "{}"), ("Dict", "[]"),
        ("Dict", '{"a": NaN}'),
        ("Dict", "x"), ("String", True), ("String", 1.5), ("Integer", "x" * 5000), ("List", "[" * 5000),
    ],
)  # fmt: skip
def test_default_that_is_another_value_or_none_to_kfp_is_told(kind: str, default: object) -> None:
    with pytest.raises(InputError) as refused:
        _read(_one(f"{{name: a, type: {kind}, default: {json.dumps(default)}}}", "", "{inputValue: a}"))
    assert [problem.line for problem in refused.value.problems] == [2]


def test_default_of_null_is_none() -> None:
    text = _one("{name: a, type: String, default: null}", "", "{inputValue: a}")
    assert not _read(text).inputs["a"].optional
    assert not sdk.load_component_from_text(text).component_spec.inputs["a"].optional


_SPECS: dict[str, str] = {
    "no types": _one(
        "{name: Data}", "{name: Data}, {name: Sum}", "{inputPath: Data}, {outputPath: Data}, {outputUri: Sum}"
    ),
    "map types": _one(
        "{name: t, type: {Table: {format: tsv}}}, {name: j, type: {JsonObject: {kind: x}}}",
        "{name: m, type: {Keras: {v: 2}}}", "{inputPath: t}, {inputUri: j}, {outputPath: m}",
    ),
    "names": _one(
        "{name: Rows (max.), type: Integer}, {name: class, type: String}, {name: 1st, type: String}",
        "{name: train/test, type: CSV}",
        "{inputValue: Rows (max.)}, {inputValue: class}, {inputValue: 1st}, {outputPath: train/test}",
    ),
    "element types": _one("{name: a, type: 'List[String]'}", "{name: o, type: 'typing.Dict[str, str]'}",
        "{inputValue: a}, {outputPath: o}",
    ),
    "google": _one("{name: m, type: google.VertexModel}", "{name: o, type: google.VertexModel}",
        "{inputUri: m}, {outputUri: o}",
    ),
    "placeholders in texts": _one("{name: a b, type: String}", "{name: The Sum, type: Integer}, {name: m, type: Model}",
        "\"--a={{$.inputs.parameters['a_b']}}\", \"{{$.outputs.parameters['the_sum'].output_file}}\","
        " \"--m={{$.outputs.artifacts['m'].uri}}/0\"",
    ),
    "if": _one("{name: a, type: String}, {name: b, type: Report, optional: true}", "",
        "{if: {cond: {isPresent: a}, then: [{inputValue: a}], else: [{inputValue: a}]}},"
        " {if: {cond: {isPresent: a}, then: {inputPath: b}, else: null}}",
    ),
    "nulls": f"version: v1\ndescription:\nmetadata:\ninputs:\noutputs:\nimplementation:\n  container:\n"
    f"    image: {_IMAGE}\n    command: [run]\n    args:\n    env:\n",
    "nothing but a container": f"implementation: {{container: {{image: {_IMAGE!r}}}}}",
    "file outputs beside": _one("", "{name: o, type: String}", "{outputPath: o}")[:-3]
    + ", fileOutputs: {o: /tmp/o}}}\n",
}  # fmt: skip


@pytest.mark.parametrize("spec", _SPECS.values(), ids=_SPECS)
def test_task_is_what_the_sdk_makes_of_the_spec(spec: str) -> None:
    values: dict[str, Any] = {"str": "x", "int": 3, "list": ["x"]}
    needed = [port for port in _read(spec).inputs.values() if not port.optional]
    imports = {port.name: f"import-{port.name.replace('_', '-')}" for port in needed if port.artifact}
    arguments = {
        port.name: {"task": imports[port.name], "output": "artifact"}
        if port.artifact
        else values[str(port.type)]
        for port in needed
    }
    importers = {task: {"importer": {"uri": "s3://b/x", "type": "Artifact"}} for task in imports.values()}
    tasks = {**importers, "one": {"component": "c", "arguments": arguments}}
    assert _parts(_ours(spec, tasks)) == _parts(_theirs(spec, needed, values))


def _ours(spec: str, tasks: dict[str, Any]) -> Any:
    manifest = {
        "apiVersion": "kfp-gitops/v1", "kind": "PipelineManifest", "spec": {"tasks": tasks},
        "metadata": {"name": "one", "description": "d", "owner": "o"},
    }  # fmt: skip
    pipeline = RenderedPipeline("one", "sha256:0", dump(manifest), {"c": dump(_read(spec).document.value)})
    return yaml.safe_load(compile_pipeline(pipeline, "manifests/dev").text)


def _theirs(spec: str, needed: list[Port], values: dict[str, Any]) -> Any:
    def one() -> None:
        sdk.load_component_from_text(spec)(**{port.name: _value(port, values) for port in needed})

    one.__annotations__.clear()  # «None» as a text is no type to the SDK
    return MessageToDict(dsl.pipeline(name="one")(one).pipeline_spec)


def _value(port: Port, values: dict[str, Any]) -> Any:
    if port.type:
        return values[port.type]
    return dsl.importer(artifact_uri="s3://b/x", artifact_class=dsl.Artifact).output


def _parts(ir: Any) -> Any:
    """The containers of an IR, and what their components take and give."""
    executors = {
        label: each for label, each in ir["deploymentSpec"]["executors"].items() if "container" in each
    }
    return executors, {
        key: each for key, each in ir["components"].items() if each["executorLabel"] in executors
    }


def test_compiled_component_gives_what_its_step_gives(tmp_path: Path) -> None:
    """Versions of kfp wrote outputs into the root that its own loader does not look at."""
    compiler.Compiler().compile(rich_ir.write, str(tmp_path / "component.yaml"))
    ir = yaml.safe_load((tmp_path / "component.yaml").read_text())
    for outputs in (ir["root"]["outputDefinitions"], ir["root"]["dag"]["outputs"]):
        outputs["artifacts"]["write-data"] = outputs["artifacts"]["data"]
    wanted = list(sdk.load_component_from_text(dump(ir)).component_spec.outputs)
    assert "write-data" not in wanted
    assert sorted(_read(dump(ir)).outputs) == sorted(wanted)


def test_artifacts_of_two_types_of_google_do_not_fit(
    repository: Path, command: Callable[..., Outcome]
) -> None:
    for name, kind in (("give", "google.VertexModel"), ("take", "google.VertexDataset")):
        (repository / "components" / name).mkdir()
        spec = _one(f"{{name: m, type: {kind}, optional: true}}", f"{{name: m, type: {kind}}}", "'{{$}}'")
        (repository / "components" / name / "component.yaml").write_text(spec)
    template = repository / "templates/pipelines/hello/pipeline.yaml.j2"
    given = (
        "    give: {component: give}\n    take: {component: take, arguments: {m: {task: give, output: m}}}\n"
    )
    template.write_text(template.read_text().replace("  tasks:\n", f"  tasks:\n{given}", 1))
    outcome = command("render", "--env", "dev", "--root", repository)
    assert outcome.code == 2
    assert "google.VertexModel artifact is given where 'm' takes" in outcome.err
