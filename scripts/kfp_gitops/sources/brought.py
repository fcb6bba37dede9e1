"""IR that a pipeline brings instead of tasks, or that one of its tasks runs: a compiled KFP YAML, checked.

In place of tasks it is completed by its manifest, whose parameters are then this environment's defaults of parameters
that the IR declares. As what a task runs it is given its inputs by that task, artifacts too.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kfp_gitops.base.errors import InputError, Problem, raise_if_any
from kfp_gitops.base.yamltext import Document, Path, parse_all
from kfp_gitops.language import faults, irlint
from kfp_gitops.language.manifest import Constant, Manifest, Parameter
from kfp_gitops.sources import compiledfrom, components
from kfp_gitops.sources.components import Interface

_MAX_DOCUMENTS = 2


@dataclass(frozen=True)
class Brought:
    """The pipeline spec and, if there are settings for a platform, the platform spec."""

    documents: tuple[Document, ...]
    faults: tuple[Problem, ...] = ()
    """What is wrong with it, and a manifest may accept (`language.faults`)."""

    @property
    def spec(self) -> Document:
        """The pipeline spec."""
        return self.documents[0]

    @property
    def values(self) -> list[Any]:
        """The documents as data."""
        return [document.value for document in self.documents]

    @property
    def declared(self) -> Mapping[str, Mapping[str, Any]]:
        """The parameters that a run can be given: name → declaration."""
        definitions = self.spec.value["root"].get("inputDefinitions", {})
        found: Mapping[str, Mapping[str, Any]] = definitions.get("parameters", {})
        return {name: one for name, one in found.items() if _type(one)}


def read_all(texts: Mapping[str, str], folder: str, whole: str | None) -> dict[str, Brought]:
    """Those of a rendered pipeline by file: `whole` is the one in place of its tasks, the others are what tasks run.

    Raises:
        InputError: as `read`.
    """
    return {name: read(text, f"{folder}/{name}", nested=name != whole) for name, text in texts.items()}


def read(text: str, path: str, *, nested: bool = False) -> Brought:
    """Read a compiled KFP YAML; `nested`: it is what a task runs, and may count on what that gives it.

    Raises:
        InputError: not one, or its references do not hold; every problem with line and column, unless a manifest
            may accept all of them.
    """
    documents = tuple(document for document in _documents(text, path) if document.value is not None)
    if not 1 <= len(documents) <= _MAX_DOCUMENTS:
        todo = "give what `kfp dsl compile` writes: a pipeline spec, and perhaps a platform spec"
        raise InputError.of(path, f"{len(documents)} YAML documents are not a compiled pipeline", todo, 1, 1)
    found = irlint.problems(documents, nested=nested)
    if not all(problem.fault for problem in found):
        raise InputError(found)
    return Brought(documents, tuple(found))


def interface(found: Brought) -> Interface:
    """What it takes and gives as a task of another pipeline."""
    root = found.spec.value["root"]
    inputs, outputs = root.get("inputDefinitions", {}), root.get("outputDefinitions", {})
    name = found.spec.value["pipelineInfo"]["name"]
    return Interface(name, components.ir_ports(inputs), components.ir_ports(outputs))


def _documents(text: str, path: str) -> list[Document]:
    """Those of a file that may be anything: what it is counts for more than how it is written."""
    try:
        found = parse_all(text, path)
    except InputError:
        if foreign := irlint.what_it_is(irlint.head(text)):
            raise InputError.of(path, *foreign, 1, 1) from None
        raise
    if found and (foreign := irlint.what_it_is(found[0].value)):
        raise InputError([found[0].problem((), *foreign)])
    return found


def completed(manifest: Manifest, irs: Mapping[str, Brought]) -> Manifest:
    """The manifest with the parameters of the IR that it names; itself when it has tasks.

    Raises:
        InputError: there is no such IR, it has no such parameter, or faults that the manifest does not accept.
    """
    if manifest.ir is None:
        return manifest
    if manifest.ir not in irs:
        of_python = manifest.ir == compiledfrom.PIPELINE_IR
        beside = (
            f"compile {compiledfrom.PIPELINE_SOURCE} ({compiledfrom.TODO})"
            if of_python
            else "put it beside the template"
        )
        todo = f"{beside}, or choose one of: {', '.join(sorted(irs)) or 'none'}"
        raise InputError([manifest.document.problem(("spec", "ir"), f"no file {manifest.ir!r}", todo)])
    found = irs[manifest.ir]
    given = _given(manifest)
    raise_if_any(_judged(manifest, found, given)[0])
    return replace(
        manifest, parameters=tuple(_parameter(name, one, given) for name, one in found.declared.items())
    )


def accepted(manifest: Manifest, irs: Mapping[str, Brought]) -> list[Problem]:
    """The faults of the IR that a manifest names, and of its defaults, that the manifest accepts: as warnings."""
    if manifest.ir is None:
        return []
    return _judged(manifest, irs[manifest.ir], _given(manifest))[1]


def _judged(
    manifest: Manifest, found: Brought, given: Mapping[str, Any]
) -> tuple[list[Problem], list[Problem]]:
    return faults.judged([*found.faults, *_problems(manifest, found, given)], manifest.accepted_faults)


def with_images(found: Brought, images: Mapping[str, str]) -> list[Any]:
    """The documents with each image that the release names replaced by its reference."""
    return [components.mapped(document, images) for document in found.documents]


def warnings(found: Brought, images: Mapping[str, str]) -> list[Problem]:
    """Images by tag, and settings that our KFP does not know.

    Its authors could not know our release, so it is for the policy to refuse or excuse the images; and the server that
    it is for may know more than the kfp that is installed here.
    """
    loose = components.loose_images(found.documents, images)
    return [*loose, *irlint.unknown_settings(found.documents)]


def with_defaults(found: Brought, manifest: Manifest) -> list[Any]:
    """The documents with the manifest's defaults."""
    spec = copy.deepcopy(found.spec.value)
    for name, value in _given(manifest).items():
        spec["root"]["inputDefinitions"]["parameters"][name]["defaultValue"] = value
    return [spec, *found.values[1:]]


