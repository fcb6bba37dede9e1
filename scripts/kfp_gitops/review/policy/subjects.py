"""What checks are about: every object of manifests/<env>/ that can be selected, with its place in its file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path as Folder
from pathlib import PurePosixPath
from typing import Any

from kfp_gitops.base import files
from kfp_gitops.base.yamltext import parse_all
from kfp_gitops.language.manifest import reader
from kfp_gitops.rendering.rendered import INNER
from kfp_gitops.review.caching import Side
from kfp_gitops.review.caching.idle import idle
from kfp_gitops.review.policy.in_containers import in_containers
from kfp_gitops.review.policy.in_ir import in_ir
from kfp_gitops.review.policy.in_manifests import in_manifest
from kfp_gitops.review.policy.subject import Subject


def subjects(root: Folder, environment: str) -> Iterator[Subject]:
    """Everything of one rendered environment.

    Raises:
        InputError: a file that is no YAML or no manifest; render it again.
    """
    folder = f"manifests/{environment}"
    for name in files.list_files(root, folder) if (root / folder).is_dir() else []:
        path = f"{folder}/{name}"
        yield from _of_file(root, environment, name, files.read_text(root, path), path)


def _of_file(root: Folder, environment: str, name: str, text: str, path: str) -> Iterator[Subject]:
    documents = parse_all(text, path)
    for document in documents:
        yield from in_containers(environment, name, document)
    match PurePosixPath(name).parts:
        case ("pipelines", pipeline, "pipeline.yaml"):
            manifest = reader.read(text, path)
            still = idle(side(root, path, manifest.document.value)) if manifest.schedules else []
            yield from in_manifest(environment, f"{environment}/{pipeline}", manifest, still)
        case ("pipelines", pipeline, part, inner) if part == INNER:
            place = f"{environment}/{pipeline}/{inner.removesuffix('.yaml')}"
            yield from in_manifest(environment, place, reader.read(text, path))
        case ("pipelines", pipeline, part, *_) if part != "components":
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
