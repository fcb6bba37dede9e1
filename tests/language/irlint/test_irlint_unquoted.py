"""A text that kfp's own writer left without quotes is told with its parameter and its line, not taken for a number."""

from __future__ import annotations

from typing import Any

import pytest
import rich_ir
import yaml
from kfp_gitops.base.errors import InputError
from kfp_gitops.sources import brought, components


def _written(change: Any = lambda documents: None) -> str:
    """As the SDK writes it: by PyYAML, which knows YAML 1.1 alone."""
    documents = rich_ir.documents()
    change(documents[0])
    return yaml.safe_dump_all(documents)


def _line(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def _root(default: Any) -> Any:
    def change(spec: Any) -> None:
        spec["root"]["inputDefinitions"]["parameters"]["secret"]["defaultValue"] = default

    return change


def _component(default: str) -> Any:
    def change(spec: Any) -> None:
        spec["components"]["comp-make"]["inputDefinitions"]["parameters"]["text"]["defaultValue"] = default

    return change


def _constant(value: str) -> Any:
    def change(spec: Any) -> None:
        tasks = [
            task
            for part in spec["components"].values()
            for task in part.get("dag", {}).get("tasks", {}).values()
        ]
        (source,) = [
            source
            for task in [*tasks, *spec["root"]["dag"]["tasks"].values()]
            for source in task.get("inputs", {}).get("parameters", {}).values()
            if source.get("runtimeValue") == {"constant": "done"}
        ]
        source["runtimeValue"]["constant"] = value

    return change


@pytest.mark.parametrize("value", ["7e2", "1e3", "0X1F", "0o14", "1e4_1", "2001-1-1", "0b-1"])
@pytest.mark.parametrize(
    ("change", "name"),
    [(_root, "secret"), (_component, "text"), (_constant, "text")],
    ids=["root", "component", "constant"],
)
def test_it_is_told_with_its_parameter_and_line(change: Any, name: str, value: str) -> None:
    text = _written(change(value))
    assert f" {value}\n" in text  # without quotes
    with pytest.raises(InputError) as refused:
        brought.read(text, "ir.yaml")
    (problem,) = refused.value.problems
    assert (problem.path, problem.line) == ("ir.yaml", _line(text, f" {value}\n"))
    assert f"parameter {name!r}" in problem.what
    assert value in problem.what
    assert f"'{value}'" in problem.todo


@pytest.mark.parametrize("value", ["y", "yes", "1:30", "2001-01-01", "v1", "0b2"])
def test_what_kfp_takes_for_the_text_that_it_is_passes_or_is_in_quotes(value: str) -> None:
    found = brought.read(_written(_root(value)).replace(" 0b2\n", " '0b2'\n"), "ir.yaml")
    assert found.declared["secret"]["defaultValue"] == value


@pytest.mark.parametrize(
    ("value", "said"), [(True, "true is true or false"), ([1], "this is a list"), (3, "3 is a number")]
)
def test_a_default_of_another_kind_is_told(value: Any, said: str) -> None:
    with pytest.raises(InputError, match=f"parameter 'secret' is a text, and {said}"):
        brought.read(_written(_root(value)), "ir.yaml")


@pytest.mark.parametrize("field", ["command", "args"])
def test_a_word_of_a_command_is_told_as_it_was_written(field: str) -> None:
    def change(spec: Any) -> None:
        spec["deploymentSpec"]["executors"]["exec-container"]["container"][field][0] = "7e2"

    with pytest.raises(InputError, match=rf"{field}\.0 is 7e2, not a text; write it in quotes: '7e2'"):
        brought.read(_written(change), "ir.yaml")


def test_a_default_of_a_container_component_is_told_as_it_was_written() -> None:
    image = f"x@sha256:{'1' * 64}"
    spec = (
        "name: say\ninputs:\n- {name: text, type: String, default: 7e2}\n"
        f"implementation:\n  container: {{image: '{image}', command: [echo, {{inputValue: text}}]}}\n"
    )
    with pytest.raises(InputError, match=r"^component\.yaml:3:39: 7e2 is not a String; put it in quotes$"):
        components.read("say", spec, "component.yaml")
