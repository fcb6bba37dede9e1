"""The steps that KFP itself does for volume claims, as our kfp-kubernetes writes them; older ones wrote others."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from kfp_gitops.compiling.compiler import emit, kubernetes


@cache
def _own() -> tuple[tuple[Mapping[str, Any], Mapping[str, Any]], ...]:
    """The interface and the container of each, as our kfp-kubernetes has them."""
    found = []
    for component in kubernetes.COMPONENTS.values():
        spec = emit.documents(component)[0]
        (inner,) = spec["components"].values()
        found.append((_interface(inner), spec["deploymentSpec"]["executors"][inner["executorLabel"]]))
    return tuple(found)


def _interface(component: Mapping[str, Any]) -> Mapping[str, Any]:
    return {key: value for key, value in component.items() if key != "executorLabel"}


def is_own(component: Mapping[str, Any], executor: Mapping[str, Any]) -> bool:
    """Whether `createPvc` and `deletePvc` of a manifest compile to this very component; else it is one like others."""
    return (_interface(component), executor) in _own()
