"""What checks are about: every object of manifests/<env>/ that can be selected, with its place in its file."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from pathlib import Path as Folder
from pathlib import PurePosixPath
from typing import Any

from kfp_gitops.base import files
from kfp_gitops.base.errors import InputError, raise_if_any
from kfp_gitops.base.yamltext import MAX_BYTES, Document, parse_all
from kfp_gitops.language.manifest import reader
from kfp_gitops.language.wellknown import STUB_IMAGES
from kfp_gitops.rendering import artifact, repacked, specs
from kfp_gitops.rendering.rendered import ENVIRONMENT, INNER, bounds_of
from kfp_gitops.review.caching import Side
from kfp_gitops.review.caching.idle import idle, idle_triggers
from kfp_gitops.review.policy.in_containers import in_containers
from kfp_gitops.review.policy.in_environments import in_environment
from kfp_gitops.review.policy.in_ir import in_component, in_ir
from kfp_gitops.review.policy.in_kustomization import KUSTOMIZATIONS, in_kustomization
from kfp_gitops.review.policy.in_manifests import in_manifest
from kfp_gitops.review.policy.in_texts import in_texts, texts_of
from kfp_gitops.review.policy.subject import Subject

_LONGEST = 4096
"""Characters of a path."""
# What is told under a name of its own, with all that is in it.
_TELLS_ALL = frozenset({"image", "variable", "parameter"})


def subjects(root: Folder, environment: str, part: Collection[str] | None = None) -> Iterator[Subject]:
    """Everything of one rendered environment; of `part` of its files alone, where that is not None.

    Raises:
        InputError: a file that is no YAML or no manifest; render it again.
    """
    folder = f"manifests/{environment}"
    refs: dict[str, Refs] = {}
    names = files.list_files(root, folder) if (root / folder).is_dir() else []
    if ENVIRONMENT in names:
        refs = _refs(files.read_text(root, f"{folder}/{ENVIRONMENT}"), f"{folder}/{ENVIRONMENT}")
    texts = {}
    for name in names if part is None else sorted({*names} & {*part}):
        path = f"{folder}/{name}"
        if repacked.is_archive(name):
            texts[name] = repacked.identity(files.read_bytes(root, path, MAX_BYTES))
        else:
            texts[name] = files.read_text(root, path)
            yield from _of_file(root, environment, name, texts[name], path, refs)
    if part is None:
        raise_if_any([*repacked.faults(folder, texts), *artifact.faults(folder, texts)])


Refs = Mapping[str, str]
"""Component → path of its spec below manifests/<env>/."""


def _refs(text: str, path: str) -> dict[str, Refs]:
    """Pipeline → its components, as environment.yaml says; nothing of one that has its specs in its own folder."""
    found = parse_all(text, path, bounds_of(path))[0].value
    entries = found.get("pipelines") if isinstance(found, Mapping) else None
    return {
        str(entry.get("name")): {component: where for component, _, where in specs.of_entry(entry)}
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, Mapping) and specs.FOLDER in entry
    }


def shared(root: Folder) -> Iterator[Subject]:
    """Everything that all environments share: `argocd/`, the root kustomization, and the patches beside it.

    Their environment is '', so that a check for some environments alone is not about them.
    """
    for path in _shared_files(root):
        yield from _of_file(root, "", path, files.read_text(root, path), path)


def _shared_files(root: Folder) -> list[str]:
    """The root kustomization, what it names, and what that names; outside of the tree is render's affair."""
    found: dict[str, None] = {}
    waiting = list(KUSTOMIZATIONS)
    while waiting:
        path = waiting.pop()
        if (root / path).is_dir() and not (root / path).is_symlink():
            waiting += [f"{path}/{name}" for name in files.list_files(root, path)]
        elif path not in found and _is_yaml(path) and (root / path).is_file():
            found[path] = None
            waiting += _names(path, files.read_text(root, path))
    return sorted(found)


def _is_yaml(path: str) -> bool:
    return path.endswith((".yaml", ".yml", ".json")) or PurePosixPath(path).name in KUSTOMIZATIONS


def _names(path: str, text: str) -> Iterator[str]:
    """Paths in the tree that a kustomization names, under whatever key; none for any other file."""
    if PurePosixPath(path).name not in KUSTOMIZATIONS:
        return
    folder = PurePosixPath(path).parent
    for document in parse_all(text, path):
        for value in {found for _, found in texts_of(document.value) if len(found) < _LONGEST}:
            name = posixpath.normpath(folder / value.rpartition("=")[2])
            if not name.startswith(("..", "/")) and name != "." and "\0" not in name:
                yield name


def _of_file(
    root: Folder, environment: str, name: str, text: str, path: str, refs: Mapping[str, Refs] | None = None
) -> Iterator[Subject]:
    documents = parse_all(text, path, bounds_of(path))
    found = [*_named(root, environment, name, text, path, documents, refs or {})]
    name = _called(name)
    yield from found
    place = f"{environment}/{name.removesuffix('.yaml')}".lstrip("/")
    own = {id(document) for document in documents}
    for index, document in enumerate(documents):
        # A manifest is read for itself, and is the first document.
        read = [
            one for one in found if one.document is document or (index == 0 and id(one.document) not in own)
        ]
        yield from in_texts(environment, place, document, [one.at for one in read if one.kind in _TELLS_ALL])


