"""Two quick ways to see that data is valid. Neither words anything: what they do not accept, `schema` judges.

So a message never depends on them, nor on whether the optional jsonschema-rs is installed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib.util import find_spec
from typing import Any


def compiled(schema: Any) -> Callable[[Any], bool]:
    """Whether data surely satisfies a schema, by jsonschema-rs; without it nothing is sure.

    For the schemas in `schemas/`, and for plain ones without what `schema` keeps from Rust.
    """
    if not _installed():
        return lambda _: False
    import jsonschema_rs

    broken: list[BaseException] = []
    keywords: dict[str, type[Any]] = {"pattern": type("Pattern", (_Pattern,), {"broken": broken})}
    is_valid = jsonschema_rs.Draft202012Validator(schema, validate_formats=False, keywords=keywords).is_valid

    def accepts(value: Any) -> bool:
        broken.clear()
        try:
            found = bool(is_valid(value))
        except ValueError:  # data that it cannot take over, such as half of a surrogate pair
            return False
        if broken:
            raise broken.pop()
        return found

    return accepts


@cache
def _installed() -> bool:
    return find_spec("jsonschema_rs") is not None


class _Pattern:
    """The keyword `pattern` as jsonschema has it, by Python's re: Rust has other classes and another `$`."""

    broken: list[BaseException]

    def __init__(self, _parent: Any, value: str, _path: Any) -> None:
        self.search = re.compile(value).search

    def validate(self, instance: Any) -> None:
        """Raises ValueError, as jsonschema-rs wants it, where the pattern does not match.

        It takes any other exception for that, too, even the end of the time that a pattern may take: so it is kept.
        """
        try:
            matches = not isinstance(instance, str) or self.search(instance)
        except BaseException as error:
            self.broken.append(error)
            raise
        if not matches:
            raise ValueError


def plain_schema(schema: Any) -> bool:
    """Whether this is surely a JSON Schema 2020-12 that stays in its file: common keywords, simply used.

    The meta-schema says the same of each keyword (json-schema.org/draft/2020-12/schema), a hundred times slower.
    """
    if isinstance(schema, bool):
        return True
    return isinstance(schema, dict) and all(
        key in _KEYWORDS and _KEYWORDS[key](value) for key, value in schema.items()
    )


def _schemas(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(plain_schema, value))


def _named_schemas(value: Any) -> bool:
    return isinstance(value, dict) and all(map(plain_schema, value.values()))


def _pattern_schemas(value: Any) -> bool:
    return _named_schemas(value) and all(map(_pattern, value))


def _pattern(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(re.compile(value))
    except re.error:
        return False


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


def _scalars(value: Any) -> bool:
    return isinstance(value, list) and all(map(_scalar, value))


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value)) and len(set(value)) == len(value)


def _type(value: Any) -> bool:
    return (
        value in _TYPES if isinstance(value, str) else _texts(value) and bool(value) and set(value) <= _TYPES
    )


def _own_reference(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"#(?:/[$A-Za-z0-9_-]+)*", value) is not None


def _this_draft(value: Any) -> bool:
    return bool(value == "https://json-schema.org/draft/2020-12/schema")


_TYPES = {"object", "array", "string", "number", "integer", "boolean", "null"}
_SHAPES: Mapping[Callable[[Any], bool], str] = {
    plain_schema: "additionalProperties items contains propertyNames not if then else",
    _schemas: "allOf anyOf oneOf prefixItems",
    _named_schemas: "properties $defs",
    _pattern_schemas: "patternProperties",
    _pattern: "pattern",
    _text: "title description $comment x-todo x-elsewhere x-lacking x-what",
    _flag: "uniqueItems deprecated",
    _number: "minimum maximum exclusiveMinimum exclusiveMaximum",
    _count: "minLength maxLength minItems maxItems minProperties maxProperties",
    _scalar: "const default",
    _scalars: "enum examples",
    _texts: "required",
    _type: "type",
    _own_reference: "$ref",
    _this_draft: "$schema",
}
_KEYWORDS = {keyword: shape for shape, keywords in _SHAPES.items() for keyword in keywords.split()}
