"""What checks are about: every object of manifests/<env>/ that can be selected, with its place in its file."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from pathlib import Path as Folder
from pathlib import PurePosixPath
from typing import Any

from kfp_gitops.base import files
from kfp_gitops.base.yamltext import Document, parse_all
from kfp_gitops.language.manifest import reader
from kfp_gitops.rendering.rendered import ENVIRONMENT, INNER
from kfp_gitops.review.caching import Side
from kfp_gitops.review.caching.idle import idle
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


def subjects(root: Folder, environment: str) -> Iterator[Subject]:
    """Everything of one rendered environment.

    Raises:
        InputError: a file that is no YAML or no manifest; render it again.
    """
    folder = f"manifests/{environment}"
    for name in files.list_files(root, folder) if (root / folder).is_dir() else []:
        path = f"{folder}/{name}"
        yield from _of_file(root, environment, name, files.read_text(root, path), path)


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


def _of_file(root: Folder, environment: str, name: str, text: str, path: str) -> Iterator[Subject]:
    documents = parse_all(text, path)
    found = [*_named(root, environment, name, text, path, documents)]
    yield from found
    place = f"{environment}/{name.removesuffix('.yaml')}".lstrip("/")
    own = {id(document) for document in documents}
    for index, document in enumerate(documents):
        # A manifest is read for itself, and is the first document.
        read = [
            one for one in found if one.document is document or (index == 0 and id(one.document) not in own)
        ]
        yield from in_texts(environment, place, document, [one.at for one in read if one.kind in _TELLS_ALL])


def _named(
    root: Folder, environment: str, name: str, text: str, path: str, documents: list[Document]
) -> Iterator[Subject]:
    for document in documents:
        yield from in_containers(environment, name, document)
        yield from in_kustomization(environment, name, document)
    match PurePosixPath(name).parts:
        case (top,) if top == ENVIRONMENT:
            yield from in_environment(environment, documents[0])
        case ("pipelines", pipeline, "pipeline.yaml"):
            manifest = reader.read(text, path)
            still = idle(side(root, path, manifest.document.value)) if manifest.schedules else []
            yield from in_manifest(environment, f"{environment}/{pipeline}", manifest, still)
        case ("pipelines", pipeline, part, inner) if part == INNER:
            place = f"{environment}/{pipeline}/{inner.removesuffix('.yaml')}"
            yield from in_manifest(environment, place, reader.read(text, path))
        case ("pipelines", pipeline, "components", component):
            place = f"{environment}/{pipeline}/{component.removesuffix('.yaml')}"
            yield from in_component(environment, place, documents[0])
        case ("pipelines", pipeline, *_):
            # Compiled elsewhere and brought: what a manifest would say of its tasks stands in it.
            yield from in_ir(environment, f"{environment}/{pipeline}", documents[0])


def side(root: Folder, path: str, manifest: Mapping[str, Any]) -> Side:
    """The files of a pipeline, by the path of its manifest, for what the cache makes of them."""
    folder = path.rpartition("/")[0]
    found = {
        name: [document.value for document in parse_all(files.read_text(root, f"{folder}/{name}"), name)]
        for name in files.list_files(root, folder)
        if name != "pipeline.yaml"
    }
    parts: dict[str, dict[str, list[Any]]] = {"components": {}, INNER: {}, "": {}}
    for name, documents in found.items():
        kind, _, rest = name.rpartition("/")
        parts.get(kind, {})[rest] = documents
    return Side(
        manifest,
        {name.removesuffix(".yaml"): one[0] for name, one in parts["components"].items() if one},
        {name: one[0] for name, one in parts[INNER].items() if one},
        parts[""],
    )
