"""The quick ways to see validity agree with jsonschema, which words everything."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from kfp_gitops.base import bounds, schema, valid
from kfp_gitops.base.errors import InputError
from kfp_gitops.base.yamldump import dump
from kfp_gitops.base.yamltext import parse
from profiles import examples
from project import PROJECT

MANIFESTS = [
    path.read_text("utf-8") for path in sorted(PROJECT.glob("tests/golden/manifests/*/pipelines/*/*.yaml"))
]
VALUES_SCHEMAS = [path.read_text("utf-8") for path in sorted(PROJECT.glob("templates/pipelines/*/*.json"))]
NAMED = sorted(path.name.removesuffix(".schema.json") for path in schema.SCHEMAS.glob("*.schema.json"))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-2, 70)
    | st.floats(-1, 2)
    | st.sampled_from(["", "a", "a\n", "A b"])
)
ODD = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner)
)


def _places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, item in items for place in _places(item, (*at, key)))]


def _spoilt(draw: st.DrawFn, value: Any) -> Any:
    """A value with one part replaced, dropped, or put under another key."""
    value = copy.deepcopy(value)
    *above, last = draw(st.sampled_from(_places(value)[1:]))
    holder = value
    for key in above:
        holder = holder[key]
    match draw(st.sampled_from(["replace", "drop", "rename"])):
        case "replace":
            holder[last] = draw(ODD)
        case "rename" if isinstance(holder, dict):
            holder[draw(st.sampled_from(["x", f"{last}\n", "name", "if", "component"]))] = holder.pop(last)
        case _:
            del holder[last]
    return value


@st.composite
def spoilt_manifests(draw: st.DrawFn) -> Any:
    return _spoilt(draw, parse(draw(st.sampled_from(MANIFESTS)), "m").value)


@st.composite
def spoilt_schemas(draw: st.DrawFn) -> Any:
    return _spoilt(draw, json.loads(draw(st.sampled_from(VALUES_SCHEMAS))))


@settings(max_examples=examples(150))
@given(spoilt_manifests())
def test_the_compiled_validator_accepts_nothing_that_jsonschema_refuses(value: Any) -> None:
    named = schema.named("pipeline-manifest")
    if named.accepts(value):
        assert list(named.validator.iter_errors(value)) == []


@settings(max_examples=examples(150))
@given(spoilt_schemas())
def test_a_plain_schema_is_a_schema(value: Any) -> None:
    if valid.plain_schema(value):
        Draft202012Validator.check_schema(value)


@pytest.mark.parametrize("text", MANIFESTS)
def test_what_is_valid_is_seen_quickly(text: str) -> None:
    document = parse(text, "m")
    kind = "pipeline-manifest" if document.value.get("kind") == "PipelineManifest" else "component"
    assert schema.named(kind).accepts(document.value)


@pytest.mark.parametrize("text", VALUES_SCHEMAS)
def test_shipped_values_schemas_are_plain(text: str) -> None:
    assert valid.plain_schema(json.loads(text))


@pytest.mark.parametrize("name", NAMED)
def test_property_patterns_of_shipped_schemas_mean_the_same_to_rust_and_python(name: str) -> None:
    """Classes such as \\w differ."""
    for pattern, above in _property_patterns(schema.named(name).validator.schema, ()):
        plain = pattern.replace(r"$(?!\n)", "$")
        assert "\\" not in plain
        assert "(?" not in plain
        assert not {"not", "if", "contains", "oneOf"} & set(above)


def _property_patterns(content: Any, above: tuple[str, ...]) -> list[tuple[str, tuple[str, ...]]]:
    if isinstance(content, dict):
        own = [(pattern, above) for pattern in content.get("patternProperties", {})]
        return own + [
            found for key, value in content.items() for found in _property_patterns(value, (*above, key))
        ]
    return (
        [found for item in content for found in _property_patterns(item, above)]
        if isinstance(content, list)
        else []
    )


def test_a_pattern_that_takes_too_long_is_stopped_and_not_tried_again() -> None:
    found = schema.from_text('{"pattern": "^(a+)+$"}', "s")
    with pytest.raises(InputError, match=r"takes more than 0\.2 s"), bounds.bounded("x", 0.2):
        schema.problems(found, parse("a" * 60 + "!", "v"))


def test_references_that_fan_out_are_stopped() -> None:
    doubled = {f"a{i}": {"allOf": [{"$ref": f"#/$defs/a{i + 1}"}] * 2} for i in range(30)}
    text = json.dumps({"$defs": {**doubled, "a30": {"type": "object"}}, "$ref": "#/$defs/a0"})
    for written in (text, text.replace("$ref", "\\u0024ref")):  # a letter of a key may be an escape
        with pytest.raises(InputError, match="takes more than"), bounds.bounded("x", 0.5):
            schema.problems(schema.from_text(written, "s"), parse("{}", "v"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"minimum": NaN}', "s:1:1: not JSON: NaN is no number of JSON; correct the number"),
        ('{"title": "\\ud83d\\ude00", "foo": 1}', "s:1:27: 'foo' is no keyword of JSON Schema"),
        ('{"title": "\\ud83d\\ude00", "$ref": "x"}', "s:1:35: $ref 'x' leaves the file"),
        ('{"title": "\\\\ud83d", "foo": 1}', "s:1:22: 'foo' is no keyword of JSON Schema"),
        ('{"title": "\\ud800", "enum": ["\\ud800"]}', None),
    ],
)
def test_what_json_has_and_other_readers_have_not_is_told_in_its_place(text: str, says: str | None) -> None:
    if says is None:
        assert schema.problems(schema.from_text(text, "s"), parse("a", "v"))
        return
    with pytest.raises(InputError) as refused:
        schema.from_text(text, "s")
    assert str(refused.value).startswith(says)


def test_patterns_are_pythons() -> None:
    accepts = valid.compiled({"pattern": r"^\S$"})
    assert [accepts(text) for text in ("a", "a\n", "\x1c", "\x85", " ", 1)] == [
        True,
        True,
        False,
        False,
        False,
        True,
    ]


NAMES = {
    "patternProperties": {"^[a-z]+$": {"type": "string", "pattern": "^(a|b$|[$])$"}},
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"x": "a", "y": "$"}, None),
        ({"x": "a\n"}, r'x is "a\n"; it must match ^(a|b$|[$])$'),
        ({"x": "b\n"}, r'x is "b\n"; it must match ^(a|b$|[$])$'),
        ({"x\n": "a"}, r"unknown key 'x\n'; remove it; known are: names like ^[a-z]+$"),
    ],
)
@pytest.mark.parametrize("quickly", [True, False])
def test_a_pattern_ends_where_the_text_ends(
    value: dict[str, str], says: str | None, quickly: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As JSON Schema has it: Python's `$` is there before a last line break, too, as of a block of YAML."""
    monkeypatch.setattr(valid, "_installed", lambda: quickly)
    found = schema.problems(
        schema.from_text(json.dumps(NAMES | {"$comment": str(quickly)}), "s"), parse(dump(value), "v")
    )
    assert [str(problem).split(": ", 1)[1] for problem in found] == ([says] if says else [])


