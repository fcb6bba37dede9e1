"""One object that a check can be about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kfp_gitops.base.yamltext import Document, Path


@dataclass(frozen=True)
class Subject:
    """What a waiver calls it, its value as a check's schema sees it, and where it stands.

    `fix` says what to do where the advice of a check cannot be followed, `said` what of it stands behind its name in a
    message.
    """

    kind: str
    environment: str
    name: str
    value: Any
    document: Document
    at: Path
    fix: str = ""
    said: str = ""
