"""What a hand-written Component YAML (`implementation: container`) may not say although its schema allows it.

The SDK ignores some of it, words some of it as a TypeError without a place, and fails the task for the rest:
each rule was tried with kfp 2.17 (kfp.dsl.structures, kfp.components.v1_structures).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from kfp_gitops.base.errors import Problem
from kfp_gitops.base.yamltext import Document, Path
from kfp_gitops.language import argotext
from kfp_gitops.language.irlint import commandline, spelling
from kfp_gitops.language.irlint.containers import METADATA, OUTPUTS
from kfp_gitops.language.irlint.view import placeholders
from kfp_gitops.language.manifest import MAX_EXACT, Type
from kfp_gitops.sources import v1ports
from kfp_gitops.sources.v1ports import Port, fit

_OF_PARAMETERS = ("inputValue",)
_OF_ARTIFACTS = ("inputPath", "inputUri", "outputUri")

# How a default of a type is written, where that is not plain.
_TODO: Mapping[Type, str] = {
    "str": "put it in quotes",
    "list": "write its JSON in a text, such as '[]'",
    "dict": "write its JSON in a text, such as '{}'",
}


def problems(document: Document) -> list[Problem]:
    """Everything wrong with a component whose document satisfies the schema."""
    return sorted(set(_Checker(document).run()))


def read_by_driver(spec: Mapping[str, Any]) -> set[str]:
    """The inputs that KFP's driver puts into the command line, named as in a pipeline (`irlint.commandline`)."""
    container = spec["implementation"]["container"]
    parts = [*(container.get("command") or ()), *(container.get("args") or ())]
    return {name for part in parts for name in _read(part)}


def _read(part: Any) -> set[str]:
    match part:
        case str():
            return commandline.read_by_driver([part])
        case {"inputValue": str(name)}:
            return {fit(name)}
        case {"if": {"cond": {"isPresent": str(name)}, **branches}}:
            inside = [item for one in branches.values() for item in (one if isinstance(one, list) else [one])]
            return {read for item in inside for read in _read(item)} - {fit(name)}
    return set()


