"""The conditions of the IR, against Python's own meaning of the same values."""

from __future__ import annotations

import contextlib
import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kfp_gitops.local.localrun.cel import CelError, names, parse
from kfp_gitops.local.localrun.cel_eval import holds

NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
OPERATORS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def parameter(name):
    return f"inputs.parameter_values['{name}']"


@given(NUMBERS, NUMBERS, st.sampled_from(sorted(OPERATORS)))
def test_numbers_compare_as_in_python(left, right, sign):
    expression = parse(f"{parameter('a')} {sign} {parameter('b')}")
    assert holds(expression, {"a": left, "b": right}) is OPERATORS[sign](left, right)


@given(NUMBERS, st.integers(0, 10**9), st.sampled_from(sorted(OPERATORS)))
def test_number_against_a_constant_as_the_compiler_writes_it(value, constant, sign):
    assert holds(parse(f"{parameter('a')} {sign} double({constant})"), {"a": value}) is OPERATORS[sign](
        value, constant
    )
    assert holds(parse(f"int({parameter('a')}) {sign} -{constant}"), {"a": value}) is OPERATORS[sign](
        int(value), -constant
    )


@given(st.text(), st.text(), st.sampled_from(sorted(OPERATORS)))
def test_any_text_is_data(left, right, sign):
    expression = parse(f"{parameter('a')} {sign} {parameter('b')}")
    assert holds(expression, {"a": left, "b": right}) is OPERATORS[sign](left, right)


@given(st.text(st.characters(exclude_characters="'\\\n\r")))
def test_text_constant_is_read_back(value):
    assert holds(parse(f"{parameter('a')} == '{value}'"), {"a": value})


TREES = st.recursive(
    st.sampled_from(["a", "b", "true", "false"]).map(lambda leaf: (leaf,)),
    lambda inner: st.tuples(st.just("!"), inner) | st.tuples(st.sampled_from(["&&", "||"]), inner, inner),
    max_leaves=12,
)


def written(tree):
    match tree:
        case ("!", inner):
            return f"!({written(inner)})"
        case (sign, left, right):
            return f"({written(left)} {sign} {written(right)})"
        case (("true" | "false") as word,):
            return word
        case (name,):
            return f"{parameter(name)} == true"


def meant(tree, values):
    match tree:
        case ("!", inner):
            return not meant(inner, values)
        case ("&&", left, right):
            return meant(left, values) and meant(right, values)
        case ("||", left, right):
            return meant(left, values) or meant(right, values)
        case (("true" | "false") as word,):
            return word == "true"
        case (name,):
            return values[name]


@given(TREES, st.booleans(), st.booleans())
def test_logic_is_pythons(tree, a, b):
    values = {"a": a, "b": b}
    assert holds(parse(written(tree)), values) is meant(tree, values)


def test_precedence_of_and_over_or():
    assert holds(parse("true || false && false"), {})
    assert not holds(parse("(true || false) && false"), {})
    assert not holds(parse("!true || false"), {})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("inputs.parameter_values['x'] == 1", True),
        ("inputs.parameter_values['x'] == '1'", False),
        ("inputs.parameter_values['x'] == true", False),
        ("string(inputs.parameter_values['x']) == '1'", True),
        ("int('12') == 12 && double('1.5') > 1", True),
        ('"a\\"b" == \'a"b\'', True),
    ],
)
def test_kinds_do_not_mix(text, value):
    assert holds(parse(text), {"x": 1}) is value


def test_deciding_operand_outweighs_an_error_on_either_side():
    for text in ("inputs.parameter_values['no'] == 1 || true", "true || inputs.parameter_values['no'] == 1"):
        assert holds(parse(text), {})
    with pytest.raises(CelError):
        holds(parse("inputs.parameter_values['no'] == 1 && true"), {})


@pytest.mark.parametrize(
    "text",
    ["'a' < 1", "true < 'x'", "int('x') == 1", "int(true) == 1", "int(1e999) == 1", "1", "'a'", "!1", "-'a'"],
)
def test_without_value(text):
    with pytest.raises(CelError):
        holds(parse(text), {})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a == 1",
        "inputs.parameter_values['x'] == 'it's'",
        "__import__('os')",
        "inputs.artifacts['x']",
        "size('a') == 1",
        "1 ==",
        "(1 == 1",
        "1 == 1)",
        "'a\\d' == 'a'",
        "'open",
        "1 = 1",
        "inputs.parameter_values[x]",
        "[1]",
    ],
)
def test_refused_text(text):
    with pytest.raises(CelError):
        parse(text)


@given(st.text())
def test_any_other_text_is_an_error_of_ours_and_nothing_else(text):
    with contextlib.suppress(CelError):
        parse(text)


def test_names_are_found():
    text = "!(inputs.parameter_values['a'] == 'x') && int(inputs.parameter_values['b']) > 3"
    assert list(names(parse(text))) == ["a", "b"]
