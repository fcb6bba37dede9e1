"""What rejects a value names an example of the shape that is wanted, and the example is of that shape."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from kfp_gitops.base import examples, schema
from kfp_gitops.base.yamlvalue import parse
from project import Outcome

WRITTEN_BY_PEOPLE = ("values", "release", "team", "teams", "event", "policy", "pipeline-manifest")
SCHEMAS = schema.SCHEMAS


def _parts(name: str) -> Iterator[Mapping[str, Any]]:
    """Every schema within a schema."""

    def walk(part: Any) -> Iterator[Mapping[str, Any]]:
        if isinstance(part, Mapping):
            yield part
            part = list(part.values())
        for inner in part if isinstance(part, list) else ():
            yield from walk(inner)

    yield from walk(json.loads((SCHEMAS / f"{name}.schema.json").read_text("utf-8")))


@pytest.mark.parametrize("name", WRITTEN_BY_PEOPLE)
def test_every_shape_that_is_asked_for_has_an_example(name: str) -> None:
    asked = [part for part in _parts(name) if isinstance(part.get("pattern"), str)]
    without = [
        part
        for part in asked
        if not examples.of(part) and examples.beside(str(part.get("description", "")), "x").endswith(", such as x")
        and "x-todo" not in part and part.get("description")
    ]  # fmt: skip
    assert without == []


@pytest.mark.parametrize(
    "name", [path.name.partition(".")[0] for path in sorted(SCHEMAS.glob("*.schema.json"))]
)
def test_every_example_of_a_schema_is_one(name: str) -> None:
    for part in _parts(name):
        for example in part.get("examples", ()) if isinstance(part.get("examples"), list) else ():
            if isinstance(part.get("pattern"), str):
                assert re.search(part["pattern"], example), part
            if part.get("type") in ("integer", "number"):
                jsonschema.validate(example, {key: part[key] for key in part if key != "examples"})


# keyword → (a schema, what it refuses, the example that is named: accepted by the schema)
REFUSED: dict[str, tuple[dict[str, Any], Any, str]] = {
    "a map": ({"type": "object"}, 7, '{"key": "value"}'),
    "a list": ({"type": "array"}, 7, '["a", "b"]'),
    "a text": ({"type": "string"}, [], "text"),
    "a text of a kind": ({"type": "string", "examples": ["26h"]}, [], "26h"),
    "a number": ({"type": "number"}, "x", "0.5"),
    "a whole number in bounds": ({"type": "integer", "minimum": 5}, "x", "5"),
    "below": ({"type": "integer", "minimum": 5}, 1, "5 or more"),
    "above": ({"type": "integer", "maximum": 5}, 9, "5 or less"),
    "not above": ({"type": "number", "exclusiveMinimum": 0}, 0, "more than 0"),
    "a pattern": ({"type": "string", "pattern": "^a+$", "examples": ["aa"]}, "b", "such as aa"),
    "a pattern of a stranger": ({"type": "string", "pattern": "^a+$"}, "b", "^a+$"),
    "one of": ({"enum": ["red", "green"]}, "blue", '"red", "green"'),
    "this one": ({"const": 3}, 4, "write 3"),
    "too few": ({"type": "array", "minItems": 1}, [], "at least 1 item"),
    "too many": ({"type": "array", "maxItems": 2}, [1, 2, 3], "at most 2 items"),
    "empty": ({"type": "string", "minLength": 1}, "", "at least 1 character"),
    "no keys": ({"type": "object", "minProperties": 2}, {"a": 1}, "at least 2 keys"),
    "twice": ({"type": "array", "uniqueItems": True}, [1, 1], "each item once"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refusal_says_what_would_be_accepted(case: str) -> None:
    part, wrong, said = REFUSED[case]
    wanted = schema.Schema({"type": "object", "properties": {"key": part}})
    (problem,) = schema.problems(wanted, parse(json.dumps({"key": wrong}), "a.yaml"))
    assert said in problem.todo, problem


def test_a_key_that_is_missing_is_told_with_a_value_that_it_may_have() -> None:
    wanted = schema.Schema(
        {
            "type": "object",
            "required": ["kind", "free"],
            "properties": {"kind": {"enum": ["a", "b"]}, "free": {}},
        }
    )
    found = {problem.todo for problem in schema.problems(wanted, parse("{}", "a.yaml"))}
    assert sorted(found) == ["add `free:`", "add `kind:`, such as `kind: a`"]


def test_an_example_that_the_words_name_is_not_named_twice() -> None:
    assert examples.beside("how long, such as 26h", "45m") == "how long, such as 26h"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("policy", "--on", "soon"), "write YYYY-MM-DD, such as 2026-01-31"),
        (("reconcile", "plan", "--env", "dev", "--timeout", "soon"), "'soon' is no number of seconds, such as 30"),
        (("reconcile", "plan", "--env", "dev", "--max-delete", "x"), "no whole number from 0 on, such as 10"),
        (("run", "--env", "dev", "--pipeline", "hello", "--workers", "x"), "write a whole number such as 2"),
        (("render", "--env", "dev", "--pipeline", ","), "write names with commas between them, such as a,b"),
        (("render", "--env", "dev", "--chek"), "did you mean --check?"),
        (("new", "pipeline", "Churn"), "such as churn-daily"),
    ],
)  # fmt: skip
def test_a_word_of_the_command_line_that_is_refused_is_told_with_one_that_is_not(
    repository: Path, command: Callable[..., Outcome], words: tuple[str, ...], said: str
) -> None:
    done = command(*words, "--root", repository)
    assert done.code == 2
    assert said in done.err, done.err
