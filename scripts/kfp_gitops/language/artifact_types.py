"""Types of artifacts as a manifest writes them: `Dataset` for KFP's own, `google.VertexDataset@0.0.1` for others."""

from __future__ import annotations

OWN = (
    "Artifact",
    "Dataset",
    "Model",
    "Metrics",
    "ClassificationMetrics",
    "SlicedClassificationMetrics",
    "HTML",
    "Markdown",
)
"""The classes of kfp.dsl; KFP knows them as `system.Dataset` and so on."""
_SYSTEM = "system."
_VERSION = "0.0.1"
"""What every schema of kfp.dsl has, and one of others that is not told."""


def title(written: str) -> str:
    """The title of the schema: `system.Dataset`, `google.VertexDataset`."""
    return f"{_SYSTEM}{written}" if written in OWN else written.partition("@")[0]


def version(written: str) -> str:
    """The version of the schema."""
    return written.partition("@")[2] or _VERSION


def written(title: str, version: str) -> str:
    """The reverse: what a manifest says for a schema."""
    own = title.removeprefix(_SYSTEM)
    if version not in (_VERSION, ""):
        return f"{title}@{version}"
    return own if title.startswith(_SYSTEM) and own in OWN else title