def _called(name: str) -> str:
    """A file's name as waivers have it: that of a shared spec without what changes with each change of it."""
    shared = PurePosixPath(name).parts[:-1] == (specs.FOLDER,)
    return specs.PREFIX + specs.component_of(name) if shared else name


def _named(
    root: Folder,
    environment: str,
    name: str,
    text: str,
    path: str,
    documents: list[Document],
    refs: Mapping[str, Refs],
) -> Iterator[Subject]:
    for document in documents:
        yield from in_containers(environment, _called(name), document)
        yield from in_kustomization(environment, name, document)
    parts = PurePosixPath(name).parts
    if not documents and parts[0] in (ENVIRONMENT, "pipelines", specs.FOLDER):
        raise InputError.of(path, "holds nothing", "render it again", 1, 1)
    match parts:
        case (top,) if top == ENVIRONMENT:
            yield from in_environment(environment, documents[0])
        case ("pipelines", pipeline, "pipeline.yaml"):
            manifest = reader.read(text, path)
            of_spec = refs.get(pipeline)
            still = _idle(side(root, path, manifest.document.value, of_spec)) if manifest.starts else []
            steps = _own_steps(root, environment, of_spec)
            yield from in_manifest(environment, f"{environment}/{pipeline}", manifest, still, steps)
        case ("pipelines", pipeline, part, inner) if part == INNER:
            place = f"{environment}/{pipeline}/{inner.removesuffix('.yaml')}"
            steps = _own_steps(root, environment, refs.get(pipeline))
            yield from in_manifest(environment, place, reader.read(text, path), own_steps=steps)
        case (specs.FOLDER, _):
            yield from in_component(environment, f"{environment}/{_called(name)}", documents[0])
        case ("pipelines", pipeline, specs.FOLDER, component):  # of an earlier version
            place = f"{environment}/{pipeline}/{component.removesuffix('.yaml')}"
            yield from in_component(environment, place, documents[0])
        case ("pipelines", pipeline, *_):
            # Compiled elsewhere and brought: what a manifest would say of its tasks stands in it.
            yield from in_ir(environment, f"{environment}/{pipeline}", documents[0])


def _idle(side: Side) -> list[str]:
    """No schedule has the name of a trigger."""
    return [*idle(side), *idle_triggers(side)]


def _own_steps(root: Folder, environment: str, refs: Refs | None) -> frozenset[str]:
    """The components that are steps of KFP itself for volume claims, which have no pod: of older kfp-kubernetes."""
    named = {name: path for name, path in (refs or {}).items() if "pvc" in name}  # few are to be opened
    return frozenset(
        name for name, path in named.items() if _is_own_step(root, f"manifests/{environment}/{path}")
    )


def _is_own_step(root: Folder, path: str) -> bool:
    """By the image of each of its executors: that text may stand in a command as well."""
    text = files.read_text(root, path)
    if not any(image in text for image in STUB_IMAGES):
        return False
    try:
        spec = parse_all(text, path, bounds_of(path))[0].value
        executors = [*spec["deploymentSpec"]["executors"].values()]
        images = [one["container"]["image"] for one in executors]
    except (LookupError, TypeError, AttributeError):  # it is no spec, or a step of another kind
        return False
    return bool(images) and all(isinstance(image, str) and image in STUB_IMAGES for image in images)


def side(root: Folder, path: str, manifest: Mapping[str, Any], refs: Refs | None = None) -> Side:
    """The files of a pipeline, by the path of its manifest, for what the cache makes of them.

    `refs`: where its component specs stand; without them they are in its own folder.
    """
    folder = path.rpartition("/")[0]
    environment = folder.rpartition("/pipelines/")[0]
    found = {
        name: _values(files.read_text(root, f"{folder}/{name}"), name)
        for name in files.list_files(root, folder)
        if name != "pipeline.yaml"
    }
    parts: dict[str, dict[str, list[Any]]] = {specs.FOLDER: {}, INNER: {}, "": {}}
    for name, documents in found.items():
        kind, _, rest = name.rpartition("/")
        parts.get(kind, {})[rest] = documents
    if refs is not None:
        there = {name: where for name, where in refs.items() if (root / environment / where).is_file()}
        parts[specs.FOLDER] = {
            f"{name}.yaml": _values(files.read_text(root, f"{environment}/{where}"), where)
            for name, where in there.items()
        }
    return Side(
        manifest,
        {name.removesuffix(".yaml"): one[0] for name, one in parts[specs.FOLDER].items() if one},
        {name: one[0] for name, one in parts[INNER].items() if one},
        parts[""],
    )


@lru_cache(maxsize=512)
def _values(text: str, name: str) -> list[Any]:
    """The values of a file's documents; pipelines share their components."""
    return [document.value for document in parse_all(text, name)]
