"""From a rendered manifest to its IR as data. Imports kfp, so it is imported where something is compiled."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from kfp_gitops.base.errors import InputError, Problem, raise_if_any
from kfp_gitops.base.yamltext import Document, Path
from kfp_gitops.compiling.compiler import emit, filled, older
from kfp_gitops.compiling.compiler.build import Builder
from kfp_gitops.compiling.compiler.sdk import SpecError
from kfp_gitops.language import faults, irlint
from kfp_gitops.language.manifest import Manifest, nested, reader
from kfp_gitops.language.manifest.place import Places
from kfp_gitops.rendering import specs
from kfp_gitops.rendering.rendered import INNER, RenderedPipeline
from kfp_gitops.sources import brought
from kfp_gitops.sources.brought import Brought

# Where protobuf says that a message is wrong (google.protobuf.json_format).
_MESSAGE = re.compile(r"at \"?(PipelineSpec|PlatformSpec)\b((?:\.\w+|\[[^\]]*\])*)")
_STEP = re.compile(r"\[([^\]]*)\]|\.(\w+)")


@dataclass(frozen=True)
class Made:
    """The IR as data, the text that its problems are told of, and where in that text a place of the IR is told."""

    documents: Sequence[Mapping[str, Any]]
    told_in: Document
    at: Callable[[Path], Path]
    accepted: tuple[Problem, ...] = ()
    """Faults that the manifest accepts, as warnings."""


def made(pipeline: RenderedPipeline, folder: str) -> Made:
    """A pipeline's IR; problems name the manifest in `folder` and the line of the task.

    Raises:
        InputError: it does not compile, or to what cannot run.
    """
    environment, folder = folder, f"{folder}/pipelines/{pipeline.name}"
    manifest = reader.read(pipeline.manifest, f"{folder}/pipeline.yaml")
    if manifest.ir is not None:
        return _brought(manifest, pipeline, folder)
    emitted = _filled(manifest, _emitted(manifest, pipeline, folder, environment))
    documents = older.written(emitted, manifest.older_forms)
    places = Places(manifest, documents[0])
    found = [
        *_linted(manifest, documents, places),
        *filled.told(documents, manifest.document, places.of_path),
    ]
    refused, accepted = faults.judged(found, manifest.accepted_faults)
    raise_if_any(refused)
    return Made(documents, manifest.document, places.of_path, tuple(accepted))


def _linted(manifest: Manifest, documents: Sequence[Mapping[str, Any]], places: Places) -> Iterator[Problem]:
    """What the SDK compiled, but would fail when it runs (kubeflow/pipelines#13273)."""
    for finding in irlint.findings(documents):
        what = f"the kfp SDK compiles this to IR that cannot run: {finding.what}"
        at = places.of_path(finding.at)
        yield manifest.document.problem(at, what, "rewrite the task", key=True, fault=finding.fault)


def _brought(manifest: Manifest, pipeline: RenderedPipeline, folder: str) -> Made:
    """The IR that the manifest brings, with its defaults, as the SDK loads and writes it."""
    irs = brought.read_all(pipeline.irs, folder, manifest.ir)
    found = irs[str(brought.completed(manifest, irs).ir)]
    try:
        documents = _filled(manifest, emit.documents(emit.graph(brought.with_defaults(found, manifest))))
    except Exception as error:  # the SDK raises whatever comes up
        raise InputError([_not_loaded(found, error)]) from error
    _, accepted = faults.judged(filled.told(documents, found.spec, lambda at: at), manifest.accepted_faults)
    return Made(documents, found.spec, lambda at: at, tuple(accepted))


def _filled(manifest: Manifest, documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """With the defaults that KFP's driver does not know, where the manifest does not accept that."""
    return documents if filled.FAULT in manifest.accepted_faults else filled.filled(documents)


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


def _emitted(
    manifest: Manifest, pipeline: RenderedPipeline, folder: str, environment: str
) -> list[dict[str, Any]]:
    """The IR of a manifest with tasks, its inner pipelines made before it."""
    texts = pipeline.inner.items()
    inner = {name: reader.read(text, f"{folder}/{INNER}/{name}.yaml") for name, text in texts}
    irs = brought.read_all(pipeline.irs, folder, None)
    made = {PurePath(file).stem: _loaded(one) for file, one in irs.items()}
    try:
        for name in nested.innermost_first(manifest, inner):
            accepting = replace(inner[name], accepted_faults=manifest.accepted_faults)
            made[name] = _compiled(accepting, pipeline.specs, made, lambda found: found)
        found: list[dict[str, Any]] = _compiled(manifest, pipeline.specs, made, emit.documents)
    except SpecError as error:
        name, said = error.args
        what, todo = f"kfp 2.17 does not load this: {said}", "correct its source, or compile it with kfp 2.17"
        where = specs.path(name, specs.hash8(pipeline.specs[name]))
        raise InputError.of(f"{environment}/{where}", what, todo, 1, 1) from error
    return found


def _loaded(found: Brought) -> Any:
    """A compiled pipeline that a task runs, as the SDK has it."""
    try:
        return emit.graph(found.values)
    except Exception as error:  # the SDK raises whatever comes up
        raise InputError([_not_loaded(found, error)]) from error


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