def _given(manifest: Manifest) -> Mapping[str, Any]:
    parameters = manifest.document.value["spec"].get("parameters", {})
    return {name: one["default"] for name, one in parameters.items()}


def _problems(manifest: Manifest, found: Brought, given: Mapping[str, Any]) -> Iterator[Problem]:
    for name, value in given.items():
        at: Path = ("spec", "parameters", name)
        if name not in found.declared:
            known = ", ".join(found.declared) or "none"
            what = f"{found.spec.path} declares no parameter {name!r}"
            yield manifest.document.problem(at, what, f"choose one of: {known}", key=True)
        elif (literals := found.declared[name].get("literals")) and value not in literals:
            yield manifest.document.problem(
                (*at, "default"),
                f"{value!r} is not among the values of {name!r}",
                f"choose one of: {literals}",
            )
    places: list[tuple[Mapping[str, Any], Path, Path]] = [(given, ("spec", "parameters"), ("default",))]
    places += [(start.constants, (*start.at, "parameters"), ()) for start in manifest.starts]
    for values, before, after in places:
        for name, finding in irlint.unread_defaults(found.spec.value, values):
            at = (*before, name, *after)
            yield manifest.document.problem(at, finding.what, finding.todo, fault=finding.fault)


def _type(declaration: Mapping[str, Any]) -> str:
    return components.IR_TYPES.get(declaration.get("parameterType", ""), "")


def _parameter(name: str, declaration: Mapping[str, Any], given: Mapping[str, Any]) -> Parameter:
    default = given.get(name, declaration.get("defaultValue"))
    kind = components.IR_TYPES[declaration["parameterType"]]
    if kind == "int" and isinstance(default, float) and default.is_integer():
        default = int(default)  # every number is a double in IR
    known = name in given or "defaultValue" in declaration
    return Parameter(
        name=name,
        type=kind,
        default=Constant(default) if known else None,
        at=("spec", "parameters", name),
        optional=bool(declaration.get("isOptional")) and not known,
        description=declaration.get("description"),
    )
