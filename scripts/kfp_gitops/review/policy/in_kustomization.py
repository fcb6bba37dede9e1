"""What a kustomization changes in the objects that it builds: images, and patches that are written out in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from kfp_gitops.base.yamltext import Document, Path
from kfp_gitops.review.policy.in_containers import in_containers
from kfp_gitops.review.policy.in_texts import inner_documents
from kfp_gitops.review.policy.subject import Subject

_PATCHES = ("patches", "patchesStrategicMerge", "patchesJson6902")


def in_kustomization(environment: str, name: str, document: Document) -> Iterator[Subject]:
    """The images of a kustomization, and what stands in its patches; nothing in any other document.

    A subject of a patch stands where the patch's text begins, for it has no lines of its own.
    """
    found = document.value
    if not isinstance(found, Mapping) or found.get("kind") not in ("Kustomization", "Component"):
        return
    place = f"{environment}/{name.removesuffix('.yaml')}".lstrip("/")
    for index, image in enumerate(_maps(found.get("images"))):
        at: Path = ("images", index)
        yield Subject("image", environment, f"{place}/{image.get('name')}", _image(image), document, at)
    for key in _PATCHES:
        for index, patch in enumerate(_list(found.get(key))):
            at = (key, index) if isinstance(patch, str) else (key, index, "patch")
            text = (
                patch
                if isinstance(patch, str)
                else patch.get("patch")
                if isinstance(patch, Mapping)
                else None
            )
            if isinstance(text, str):
                yield from _in_patch(environment, f"{place}/{key}/{index}", text, document, at)


def _image(image: Mapping[str, Any]) -> str:
    """The reference that kustomize writes; of what is left out nothing is known."""
    name = str(image.get("newName", image.get("name", "")))
    if "digest" in image:
        return f"{name}@{image['digest']}"
    return f"{name}:{image['newTag']}" if "newTag" in image else name


def _in_patch(environment: str, place: str, text: str, outer: Document, at: Path) -> Iterator[Subject]:
    for inner in inner_documents(text, outer.path):
        for subject in in_containers(environment, place, inner):
            yield replace(subject, name=place, document=outer, at=at)
        for operation in _maps(inner.value):
            if str(operation.get("path", "")).endswith("/image") and isinstance(operation.get("value"), str):
                yield Subject("image", environment, place, operation["value"], outer, at)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _maps(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in _list(value) if isinstance(item, Mapping)]
