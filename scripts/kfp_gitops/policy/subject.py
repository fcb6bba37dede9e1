"""One object that a check can be about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kfp_gitops.yamltext import Document, Path


@dataclass(frozen=True)
class Subject:
    """What a waiver calls it, its value as a check's schema sees it, and where it stands."""

    kind: str
    environment: str
    name: str
    value: Any
    document: Document
    at: Path
