"""The images of an import that wait for their digest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kfp_gitops.base.yamltext import Document
from kfp_gitops.language.wellknown import STUB_IMAGES
from kfp_gitops.sources import components


def loose(documents: Iterable[Mapping[str, Any]]) -> list[str]:
    """Those that compiled files name by tag, each once; not those that a run chooses."""
    found: dict[str, None] = {}
    for document in documents:
        names = components.image_names(Document("", document, {}, {}))
        found.update(dict.fromkeys(name for name in sorted(set(names)) if _waits(name)))
    return list(found)


def _waits(image: str) -> bool:
    return not ("@sha256:" in image or "{{" in image or image in STUB_IMAGES)
