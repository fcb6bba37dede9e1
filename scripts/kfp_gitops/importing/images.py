"""The images of an import: which wait for their digest, and which no release can name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from kfp_gitops.base.yamltext import Document
from kfp_gitops.language.wellknown import STUB_IMAGES
from kfp_gitops.sources import components

_NAME = re.compile(r"[a-z0-9]([a-zA-Z0-9._:/-]{0,254}[a-zA-Z0-9])?")
"""A key of `images` in release.yaml."""


def loose(documents: Iterable[Mapping[str, Any]]) -> list[str]:
    """Those that compiled files name by tag, each once; not those that a run chooses, nor what is no reference."""
    found: dict[str, None] = {}
    for document in documents:
        names = components.image_names(Document("", document, {}, {}))
        found.update(dict.fromkeys(name for name in sorted(set(names)) if _waits(name)))
    return list(found)


def can_be_released(image: str) -> bool:
    """Whether it is by digest, or a release can say which digest it is."""
    return components.is_by_digest(image) or image in STUB_IMAGES or _NAME.fullmatch(image) is not None


def _waits(image: str) -> bool:
    return (
        not components.is_by_digest(image) and image not in STUB_IMAGES and _NAME.fullmatch(image) is not None
    )
