"""The proof of an import: what is to be written, rendered, checked and compiled, and held against the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from kfp_gitops.base.errors import Problem, raise_if_any
from kfp_gitops.base.yamldump import dump
from kfp_gitops.base.yamltext import Path, parse
from kfp_gitops.checking import check
from kfp_gitops.compiling import ir
from kfp_gitops.compiling.compiler import emit, made
from kfp_gitops.importing import differences
from kfp_gitops.importing.renumbered import SAID, unnumbered
from kfp_gitops.importing.source import BRING, Source
from kfp_gitops.language import faults
from kfp_gitops.language.manifest import nested, reader
from kfp_gitops.rendering.rendered import RenderedPipeline
from kfp_gitops.sources import brought, components, templates

TEMPLATE = "pipeline.yaml.j2"
INNER = ".pipeline.yaml.j2"
_MOST = 20
"""Differences that are told one by one."""


@dataclass(frozen=True)
class Fault:
    """Why an import is not the file, at a place of that."""

    at: Path
    problem: Problem


@dataclass(frozen=True)
class Proof:
    """The digest, what kfp 2.17 writes in another way and means the same, and the faults that were accepted."""

    digest: str
    told: tuple[str, ...]
    accepted: tuple[Problem, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of these faults."""
        return tuple(sorted({one.fault for one in self.accepted}))


class RefusedError(Exception):
    """What is to be written is not the file; `args` are the faults."""

    args: tuple[Fault, ...]


def rendered(
    name: str, files: Mapping[str, str], values: Mapping[str, Any], specs: Mapping[str, str], env: str
) -> RenderedPipeline:
    """The files of a template with values, as they come out of the environment's file."""
    given = parse(dump(dict(values)), "values.yaml").value
    context = {"pipeline": name, "environment": env, "release": "", "values": given, "events": []}
    found = {
        file: templates.as_read(files, file, "the import", context) for file in files if file.endswith(".j2")
    }
    outer = found.pop(TEMPLATE)
    inner = {file.removesuffix(INNER): text for file, text in found.items()}
    irs = {file: text for file, text in files.items() if not file.endswith(".j2")}
    return RenderedPipeline(name, "", outer, specs, irs=irs, inner=inner)


def checked(pipeline: RenderedPipeline) -> list[Problem]:
    """As rendering checks it: the faults that it accepts.

    Raises:
        InputError: every problem; its path is that of the manifest, `pipeline.yaml.j2` or a name inside.
    """
    manifest = reader.read(pipeline.manifest, TEMPLATE)
    known = {name: components.tolerant(name, text, f"{name}.yaml") for name, text in pipeline.specs.items()}
    irs = brought.read_all(pipeline.irs, "the import", manifest.ir)
    outer = brought.completed(manifest, irs)
    inner = {name: reader.read(text, name) for name, text in pipeline.inner.items()}
    interfaces = {file.removesuffix(".yaml"): brought.interface(one) for file, one in irs.items()}
    found = [fault for file, one in irs.items() if file != manifest.ir for fault in one.faults]
    for name in nested.innermost_first(outer, inner):
        found += check.problems(inner[name], known, interfaces, nested=True)
        found += check.nested_problems(inner[name])
        interfaces[name] = check.interface(inner[name], known, interfaces)
    found += check.problems(outer, known, interfaces)
    found += check.of_components([outer, *inner.values()], known)
    refused, accepted = faults.judged(found, outer.accepted_faults)
    raise_if_any(refused)
    return [*accepted, *brought.accepted(outer, irs)]


def held_against(source: Source, pipeline: RenderedPipeline) -> Proof:
    """What it compiles to, and in what the SDK writes the very file anew.

    Raises:
        InputError: it does not compile.
        RefusedError: to something else.
    """
    compiled = made.made(pipeline, "the import")
    documents, given = compiled.documents, source.brought.values
    if ir.digest(given) == ir.digest(documents):
        return Proof(ir.digest(documents), (), compiled.accepted)
    anew = _anew(source)
    told = tuple(one.what for one in differences.between(given, documents))
    if found := list(islice(_differing(source, anew, documents), _MOST)):
        both = unnumbered(anew, documents)
        if both is None or any(_differing(source, *both)):
            raise RefusedError(*found)
        told = (SAID, *(one.what for one in differences.between(*both)))
    return Proof(ir.digest(documents), told, compiled.accepted)


def proved(source: Source, pipeline: RenderedPipeline) -> Proof:
    """Both: checked, compiled and held against the file.

    Raises:
        InputError: as `checked` and `held_against`.
        RefusedError: as `held_against`.
    """
    accepted = checked(pipeline)
    found = held_against(source, pipeline)
    return replace(found, accepted=(*accepted, *found.accepted))


def _anew(source: Source) -> list[Any]:
    """The file as the SDK loads and writes it, as one that is brought is sent; itself where it does not load."""
    try:
        return emit.documents(emit.graph(source.brought.values))
    except Exception:  # the SDK raises whatever comes up
        return source.brought.values


def _differing(source: Source, given: list[Any], documents: Any) -> Iterator[Fault]:
    found = (one for one in differences.between(given, documents) if not one.says_the_same)
    for one in found:
        document = source.brought.documents[min(one.document, len(source.brought.documents) - 1)]
        what = f"imported, this would not be the same: {one.what}"
        yield Fault(one.at, document.problem(one.at, what, BRING, key=True))
