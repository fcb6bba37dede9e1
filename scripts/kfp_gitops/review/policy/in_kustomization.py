"""What a kustomization changes in the objects that it builds: images, and patches that are written out in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from kfp_gitops.base.yamltext import Document, Path
from kfp_gitops.review.policy.in_containers import in_containers
from kfp_gitops.review.policy.in_texts import dotted, inner_documents
from kfp_gitops.review.policy.subject import Subject

KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
"""The names under which kustomize looks for one; `kind` may be left out there."""
_INLINE = ("patches", "patchesStrategicMerge", "patchesJson6902", "transformers", "generators", "validators")


def in_kustomization(environment: str, name: str, document: Document) -> Iterator[Subject]:
    """What kustomize or Argo CD is told to put into objects: images, literals, patches, in one or in files of its own.

    A subject of a patch stands where the patch's text begins, for it has no lines of its own.
    """
    found = document.value
    place = f"{environment}/{name.removesuffix('.yaml')}".lstrip("/")
    for at, image in _put_in(found, ()):
        yield Subject("image", environment, f"{place}#{dotted(at)}", image, document, at)
    if not isinstance(found, Mapping):
        return
    if found.get("kind") in ("Kustomization", "Component") or PurePosixPath(name).name in KUSTOMIZATIONS:
        yield from _of_kustomization(environment, place, found, document)
    elif isinstance(found.get("patch"), str):  # of a PatchTransformer
        yield from _in_patch(environment, f"{place}/patch", found["patch"], document, ("patch",))


def _of_kustomization(
    environment: str, place: str, found: Mapping[str, Any], document: Document
) -> Iterator[Subject]:
    for index, image in enumerate(_maps(found.get("images"))):
        at: Path = ("images", index)
        yield Subject("image", environment, f"{place}/{image.get('name')}", _image(image), document, at)
    for at, key, value in _literals(found):
        yield Subject("variable", environment, f"{place}/{key}", {"name": key, "value": value}, document, at)
    for key in _INLINE:
        for index, patch in enumerate(_list(found.get(key))):
            at = (key, index) if isinstance(patch, str) else (key, index, "patch")
            text = patch.get("patch") if isinstance(patch, Mapping) else patch
            if isinstance(text, str):
                yield from _in_patch(environment, f"{place}/{key}/{index}", text, document, at)


def _put_in(value: Any, at: Path) -> Iterator[tuple[Path, str]]:
    """Images that stand in no container: of an ImageTagTransformer, a replacement, a JSON patch, Argo CD's `images`."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _put_in(item, (*at, index))
    if not isinstance(value, Mapping):
        return
    if value.get("kind") == "ImageTagTransformer" and isinstance(value.get("imageTag"), Mapping):
        yield (*at, "imageTag"), _image(value["imageTag"])
    if str(value.get("path", "")).endswith("/image") and isinstance(value.get("value"), str):
        yield (*at, "value"), value["value"]
    if isinstance(value.get("sourceValue"), str) and _is_for_images(value):
        yield (*at, "sourceValue"), value["sourceValue"]
    of_argocd = value.get("kustomize")
    for index, image in enumerate(_list(of_argocd.get("images")) if isinstance(of_argocd, Mapping) else ()):
        if isinstance(image, str):
            yield (*at, "kustomize", "images", index), image.rpartition("=")[2]
    for key, inner in value.items():
        yield from _put_in(inner, (*at, key))


def _is_for_images(replacement: Mapping[str, Any]) -> bool:
    paths = [path for one in _maps(replacement.get("targets")) for path in _list(one.get("fieldPaths"))]
    return any(str(path).endswith("image") for path in paths)


def _literals(found: Mapping[str, Any]) -> Iterator[tuple[Path, str, str]]:
    """`NAME=value` of the generators of ConfigMaps and Secrets."""
    for kind in ("configMapGenerator", "secretGenerator"):
        for index, one in enumerate(_list(found.get(kind))):
            for place, text in enumerate(_list(one.get("literals")) if isinstance(one, Mapping) else ()):
                key, _, value = str(text).partition("=")
                yield (kind, index, "literals", place), key, value


def _image(image: Mapping[str, Any]) -> str:
    """The reference that kustomize writes; of what is left out nothing is known."""
    name = str(image.get("newName", image.get("name", "")))
    if "digest" in image:
        return f"{name}@{image['digest']}"
    return f"{name}:{image['newTag']}" if "newTag" in image else name


def _in_patch(environment: str, place: str, text: str, outer: Document, at: Path) -> Iterator[Subject]:
    for inner in inner_documents(text, outer.path):
        for subject in (
            *in_containers(environment, place, inner),
            *in_kustomization(environment, place, inner),
        ):
            yield replace(subject, name=place, document=outer, at=at)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _maps(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in _list(value) if isinstance(item, Mapping)]
