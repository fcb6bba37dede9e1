"""Hand-written container components: what is wrong is told with its line, and what is right compiles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import rich_ir
import yaml
from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamldump import dump
from kfp_gitops.compiling.compiler import compile_pipeline
from kfp_gitops.rendering.rendered import RenderedPipeline
from kfp_gitops.sources import components

_GOOD = """name: Count words
description: Counts.
metadata: {annotations: {author: someone}}
inputs:
- {name: Text, type: String}
- {name: Min Length, type: Integer, default: '3'}
- {name: weight, type: Float, default: 1}
- {name: names, type: JsonArray, default: '["a"]'}
- {name: strict, type: Boolean, default: 'True'}
- {name: flag, type: String, optional: true}
- {name: data, type: Dataset, optional: true}
- {name: notes, type: MyNotes}
outputs:
- {name: words, type: Integer}
- {name: copy, type: Dataset}
implementation:
  container:
    image: steps
    env: {A: '1'}
    command: [sh, -c, 'echo "$@"', --a, --b, --texts, {inputValue: Text}]
    args:
    - {if: {cond: {isPresent: flag}, then: [--flag, {inputValue: flag}], else: [--no-flag]}}
    - {if: {cond: {isPresent: flag}, then: [--data, {inputPath: data}, {inputUri: data}]}}
    - {if: {cond: {isPresent: flag}, then: b, else: c}}
    - {inputPath: notes}
    - {inputValue: Min Length}
    - {outputPath: words}
    - {outputUri: copy}
