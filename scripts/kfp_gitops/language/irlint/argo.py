"""Placeholders of Argo in an IR: in constants, defaults, descriptions, sources, commands and settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kfp_gitops.language import argotext
from kfp_gitops.language.irlint.finding import Finding
from kfp_gitops.language.irlint.view import Node

# What KFP's compiler (backend/src/v2/compiler/argocompiler) does not write into the workflow.
_OUTSIDE = ("pipelineInfo", "schemaVersion", "sdkVersion")


def findings(documents: Sequence[Node]) -> Iterator[Finding]:
    """Every text that Argo would not leave as it is."""
    for index, document in enumerate(documents):
        for key, value in document.items():
            if key not in _OUTSIDE:
                for at, text in argotext.places(value, (key,)):
                    yield Finding(index, at, argotext.said(text), argotext.TODO)
