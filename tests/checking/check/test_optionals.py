"""An optional parameter without default may be handed only to an input that may be missing, outside of groups."""

from __future__ import annotations

from typing import Any

import pytest
import rich_ir
from kfp_gitops.checking import check
from kfp_gitops.compiling import ir
from kfp_gitops.compiling.compiler.filled import filled
from kfp_gitops.language import irlint
from kfp_gitops.language.manifest import reader
from kfp_gitops.sources import components
from language import COMPONENTS, compiled, refusals
from language import HEAD as TOP

HEAD = """\
spec:
  parameters:
    word: {type: str, optional: true}
    rows: {type: list, optional: true}
    sure: {type: str, default: x}
  tasks:
"""
ALLOWED = {
    "an input that may be missing": "    a: {component: tolerate, arguments: {note: {param: word}}}",
    "a secret's name, which the driver leaves out": (
        "    a: {component: list_names, env: {K: {secret: {param: word}, key: k}}}"
    ),
    "one with a default anywhere": """\
    e:
      loop: {items: [1]}
      tasks: {a: {component: say, arguments: {text: {param: sure}}}}""",
}
REFUSED = {
    "an input with a default that stands in a command line": (
        "    a: {component: take, arguments: {text: {param: word}}}",
        "is given to 'text' of 'take', in whose command line it stands",
    ),
    "a required input": (
        "    a: {component: say, arguments: {text: {param: word}}}",
        "which must have a value",
    ),
    "a loop's body": (
        "    e:\n      loop: {items: [1]}\n      tasks: {a: {component: take, arguments: {text: {param: word}}}}",
        "is used in a group",
    ),
    "a branch": (
        "    e:\n      if: {eq: [{param: sure}, y]}\n"
        "      tasks: {a: {component: take, arguments: {text: {param: word}}}}",
        "is used in a group",
    ),
    "a guarded body": (
        "    e:\n      finally: {z: {component: list_names}}\n"
        "      tasks: {a: {component: take, arguments: {text: {param: word}}}}",
        "is used in a group",
    ),
    "a pod in a group": (
        "    e:\n      loop: {items: [1]}\n"
        "      tasks: {a: {component: list_names, env: {K: {secret: {param: word}, key: k}}}}",
        "is used in a group",
    ),
    "a comparison": (
        "    e:\n      if: {eq: [{param: word}, y]}\n      tasks: {a: {component: list_names}}",
        "is compared",
    ),
    "a loop's list": (
        "    e:\n      loop: {items: {param: rows}}\n      tasks: {a: {component: list_names}}",
        "is the list of a loop",
    ),
    "a text": (
        "    a: {component: take, arguments: {text: {concat: [a, {param: word}]}}}",
        "is put into a text",
    ),
    "a list": ("    a: {component: take, arguments: {items: [{param: word}]}}", "is put into a text, a list"),
    "a resource": (
        "    a: {component: list_names, resources: {cpu: {limit: {param: word}}}}",
        "says what a container gets",
    ),
    "a claim": (
        "    a: {component: list_names, volumes: {/d: {pvc: {param: word}}}}",
        "names a volume claim",
    ),
    "an importer": ("    a: {importer: {uri: {param: word}, type: Dataset}}", "is a URI"),
}


@pytest.mark.parametrize("tasks", ALLOWED.values(), ids=ALLOWED.keys())
def test_what_works_without_it(tasks: str) -> None:
    assert refusals(HEAD + tasks) == []


