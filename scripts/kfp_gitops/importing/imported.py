"""A compiled pipeline as files of this repository, and the proof that they compile to it again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from kfp_gitops.base.errors import InputError, Problem, raise_if_any
from kfp_gitops.base.yamldump import dump_all
from kfp_gitops.base.yamltext import parse
from kfp_gitops.checking import check
from kfp_gitops.compiling import ir
from kfp_gitops.compiling.compiler import emit, filled, made
from kfp_gitops.importing import differences, settable, texts
from kfp_gitops.importing.pipelines import Pipelines
from kfp_gitops.importing.source import BRING, Source
from kfp_gitops.importing.specs import Specs
from kfp_gitops.language.manifest import nested, reader
from kfp_gitops.rendering.rendered import RenderedPipeline
from kfp_gitops.sources import brought, components, templates
from kfp_gitops.sources.components import Interface

_TEMPLATE = "pipeline.yaml.j2"
_MOST = 20
"""Differences that are told one by one."""


@dataclass(frozen=True)
class Imported:
    """What is to be written, and what the proof said."""

    name: str
    template: Mapping[str, str]
    specs: Mapping[str, str]
    values: Mapping[str, Any]
    images: tuple[str, ...]
    digest: str
    told: tuple[str, ...]
    """What kfp 2.17 writes in another way than the file has it, and means the same."""


def imported(
    text: str,
    path: str,
    present: Mapping[str, str],
    owner: str | None,
    env: str,
    schedules: Sequence[Mapping[str, Any]] = (),
) -> Imported:
    """The files for a compiled pipeline; `present` are the specs of components/ that are there.

    `schedules` are those that it has, as a manifest says them; they become values.

    Raises:
        InputError: it is none; or each place that a manifest cannot say, or that would not come out as it is.
    """
    source = Source(brought.read(text, path))
    specs = Specs(present, str(source.spec.get("sdkVersion", "")))
    pipelines = Pipelines(source, specs)
    name = source.spec["pipelineInfo"]["name"]
    owner = owner or f"{name[:58]}-team"
    manifest = pipelines.outer(owner)
    raise_if_any(source.problems)
    files = {_TEMPLATE: texts.template(manifest, outer=True)}
    for inner, one in pipelines.inner.items():
        files[f"{inner}.pipeline.yaml.j2"] = texts.template(one, outer=False)
    parameters = manifest["spec"].get("parameters", {})
    values = settable.values(parameters, owner, schedules)
    rendered = _rendered(name, files, values, specs.made, env)
    digest, told = _proof(source, pipelines, rendered)
    schema = {"values.schema.json": settable.values_schema(parameters, name)}
    return Imported(name, {**files, **schema}, specs.new, values, tuple(specs.images), digest, told)


def _rendered(
    name: str, files: Mapping[str, str], values: Mapping[str, Any], specs: Mapping[str, str], env: str
) -> RenderedPipeline:
    context = {"pipeline": name, "environment": env, "release": "", "values": values, "events": []}
    found = {file: templates.as_read(files, file, "the import", context) for file in files}
    outer = found.pop(_TEMPLATE)
    inner = {file.removesuffix(".pipeline.yaml.j2"): text for file, text in found.items()}
    return RenderedPipeline(name, "", outer, specs, inner=inner)


def _proof(source: Source, pipelines: Pipelines, rendered: RenderedPipeline) -> tuple[str, tuple[str, ...]]:
    """The digest of what it compiles to, and in what the SDK writes the very file anew.

    Raises:
        InputError: it does not compile, or to something else.
    """
    try:
        _checked(rendered)
        documents = made.made(rendered, "the import").documents
    except InputError as error:
        raise InputError(_in_file(source, pipelines, rendered, error)) from None
    given = source.brought.values
    if ir.digest(given) == ir.digest(documents):
        return ir.digest(documents), ()
    raise_if_any(_differing(source, _anew(source), documents))
    return ir.digest(documents), tuple(one.what for one in differences.between(given, documents))


def _anew(source: Source) -> list[Any]:
    """The file as the SDK loads and writes it, as one that is brought is sent; itself where it does not load."""
    try:
        return filled.filled(emit.documents(emit.load(dump_all(source.brought.values))))
    except Exception:  # the SDK raises whatever comes up
        return source.brought.values


def _differing(source: Source, given: list[Any], documents: Any) -> Iterator[Problem]:
    found = (one for one in differences.between(given, documents) if not one.says_the_same)
    for one in islice(found, _MOST):
        document = source.brought.documents[min(one.document, len(source.brought.documents) - 1)]
        yield document.problem(one.at, f"imported, this would not be the same: {one.what}", BRING, key=True)


def _checked(rendered: RenderedPipeline) -> None:
    """As rendering checks a manifest."""
    known = {name: components.read(name, text, f"{name}.yaml") for name, text in rendered.specs.items()}
    outer = reader.read(rendered.manifest, _TEMPLATE)
    inner = {name: reader.read(text, name) for name, text in rendered.inner.items()}
    interfaces: dict[str, Interface] = {}
    for name in nested.innermost_first(outer, inner):
        raise_if_any(check.problems(inner[name], known, interfaces, nested=True))
        raise_if_any(check.nested_problems(inner[name]))
        interfaces[name] = check.interface(inner[name], known, interfaces)
    raise_if_any(check.problems(outer, known, interfaces))


def _in_file(
    source: Source, pipelines: Pipelines, rendered: RenderedPipeline, error: InputError
) -> Iterator[Problem]:
    """What is wrong with a manifest that stands nowhere, at the task of the file that it comes from."""
    document = parse(rendered.manifest, _TEMPLATE)
    starts = sorted(
        (place[0], str(at[-1])) for at, place in document.keys_at.items() if at and at[-1] in pipelines.places
    )
    schedules, _ = document.keys_at[("schedules",)]
    for problem in error.problems:
        if problem.line >= schedules:  # which the file says nothing of: they come with it
            yield source.brought.spec.problem((), problem.what, problem.todo)
            continue
        above = [name for line, name in starts if line <= problem.line]
        at = pipelines.places[above[-1]] if above else ("root",)
        what = f"the manifest of this is refused: {problem.what} ({problem.todo})"
        yield source.brought.spec.problem(at, what, BRING, key=True)
