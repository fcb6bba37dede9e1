"""A character above U+FFFF is refused at its line wherever it would reach KFP, whose database keeps none."""

from __future__ import annotations

from typing import Any

import pytest
import rich_ir
import yaml
from kfp_gitops.base import charset
from kfp_gitops.base.errors import InputError
from kfp_gitops.checking import check
from kfp_gitops.language.manifest import reader
from kfp_gitops.sources import brought, components
from language import COMPONENTS, HEAD, refusals

BODY = """\
spec:
  parameters:
    word: {{type: str, default: "{default}", description: "{description}"}}
  tasks:
    a:
      component: say
      displayName: "{display}"
      arguments: {{text: "{constant}"}}
      env: {{MOOD: "{env}"}}
      pod: {{annotations: {{note: "{annotation}"}}}}
    b: {{component: take, arguments: {{fields: {{"{key}": [{nested}]}}}}}}
    c: {{component: say, arguments: {{text: {{concat: ["{part}", {{param: word}}]}}}}}}
schedules:
- name: daily
  cron: "0 0 4 * * *"
  enabled: true
  parameters: {{word: "{scheduled}"}}
  maxConcurrency: 1
  catchup: false
"""
PLACES = {
    "default": 3, "description": 3, "display": 7, "constant": 8, "env": 9, "annotation": 10, "key": 11, "nested": 11,
    "part": 12, "scheduled": 17,
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_it_is_refused_where_it_stands(place: str) -> None:
    texts = dict.fromkeys(PLACES, "x")
    assert refusals(BODY.format(**texts)) == []
    assert refusals(BODY.format(**{**texts, place: "é漢\uffff"[:2]})) == []
    (found,) = refusals(
        BODY.format(**{**texts, place: '"\\U0001F680"' if place == "nested" else "go \U0001f680"})
    )
    assert found.startswith(f"{PLACES[place]}:")
    assert "a text with U+1F680; write it without" in found


@pytest.mark.parametrize(("key", "refused"), [("description", True), ("displayName", True), ("owner", False)])
def test_what_is_said_of_the_pipeline_itself(key: str, refused: bool) -> None:
    said = {"name": "p", "description": "d", "owner": "o", "displayName": "P", key: "team 🚀"}
    head = HEAD.replace("metadata: {name: p, description: d, owner: o}", f"metadata: {said}")
    manifest = reader.read(f"{head}spec:\n  tasks:\n    a: {{component: list_names}}\n", "m.yaml")
    found = [str(problem) for problem in check.problems(manifest, COMPONENTS)]
    assert len(found) == refused
    assert all(one.startswith("m.yaml:3:") for one in found)


V1 = """\
name: 'shout {name}'
description: 'of {name}'
inputs:
- {{name: x, type: String, default: '{default}', description: 'the {name}'}}
implementation:
  container:
    image: alpine@sha256:0000000000000000000000000000000000000000000000000000000000000000
    command: [echo, '{command}']
    args: ['{args}', {{inputValue: x}}]
    env: {{MOOD: '{env}'}}
"""


@pytest.mark.parametrize(("place", "line"), [("default", 4), ("command", 8), ("args", 9), ("env", 10)])
def test_in_a_component_only_what_the_sdk_takes_over_is_refused(place: str, line: int) -> None:
    texts = dict.fromkeys(("default", "command", "args", "env"), "x") | {"name": "🚀"}
    components.read("shout", V1.format(**texts), "c.yaml")
    with pytest.raises(InputError) as caught:
        components.read("shout", V1.format(**{**texts, place: "🚀"}), "c.yaml")
    assert f"c.yaml:{line}:" in str(caught.value)
    assert "a text with U+1F680" in str(caught.value)


def _with_source() -> dict[str, Any]:
    """The component of one function, as the SDK writes it."""
    spec = rich_ir.documents()[0]
    make = {"comp-make": spec["components"]["comp-make"]}
    tasks = {"make": {"componentRef": {"name": "comp-make"}, "taskInfo": {"name": "make"}}}
    executors = {"exec-make": spec["deploymentSpec"]["executors"]["exec-make"]}
    return {
        **spec, "components": make, "pipelineInfo": {"name": "make"}, "root": {"dag": {"tasks": tasks}},
        "deploymentSpec": {"executors": executors},
    }  # fmt: skip


def test_the_source_of_a_python_component_is_a_text_too() -> None:
    document = _with_source()
    components.read("make", yaml.safe_dump(document), "c.yaml")
    command = document["deploymentSpec"]["executors"]["exec-make"]["container"]["command"]
    command[-1] += "\n# how nice 🚀\n"
    with pytest.raises(InputError, match="a text with U\\+1F680"):
        components.read("make", yaml.safe_dump(document, allow_unicode=True), "c.yaml")


@pytest.mark.parametrize("document", [0, 1])
def test_a_compiled_pipeline_that_is_brought(document: int) -> None:
    documents = rich_ir.documents()
    if document:
        executors = documents[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
        next(iter(executors.values()))["podMetadata"] = {"annotations": {"note": "🚀"}}
    else:
        documents[0]["root"]["dag"]["tasks"]["make-🚀"] = documents[0]["root"]["dag"]["tasks"]["use-2"]
    with pytest.raises(InputError, match="a text with U\\+1F680"):
        brought.read(yaml.safe_dump_all(documents, allow_unicode=True), "x.yaml")


@pytest.mark.parametrize(
    ("text", "character"),
    [
        ("", None),
        ("\uffff é", None),
        ("a\U00010000", "U+10000"),
        ("\ud800", "U+D800"),
        ("# one\n# two 🚀\n", "U+1F680 in its line 2"),
    ],
)
def test_where_the_border_is(text: str, character: str | None) -> None:
    assert charset.refused(text) == character
    assert charset.refused(charset.without(text)) is None
    assert len(charset.without(text)) == len(text)