"""


def _read(text: str) -> components.Component:
    return components.read("count", text, "components/count/component.yaml")


def test_interface_is_that_which_kfp_makes_of_it() -> None:
    found = _read(_GOOD)
    kinds = {name: port.type or port.artifact for name, port in found.inputs.items()}
    assert kinds == {
        "text": "str", "min_length": "int", "weight": "float", "names": "list", "strict": "bool", "flag": "str",
        "data": "system.Dataset", "notes": "system.Artifact",
    }  # fmt: skip
    assert {name for name, port in found.inputs.items() if not port.optional} == {"text", "notes"}


def _replaced(old: str, new: str) -> str:
    assert old in _GOOD
    return _GOOD.replace(old, new, 1)


@pytest.mark.parametrize(
    ("old", "new", "place", "what"),
    [
        ("{name: Text, type: String}", "{type: String}", "5:3", "lacks 'name'"),
        ("{name: Text, type: String}", "{name: Text}", "20:68", "'Text' is an artifact (no type)"),
        ("{name: Text, type: String}", "{name: Text, type: [String]}", "5:22", "not a text or a map"),
        ("{name: Text, type: String}", "{name: 文, type: String}", "5:10", "begin it with a letter from a to z"),
        ("{name: Text, type: String}", "{name: Self, type: String}", "5:10", "cannot pass an input named 'self'"),
        ("{name: copy, type: Dataset}", "{name: 2nd copy, type: Dataset}", "15:10", "begin it with a letter"),
        ("{name: words, type: Integer}", "{name: words, type: {Integer: {unit: 1}}}", "27:20", "declares 'words'"),
        ("{name: words, type: Integer}", "{name: words, type: Integer, default: 1}", "14:32", "unknown key"),
        ("type: MyNotes", "type: googleSheet", "12:23", "cannot read the type 'googleSheet'"),
        ("{name: words, type: Integer}", "{name: words, type: PipelineTaskFinalStatus}", "27:20", "declares 'words'"),
        ("{name: words, type: Integer}", "{name: words, type: Integer or none}", "27:20", "plain type of a param"),
        ("name: Min Length", "name: te_xt", "", "KFP keeps" ),
        ("default: '3'", "default: '9007199254740993'", "6:46", "'9007199254740993' is not exact in KFP"),
        ("default: '3'", "default: many", "6:46", "'many' is not an Integer"),
        ("default: '3'", "default: 3.5", "6:46", "3.5 is not an Integer"),
        ("Float, default: 1", "Float, default: true", "7:40", "true is not a Float"),
        ("'True'", "1", "9:42", "1 is not a Boolean"),
        ("'[\"a\"]'", "'{}'", "8:43", "write its JSON in a text, such as '[]'"),
        ("type: String, optional: true", "type: String, default: 1.10", "10:39", "put it in quotes"),
        ("JsonArray, default", "'List[str]', default", "8:45", "write `type: List`"),
        ("default: '[\"a\"]'", "default: [a]", "8:43", "a default of JsonArray is JSON in a text"),
        ("type: Dataset, optional: true", "type: Dataset, default: x", "11:40", "an artifact has no default"),
        ("    env: {A: '1'}\n", "    env: {A: 1}\n", "19:14", "A is 1, not a text"),
        ("    env: {A: '1'}\n", "    resources: {cpu: 1}\n", "19:5", "unknown key"),
        ("    env: {A: '1'}\n", "    fileOutputs: {wrods: /tmp/w}\n", "19:26", "unknown output 'wrods'"),
        ("{annotations: {author: someone}}", "{annotations: {team: 1}}", "3:32", "is 1, not a text"),
        ("{annotations: {author: someone}}", "{owner: x}", "3:12", "known are: annotations, labels"),
        ("description: Counts.", "descriptoin: Counts.", "2:1", "unknown key"),
        ("[sh, -c,", "[sh, 1,", "20:19", "is 1, not a text or a map"),
        ("{inputValue: Text}", "{inputvalue: Text}", "20:56", "unknown key"),
        ("{inputValue: Text}", "{inputValue: Txt}", "20:68", "unknown input 'Txt'"),
        ("{inputPath: notes}", "{inputValue: notes}", "25:20", "'notes' is an artifact (MyNotes)"),
        ("{inputValue: Min Length}", "{inputPath: Min Length}", "26:19", "'Min Length' is a parameter"),
        ("{outputUri: copy}", "{outputUri: words}", "28:19", "write outputPath, or give it a type like Dataset"),
        ("    - {outputPath: words}\n", "", "14:10", "is not told where to write 'words'"),
        ("{outputPath: words}", "\"{{$.outputs.parameters['word'].output_file}}\"", "27:7", "output parameter 'word'"),
        ("{inputPath: notes}", "\"{{$.inputs.parameters['notes']}}\"", "25:7", "unknown input parameter 'notes'"),
        ("else: [--no-flag]", "else: {inputValue: Text}", "22:80", "put it into a list"),
        ("then: b, else: c", "then: b, else: {inputValue: Text}", "24:53", "put it into a list"),
        ("{cond: {isPresent: flag}, then: [--data", "{cond: true, then: [--data", "23:19", "cond is true, not a map"),
        ("{inputValue: Text}", "{concat: [--a=, {inputValue: Text}]}", "20:56", "text \"--a={{$.inputs.par"),
        ("{outputUri: copy}", "{concat: [{outputUri: copy}, /0]}", "28:8", "\"{{$.outputs.artifacts['copy'].uri}}/0\""),
        ("{inputPath: notes}", "{concat: [{if: {cond: {isPresent: flag}, then: a}}]}", "25:8", "take the `if` out"),
        ("{isPresent: flag}, then: b", "{isPresent: data}, then: b", "24:31", "isPresent of an artifact ('data')"),
        ("then: b,", "then: [{outputPath: words}],", "24:45", "an output stands"),
        ("then: b,", "then: [\"{{$.outputs.parameters['words'].output_file}}\"],", "24:45", "an output stands"),
        ("then: b,", "then: [{if: {cond: {isPresent: flag}, then: a}}],", "24:45", "takes texts only in the branches"),
        ("then: b,", "then: {concat: [a, b]},", "24:44", "takes texts only in the branches"),
        ("echo \"$@\"", "echo {{ $.inputs.parameters[''text''] }}", "20:23", "KFP does not replace \"{{ $.inputs"),
        ("echo \"$@\"", "echo {inputs.parameters.text}", "20:23", "KFP does not replace '{inputs.parameters.text}'"),
        ("echo \"$@\"", "echo {{$.pipeline_job_uuid}}", "20:23", "KFP does not replace '{{$.pipeline_job_uuid}}'"),
        ("echo \"$@\"", "echo {{inputs.parameters.text}}", "20:23", "Argo takes"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_where_it_stands(old: str, new: str, place: str, what: str) -> None:
    text = _replaced(old, new)
    if "te_xt" in new:
        text = text.replace("{name: Text,", "{name: Te Xt,").replace("inputValue: Text", "inputValue: Te Xt")
        place = "6:10"
    with pytest.raises(InputError) as refused:
        _read(text)
    found = [str(problem) for problem in refused.value.problems]
    assert any(
        line.startswith(f"components/count/component.yaml:{place}: ") and what in line for line in found
    ), found


def test_file_that_kfp_ignores_is_named_where_nothing_else_writes_the_output() -> None:
    text = _replaced("    env: {A: '1'}\n", "    fileOutputs: {words: /tmp/w}\n")
    _read(text)
    with pytest.raises(
        InputError, match=r":14:10: .*'words': KFP ignores fileOutputs; give it {outputPath: …}"
    ):
        _read(text.replace("    - {outputPath: words}\n", ""))


@pytest.mark.parametrize("path", ["/tmp/kfp/outputs/words", "x > /tmp/kfp_outputs/output_metadata.json"])
def test_an_output_may_be_written_where_kfp_looks_for_it(path: str) -> None:
    assert "words" in _read(_replaced("{outputPath: words}", f"'{path}'")).outputs


def test_graph_says_what_to_write_in_its_place() -> None:
    with pytest.raises(InputError, match="the tasks of a graph as a pipeline manifest"):
        _read("name: x\nimplementation: {graph: {tasks: {}}}")


@pytest.mark.parametrize("text", ["", "[]", "just text", "name: x", "{name: x, implementation: {graph: {}}}"])
def test_what_is_no_component_is_bad_input(text: str) -> None:
    with pytest.raises(InputError):
        _read(text)


def _pipeline(spec: str, arguments: dict[str, Any], folder: Path) -> list[Any]:
    """The IR of a pipeline with one task."""
    tasks = {
        "made": {"component": "write", "arguments": {"text": "x"}},
        "one": {"component": "c", "arguments": arguments},
    }
    manifest = {
        "apiVersion": "kfp-gitops/v1", "kind": "PipelineManifest", "spec": {"tasks": tasks},
        "metadata": {"name": "one", "description": "d", "owner": "o"},
    }  # fmt: skip
    specs = {"c": spec, "write": _compiled(rich_ir.write, folder)}
    compiled = compile_pipeline(RenderedPipeline("one", "sha256:0", dump(manifest), specs), "manifests/dev")
    return list(yaml.safe_load_all(compiled.text))


def _compiled(component: Any, folder: Path) -> str:
    from kfp import compiler

    compiler.Compiler().compile(component, str(folder / "component.yaml"))
    return (folder / "component.yaml").read_text()


_ARGUMENTS = {"text": "a", "notes": {"task": "made", "output": "data"}}


def test_good_v1_compiles_with_its_image_and_placeholders(tmp_path: Path) -> None:
    image = f"r/steps@sha256:{'1' * 64}"
    spec = dump(components.with_images(_read(_GOOD), {"steps": image}))
    (document,) = _pipeline(spec, _ARGUMENTS, tmp_path)
    container = document["deploymentSpec"]["executors"]["exec-count-words"]["container"]
    assert container["image"] == image
    assert container["args"][-1] == "{{$.outputs.artifacts['copy'].uri}}"
    assert container["args"][0].startswith('{"IfPresent": {"InputName": "flag"')


def test_v2_container_spec_is_linted_mapped_and_compiled(tmp_path: Path) -> None:
    text = _compiled(rich_ir.container, tmp_path)
    spec = dump(components.with_images(_read(text), {"steps": f"r/steps@sha256:{'1' * 64}"}))
    (document,) = _pipeline(spec, {"text": "a"}, tmp_path)
    assert document["deploymentSpec"]["executors"]["exec-container"]["container"]["image"].startswith(
        "r/steps@"
    )
    broken = text.replace("outputs.parameters[''size'']", "outputs.parameters[''sise'']")
    assert broken != text
    with pytest.raises(InputError, match="reads output 'sise', which is not declared"):
        _read(broken)
