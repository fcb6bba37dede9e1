"""Outputs of conditions: what others take of them, and where nobody can."""

import pytest
from language import refusals

SPEC = """spec:
  parameters: {s: {type: str, default: x}}
  tasks:
    g:
      if: {eq: [{param: s}, x]}
      tasks: {b: {component: say, arguments: {text: b}}}
      else: {tasks: {c: {component: say, arguments: {text: c}}}}
      outputs: {said: {oneOf: [{task: b, output: said}, {task: c, output: said}]}}
"""
LINES = SPEC.splitlines(keepends=True)
GIVEN = LINES[-1]
IN_A_LOOP = "".join(
    [*LINES[:3], "    l:\n      loop: {items: [1]}\n      tasks:\n", *(f"    {line}" for line in LINES[3:])]
)
USE = "    u: {component: say, arguments: {text: {task: g, output: said}}}\n"
REFUSED = {
    "one that it does not give": (
        SPEC + USE.replace("output: said", "output: sad"),
        "9:43: the condition 'g' gives no 'sad'; choose one of: said",
    ),
    "one of a condition that gives none": (
        SPEC.replace(GIVEN, "") + USE,
        "8:43: the condition 'g' gives no 'said'; add `outputs: {said: {oneOf: […]}}` to it",
    ),
    "as a setting of a container": (
        SPEC
        + "    u: {component: say, arguments: {text: x}, resources: {cpu: {limit: {task: g, output: said}}}}\n",
        "9:72: an output of a condition cannot stand here; hand it to a task, and take that one's output",
    ),
    "in its own branch": (
        SPEC.replace("text: c}}", "text: c}}, d: {component: say, arguments: {text: {task: g, output: said}}}", 1),
        "7:103: 'said' cannot be taken here: this is inside the condition 'g' itself; take the output of the task",
    ),
    "from outside of its group": (
        IN_A_LOOP + USE,
        "12:43: 'said' cannot be taken here: the condition 'g' is in a group that this is not in; move this into",
    ),
    "without an else": (
        SPEC.replace("else: {tasks: ", "elif: [{if: {eq: [{param: s}, y]}, tasks: ").replace("c}}}}\n", "c}}}}]\n"),
        "8:23: 'g' has no `else`, so maybe no branch is taken; add an `else` with a task",
    ),
    "in a text": (
        SPEC + "    u: {component: say, arguments: {text: {concat: [a, {task: g, output: said}]}}}\n",
        "9:43: collect and oneOf cannot stand inside a list, map or text; give it as an argument",
    ),
    "of which the options are of different types": (
        SPEC.replace("{task: c, output: said}", "{task: n, output: sum}").replace(
            "c: {component: say, arguments: {text: c}}", "n: {component: add, arguments: {a: 1}}"
        ),
        "8:23: 'n' gives an int, 'b' a str; oneOf takes outputs of the same type",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_taken_is_refused_once_at_its_place(case: str) -> None:
    spec, said = REFUSED[case]
    found = refusals(spec)
    assert len(found) == 1, found
    assert found[0].startswith(said), found