@pytest.mark.parametrize(("tasks", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_what_fails_without_it(tasks: str, why: str) -> None:
    (found,) = refusals(HEAD + tasks)
    assert why in found
    assert found.endswith(": a run that does not give it fails; give the parameter a default")


def _ir(*, to: str) -> list[Any]:
    """The root hands an optional parameter to a task of its own, or into the DAG of one."""
    documents = rich_ir.documents()
    spec = documents[0]
    spec["root"]["inputDefinitions"]["parameters"]["maybe"] = {"parameterType": "STRING", "isOptional": True}
    task = spec["root"]["dag"]["tasks"][to]
    name = {"use-2": "text", "inner": "text"}[to]
    task["inputs"]["parameters"][name] = {"componentInputParameter": "maybe"}
    return documents


def test_in_a_compiled_pipeline() -> None:
    assert irlint.findings(_ir(to="use-2")) == []  # the component has a default for it
    (found,) = irlint.findings(_ir(to="inner"))
    assert found.at[-2:] == ("parameters", "text")
    assert "handed the optional parameter 'maybe'" in found.what


INNER = """\
spec:
  artifacts: {data: {type: Dataset, optional: true}, unused: {type: Dataset, optional: true}}
  tasks: {a: {component: train, arguments: {data: {artifact: data}}}}
"""
OUTER = """\
spec:
  tasks:
    one: {pipeline: inner, arguments: {data: {task: load, output: data}}}
    load: {component: load}
    two: {pipeline: inner}
"""


def test_an_optional_artifact_of_a_pipeline_inside_that_is_used_there_must_be_given() -> None:
    inner = reader.read(TOP + INNER, "inner.yaml")
    outer = reader.read(TOP + OUTER, "m.yaml")
    found = check.problems(outer, COMPONENTS, {"inner": check.interface(inner, COMPONENTS, {})})
    assert [(one.line, one.what) for one in found] == [(8, "task 'two' lacks the argument 'data'")]


def test_an_optional_artifact_in_a_compiled_pipeline() -> None:
    documents = rich_ir.documents()
    spec = documents[0]
    spec["components"]["comp-look"]["inputDefinitions"]["artifacts"]["data"]["isOptional"] = True
    assert irlint.findings(documents) == []
    spec["root"]["dag"]["tasks"]["look"].pop("inputs")
    (found,) = irlint.findings(documents)
    assert found.at[-3:] == ("inputs", "artifacts", "data")
    assert "is handed the optional artifact 'data': it fails where that is not given" in found.what


def test_a_default_that_stands_in_a_command_line_is_handed_over() -> None:
    """KFP's driver fills the command line in, and only the launcher after it knows defaults."""
    text = compiled("spec:\n  tasks:\n    a: {component: tolerate, arguments: {}}\n")
    task = ir.documents(text)[0]["root"]["dag"]["tasks"]["tolerate"]
    assert task["inputs"] == {
        "parameters": {"text": {"runtimeValue": {"constant": "nothing"}}}
    }  # and no `note`


V1 = """\
name: shout
inputs:
- {name: My Word, type: String, optional: true}
- {name: more, type: String, optional: true}
implementation:
  container:
    image: alpine@sha256:0000000000000000000000000000000000000000000000000000000000000000
    command: [echo, --word, LINE]
    args: [{if: {cond: {isPresent: more}, then: [--more, {inputValue: more}]}}]
"""


@pytest.mark.parametrize("line", ["{inputValue: My Word}", "\"{{$.inputs.parameters['my_word']}}\""])
def test_an_input_without_default_in_a_command_line_must_be_given(line: str) -> None:
    found = components.read("shout", V1.replace("LINE", line), "c.yaml").inputs
    assert {name: (port.optional, port.in_command) for name, port in found.items()} == {
        "my_word": (False, True),
        "more": (True, False),
    }


def test_in_a_brought_pipeline_it_must_be_given_too() -> None:
    documents = rich_ir.documents()
    spec = documents[0]
    word = spec["components"]["comp-container"]["inputDefinitions"]["parameters"]["text"]
    spec["root"]["dag"]["tasks"]["container"]["inputs"]["parameters"].pop("text")
    word["isOptional"] = True
    assert any(
        "leaves out 'text', which stands in its command line" in f.what for f in irlint.findings(documents)
    )
    word["defaultValue"] = "x"  # which the compiler hands over
    assert not any("leaves out" in f.what for f in irlint.findings(documents))
    filled(documents)
    given = spec["root"]["dag"]["tasks"]["container"]["inputs"]["parameters"]
    assert given["text"] == {"runtimeValue": {"constant": "x"}}
