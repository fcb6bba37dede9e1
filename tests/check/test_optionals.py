"""An optional parameter without default may be handed only to an input that may be missing, outside of groups."""

from __future__ import annotations

from typing import Any

import pytest
import rich_ir
from kfp_gitops import irlint
from language import refusals

HEAD = """\
spec:
  parameters:
    word: {type: str, optional: true}
    rows: {type: list, optional: true}
    sure: {type: str, default: x}
  tasks:
"""
ALLOWED = {
    "an input that may be missing": "    a: {component: take, arguments: {text: {param: word}}}",
    "a secret's name, which the driver leaves out": (
        "    a: {component: list_names, env: {K: {secret: {param: word}, key: k}}}"
    ),
    "one with a default anywhere": """\
    e:
      loop: {items: [1]}
      tasks: {a: {component: say, arguments: {text: {param: sure}}}}""",
}
REFUSED = {
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
