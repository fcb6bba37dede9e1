"""Misspelt keywords of a JSON Schema: a validator passes over what it does not know, and the check holds always."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kfp_gitops.base.errors import Problem, meant
from kfp_gitops.base.yamltext import Document, Path

# The vocabularies of json-schema.org/draft/2020-12, and `definitions` of the drafts before.
_WORDS: Mapping[str, str] = {
    "a schema": "additionalProperties contains contentSchema else if items not propertyNames then unevaluatedItems "
    "unevaluatedProperties",
    "a list": "allOf anyOf oneOf prefixItems",
    "a map": "$defs definitions dependentSchemas patternProperties properties",
    "no schema": "$anchor $comment $dynamicAnchor $dynamicRef $id $ref $schema $vocabulary const contentEncoding "
    "contentMediaType default dependentRequired deprecated description enum examples exclusiveMaximum "
    "exclusiveMinimum format maxContains maxItems maxLength maxProperties maximum minContains minItems minLength "
    "minProperties minimum multipleOf pattern readOnly required title type uniqueItems writeOnly",
}
_KEYWORDS = {word: holds for holds, words in _WORDS.items() for word in words.split()}


def problems(document: Document, at: Path = ()) -> Iterator[Problem]:
    """Every keyword that JSON Schema 2020-12 does not have; those of one's own begin with `x-`.

    `at` is where in the document the schema is, which must be one.
    """
    schema: Any = document.value
    for key in at:
        schema = schema[key]
    for place in _unknown(schema, at):
        close = meant(str(place[-1]), _KEYWORDS)
        todo = f"did you mean {close!r}?" if close else "correct it, or begin its name with x-"
        yield document.problem(place, f"{place[-1]!r} is no keyword of JSON Schema", todo, key=True)


def _unknown(schema: Any, at: Path) -> Iterator[Path]:
    if not isinstance(schema, Mapping):  # true or false
        return
    for key, value in schema.items():
        match _KEYWORDS.get(key):
            case None if not key.startswith("x-"):
                yield (*at, key)
            case "a schema":
                yield from _unknown(value, (*at, key))
            case "a list" | "a map":
                parts = value.items() if isinstance(value, Mapping) else enumerate(value)
                for name, part in parts:
                    yield from _unknown(part, (*at, key, name))
