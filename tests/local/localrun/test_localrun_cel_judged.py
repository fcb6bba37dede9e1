"""The conditions of the IR, with cel-python as judge: the same truth, or both have none.

Over what kfp compiles (`_single_binary_operation_to_cel_condition` in kfp/compiler/pipeline_spec_builder.py): operands
of one type, comparisons joined by `!`, `&&` and `||`.
"""

from __future__ import annotations

import sys
from typing import Any

import celpy
import pytest
from celpy.evaluation import CELEvalError
from hypothesis import example, given, settings
from hypothesis import strategies as st
from kfp_gitops.local.localrun.cel import CelError, parse
from kfp_gitops.local.localrun.cel_eval import holds

NO_TRUTH = "none"
TEXTS = st.text(st.characters(codec="ascii", exclude_characters="'\\", min_codepoint=32), max_size=4)
INTEGERS = st.integers(-(2**31), 2**31)
DOUBLES = st.floats(-1e9, 1e9).filter(lambda number: number == 0 or abs(number) > 1e-4)


@pytest.fixture(scope="module")
def environment() -> celpy.Environment:
    """It raises Python's limit of recursion for the whole process, which other tests reach."""
    limit = sys.getrecursionlimit()
    made = celpy.Environment()
    sys.setrecursionlimit(limit)
    return made


def _judged(environment: celpy.Environment, text: str, parameters: dict[str, Any]) -> Any:
    program = environment.program(environment.compile(text))
    try:
        found = program.evaluate({"inputs": celpy.json_to_cel({"parameter_values": parameters})})
    except CELEvalError:
        return NO_TRUTH
    return bool(found) if isinstance(found, celpy.celtypes.BoolType) else NO_TRUTH


def _ours(text: str, parameters: dict[str, Any]) -> Any:
    try:
        return holds(parse(text), parameters)
    except CelError:
        return NO_TRUTH


def _parameter(name: str) -> str:
    return f"inputs.parameter_values['{name}']"


# What a parameter may hold, of the type that was declared or of another; numbers are doubles, as in protobuf.
VALUES = {
    "text": TEXTS | st.sampled_from(["3", "-7", "true", "a b"]),
    "whole": INTEGERS.map(float),
    "half": DOUBLES,
    "yes": st.booleans(),
}
_NAMES = {"text": "text", "whole": "whole", "half": "half", "yes": "yes", "gone": "no such parameter"}


def _number(value: float) -> str:
    return format(value, ".6f")


# Both sides as kfp writes them for one type: a parameter of the type, one that is cast to it, a constant.
SIDES = {
    "string": [
        st.sampled_from([_parameter("text"), _parameter("gone")]),
        TEXTS.map("'{}'".format),
    ],
    "int": [
        st.sampled_from([f"int({_parameter(name)})" for name in ("whole", "half", "text", "gone")]),
        INTEGERS.map(str),
    ],
    "double": [
        st.sampled_from([_parameter("half"), _parameter("whole")]),
        st.sampled_from([f"double({_parameter(name)})" for name in ("half", "whole")]),
        DOUBLES.map(_number),
    ],
    "bool": [st.sampled_from([_parameter("yes"), "true", "false"])],
}


def _comparison(kind: str) -> st.SearchStrategy[str]:
    signs = ["==", "!="] if kind == "bool" else ["==", "!=", "<", "<=", ">", ">="]
    sides = st.one_of(*SIDES[kind])
    return st.tuples(sides, st.sampled_from(signs), sides).map(" ".join)


COMPARISONS = st.one_of(*map(_comparison, SIDES))
CONDITIONS = st.recursive(
    COMPARISONS,
    lambda inner: (
        inner.map("!({})".format)
        | st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(
            lambda found: "({}) {} ({})".format(*found)
        )
    ),
    max_leaves=4,
)


@settings(max_examples=400)
@given(text=CONDITIONS, parameters=st.fixed_dictionaries(VALUES))
@example(text="inputs.parameter_values['gone'] == 'a' || true == true", parameters={})
@example(text="true == true || inputs.parameter_values['gone'] == 'a'", parameters={})
@example(text="inputs.parameter_values['gone'] == 'a' && false == true", parameters={})
@example(text="inputs.parameter_values['gone'] == 'a' && true == true", parameters={})
@example(text="true == false || true == true && false == true", parameters={})
@example(text="int(inputs.parameter_values['half']) == -3", parameters={"half": -3.9})
def test_a_condition_is_true_where_cel_says_so(
    environment: celpy.Environment, text: str, parameters: dict[str, Any]
) -> None:
    assert _ours(text, parameters) == _judged(environment, text, parameters)
