"""A template is compiled once in a process, and is another one with another text, name or purpose."""

from __future__ import annotations

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kfp_gitops.base.errors import InputError
from kfp_gitops.sources import placed, templates


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The names of the templates that were compiled, in order."""
    names: list[str | None] = []
    real = templates._Sandbox.compile

    def noted(self: object, source: str, name: str | None = None, *more: object) -> object:
        names.append(name)
        return real(self, source, name, *more)  # type: ignore[arg-type,call-overload]  # passed on as it came

    monkeypatch.setattr(templates._Sandbox, "compile", noted)
    monkeypatch.setattr(templates, "_COMPILED", templates._Compiled())
    templates._of_folder.cache_clear()
    return names


def test_the_same_text_is_compiled_once(compiled: list[str | None]) -> None:
    for word in ("a", "b"):
        texts = {
            "x.j2": "{% import 'y.j2' as y %}{{ y.twice(word) }}",
            "y.j2": "{% macro twice(w) %}{{ w }}{{ w }}{% endmacro %}",
        }
        assert templates.render(texts, "x.j2", "f", {"word": word}) == word * 2
    assert compiled == ["x.j2", "y.j2"]


def test_another_text_of_the_same_name_is_another_template(compiled: list[str | None]) -> None:
    said = [templates.render({"x.j2": text}, "x.j2", "f", {}) for text in ("one", "two", "one")]
    assert (said, compiled) == (["one", "two", "one"], ["x.j2", "x.j2"])


def test_an_error_names_the_file_that_it_is_in(compiled: list[str | None]) -> None:
    for name in ("x.j2", "z.j2"):
        with pytest.raises(InputError, match=rf"^f/{name}:2:1: template: 'no' is undefined"):
            templates.render({name: "\n{{ no }}"}, name, "f", {})
    assert compiled == ["x.j2", "z.j2"]


def test_what_is_marked_is_not_what_is_rendered() -> None:
    texts = {"x.yaml.j2": "a: {{ word }}\n"}
    for _ in range(2):
        assert templates.render(texts, "x.yaml.j2", "f", {"word": "1.0"}) == "a: 1.0\n"
        assert len(templates.misread(texts, "x.yaml.j2", "f", {"word": "1.0"})) == 1


def test_not_every_template_is_kept_for_ever(
    compiled: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(templates, "_MOST_COMPILED", 2)
    monkeypatch.setattr(templates, "_of_folder", templates._of_folder.__wrapped__)
    for text in ("1", "2", "3", "3", "2", "1"):
        assert templates.render({"x.j2": text}, "x.j2", "f", {}) == text
    assert len(compiled) == 4


def test_two_folders_share_what_was_compiled(
    compiled: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ({"x.j2": "1"}, {"x.j2": "1", "y.j2": "2"}):
        assert templates.render(folder, "x.j2", "f", {}) == "1"
    assert compiled == ["x.j2"]


def test_what_one_pipeline_writes_into_a_namespace_no_other_one_reads() -> None:
    texts = {
        "x.j2": "{% import 'y.j2' as y %}{{ y.next() }}{{ y.next() }}",
        "y.j2": "{% set seen = namespace(n=0) %}"
        "{% macro next() %}{% set seen.n = seen.n + 1 %}{{ seen.n }}{% endmacro %}",
    }
    assert [templates.render(texts, "x.j2", "f", {}) for _ in range(3)] == ["12", "12", "12"]


_PUT = st.sampled_from(
    [
        "{{ a }}", "{{ a.b }}", "{{ c[0] }}", "{{ c | join('-') }}", "{{ c }}", "{{ n }}", "{{ n * 2 }}", "{{ no }}",
        "{{ a.no }}", "{{ no | default('x: y') }}", "{{ a | upper }}", "{{ a ~ n }}", "{{ a if n else c }}",
        "{{ a if no else c }}", "{{ c | first }}", "{{ a.b or n }}", "{{ none }}", "{{ true }}", "{{ a | tojson }}",
        "{% for x in c %}{{ x }},{% endfor %}", "{% set t %}{{ a }}{% endset %}{{ t | length }}{{ t }}",
        "{% macro m(x) %}{{ x }}{% endmacro %}{{ m(a) | upper }}{{ m(n) }}", "{{ d | items | join('=') }}", "\n", "x ",
    ]
)  # fmt: skip


@given(st.lists(_PUT, max_size=6).map("".join))
def test_what_is_watched_is_rendered_as_if_it_was_not(text: str) -> None:
    context = {"a": "t: #", "c": ["1", 2, "x"], "n": 3, "d": {"k": "v"}}
    context["a"] = {"b": "yes", "e": 1} if "a.b" in text else context["a"]

    def rendered() -> object:
        try:
            return templates.render({"x.j2": text}, "x.j2", "f", context)
        except InputError as error:
            return error.problems

    templates._of_folder.cache_clear()
    watched = rendered()
    templates._of_folder.cache_clear()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(placed, "marked", lambda tree, _: tree)
        patched.setattr(templates, "_COMPILED", templates._Compiled())
        assert rendered() == watched
    templates._of_folder.cache_clear()


@pytest.mark.parametrize("text", ["{{ a }}", *(f"{{% {block} %}}" for block in (
    "if a %}{{ a }}{% elif b %}{{ b }}{% else %}{{ c }}{% endif",
    "for x in a %}{{ x }}{% if x %}{{ x.y }}{% endif %}{% else %}{{ b }}{% endfor",
    "macro m(x) %}{{ x }}{% call(y) m(x) %}{{ y }}{% endcall %}{% endmacro",
    "set x %}{{ a }}{% endset", "filter upper %}{{ a }}{% endfilter", "with x = a %}{{ x }}{% endwith",
    "block b %}{{ a }}{% endblock", "autoescape true %}{{ a }}{% endautoescape",
))])  # fmt: skip
def test_whatever_prints_is_found(text: str) -> None:
    tree = jinja2.Environment(extensions=[]).parse(text)
    found = [*placed._outputs(tree)]
    assert found
    assert {id(node) for node in found} == {id(node) for node in tree.find_all(jinja2.nodes.Output)}
