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

    @property
    def name(self) -> str:
        """Under which KFP keeps its results: the name in the IR, which is the manifest's where that has tasks."""
        spec = self.manifest.get("spec")
        brought = self.irs.get(str(spec.get("ir"))) if isinstance(spec, Mapping) else None
        if brought and isinstance(brought[0], Mapping):
            return str((brought[0].get("pipelineInfo") or {}).get("name", ""))
        return str((self.manifest.get("metadata") or {}).get("name", ""))

    @classmethod
    def of_ir(cls, documents: Sequence[Any]) -> Side:
        """A compiled pipeline without a manifest."""
        manifest = {"spec": {"ir": "ir.yaml"}}
        return cls(manifest, irs={"ir.yaml": documents})
