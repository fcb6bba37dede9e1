"""What is evaluated from the syntax tree is what Jinja gives; the rest is Jinja's."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jinja2 import TemplateError
from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamltext import parse
from kfp_gitops.sources import evaluate, expressions, templates
from profiles import examples

VALUES: dict[str, Any] = {
    "name": "a-b",
    "empty": "",
    "number": 3,
    "half": 0.5,
    "yes": True,
    "nothing": None,
    "values": {"name": "x", "deep": {"list": [1, 2, 3], "text": "p: q"}, "items": "shadowed", "b": False},
    "rows": [{"key": "a", "size": 1}, {"key": "b", "size": 2}],
    "pairs": [["a", 1], ["b", 2]],
}
MOST = 10_000
FAILED = object()


def from_tree(source: str) -> Any:
    """The text, FAILED, or what was beyond."""
    environment = templates._environment({})
    try:
        return without_addresses(evaluate.text(environment, environment.parse(source), VALUES, MOST))
    except expressions.BeyondError as error:
        return error
    except (TemplateError, *templates._FAULTS):
        return FAILED


def from_jinja(source: str) -> Any:
    """The text, or FAILED."""
    try:
        return without_addresses(templates._environment({}).from_string(source).render(VALUES))
    except (TemplateError, *templates._FAULTS):
        return FAILED


def without_addresses(text: str) -> str:
    """A method of a list, printed, shows where in memory the list is."""
    return re.sub("0x[0-9a-f]+", "", text, flags=re.IGNORECASE)


NAMES = st.sampled_from([*VALUES, "x", "y", "loop", "range", "no_such"])
ATTRIBUTES = st.sampled_from(["name", "deep", "list", "items", "key", "size", "index", "first", "last"])
WITHOUT_ARGUMENTS = ["items", "length", "lower", "sort", "trim", "upper", "first", "last", "tojson"]
WITH_ARGUMENTS = [
    "default('d')",
    "default('d', true)",
    "indent(2)",
    "join('+')",
    "join(d='-')",
    "replace('a', 'b')",
]
FILTERS = st.sampled_from([*WITHOUT_ARGUMENTS, *WITH_ARGUMENTS, "sort(attribute='size')"])
TESTS = st.sampled_from(
    ["defined", "not defined", "none", "string", "mapping", "divisibleby(2)", "divisibleby 3", "in [1, 'a']"]
)
LEAVES = NAMES | st.sampled_from(
    ["1", "2.5", "'text'", "true", "none", "[]", "{}", "values.deep.list", "3 * 2"]
)


def _combined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def of(pattern: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.tuples(*parts).map(lambda found: pattern.format(*found))

    comparison = st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "not in"])
    arithmetic = st.sampled_from(["+", "-", "*", "/", "//", "%", "**", "~", "and", "or"])
    return st.one_of(
        of("({}).{}", inner, ATTRIBUTES),
        of("({})[{}]", inner, inner),
        of("(({}) | {})", inner, FILTERS),
        of("(({}) is {})", inner, TESTS),
        of("(({}) {} ({}))", inner, arithmetic, inner),
        of("(({}) {} ({}) {} ({}))", inner, comparison, inner, comparison, inner),
        of("(not ({}))", inner),
        of("(({}) if ({}) else ({}))", inner, inner, inner),
        of("[{}, {}]", inner, inner),
        of("({}, {})", inner, inner),
        of("{{'k': {}, {}: 1}}", inner, inner),
        of("m({})", inner),
        of("n({}, b={})", inner, inner),
        of("range({})", inner),
        of("({}).split({})", inner, inner),
    )


EXPRESSIONS = st.recursive(LEAVES, _combined, max_leaves=6)
TARGETS = st.sampled_from(["x", "y", "x, y", "values", "name"])
SIGNS = st.sampled_from(["", "-"])


def _statements(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def of(pattern: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.tuples(*parts).map(lambda found: pattern.format(*found))

    return st.one_of(
        of("{}{}", inner, inner),
        of("{{%{} if {} %}}\n{}{{%{} endif %}}", SIGNS, EXPRESSIONS, inner, SIGNS),
        of("{{% if {} %}}{}{{% elif {} %}}{}{{% else %}}{}{{% endif %}}\n", *(EXPRESSIONS, inner) * 2, inner),
        of("{{% for {} in {} %}}{}{{% endfor %}}", TARGETS, EXPRESSIONS, inner),
        of(
            "{{% for {} in rows if {} -%}} {}{{% else %}}{}{{% endfor %}}", TARGETS, EXPRESSIONS, inner, inner
        ),
        of("{{% for x, y in values | items %}}{}{{% endfor %}}", inner),
    )


PIECES = st.recursive(
    st.sampled_from(["text\n", "  - a: b\n", "", "{# a comment #}\n"])
    | EXPRESSIONS.map("{{{{ {} }}}}".format),
    _statements,
    max_leaves=6,
)


@st.composite
def sources(draw: st.DrawFn) -> str:
    """A template with two macros, one of which calls the other."""
    one, two, body = draw(PIECES), draw(PIECES), draw(PIECES)
    macros = (
        f"{{% macro m(x) -%}}{one}{{%- endmacro %}}\n{{% macro n(a, b) %}}{two}{{{{ m(a) }}}}{{% endmacro %}}"
    )
    return macros + body


@settings(max_examples=examples(600))
@given(sources())
@example(
    "{% for values in rows %}{{ values.key }}{{ loop.index }}/{{ loop.length }}{% endfor %}{{ values.name }}"
)
@example("{% for x in rows %}{% for y in pairs %}{{ loop.index }}{% endfor %}{{ loop.revindex }}{% endfor %}")
@example("{% for x in rows if loop %}{% endfor %}")
@example("{% macro m(x) %}{{ x }}{{ y }}{% endmacro %}{% for y in [1] %}{{ m(y) }}{% endfor %}")
@example("{% macro m(x) %}{{ x is defined }}{% endmacro %}{{ m() }}")
@example("{{ m() }}{% macro m() %}{% endmacro %}")
@example("{% macro m(x) %}{% endmacro %}{{ m.arguments == ['x'] }}{{ m.arguments ~ '' }}")
def test_the_text_is_the_one_of_jinja(source: str) -> None:
    """Both give the same text, or both fail; what is beyond is left to Jinja, which may do either."""
    found = from_tree(source)
    assert isinstance(found, expressions.BeyondError) or found == from_jinja(source)


@settings(max_examples=examples(200))
@given(sources())
def test_hardly_anything_of_it_is_beyond(source: str) -> None:
    """Else the test above says nothing: without unknown filters and shortened calls all of it is evaluated."""
    if "replace" not in source and not isinstance(from_jinja(source), type(FAILED)):
        assert not isinstance(from_tree(source), expressions.BeyondError)


BEYOND = [
    "{% set x = 1 %}{{ x }}",
    "{% for x in rows %}{% set y = x.key %}{{ y }}{% endfor %}",
    "{% macro m(x='d') %}{{ x }}{% endmacro %}{{ m() }}",
    "{% macro name() %}{% endmacro %}{{ name }}",
    "{% macro m(x, x) %}{% endmacro %}",
    "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, a=2) }}",
    "{% macro m() %}{{ caller() }}{% endmacro %}{% call m() %}text{% endcall %}",
    "{% if yes %}{% macro m() %}1{% endmacro %}{{ m() }}{% endif %}",
    "{% block b %}text{% endblock %}",
    "{% filter upper %}text{% endfilter %}",
    "{% with x = 1 %}{{ x }}{% endwith %}",
    "{% for x in rows recursive %}{{ x.key }}{% endfor %}",
    "{{ self }}",
    "{{ name[1:] }}",
    "{{ -number }}",
    "{{ 'a' if yes }}",
    "{{ range(*[1]) | length }}",
    # In the code that Jinja makes, equal constants are one object, and these names are others or Jinja's own.
    "{% if 'a b' is sameas 'a b' %}same{% endif %}",
    "{% for ﬁ in [1] %}{{ ﬁ }}{{ fi is defined }}{% endfor %}",
    "{% macro ﬁ() %}{% endmacro %}{{ fi is defined }}",
    "{% macro m(x) %}{% endmacro %}{{ m(ﬁ=1) }}",
    "{% for x in rows %}{{ range(1, _loop_vars=1) }}{% endfor %}",
    "{{ namespace(__debug__=1) ~ '' }}",
    # Numbers that have no literal in it.
    "{% if 1e999 %}{% endif %}",
    "{% if 0x" + "f" * 5000 + " %}{% endif %}",
    "{{ 'a' * 20000 if not yes else 'a' | indent(20000, true) }}",
    "{% if not yes %}{{ name | no_such }}{% endif %}",
    "{% if not yes %}{{ name is no_such }}{% endif %}",
]


@pytest.mark.parametrize("source", BEYOND)
def test_what_is_beyond_is_left_to_jinja(source: str) -> None:
    assert isinstance(from_tree(source), expressions.BeyondError)


def _rendered(source: str) -> Any:
    try:
        return templates.render({"t": source}, "t", "f", VALUES)
    except InputError as error:
        return error.problems


def _by_jinja_alone(monkeypatch: pytest.MonkeyPatch, sources: Sequence[str]) -> list[Any]:
    def beyond(*_: Any) -> str:
        raise expressions.BeyondError

    with monkeypatch.context() as patched:
        patched.setattr(evaluate, "text", beyond)
        return [_rendered(source) for source in sources]


WRONG = [
    "\n{{ no_such }}",
    "\n\n{{ values.no_such.more }}",
    "{% for x in number %}{% endfor %}",
    "\n{% for x, y in rows %}{{ x }}{% endfor %}\n{% for x, y in [[1]] %}{% endfor %}",
    "{% macro m(x) %}\n{{ x }}{% endmacro %}\n{{ m() }}",
    "{{ ''.__class__ }}",
    "{{ values.update(a=1) }}",
    "{{ range(1000000) }}",
    "{{ 2 ** 3 }}",
    "{{ number / 0 }}",
    "{{ m() }}",
    "{{ 'unclosed }}",
    "{% for x in range(99999) %}{{ 'a' | indent(99, true) }}{% endfor %}",
    "{{ '{:>9}'.format(1) }}",
    "{{ '{a}'['format_map']({'a': 1}) }}",
    "{{ 1e999 }}",
]


def test_errors_are_worded_and_placed_by_jinja(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [_rendered(source) for source in WRONG]
    assert found == _by_jinja_alone(monkeypatch, WRONG)
    assert not [outcome for outcome in found if isinstance(outcome, str)]
    assert [problem.line for problem in found[1]] == [3]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("{{ namespace(a=1, a=2).a }}", "keyword argument repeated: a"),
        ("{% macro m(x, x) %}{% endmacro %}", "duplicate argument"),
        (
            "{% set x = 1 %}" + "{% for x in rows %}" * 21 + "{% endfor %}" * 21,
            "too many statically nested blocks",
        ),
        ("{% set x = 1 %}" + "{% if yes %}" * 101 + "{% endif %}" * 101, "too many levels of indentation"),
        ("{% set x = 1e999 %}{{ x }}", "'inf' is not defined"),
    ],
)
def test_a_template_of_which_jinja_makes_no_python_is_bad_input(source: str, says: str) -> None:
    (problem,) = _rendered(source)
    assert says in problem.what


@pytest.mark.parametrize("character", ["\x7f", "\x85", "\u2028", "\uffff", "\U0001f600"])
def test_tojson_writes_what_yaml_reads(character: str) -> None:
    text = templates.render({"t": "{{ values | tojson }}"}, "t", "f", {"values": [character]})
    assert parse(text, "x").value == json.loads(text) == [character]
