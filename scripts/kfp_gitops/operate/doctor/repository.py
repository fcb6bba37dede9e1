"""Prerequisites in the repository: manifests, lock, images; and what the pipelines name in the cluster."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kfp_gitops.compiling import ir
from kfp_gitops.operate.doctor.check import Check, missing, ok
from kfp_gitops.reconcile.desired import push_images
from kfp_gitops.reconcile.folder import Folder
from kfp_gitops.reconcile.hosts import is_loopback

_TAGGED = re.compile(r"^\s*image:\s*['\"]?([\w./:-]+)['\"]?\s*$", re.MULTILINE)
# A literal value that a pipeline takes may have any keys; these are where values stand.
_VALUES = frozenset({"inputs", "parameters", "default", "value", "pvcSpecPatch"})
_KINDS = {"secret": "Secret", "configMap": "ConfigMap", "pvc": "PersistentVolumeClaim"}


def checks(folder: Folder, host: str) -> Iterator[Check]:
    """All that can be said without a server."""
    yield ok("manifests", f"{len(folder.manifests)} pipelines in {folder.path}")
    yield _lock(folder)
    yield _images(folder, host)


def _lock(folder: Folder) -> Check:
    stale = [
        name
        for name, pipeline in folder.rendered.items()
        if name not in folder.locked or folder.locked[name].manifest != pipeline.digest
    ]
    if not stale:
        return ok("lock", "fits the manifests")
    environment = folder.environment["environment"]
    mend = f"python scripts/render.py --env {environment} --lock   # and have the difference reviewed"
    return missing("lock", f"does not fit the manifests of {', '.join(sorted(stale))}", mend)


def _images(folder: Folder, host: str) -> Check:
    texts = [text for pipeline in folder.rendered.values() for _, text in pipeline.files()]
    placeholders = sorted({found for text in texts for found in ir.placeholders_in(text)})
    if placeholders and not is_loopback(host):
        found = f"placeholder digest: {', '.join(placeholders)}"
        mend = f"{push_images(folder.environment['environment'])}; then render"
        return missing("images", found, mend)
    tagged = sorted({found for text in texts for found in _TAGGED.findall(text) if "@sha256:" not in found})
    if tagged:
        mend = "name images by digest: KFP caches by the image's text, and Argo CD cannot see a moved tag"
        return missing("images", f"by tag: {', '.join(tagged)}", mend)
    return ok("images", "by digest" + (" (the placeholder: this machine only)" if placeholders else ""))


def named_objects(folder: Folder) -> list[tuple[str, str, list[str]]]:
    """Kind, name and the pipelines that name it: secrets, config maps and claims that must exist in the cluster."""
    found: dict[tuple[str, str], set[str]] = {}
    for pipeline, manifest in folder.manifests.items():
        for key in _walk(manifest.document.value.get("spec", {})):
            found.setdefault(key, set()).add(pipeline)
    return [(kind, name, sorted(pipelines)) for (kind, name), pipelines in sorted(found.items())]


def retries(folder: Folder) -> list[str]:
    """The pipelines of which some step is tried again when it fails."""
    return [
        name
        for name, manifest in folder.manifests.items()
        if _retried(manifest.document.value.get("spec", {}))
    ]


def _retried(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_retried, value))
    if not isinstance(value, dict):
        return False
    return bool(value.get("retry")) or any(
        _retried(item) for key, item in value.items() if key not in _VALUES
    )


def _walk(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        for item in value:
            yield from _walk(item)
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        if key in _KINDS and isinstance(item, str):
            yield _KINDS[key], item
        elif key == "pullSecrets" and isinstance(item, list):
            yield from (("Secret", name) for name in item if isinstance(name, str))
        elif key not in _VALUES:
            yield from _walk(item)
