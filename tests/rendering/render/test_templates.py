"""What Jinja says of templates that it cannot evaluate, with the place; and what `tojson` writes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamltext import parse
from kfp_gitops.sources import templates

VALUES: dict[str, Any] = {
    "name": "a-b",
    "number": 3,
    "yes": True,
    "values": {"name": "x"},
    "rows": [{"key": "a", "size": 1}, {"key": "b", "size": 2}],
}


def _rendered(source: str) -> Any:
    try:
        return templates.render({"t": source}, "t", "f", VALUES)
    except InputError as error:
        return error.problems


WRONG = [
    ("\n{{ no_such }}", "f/t:2:1: template: 'no_such' is undefined; define it in values.yaml"),
    ("\n\n{{ values.no_such.more }}", "f/t:3:1: template: 'dict object' has no attribute 'no_such'"),
    ("{% for x in number %}{% endfor %}", "f/t:1:1: template: 'int' object is not iterable"),
    (
        "\n{% for x, y in rows %}{{ x }}{% endfor %}\n{% for x, y in [[1]] %}{% endfor %}",
        "f/t:3:1: template: not",
    ),
    (
        "{% macro m(x) %}\n{{ x }}{% endmacro %}\n{{ m() }}",
        "f/t:2:1: template: parameter 'x' was not provided",
    ),
    ("\n{% include 'other' %}", "f/other:3:1: template: 'x' is undefined"),
    ("\n{% include 'gone' %}", "f/t:2:1: template: there is no template 'gone' in its folder"),
    ("{{ ''.__class__ }}", "f/t:1:1: template: access to attribute '__class__' of 'str' object is unsafe"),
    (
        "{{ values.update(a=1) }}",
        "f/t:1:1: template: access to attribute 'update' of 'dict' object is unsafe",
    ),
    ("{{ '{:>9}'.format(1) }}", "f/t:1:1: template: access to attribute 'format' of 'str' object is unsafe"),
    ("{{ '{a}'['format_map']({'a': 1}) }}", "f/t:1:1: template: access to attribute 'format_map'"),
    ("{{ range(1000000) }}", "f/t:1:1: template: Range too big"),
    ("{{ 2 ** 3 }}", "f/t:1:1: template: ** is allowed between two numbers only, and ** nowhere"),
    ("{{ number / 0 }}", "f/t:1:1: template: division by zero"),
    ("\n{{ 'unclosed }}", "f/t:2:1: template: unexpected char"),
    ("{{ 1e999 }}", "f/t:1:1: template: name 'inf' is not defined"),
    (
        "{% for x in range(99999) %}{{ 'a' | indent(99, true) }}{% endfor %}",
        "f/t: renders to more than 2097152",
    ),
]


@pytest.mark.parametrize(("source", "says"), WRONG)
def test_what_jinja_cannot_evaluate_is_told_with_its_line(source: str, says: str) -> None:
    with pytest.raises(InputError) as error:
        templates.render({"t": source, "other": "a\n\n{{ x }}"}, "t", "f", VALUES)
    assert str(error.value).startswith(says)


def test_a_template_that_is_not_there_is_told() -> None:
    with pytest.raises(InputError, match=r"^f/gone:1:1: template: there is no template 'gone'"):
        templates.render({}, "gone", "f", {})


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


def test_hours_apart_is_the_longest_wait_of_a_cron() -> None:
    text = "{{ '0 5 1-23/3 * * *' | hours_apart }} {{ '@weekly' | hours_apart }}"
    assert templates.render({"t": text}, "t", "f", {}) == "3.0 168.0"


@pytest.mark.parametrize(
    ("text", "what"), [("'soon'", "no cron: Expected 5 to 6 fields"), ("none_such", "is undefined")]
)
def test_hours_apart_of_what_is_no_cron_is_told_with_its_place(text: str, what: str) -> None:
    with pytest.raises(InputError, match=f"f/t:2:1: template: .*{what}"):
        templates.render({"t": "\n{{ " + text + " | hours_apart }}"}, "t", "f", {})
