"""What of bad values and a bad release file can be used, so that what is wrong elsewhere is told in the same run.

Nothing is ever made of it: it is looked at further, and the run ends with what was found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from kfp_gitops.base import schema
from kfp_gitops.base.yamltext import Document
from kfp_gitops.sources.values import Merged

_VALUES: Mapping[str, Any] = {
    "repository": {"id": "stands-in-1", "url": "https://git.example.com/stands/in.git"},
    "follows": "sources",
    "kfp": {"host": "http://stands.in", "namespace": ""},
    "delivery": {"namespace": "stands-in"},
    "pipelines": {},
}
"""The least that the schema of values accepts: it stands in for a section that is wrong."""
_RELEASE: Mapping[str, Any] = {"apiVersion": "kfp-gitops/v1alpha1", "kind": "Release", "images": {}}


def values(merged: Merged) -> Merged | None:
    """The sections and pipelines that the schema accepts; None where nobody can tell what an environment follows."""
    found = merged.value
    if not isinstance(found, Mapping) or found.get("follows") not in ("sources", "pinned"):
        return None
    accepts = schema.named("values").validator.is_valid
    own = _accepted(found, lambda key, part: key != "pipelines" and accepts({**_VALUES, key: part}))
    listed = found.get("pipelines")
    pipelines = _accepted(listed, lambda name, entry: accepts({**_VALUES, "pipelines": {name: entry}}))
    return replace(merged, value={**_VALUES, **own, "pipelines": pipelines})


def release(document: Document) -> Document:
    """The images and promoted pipelines that the schema accepts."""
    found = document.value if isinstance(document.value, Mapping) else {}
    accepts = schema.named("release").validator.is_valid
    images = _accepted(found.get("images"), lambda name, one: accepts({**_RELEASE, "images": {name: one}}))
    promoted = _accepted(
        found.get("pipelines"), lambda name, one: accepts({**_RELEASE, "pipelines": {name: one}})
    )
    return replace(document, value={**_RELEASE, "images": images, "pipelines": promoted})


def _accepted(found: Any, accepts: Callable[[Any, Any], bool]) -> dict[str, Any]:
    if not isinstance(found, Mapping):
        return {}
    return {key: part for key, part in found.items() if accepts(key, part)}