class _Checker:
    def __init__(self, document: Document) -> None:
        spec = document.value
        self.document = document
        self.container: Mapping[str, Any] = spec["implementation"]["container"]
        self.ports: Mapping[str, list[Port]] = {side: spec.get(side) or [] for side in ("inputs", "outputs")}
        self.inputs = {port["name"]: port for port in self.ports["inputs"]}
        self.outputs = {port["name"]: port for port in self.ports["outputs"]}
        self.written: set[str] = set()

    def run(self) -> Iterator[Problem]:
        yield from self._ports()
        for field in ("command", "args"):
            for index, part in enumerate(self.container.get(field) or []):
                at: Path = ("implementation", "container", field, index)
                yield from self._part(part, at)
        yield from self._unwritten()
        yield from self._for_argo()

    def _ports(self) -> Iterator[Problem]:
        for side, ports in self.ports.items():
            names: set[str] = set()
            for index, port in enumerate(ports):
                yield from self._name(port, side, names, (side, index, "name"))
                names.add(fit(port["name"]))
                if not v1ports.is_title(port):
                    what = f"the SDK cannot read the type {port['type']!r}"
                    yield self.document.problem((side, index, "type"), what, "name it otherwise")
                yield from self._default(port, (side, index, "default"))

    def _name(self, port: Port, side: str, others: set[str], at: Path) -> Iterator[Problem]:
        name = fit(port["name"])
        if name in others:
            what = f"another of the {side} is named {name!r} in pipelines"
            yield self.document.problem(at, what, "rename one: KFP keeps lower case, digits and _ only")
        elif not re.match("[a-z]" if side == "outputs" else "[a-z0-9]", name):
            # kfp.dsl.pipeline_channel.PipelineChannel takes nothing else as the name of an output.
            what = f"{port['name']!r} is named {name!r} in pipelines: KFP keeps a to z, digits and _ only"
            yield self.document.problem(at, what, "begin it with a letter from a to z")
        elif name == "self" and side == "inputs":
            # kfp.dsl.base_component.BaseComponent.__call__(self, **arguments)
            yield self.document.problem(at, "the SDK cannot pass an input named 'self'", "rename it")

    def _default(self, port: Port, at: Path) -> Iterator[Problem]:
        value, kind = port.get("default"), v1ports.type_of(port)
        if value is None:
            return
        if kind is None:
            todo = "drop it, and write `optional: true` if it may be missing"
            yield self.document.problem(at, "an artifact has no default; KFP ignores it", todo)
        elif kind in ("list", "dict") and not isinstance(value, str):
            yield self.document.problem(
                at, f"a default of {port['type']} is JSON in a text", "put it in quotes"
            )
        elif not v1ports.is_value(value, kind):
            shown = self.document.spelled(at) or (
                json.dumps(value) if isinstance(value, bool) else repr(value)
            )
            wanted = f"{'an' if str(port['type'])[0] in 'AEIOU' else 'a'} {port['type']}"
            yield self.document.problem(at, f"{shown} is not {wanted}", _TODO.get(kind, f"write {wanted}"))
        elif kind == "int" and abs(int(value)) > MAX_EXACT:
            todo = "make it smaller, or the input a String: the IR keeps numbers as doubles"
            yield self.document.problem(at, f"{value!r} is not exact in KFP", todo)
        elif kind in ("list", "dict") and not v1ports.is_default_read(port):
            what = f"KFP leaves a default of {port['type']} a text"
            yield self.document.problem(at, what, f"write `type: {kind.title()}`")

    def _part(self, part: Any, at: Path) -> Iterator[Problem]:
        match part:
            case str():
                yield from self._text(part, at)
            case {"concat": list(parts)}:
                yield self._concat(parts, at)
                for index, each in enumerate(parts):
                    yield from self._part(each, (*at, "concat", index))
            case {"if": {"cond": {"isPresent": str(name)}, **branches}}:
                yield from self._if(name, {str(key): value for key, value in branches.items()}, at)
            case {"executorInput": _}:
                self.written.update(self.outputs)
            case dict():
                ((kind, name),) = part.items()
                yield from self._placeholder(str(kind), str(name), at)

    def _concat(self, parts: list[Any], at: Path) -> Problem:
        """The driver resolves no Concat (backend/src/v2/driver/util.go, 2.17): kubeflow/pipelines#11009."""
        texts = [self._as_text(part) for part in parts]
        whole = "".join(text for text in texts if text is not None)
        todo = (
            f"write the text {whole!r}"
            if None not in texts
            else "write each part alone, or take the `if` out of it"
        )
        what = "KFP hands a `concat` to the container as JSON"
        return self.document.problem((*at, "concat"), what, todo, key=True, fault="concat-as-json")

    def _as_text(self, part: Any) -> str | None:
        """What KFP makes of a part of a command line; None where that is no plain text."""
        match part:
            case str():
                return part
            case {"executorInput": _}:
                return "{{$}}"
            case {"if": _} | {"concat": _}:
                return None
        ((kind, name),) = part.items()
        side = "outputs" if kind.startswith("output") else "inputs"
        port = {**self.inputs, **self.outputs}.get(name, {"name": name})
        what, end = ("artifacts", ".uri" if kind.endswith("Uri") else ".path")
        if kind == "inputValue" or (kind == "outputPath" and v1ports.is_parameter(port)):
            what, end = "parameters", ".output_file" if side == "outputs" else ""
        return f"{{{{$.{side}.{what}['{fit(name)}']{end}}}}}"

    def _text(self, text: str, at: Path) -> Iterator[Problem]:
        if "{{$}}" in text or METADATA in text:
            self.written.update(self.outputs)
        self.written.update(name for name in self.outputs if f"{OUTPUTS}{fit(name)}" in text)
        for wrong in spelling.misspelt(text):
            what = f"KFP does not replace {wrong[:80]!r}"
            yield self.document.problem(at, what, spelling.TODO, fault="placeholder-left")
        for side, what, name in placeholders(text):
            found = {fit(port["name"]): port["name"] for port in self.ports[side] if _is(port, what)}
            self.written.add(found.get(name, "") if side == "outputs" else "")
            if name not in found:
                yield self._unknown(at, f"{side[:-1]} {what[:-1]}", name, found)

    def _if(self, name: str, branches: Mapping[str, Any], at: Path) -> Iterator[Problem]:
        port = self.inputs.get(name)
        place: Path = (*at, "if", "cond", "isPresent")
        if port is None:
            yield self._unknown(place, "input", name, self.inputs)
        elif not v1ports.is_parameter(port):
            what = f"KFP looks for parameters only, so isPresent of an artifact ({name!r}) is always false"
            todo = "take the decision inside the container"
            yield self.document.problem(place, what, todo, fault="if-present-of-artifact")
        for branch, parts in branches.items():
            yield from () if parts is None else self._branch((*at, "if", branch), parts, branch)

    def _branch(self, at: Path, parts: Any, branch: str) -> Iterator[Problem]:
        if isinstance(parts, dict) and branch == "else":
            # kfp.dsl.placeholders.maybe_convert_v1_yaml_placeholder_to_v2_placeholder forgets it.
            yield self.document.problem(at, "the SDK reads no placeholder here", "put it into a list")
        for index, part in enumerate(parts) if isinstance(parts, list) else [(None, parts)]:
            inner = at if index is None else (*at, index)
            if isinstance(part, dict) and ("if" in part or "concat" in part):
                # util.go, resolveCondition: «non-string item in IfPresent Then/Else array».
                what, todo = "KFP takes texts only in the branches of an `if`", "write each part alone"
                yield self.document.problem(inner, what, todo, fault="if-present-of-parts")
            elif "$.outputs." in (self._as_text(part) or ""):
                # util.go, resolveContainerArgs, leaves what names an output to the launcher, which reads no `if`.
                what = "KFP hands an `if` in which an output stands to the container as JSON"
                todo = "name the output outside of the `if`"
                yield self.document.problem(inner, what, todo, fault="if-present-as-json")
            yield from self._part(part, inner)

    def _placeholder(self, kind: str, name: str, at: Path) -> Iterator[Problem]:
        side, ports = ("output", self.outputs) if kind.startswith("output") else ("input", self.inputs)
        self.written.add(name if side == "output" else "")
        place: Path = (*at, kind)
        port = ports.get(name)
        if port is None:
            yield self._unknown(place, side, name, ports)
        elif kind in _OF_PARAMETERS and not v1ports.is_parameter(port):
            what = f"{kind} takes a parameter, and {name!r} is an artifact ({v1ports.shown(port)})"
            todo = "write inputPath or inputUri, or give it a type like String"
            yield self.document.problem(place, what, todo)
        elif kind in _OF_ARTIFACTS and v1ports.is_parameter(port):
            todo = "write outputPath" if side == "output" else "write inputValue"
            what = f"{kind} takes an artifact, and {name!r} is a parameter ({v1ports.shown(port)})"
            yield self.document.problem(place, what, f"{todo}, or give it a type like Dataset")
        elif kind == "outputPath" and v1ports.is_taken_for_parameter(port):
            what = f"the SDK declares {name!r} ({v1ports.shown(port)}) as an artifact, and writes it as a parameter"
            todo = "give it the plain type of a parameter such as String, or of an artifact such as Dataset"
            yield self.document.problem(place, what, todo)

    def _for_argo(self) -> Iterator[Problem]:
        """Texts that Argo takes for its own placeholders; the component's own name and description stay outside."""
        todo = "write {inputValue: …} or {outputPath: …} for an input or output, else keep the braces apart"
        for key in ("inputs", "outputs", "implementation"):
            for at, text in argotext.places(self.document.value.get(key), (key,)):
                yield self.document.problem(at, argotext.said(text), todo)

    def _unknown(self, at: Path, side: str, name: str, ports: Mapping[str, Any]) -> Problem:
        known = ", ".join(ports) or "none"
        return self.document.problem(at, f"unknown {side} {name!r}", f"declare it, or choose one of: {known}")

    def _unwritten(self) -> Iterator[Problem]:
        ignored = self.container.get("fileOutputs") or {}
        for name in ignored:
            if name not in self.outputs:
                at: Path = ("implementation", "container", "fileOutputs", name)
                yield self._unknown(at, "output", name, self.outputs)
        for index, port in enumerate(self.ports["outputs"]):
            if port["name"] not in self.written:
                what = f"the container is not told where to write {port['name']!r}"
                what += ": KFP ignores fileOutputs" if port["name"] in ignored else ""
                todo = "give it {outputPath: …} among its args"
                yield self.document.problem(("outputs", index, "name"), what, todo, fault="output-unwritten")


def _is(port: Port, what: str) -> bool:
    return v1ports.is_parameter(port) == (what == "parameters")
