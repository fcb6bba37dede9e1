"""What a hand-written Component YAML (`implementation: container`) may not say although its schema allows it.

The SDK ignores some of it, words some of it as a TypeError without a place, and fails the task for the rest:
each rule was tried with kfp 2.17 (kfp.dsl.structures, kfp.components.v1_structures).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from kfp_gitops.errors import Problem
from kfp_gitops.manifest import Type
from kfp_gitops.yamltext import Document, Path

# Type names in lower case (kfp.dsl.types.type_utils.PARAMETER_TYPES_MAPPING).
TYPES: Mapping[str, Type] = {
    **dict.fromkeys(("integer", "int"), "int"),
    **dict.fromkeys(("double", "float"), "float"),
    **dict.fromkeys(("string", "str", "text"), "str"),
    **dict.fromkeys(("bool", "boolean"), "bool"),
    **dict.fromkeys(("dict", "jsonobject"), "dict"),
    **dict.fromkeys(("list", "jsonarray"), "list"),
}
_FINAL_STATUS = "PipelineTaskFinalStatus"
_OF_PARAMETERS = ("inputValue",)
_OF_ARTIFACTS = ("inputPath", "inputUri", "outputUri")
# Placeholders of Argo, which KFP leaves as they are.
_ARGO = re.compile(r"\{\{\s*(?:inputs|outputs|workflow|tasks)\.")
_KINDS: Mapping[Type, type | tuple[type, ...]] = {
    "int": int,
    "float": (int, float),
    "bool": bool,
    "dict": dict,
    "list": list,
}


def fit(name: str) -> str:
    """The name that an input or output has in a pipeline (kfp.dsl.utils.sanitize_input_name)."""
    return re.sub("[^_0-9a-z]+", "_", name.lower()).strip("_")


def type_of(port: Mapping[str, Any]) -> Type | None:
    """The type of a parameter; None for an artifact."""
    return TYPES.get(port["type"].lower())


def problems(document: Document) -> list[Problem]:
    """Everything wrong with a component whose document satisfies the schema."""
    return sorted(set(_Checker(document).run()))


class _Checker:
    def __init__(self, document: Document) -> None:
        spec = document.value
        self.document = document
        self.container: Mapping[str, Any] = spec["implementation"]["container"]
        self.inputs = {port["name"]: port for port in spec.get("inputs", [])}
        self.outputs = {port["name"]: port for port in spec.get("outputs", [])}
        self.written: set[str] = set()

    def run(self) -> Iterator[Problem]:
        yield from self._ports()
        for field in ("command", "args"):
            for index, part in enumerate(self.container.get(field, [])):
                at: Path = ("implementation", "container", field, index)
                yield from self._part(part, at)
        yield from self._unwritten()

    def _ports(self) -> Iterator[Problem]:
        for side in ("inputs", "outputs"):
            names: set[str] = set()
            for index, port in enumerate(self.document.value.get(side, [])):
                at: Path = (side, index, "name")
                if fit(port["name"]) in names:
                    what = f"another of the {side} is named {fit(port['name'])!r} in pipelines"
                    yield self.document.problem(
                        at, what, "rename one: KFP keeps lower case, digits and _ only"
                    )
                names.add(fit(port["name"]))
                yield from self._default(port, (side, index, "default"))

    def _default(self, port: Mapping[str, Any], at: Path) -> Iterator[Problem]:
        value = port.get("default")
        if value is None:
            return
        kind = type_of(port)
        if kind is None:
            todo = "drop it, and write `optional: true` if it may be missing"
            yield self.document.problem(at, "an artifact has no default; KFP ignores it", todo)
        elif kind in ("list", "dict") and not isinstance(value, str):
            yield self.document.problem(
                at, f"a default of {port['type']} is JSON in a text", "put it in quotes"
            )
        elif not _is(value, kind):
            yield self.document.problem(at, f"{value!r} is not a {port['type']}", f"write a {port['type']}")

    def _part(self, part: Any, at: Path, *, alone: bool = False) -> Iterator[Problem]:
        match part:
            case str():
                yield from self._text(part, at)
            case {"concat": list(parts)}:
                for index, each in enumerate(parts):
                    yield from self._part(each, (*at, "concat", index), alone=True)
            case {"if": {"cond": {"isPresent": str(name)}, **branches}}:
                yield from self._if(
                    name, {str(key): value for key, value in branches.items()}, at, alone=alone
                )
            case {"executorInput": _}:
                self.written.update(self.outputs)
            case dict():
                ((kind, name),) = part.items()
                yield from self._placeholder(str(kind), str(name), at)

    def _text(self, text: str, at: Path) -> Iterator[Problem]:
        if _ARGO.search(text):
            what = "this looks like a placeholder of Argo, which KFP does not replace"
            yield self.document.problem(at, what, "write {inputValue: …} as a part of its own")
        if "{{$}}" in text:
            self.written.update(self.outputs)

    def _if(self, name: str, branches: Mapping[str, Any], at: Path, *, alone: bool) -> Iterator[Problem]:
        if name not in self.inputs:
            yield self._unknown((*at, "if", "cond", "isPresent"), "input", name, self.inputs)
        elif not (self.inputs[name].get("optional") or "default" in self.inputs[name]):
            what = f"input {name!r} is always present"
            yield self.document.problem((*at, "if", "cond", "isPresent"), what, "give it `optional: true`")
        for branch, parts in branches.items():
            if isinstance(parts, list) and alone:
                what = "inside `concat` a branch is one part, not a list"
                yield self.document.problem((*at, "if", branch), what, "write the part without -")
            for index, part in enumerate(parts) if isinstance(parts, list) else [(None, parts)]:
                inner: Path = (*at, "if", branch) if index is None else (*at, "if", branch, index)
                yield from self._part(part, inner, alone=alone)

    def _placeholder(self, kind: str, name: str, at: Path) -> Iterator[Problem]:
        side, ports = ("output", self.outputs) if kind.startswith("output") else ("input", self.inputs)
        self.written.add(name if side == "output" else "")
        port = ports.get(name)
        if port is None:
            yield self._unknown((*at, kind), side, name, ports)
            return
        is_parameter = type_of(port) is not None or port["type"] == _FINAL_STATUS
        if kind in _OF_PARAMETERS and not is_parameter:
            what = f"{kind} takes a parameter, and {name!r} is an artifact ({port['type']})"
            yield self.document.problem(
                (*at, kind), what, "write inputPath or inputUri, or give it a type like String"
            )
        if kind in _OF_ARTIFACTS and is_parameter:
            todo = "write outputPath" if side == "output" else "write inputValue"
            what = f"{kind} takes an artifact, and {name!r} is a parameter ({port['type']})"
            yield self.document.problem((*at, kind), what, f"{todo}, or give it a type like Dataset")

    def _unknown(self, at: Path, side: str, name: str, ports: Mapping[str, Any]) -> Problem:
        known = ", ".join(ports) or "none"
        return self.document.problem(at, f"unknown {side} {name!r}", f"declare it, or choose one of: {known}")

    def _unwritten(self) -> Iterator[Problem]:
        for index, port in enumerate(self.document.value.get("outputs", [])):
            if port["name"] not in self.written:
                what = f"the container is not told where to write {port['name']!r}"
                todo = "give it {outputPath: …} among its args"
                yield self.document.problem(("outputs", index, "name"), what, todo)


def _is(value: object, kind: Type) -> bool:
    if isinstance(value, str):
        return kind == "str" or _text_is(value, kind)
    if isinstance(value, bool):
        return kind == "bool"
    return kind != "str" and isinstance(value, _KINDS[kind])


def _text_is(text: str, kind: Type) -> bool:
    try:
        value = json.loads(text.lower() if kind == "bool" else text)
    except ValueError:
        return False
    return isinstance(value, _KINDS[kind]) and (kind == "bool") == isinstance(value, bool)
