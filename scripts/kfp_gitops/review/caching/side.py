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
        brought = self.irs.get(str(_map(self.manifest.get("spec")).get("ir")))
        if brought and isinstance(brought[0], Mapping):
            return str(_map(brought[0].get("pipelineInfo")).get("name", ""))
        return str(_map(self.manifest.get("metadata")).get("name", ""))

    @classmethod
    def of_ir(cls, documents: Sequence[Any]) -> Side:
        """A compiled pipeline without a manifest."""
        manifest = {"spec": {"ir": "ir.yaml"}}
        return cls(manifest, irs={"ir.yaml": documents})


def _map(value: Any) -> Mapping[str, Any]:
    """The diff tells of what is malformed as well."""
    return value if isinstance(value, Mapping) else {}
