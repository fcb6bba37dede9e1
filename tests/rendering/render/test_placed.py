"""A text of the values that a template puts into YAML is read from it as it is, or told with the template's line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kfp_gitops.sources import templates
from project import Outcome

Run = Callable[..., Outcome]


def _misread(template: str, more: dict[str, str] | None = None, **values: Any) -> list[str]:
    texts = {"t.j2": template, **(more or {})}
    found = templates.misread(texts, "t.j2", "f", {"values": values, "pipeline": "p"})
    return [f"{problem.path}:{problem.line}: {problem.what}" for problem in found]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("abc #def", "'abc'"),
        ("#abc", "null"),
        ("a: b", "nothing that is YAML"),
        ("1e3", "1000.0"),
        ("12", "12"),
        ("0x1F", "nothing that is YAML"),
        ("yes", "nothing that is YAML"),
        ("true", "True"),
        ("null", "null"),
        ("~", "null"),
        ("", "null"),
        ("*name", "nothing that is YAML"),
        ("&name", "null"),
        ("!tag", "nothing that is YAML"),
        ("- a", "nothing that is YAML"),
        ("[a", "nothing that is YAML"),
        ("{a: 1}", "{'a': 1}"),
        ('"quoted"', "'quoted'"),
        ("two\nlines", "nothing that is YAML"),
        (" around ", "'around'"),
        ("a\tb: c", "nothing that is YAML"),
    ],
)
def test_a_text_without_quotes_that_yaml_reads_otherwise_is_told(text: str, read: str) -> None:
    (found,) = _misread("a: 1\nx: {{ values.q }}\nb: [2]\n", q=text)
    assert found == f"f/t.j2:2: {{{{ values.q }}}} puts the text {text!r} into YAML, which reads {read}"
    assert _misread("a: 1\nx: {{ values.q | tojson }}\n", q=text) == []


@pytest.mark.parametrize(
    "text", ["abc", "s3://b/x", "a b", "registry/x@sha256:00", "0 0 4 * * *", "it's", "a#b", "a:b", "5Gi"]
)
def test_a_text_that_yaml_reads_as_it_is_passes(text: str) -> None:
    assert _misread("x: {{ values.q }}\n", q=text) == []


@pytest.mark.parametrize(
    ("template", "values", "line"),
    [
        ("x: '{{ values.q }}'\n", {"q": "it's"}, 1),
        ('x: "{{ values.q }}"\n', {"q": 'say "hi"'}, 1),
        ('x: "{{ values.q }}"\n', {"q": "a\\nb"}, 1),
        ("x: {y: {{ values.q }}}\n", {"q": "a, b"}, 1),
        ("\nx: [{{ values.q }}]\n", {"q": "a]"}, 2),
        ("x: a {{ values.q }} b\n", {"q": "# c"}, 1),
        ("{% for k, v in values.q.items() %}\n{{ k }}: {{ v }}\n{% endfor %}\n", {"q": {"a": "b", "yes": "c"}}, 2),
        ("x: [{{ values.q | join(', ') }}]\n", {"q": ["a", "b #c"]}, 1),
        ("{% macro m(t) %}\nx: {{ t }}\n{% endmacro %}\n{{ m(values.q) }}\n", {"q": "a #b"}, 2),
        ("{% set t = values.q %}\nx: {{ t }}\n", {"q": "a #b"}, 2),  # beyond our own evaluation: Jinja's code
        ("x: {{ values.q | default('y') }}\n", {"q": "a #b"}, 1),
        ("x: {{ values.q if values.q else 'y' }}\n", {"q": "a #b"}, 1),
        ("x: {{ values.q ~ values.q }}\n", {"q": "a #b"}, 1),
        ("x: {{ values['q'] }}\n", {"q": "a #b"}, 1),
        ("x: |\n  {{ values.q }}\n", {"q": "a\nb: c"}, 2),
    ],
)  # fmt: skip
def test_wherever_a_template_puts_it(template: str, values: dict[str, Any], line: int) -> None:
    found = _misread(template, **values)
    assert [one.split(": ")[0] for one in found] == [f"f/t.j2:{line}"]


@pytest.mark.parametrize(
    ("template", "values"),
    [
        ('x: "{{ values.q }}"\n', {"q": "a #b: yes"}),
        ("x: '{{ values.q }}'\n", {"q": "null"}),
        ("x: |\n  {{ values.q }}\n", {"q": "a #b: c"}),
        ("x: >-\n  {{ values.q | indent(2) }}\n", {"q": "a\nb"}),
        ("# {{ values.q }}\nx: 1\n", {"q": "a #b"}),
        ("x: {{ values.n }}\n", {"n": 5, "q": "#"}),
        ("x: {{ 'true' if values.q else 'false' }}\n", {"q": "yes"}),
        ("x: {{ values.q | tojson }}\n", {"q": "a #b"}),
        ("x: {{ values }}\n", {"q": "a #b"}),
        ("{% if values.q == 'yes' %}\nx: 1\n{% endif %}\n", {"q": "yes"}),
        ("x: v{{ values.q }}\n", {"q": "12"}),
        ("x: {{ values.none if values.n else 'null' }}\n", {"n": 0, "q": "#"}),
        ("x: {{ values.missing }}\n", {"q": "#"}),  # told by rendering itself
        ("x: [\n", {"q": "#"}),
        ("x: {{ values.q }}: y\n", {"q": "#"}),  # no YAML whatever the text is
    ],
)
def test_what_is_meant_so_or_told_elsewhere_passes(template: str, values: dict[str, Any]) -> None:
    assert _misread(template, **values) == []


def test_an_included_template_is_named_as_the_place() -> None:
    (found,) = _misread("{% include 'i.j2' %}\n", {"i.j2": "\nx: {{ values.q }}\n"}, q="a #b")
    assert found.startswith("f/i.j2:2: ")


def test_rendering_refuses_it_with_the_templates_line(repository: Path, command: Run) -> None:
    template = repository / "templates/pipelines/hello/pipeline.yaml.j2"
    template.write_text(template.read_text().replace("owner: tests", "owner: {{ values.name }}"))
    assert command("render", "--root", repository, "--env", "dev").code == 0
    values = repository / "environments/dev/values.yaml"
    values.write_text(values.read_text().replace("name: dev", "name: 'dev #1'"))
    done = command("render", "--root", repository, "--env", "dev")
    assert done.code == 2
    where = (
        "templates/pipelines/hello/pipeline.yaml.j2:6:1: {{ values.name }} puts the text 'dev #1' into YAML"
    )
    assert done.err.startswith(f"{where}, which reads 'dev'; write {{{{ values.name | tojson }}}}")


def test_what_is_a_part_of_a_text_is_told_to_be_made_as_a_whole() -> None:
    found = templates.misread({"t.j2": "x: on {{ values.q }} end\n"}, "t.j2", "f", {"values": {"q": "a: b"}})
    todo = '{{ ("before " ~ values.q ~ " after") | tojson }}, without quotes around it'
    assert [problem.todo for problem in found] == [f"make the whole text in one expression, such as {todo}"]
    assert _misread('x: {{ ("on " ~ values.q ~ " end") | tojson }}\n', q="a: b") == []
