"""Check data against the JSON Schemas in `schemas/` and word each finding with its position."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from pathlib import Path as File
from typing import TYPE_CHECKING, Any

from kfp_gitops.base import keywords, schematext, valid
from kfp_gitops.base.errors import InputError, Problem, meant, raise_if_any
from kfp_gitops.base.refusals import Finding, to_add, wording
from kfp_gitops.base.yamltext import Document, Path

if TYPE_CHECKING:  # imported where it is used: what is valid mostly needs none of it
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

SCHEMAS = File(__file__).parents[1] / "language/schemas"


@dataclass(frozen=True)
class Schema:
    """A schema that words what it forbids; `accepts` sees quickly that there is nothing to word, or decides nothing.

    `exact`: 60.0 is no integer, as it is none to Python and KFP, though it is one to JSON Schema.
    """

    content: Any
    accepts: Callable[[Any], bool] = field(default=lambda _: False)
    exact: bool = False

    @cached_property
    def validator(self) -> Validator:
        """The one that finds everything."""
        from jsonschema import Draft202012Validator
        from jsonschema.validators import extend

        if not self.exact:
            return Draft202012Validator(self.content)
        types = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, found: type(found) is int)
        exactly: type[Validator] = extend(Draft202012Validator, type_checker=types)  # type: ignore[no-untyped-call]  # of its stubs
        return exactly(self.content)


@cache
def named(name: str) -> Schema:
    """The schema `schemas/<name>.schema.json`."""
    # Of an IR protobuf takes 60.0 for an integer, too.
    return Schema(_read(name), valid.compiled(_read(name)), exact=not name.startswith("ir"))


@cache
def _read(name: str) -> dict[str, Any]:
    text = (SCHEMAS / f"{name}.schema.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text, object_hook=schematext.to_the_end)
    return found


def filled(name: str, section: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """A section of a document, which is valid, with the `default`s of `schemas/<name>.schema.json` filled in."""
    return _filled(_read(name)["properties"][section], value)


def filled_whole(name: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """The same of a whole document."""
    return _filled(_read(name), value)


def _filled(part: Mapping[str, Any], value: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(value)
    for key, inner in part.get("properties", {}).items():
        if key not in result and "default" in inner:
            result[key] = inner["default"]
        if isinstance(result.get(key), Mapping):
            result[key] = _filled(inner, result[key])
    return result


def from_text(text: str, path: str, *, strict: bool = True) -> Schema:
    """A schema that is data of the repository (a pipeline's `values.schema.json`).

    `strict` also refuses keywords that mean nothing; a pinned copy, which nobody may mend, is taken as it is.

    Raises:
        InputError: not JSON, not a JSON Schema 2020-12, or it refers to another file.
    """
    return _plain(text) or _any(text, path, strict)


@lru_cache(maxsize=1024)
def _plain(text: str) -> Schema | None:
    """The schema, where it is surely one."""
    try:
        content = schematext.loaded(text)
        if not valid.plain_schema(content):
            return None
        # Rust reads patternProperties in its own way, and no timer stops it: references to references may take for
        # ever. Written again, since any letter of a key may be an escape.
        written = json.dumps(content)
        slow = "patternProperties" in written or "$ref" in written
        return Schema(content) if slow else Schema(content, valid.compiled(content))
    except (ValueError, RecursionError):  # or what Rust cannot take over, such as half of a surrogate pair
        return None


@lru_cache(maxsize=1024)
def _any(text: str, path: str, strict: bool) -> Schema:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    try:
        schema = schematext.loaded(text)
        Draft202012Validator.check_schema(schema)
    except json.JSONDecodeError as error:
        raise InputError.of(
            path, f"not JSON: {error.msg}", "correct the syntax", error.lineno, error.colno
        ) from None
    except ValueError as error:
        raise InputError.of(path, f"not JSON: {error}", "correct the number", 1, 1) from None
    except RecursionError:
        raise InputError.of(path, "nested too deeply", "flatten the schema", 1, 1) from None
    except SchemaError as error:
        what = f"not a JSON Schema: {error.message}"
        raise InputError([_in_schema(text, path, tuple(error.absolute_path), what, "correct it")]) from None
    raise_if_any(
        _in_schema(text, path, at, f"$ref {reference!r} leaves the file", "refer to #/$defs/… only")
        for at, reference in references(schema, ())
        if not (isinstance(reference, str) and reference.startswith("#"))
    )
    if strict:
        raise_if_any(keywords.problems(schematext.positions(text, path)))
    return Schema(schema)


def _in_schema(text: str, path: str, at: Path, what: str, todo: str) -> Problem:
    """The second reading, only when something is wrong, knows the lines."""
    return schematext.positions(text, path).problem(at, what, todo)


def references(schema: Any, at: Path) -> Iterator[tuple[Path, Any]]:
    """Every $ref: a stranger's schema must neither make us open a URL nor read a file."""
    if isinstance(schema, Mapping):
        for key, value in schema.items():
            if key in ("$ref", "$dynamicRef"):
                yield (*at, key), value
            yield from references(value, (*at, key))
    elif isinstance(schema, list):
        for index, item in enumerate(schema):
            yield from references(item, (*at, index))


def problems(schema: Schema, document: Document, home: str = "") -> list[Problem]:
    """Everything in a document that its schema forbids, in order of position.

    `home` is the file in which people may declare further keys.

    Raises:
        InputError: the schema is a stranger's, and a `$ref` in it leads nowhere or round in circles.
    """
    if not (schema.exact and document.whole_floats) and schema.accepts(document.value):
        return []
    from referencing.exceptions import Unresolvable

    try:
        return sorted(_worded(schema.validator.iter_errors(document.value), document, home))
    except Unresolvable:
        raise InputError.of(
            document.path, "a reference of its schema leads nowhere", "correct the $ref"
        ) from None
    except RecursionError:
        raise InputError.of(
            document.path, "its schema refers to itself without end", "correct the $ref"
        ) from None


def _worded(errors: Iterable[ValidationError], document: Document, home: str) -> Iterator[Problem]:
    for error in errors:
        yield from _problem(_nearest(error), document, home)


def _nearest(error: ValidationError) -> ValidationError:
    """Inside anyOf/oneOf the deepest cause says more than «is not valid under any of the given»."""
    from jsonschema.exceptions import best_match

    return best_match([error]) or error if error.context else error


def _finding(error: ValidationError, document: Document) -> Finding:
    schema = error.schema if isinstance(error.schema, Mapping) else {}
    at = tuple(error.absolute_path)
    kind, wanted = str(error.validator), error.validator_value
    return Finding(
        kind,
        wanted,
        error.instance,
        schema,
        error.message,
        at,
        document.name(at),
        document.spelled(at),
    )


def _problem(error: ValidationError, document: Document, home: str) -> Iterator[Problem]:
    found = _finding(error, document)
    if found.kind == "additionalProperties":
        yield from _unknown_keys(found, document, home)
    elif found.kind == "required":
        for key in (key for key in found.wanted if key not in found.instance):
            what = f"{found.name} {found.schema.get('x-what', f'lacks {key!r}')}"
            todo = found.schema.get("x-lacking", to_add(found, key))
            yield document.problem(found.at, what, todo)
    else:
        what, todo = wording(found)
        yield document.problem(found.at, what, found.schema.get("x-todo", todo))


def _unknown_keys(found: Finding, document: Document, home: str) -> Iterator[Problem]:
    known = sorted(found.schema.get("properties", {}))
    shapes = found.schema.get("patternProperties", {})
    elsewhere = f" ({found.schema['x-elsewhere']})" if "x-elsewhere" in found.schema else ""
    for key in found.instance:
        if key in known or any(re.search(shape, key) for shape in shapes):
            continue
        close = meant(key, known)
        options = ", ".join(known) or (
            f"names like {', '.join(map(schematext.written, shapes))}" if shapes else "none here"
        )
        remove = f"declare it in {home}, or remove it" if home else "remove it"
        todo = found.schema.get("x-todo", "" if close else f"{remove}; known are: {options}{elsewhere}")
        if close:
            todo = f"did you mean {close!r}?{' Otherwise ' if todo else ''}{todo}"
        at = (*found.at, key)
        yield document.problem(at, f"unknown key {document.name(at)!r}", todo, key=True)
