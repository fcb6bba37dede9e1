"""From rendered manifests to IR texts and their identities."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from kfp_gitops.base import processes
from kfp_gitops.base.errors import InputError, Problem, raise_if_any
from kfp_gitops.base.yamldump import dump_all
from kfp_gitops.base.yamltext import Document, Path
from kfp_gitops.checking import limits
from kfp_gitops.compiling import driverargs, ir
from kfp_gitops.compiling.compiler import emit
from kfp_gitops.compiling.compiler.build import Builder
from kfp_gitops.compiling.compiler.filled import filled
from kfp_gitops.compiling.compiler.sdk import SpecError
from kfp_gitops.language import irlint
from kfp_gitops.language.manifest import Manifest, nested, reader
from kfp_gitops.language.manifest.place import Places
from kfp_gitops.rendering.rendered import INNER, RenderedPipeline
from kfp_gitops.sources import brought
from kfp_gitops.sources.brought import Brought

# Where protobuf says that a message is wrong (google.protobuf.json_format).
_MESSAGE = re.compile(r"at \"?(PipelineSpec|PlatformSpec)\b((?:\.\w+|\[[^\]]*\])*)")
_STEP = re.compile(r"\[([^\]]*)\]|\.(\w+)")


@dataclass(frozen=True)
class Identity:
    """What a pipeline compiles to: the digest of its IR, what may fail elsewhere, and images not built yet."""

    digest: str
    warnings: tuple[Problem, ...]
    placeholders: tuple[str, ...]


@dataclass(frozen=True)
class Compiled(Identity):
    """A compiled pipeline with the text of its IR."""

    text: str


@dataclass(frozen=True)
class _Made:
    """The IR as data, the text that its problems are told of, and where in that text a place of the IR is told."""

    documents: Sequence[Mapping[str, Any]]
    told_in: Document
    at: Callable[[Path], Path]

    def identity(self, size: int) -> Identity:
        """Its identity, if as many bytes of YAML do not stop it."""
        raise_if_any(
            self.told_in.problem(self.at(finding.at), finding.what, finding.todo, key=True)
            for finding in (*driverargs.findings(self.documents, size), *limits.of_ir(size))
        )
        what = limits.doubts(size)
        todo = "try it on the server that it is for, or split it"
        doubts = (self.told_in.problem((), what, todo),) if what else ()
        return Identity(ir.digest(self.documents), doubts, ir.placeholders(self.documents))


def compile_all(pipelines: Sequence[RenderedPipeline], folder: str) -> dict[str, Compiled]:
    """Compile every pipeline of an environment, on all cores.

    Raises:
        InputError: every pipeline that does not compile.
    """
    answers = _answers(pipelines, partial(_answer, partial(compile_pipeline, folder=folder)))
    return {name: Compiled(**_identity(answer), text=answer["text"]) for name, answer in answers}


def identify_all(
    pipelines: Sequence[RenderedPipeline],
    folder: str,
    meanwhile: Callable[[], Collection[str] | None] = lambda: None,
) -> dict[str, Identity]:
    """The same, without the texts, which take a third of the time.

    `meanwhile` as in `processes.spread`; it returns the names of the pipelines that are left to be compiled.
    """
    answers = _answers(pipelines, partial(_answer, partial(identify_pipeline, folder=folder)), meanwhile)
    return {name: Identity(**_identity(answer)) for name, answer in answers}


def _answers(
    pipelines: Sequence[RenderedPipeline],
    answer: Callable[[RenderedPipeline], dict[str, Any]],
    meanwhile: Callable[[], Collection[str] | None] = lambda: None,
) -> list[tuple[str, dict[str, Any]]]:
    chosen = [*range(len(pipelines))]

    def places() -> list[int]:
        names = meanwhile()
        if names is not None:
            chosen[:] = [place for place in chosen if pipelines[place].name in names]
        return chosen

    found = processes.spread(answer, pipelines, meanwhile=places)
    raise_if_any(Problem.of(texts) for one in found for texts in one.get("problems", ()))
    return [(pipelines[place].name, one) for place, one in zip(chosen, found, strict=True)]


def _answer(one: Callable[[RenderedPipeline], Identity], pipeline: RenderedPipeline) -> dict[str, Any]:
    """What it compiles to, or its problems, as texts: it may be another process that compiles."""
    try:
        found = one(pipeline)
    except InputError as error:
        return {"problems": [problem.texts() for problem in error.problems]}
    return {
        "digest": found.digest,
        "warnings": [warning.texts() for warning in found.warnings],
        "placeholders": list(found.placeholders),
        "text": found.text if isinstance(found, Compiled) else "",
    }


def _identity(answer: Mapping[str, Any]) -> dict[str, Any]:
    warnings = tuple(map(Problem.of, answer["warnings"]))
    return {
        "digest": answer["digest"],
        "warnings": warnings,
        "placeholders": tuple(answer["placeholders"]),
    }


def compile_pipeline(pipeline: RenderedPipeline, folder: str) -> Compiled:
    """Compile one pipeline; problems name the manifest in `folder` and the line of the task."""
    made = _made(pipeline, folder)
    text = emit.text(made.documents)
    identity = made.identity(len(text.encode()))
    return Compiled(identity.digest, identity.warnings, identity.placeholders, text)


def identify_pipeline(pipeline: RenderedPipeline, folder: str) -> Identity:
    """The same, without the text, unless its length matters."""
    made = _made(pipeline, folder)
    size = ir.at_most(made.documents)
    return made.identity(size if size <= limits.WORKFLOW.maximum else len(emit.text(made.documents).encode()))


def _made(pipeline: RenderedPipeline, folder: str) -> _Made:
    folder = f"{folder}/pipelines/{pipeline.name}"
    manifest = reader.read(pipeline.manifest, f"{folder}/pipeline.yaml")
    if manifest.ir is not None:
        return _brought(manifest, pipeline, folder)
    documents = filled(_emitted(manifest, pipeline, folder))
    places = Places(manifest, documents[0])
    raise_if_any(
        manifest.document.problem(
            places.of_path(finding.at),
            f"the kfp SDK compiles this to IR that cannot run: {finding.what}",
            "rewrite the task",
            key=True,
        )  # what the SDK compiled, but would fail when it runs (kubeflow/pipelines#13273)
        for finding in irlint.findings(documents)
    )
    return _Made(documents, manifest.document, places.of_path)


def _brought(manifest: Manifest, pipeline: RenderedPipeline, folder: str) -> _Made:
    """The IR that the manifest brings, with its defaults, as the SDK loads and writes it."""
    irs = {name: brought.read(text, f"{folder}/{name}") for name, text in pipeline.irs.items()}
    found = irs[str(brought.completed(manifest, irs).ir)]
    try:
        documents = filled(emit.documents(emit.load(dump_all(brought.with_defaults(found, manifest)))))
    except Exception as error:  # the SDK raises whatever comes up
        raise InputError([_not_loaded(found, error)]) from error
    return _Made(documents, found.spec, lambda at: at)


def _not_loaded(found: Brought, error: Exception) -> Problem:
    """Why the SDK does not load it, at the line of what protobuf names (`at "PipelineSpec.root.dag.tasks[load]"`)."""
    text = " ".join(str(error).split()).rstrip(".")
    place = _MESSAGE.search(text)
    document = found.documents[-1 if place and place[1] == "PlatformSpec" else 0]
    steps = [key or name for key, name in _STEP.findall(place[2])] if place else []
    what = f"kfp 2.17 does not load this: {type(error).__name__}: {text}"
    todo = "if it needs a newer KFP, compile it with kfp 2.17 or leave that out; else correct its source"
    return document.problem(_as_far_as_it_goes(document.value, steps), what, todo, key=True)


def _as_far_as_it_goes(value: Any, steps: Sequence[str]) -> Path:
    at: list[str | int] = []
    for step in steps:
        key = int(step) if isinstance(value, list) and step.isdigit() else step
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            break
        at.append(key)
    return tuple(at)


def _emitted(manifest: Manifest, pipeline: RenderedPipeline, folder: str) -> list[dict[str, Any]]:
    """The IR of a manifest with tasks, its inner pipelines made before it."""
    texts = pipeline.inner.items()
    inner = {name: reader.read(text, f"{folder}/{INNER}/{name}.yaml") for name, text in texts}
    made: dict[str, Any] = {}
    try:
        for name in nested.innermost_first(manifest, inner):
            made[name] = _compiled(inner[name], pipeline.specs, made, lambda found: found)
        found: list[dict[str, Any]] = _compiled(manifest, pipeline.specs, made, emit.documents)
    except SpecError as error:
        name, said = error.args
        what, todo = f"kfp 2.17 does not load this: {said}", "correct its source, or compile it with kfp 2.17"
        raise InputError.of(f"{folder}/components/{name}.yaml", what, todo, 1, 1) from error
    return found


def _compiled(
    manifest: Manifest, specs: Mapping[str, str], inner: Mapping[str, Any], last: Callable[[Any], Any]
) -> Any:
    builder = Builder(manifest, specs, inner)
    try:
        return last(builder.pipeline())
    except SpecError:
        raise
    except Exception as error:  # the SDK raises whatever comes up: KeyError, AssertionError, TypeError, …
        raise InputError([_refusal(manifest, builder, error)]) from error


def _refusal(manifest: Manifest, builder: Builder, error: Exception) -> Problem:
    at = builder.current.at if builder.current else ()
    what = " ".join(str(error).split()) or "no reason given"
    return manifest.document.problem(
        at, f"the kfp SDK does not compile this: {type(error).__name__}: {what}", "rewrite the task", key=True
    )
