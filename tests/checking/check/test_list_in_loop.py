"""KFP's driver takes the list of a loop away in each iteration, so nothing inside is handed that list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from kfp_gitops.compiling import ir
from kfp_gitops.compiling.compiler import compile_pipeline
from kfp_gitops.language import irlint
from kfp_gitops.rendering.rendered import RenderedPipeline
from language import HEAD, SPECS, compiled, problems

_HEAD = """\
spec:
  parameters:
    rows: {type: list}
    others: {type: list, default: [b]}
    sure: {type: bool, default: true}
  tasks:
    maps: {component: list_maps}
    each:
"""
_TAKES = "{component: take, arguments: {items: LIST}}"
# Body of a loop over LIST → faults: of none of these kinds is what the SDK does not compile either.
_BODIES: Mapping[str, tuple[str, list[str]]] = {
    "the list itself": ("{t: TAKES}", ["list-in-loop"]),
    "another list": ("{t: {component: take, arguments: {items: {param: others}}}}", []),
    "the item": ("{t: {component: take, arguments: {text: {item: each}}}}", []),
    "in a list": ("{t: {component: take, arguments: {items: [LIST]}}}", ["list-in-loop"]),
    "in a condition": (
        "{c: {if: {eq: [{param: sure}, true]}, tasks: {t: TAKES}}}",
        [""],
    ),
    "in another loop": (
        "{l: {loop: {items: {param: others}}, tasks: {t: TAKES}}}",
        [""],
    ),
    "as another loop's list": (
        "{l: {loop: {items: LIST}, tasks: {t: {component: list_names}}}}",
        ["list-in-loop"],
    ),
    "in a condition without the item": (
        "{c: {if: {eq: [{param: sure}, true]}, tasks: {t: {component: list_names}}}}",
        [],
    ),
}
_LISTS = {"a parameter": "{param: rows}", "an output": "{task: maps, output: maps}"}


@pytest.mark.parametrize("items", _LISTS.values(), ids=_LISTS)
@pytest.mark.parametrize(("body", "fault"), _BODIES.values(), ids=_BODIES)
def test_it_is_refused_in_a_manifest_and_in_what_that_compiles_to(
    body: str, fault: list[str], items: str
) -> None:
    text = f"{_HEAD}      loop: {{items: LIST}}\n      tasks: {body}\n".replace("TAKES", _TAKES).replace(
        "LIST", items
    )
    assert [one.fault for one in problems(text)] == fault
    if fault == [""]:
        return  # which the SDK does not compile
    if not fault:
        compiled(text)
        return
    accepting = text.replace("spec:\n", "spec:\n  acceptedFaults: [list-in-loop]\n", 1)
    made = compile_pipeline(RenderedPipeline("p", "sha256:0", HEAD + accepting, SPECS), "m").text
    found = irlint.findings(ir.documents(made))
    assert [one.fault for one in found] == ["list-in-loop"]
    assert "takes the list of the loop that it is in" in found[0].what


_IR = """
components:
  comp-for-loop-1:
    dag: {tasks: {t: {componentRef: {name: comp-t}, inputs: {parameters: {x: {componentInputParameter: INPUT}}}}}}
    inputDefinitions:
      parameters: {rows: {parameterType: LIST}, rows-loop-item: {parameterType: STRING}}
  comp-t: {executorLabel: exec-t, inputDefinitions: {parameters: {x: {parameterType: STRING, isOptional: true}}}}
deploymentSpec: {executors: {exec-t: {container: {image: i, command: ["{{$}}"]}}}}
pipelineInfo: {name: p}
root:
  inputDefinitions: {parameters: {rows: {parameterType: LIST}}}
  dag:
    tasks:
      for-loop-1:
        componentRef: {name: comp-for-loop-1}
        inputs: {parameters: {rows: {componentInputParameter: rows}}}
        parameterIterator: {itemInput: rows-loop-item, items: ITEMS}
schemaVersion: 2.1.0
sdkVersion: kfp-2.17.0
"""


@pytest.mark.parametrize(
    ("given", "items", "found"),
    [
        ("rows", "{inputParameter: rows}", ["list-in-loop"]),
        ("rows-loop-item", "{inputParameter: rows}", []),
        ("rows", "{raw: '[1]'}", []),
    ],
)
def test_it_is_refused_in_what_somebody_else_compiled(given: str, items: str, found: list[str]) -> None:
    spec: Any = yaml.safe_load(_IR.replace("INPUT", given).replace("ITEMS", items))
    assert [one.fault for one in irlint.findings([spec])] == found
