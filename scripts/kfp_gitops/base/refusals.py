"""What a schema forbids, in words: what stands there, and what to write in its place, with an example of the shape."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kfp_gitops.base import examples, redact, schematext
from kfp_gitops.base.yamltext import Path

_TYPE_NAMES = {
    "object": "a map",
    "array": "a list",
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "null",
}


@dataclass(frozen=True)
class Finding:
    """One error of the validator, with the types that its stubs leave open."""

    kind: str
    wanted: Any
    instance: Any
    schema: Mapping[str, Any]
    message: str
    at: Path
    name: str
    written: str


def to_add(found: Finding, key: str) -> str:
    """The key, what it is for, and a value that it may have where its schema tells one."""
    example = examples.of(found.schema.get("properties", {}).get(key))
    return examples.beside(f"add `{key}:`{_purpose(found, key)}", f"`{key}: {example}`" if example else "")


def _purpose(found: Finding, key: str) -> str:
    description = found.schema.get("properties", {}).get(key, {}).get("description", "")
    return f" ({description})" if description else ""


def wording(found: Finding) -> tuple[str, str]:
    shown = redact.text(found.written or json.dumps(found.instance, ensure_ascii=False))
    shown = shown if len(shown) <= 60 else shown[:57] + "…"
    what, wanted = f"{found.name} is {shown}", found.wanted
    match found.kind:
        case "type":
            kinds = [wanted] if isinstance(wanted, str) else wanted
            names = " or ".join(_TYPE_NAMES[kind] for kind in kinds)
            if "string" in kinds and (found.written or isinstance(found.instance, int | float)):
                return f"{what}, not {names}", f"write it in quotes: '{shown}'"
            return f"{what}, not {names}", _of_type(f"write {names}", kinds[0], found.schema)
        case "enum":
            return what, f"choose one of {', '.join(map(json.dumps, wanted))}"
        case "const":
            return what, f"write {json.dumps(wanted)}"
        case "pattern":
            todo = found.schema.get("description", f"it must match {schematext.written(wanted)}")
            return what, examples.beside(todo, examples.of(found.schema))
        case "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum":
            return what, f"write {_BOUND[found.kind].format(wanted)}"
        case "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties":
            return _wrong_size(found)
        case "uniqueItems":
            return f"{found.name} has an item twice", "write each item once, such as [a, b]"
        case "anyOf" if all(set(each) == {"required"} for each in wanted):
            keys = [key for each in wanted for key in each["required"]]
            return f"{found.name} has none of {', '.join(keys)}", "add one of them"
        case "oneOf" if all(set(each) == {"required"} for each in wanted):
            return _alternatives(found, [key for each in wanted for key in each["required"]])
        case "not" if set(wanted) == {
            "required"
        }:  # keys that do not go together, or one that has no place here
            keys = wanted["required"]
            return f"{found.name} has {' and '.join(keys)}", f"keep one of {' and '.join(keys)}" if keys[
                1:
            ] else "remove it"
        case _:
            todo = found.schema.get("description", f"its schema wants `{found.kind}`")
            return f"{found.name}: {found.message[:200]}", examples.beside(todo, examples.of(found.schema))


_BOUND = {
    "minimum": "{} or more",
    "maximum": "{} or less",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
}
_SIZED = {"Length": "characters", "Items": "items", "Properties": "keys"}


def _of_type(todo: str, kind: str, schema: Mapping[str, Any]) -> str:
    return todo if kind in ("boolean", "null") else examples.beside(todo, examples.of_type(kind, schema))


def _wrong_size(found: Finding) -> tuple[str, str]:
    """Too few or too many of what something is made of."""
    least, part = found.kind.startswith("min"), found.kind[3:]
    what = f"{found.name} is {'empty' if not found.instance else f'too {_SHORT[part][not least]}'}"
    todo = found.schema.get("description", "")
    bound = f"at {'least' if least else 'most'} {found.wanted} {_SIZED[part].removesuffix('s' * (found.wanted == 1))}"
    return what, examples.beside(f"write {bound}{f' ({todo})' if todo else ''}", examples.of(found.schema))


_SHORT = {"Length": ("short", "long"), "Items": ("short", "long"), "Properties": ("small", "large")}


def _alternatives(found: Finding, keys: list[str]) -> tuple[str, str]:
    """Of keys of which exactly one is wanted, none or several are there."""
    present = [key for key in keys if key in found.instance]
    if present:
        return f"{found.name} has {' and '.join(present)}", "keep one of them"
    return f"{found.name} has none of {', '.join(keys)}", "add one of them"
