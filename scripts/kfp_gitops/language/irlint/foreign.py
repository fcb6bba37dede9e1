"""Files that are no IR of KFP 2: what they are, so that nobody has to guess it from what they lack."""

from __future__ import annotations

import re
from typing import Any

_HEAD = re.compile(r"^(apiVersion|kind): *['\"]?([\w./-]+)", re.MULTILINE)
_COMPILE = "compile its source with the SDK of KFP 2 (`kfp dsl compile`), whose IR has pipelineInfo and root"


def head(text: str) -> dict[str, str]:
    """Group and kind of what may be a Kubernetes object in YAML that we do not read."""
    return dict(_HEAD.findall(text))


def what_it_is(value: Any) -> tuple[str, str] | None:
    """What a document is and what to do, when it is a well-known thing that is no IR; None for all others."""
    if not isinstance(value, dict):
        return None
    group, kind = str(value.get("apiVersion", "")), str(value.get("kind", ""))
    if group.startswith("argoproj.io/"):
        return _argo(value, kind)
    if group.startswith("tekton.dev/"):
        return f"this is a Tekton {kind}, as kfp-tekton compiled it for KFP 1, and no IR of KFP 2", _COMPILE
    if group.startswith("pipelines.kubeflow.org/"):
        todo = "bring what is in its `spec.pipelineSpec`, and `spec.platformSpec` as a second document"
        return f"this is KFP's Kubernetes object {kind}, and no IR", todo
    if group.startswith("kfp-gitops/"):
        return f"this is a {kind} of this repository, and no IR", "name a compiled pipeline in `spec.ir`"
    if group and kind:
        return f"this is a Kubernetes object ({group}, {kind}), and no IR of KFP 2", _COMPILE
    return _without_kind(value)


def _argo(value: dict[str, Any], kind: str) -> tuple[str, str]:
    metadata = value.get("metadata")
    notes = metadata.get("annotations") if isinstance(metadata, dict) else None
    sdk = notes.get("pipelines.kubeflow.org/kfp_sdk_version") if isinstance(notes, dict) else None
    by = f"kfp {sdk}" if isinstance(sdk, str) else "KFP 1"
    return f"this is an Argo {kind or 'object'}, as {by} compiled it, and no IR of KFP 2", _COMPILE


def _without_kind(value: dict[str, Any]) -> tuple[str, str] | None:
    if "pipelineSpec" in value and "root" not in value:
        what = "this is a PipelineJob, as Vertex AI takes it: the IR is inside its `pipelineSpec`"
        return what, "bring that alone; the values of its `runtimeConfig` are parameters"
    if "implementation" in value:
        todo = "put it into components/NAME/component.yaml, and name it in a task"
        return "this is a component, and no compiled pipeline", todo
    if "platforms" in value and "pipelineInfo" not in value:
        todo = "put the pipeline spec before it, as a document of its own"
        return "this is the platform spec, which is the second document of a compiled pipeline", todo
    return None
