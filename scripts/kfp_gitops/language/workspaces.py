"""The volume that all tasks of a run share, as KFP 2.17 makes its claim (argocompiler/argo.go, GetWorkspacePVC). Pure.

What is wrong with it is HTTP 500 when a run is created. An administrator may give the API server defaults for it; KFP
as its manifests install it has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kfp_gitops.language import pod_rules, quantity

_KEYS = ("accessModes", "storageClassName")


def faults(size: Any, patch: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What is wrong: `size` or the key of the patch (empty: the workspace itself), what, and what to do."""
    modes, storage_class = patch.get("accessModes"), patch.get("storageClassName")
    if not isinstance(modes, list) or not modes:
        todo = (
            "add `pvcSpecPatch: {accessModes: [ReadWriteOnce]}`, or what its storage has: KFP has no default"
        )
        yield "accessModes" if "accessModes" in patch else "", "a workspace without accessModes", todo
    elif fault := pod_rules.access_modes(modes):
        yield "accessModes", f"Kubernetes refuses this: {fault}", "correct it"
    if storage_class == "":
        yield (
            "storageClassName",
            "KFP takes no empty storageClassName",
            "leave it out for the cluster's default",
        )
    elif fault := pod_rules.storage_class(storage_class):
        yield "storageClassName", f"Kubernetes refuses this: {fault}", "correct it"
    for key in sorted(patch.keys() - set(_KEYS)):
        yield key, f"KFP sets no {key} of a workspace", f"it takes {' and '.join(_KEYS)}"
    if isinstance(size, str) and (fault := quantity.fault(size, positive=True)):
        yield "size", f"Kubernetes refuses this: {fault}", "correct it"
