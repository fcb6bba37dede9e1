"""A pipeline as it was or will be: the data of its files. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Side:
    """The manifest (empty for a pipeline that is not there), component specs, inner manifests and brought IR by name.

    Each as YAML data: the manifest in the present version of the language, an IR as its one or two documents.
    """

    manifest: Mapping[str, Any]
    specs: Mapping[str, Any] = field(default_factory=dict)
    inner: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    irs: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    @classmethod
    def of_ir(cls, documents: Sequence[Any]) -> Side:
        """A compiled pipeline without a manifest."""
        manifest = {"spec": {"ir": "ir.yaml"}}
        return cls(manifest, irs={"ir.yaml": documents})