@pytest.mark.parametrize(
    "bad",
    [
        {"type": "text"},
        {"type": []},
        {"required": ["a", "a"]},
        {"minLength": -1},
        {"minLength": True},
        {"pattern": "["},
        {"properties": {"a": 1}},
        {"allOf": []},
        {"items": [{}]},
        {"$ref": "other.json"},
        {"$dynamicRef": "#a"},
        {"enum": [{"$ref": "x"}]},
        {"x-own": {"$ref": "x"}},
        [],
        None,
    ],
    ids=str,
)
def test_what_is_not_surely_a_plain_schema_is_left_to_jsonschema(bad: Any) -> None:
    assert not valid.plain_schema(bad)
    assert not valid.plain_schema({"properties": {"deep": {"anyOf": [bad]}}})


def test_messages_are_the_same_without_any_quick_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole documents, and schemas, good and bad."""
    documents = [parse(text.replace("component: ", "komponent: "), "m") for text in MANIFESTS]
    texts = ['{"type": "text"}', "{", '{"$ref": "x"}', '{"type": "object"}', "[" * 3000]

    def everything() -> list[object]:
        schema.named.cache_clear()
        schema._plain.cache_clear()
        return [
            *(schema.problems(schema.named("pipeline-manifest"), document) for document in documents),
            *(_outcome(text) for text in texts),
        ]

    quick = everything()
    monkeypatch.setattr(valid, "compiled", lambda _: lambda _: False)
    monkeypatch.setattr(valid, "plain_schema", lambda _: False)
    assert everything() == quick
    monkeypatch.undo()
    everything()


def _outcome(text: str) -> object:
    try:
        return schema.from_text(text, "s").validator.schema
    except InputError as error:
        return str(error)


def test_schema_errors_of_jsonschema_are_what_plainness_is_measured_on() -> None:
    with pytest.raises(SchemaError):
        Draft202012Validator.check_schema({"type": "text"})
