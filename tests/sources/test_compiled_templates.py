"""A template is compiled once in a process, and is another one with another text, name or purpose."""

from __future__ import annotations

import pytest
from kfp_gitops.base.errors import InputError
from kfp_gitops.sources import templates


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The names of the templates that were compiled, in order."""
    names: list[str | None] = []
    real = templates._Sandbox.compile

    def noted(self: object, source: str, name: str | None = None, *more: object) -> object:
        names.append(name)
        return real(self, source, name, *more)  # type: ignore[arg-type,call-overload]  # passed on as it came

    monkeypatch.setattr(templates._Sandbox, "compile", noted)
    monkeypatch.setattr(templates._Sandbox, "compiled", templates._Compiled())
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
    for text in ("1", "2", "3", "3", "2", "1"):
        assert templates.render({"x.j2": text}, "x.j2", "f", {}) == text
    assert len(compiled) == 4
