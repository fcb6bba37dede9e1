"""What the files of an environment may not say although their schemas allow it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kfp_gitops.base.errors import Problem
from kfp_gitops.base.yamltext import Document, Path
from kfp_gitops.language.wellknown import STUB_IMAGES


def not_maps(documents: Sequence[Document]) -> Iterator[Problem]:
    """Files that are something else altogether."""
    for document in documents:
        if not isinstance(document.value, dict):
            yield document.problem((), "the file is not a map", "write `key: value` lines")


def mapped_stubs(released: Document) -> Iterator[Problem]:
    """Of release.yaml: what looks like an image, and is none."""
    maps: dict[Path, Mapping[str, str]] = {("images",): released.value["images"]}
    for pipeline, promoted in released.value.get("pipelines", {}).items():
        maps["pipelines", pipeline, "images"] = promoted["images"]
    for at, images in maps.items():
        for name in STUB_IMAGES & images.keys():
            what = (
                f"{name!r} is no image: by that very text KFP knows that it makes or removes a volume claim"
            )
            yield released.problem((*at, name), what, "remove the line, it cannot be mapped", key=True)


def overridden(over: Document, base: str) -> Iterator[Problem]:
    """Of values.yaml: what stands in the file of all environments alone, `base`."""
    for key, what in (("repository", "the repository's identity"), ("argocd", "what is said of Argo CD")):
        if key in over.value:
            said = f"{what} cannot differ between environments"
            yield over.problem((key,), said, f"keep it in {base} only", key=True)
