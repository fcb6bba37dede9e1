"""Files that are no IR of KFP 2: what they are, so that nobody has to guess it from what they lack."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

_HEAD = re.compile(r"^(apiVersion|kind): *['\"]?([\w./-]+)", re.MULTILINE)
_OPERATOR = re.compile(r"pipelines\.kubeflow\.org/v1(alpha|beta)\d+")
_COMPILE = "compile its source with the SDK of KFP 2 (`kfp dsl compile`), whose IR has pipelineInfo and root"
_REWRITE = "write its steps as components of KFP (docs/first-pipeline.md); nothing here reads this"
_SERVER = "take it from the server that has it: python scripts/import.py --host URL"
_INSIDE = "python scripts/import.py FILE --inside"
Told = tuple[str, str]
"""What it is, and what to do."""


def head(text: str) -> dict[str, str]:
    """Group and kind of what may be a Kubernetes object in YAML that we do not read."""
    return dict(_HEAD.findall(text))


def what_it_is(value: Any) -> Told | None:
    """What a document is and what to do, when it is a well-known thing that is no IR; None for all others."""
    if not isinstance(value, dict):
        return None
    group, kind = str(value.get("apiVersion", "")), str(value.get("kind", ""))
    if found := next((told for begins, told in _GROUPS.items() if group.startswith(begins)), None):
        return found(value, kind)
    if group and kind:
        return f"this is a Kubernetes object ({group}, {kind}), and no IR of KFP 2", _COMPILE
    return next((told for looks, told in _LOOKS if looks(value)), None)


def _argo(value: Mapping[str, Any], kind: str) -> Told:
    metadata = value.get("metadata")
    notes = metadata.get("annotations") if isinstance(metadata, dict) else None
    sdk = notes.get("pipelines.kubeflow.org/kfp_sdk_version") if isinstance(notes, dict) else None
    by = f"kfp {sdk}" if isinstance(sdk, str) else "KFP 1"
    return f"this is an Argo {kind or 'object'}, as {by} compiled it, and no IR of KFP 2", _COMPILE


def _tekton(_: Mapping[str, Any], kind: str) -> Told:
    return f"this is a Tekton {kind}, as kfp-tekton compiled it for KFP 1, and no IR of KFP 2", _COMPILE


def _kubeflow(value: Mapping[str, Any], kind: str) -> Told:
    if _OPERATOR.fullmatch(str(value["apiVersion"])):
        todo = "`python scripts/import.py` takes it, with the IR of its pipeline (--ir; docs/migrate.md)"
        return f"this is a {kind} of sky-uk/kfp-operator, and no IR", todo
    what = f"this is KFP's Kubernetes object {kind}, and no IR"
    if kind == "Pipeline":
        return what, "bring its PipelineVersion: the IR is in the `spec.pipelineSpec` of that"
    return what, f"bring what is in its `spec.pipelineSpec` and `spec.platformSpec`: {_INSIDE}"


def _scheduled(_: Mapping[str, Any], kind: str) -> Told:
    what = f"this is a {kind}, by which KFP's server carries a recurring run out, and no IR"
    return what, f"{_SERVER} --schedules"


def _ours(_: Mapping[str, Any], kind: str) -> Told:
    return f"this is a {kind} of this repository, and no IR", "name a compiled pipeline in `spec.ir`"


_GROUPS: Mapping[str, Callable[[Mapping[str, Any], str], Told]] = {
    "argoproj.io/": _argo,
    "tekton.dev/": _tekton,
    "pipelines.kubeflow.org/": _kubeflow,
    "kubeflow.org/": _scheduled,
    "kfp-gitops/": _ours,
}
"""Kubernetes objects, by how their group begins."""


def _has(*keys: str, without: str = "pipelineInfo") -> Callable[[Mapping[str, Any]], bool]:
    return lambda value: all(key in value for key in keys) and without not in value


def _azure(value: Mapping[str, Any]) -> bool:
    return "azureml" in str(value.get("$schema", "")) or str(value.get("type", "")) == "pipeline"


_LOOKS: tuple[tuple[Callable[[Mapping[str, Any]], bool], Told], ...] = (
    (
        _has("pipelineSpec", without="root"),
        (
            "this is a PipelineJob, as Vertex AI takes it: the IR is inside its `pipelineSpec`",
            f"bring that alone: {_INSIDE}; what its `runtimeConfig` has are parameters",
        ),
    ),
    (
        _has("createPipelineJobRequest"),
        (
            "this is a schedule of Vertex AI: the IR is in `createPipelineJobRequest.pipelineJob.pipelineSpec`",
            f"bring that alone: {_INSIDE}; write `cron` with seconds first as a schedule in the values",
        ),
    ),
    (
        _has("implementation"),
        (
            "this is a component, and no compiled pipeline",
            "put it into components/NAME/component.yaml, and name it in a task",
        ),
    ),
    (
        _has("platforms"),
        (
            "this is the platform spec, which is the second document of a compiled pipeline",
            "put the pipeline spec before it, as a document of its own",
        ),
    ),
    (
        _has("pipeline_version_id"),
        ("this is a version, as KFP's API tells of it: the IR is in its `pipeline_spec`", f"bring that: {_INSIDE}"),
    ),
    (_has("recurring_run_id"), ("this is a recurring run, as KFP's API tells of it", f"{_SERVER} --schedules")),
    (_has("run_id"), ("this is a run, as KFP's API tells of it, and no pipeline", _SERVER)),
    (
        _has("recurring_runs"),
        (
            "these are recurring runs of deployKF's kubeflow-pipelines-gitops, and no IR",
            "`python scripts/import.py` takes them, with the IR of their pipelines (--ir; docs/migrate.md)",
        ),
    ),
    (
        _has("doc_type", "pipelines"),
        ("this is a pipeline of Elyra's editor", "export it there as YAML or Python for KFP 2, and bring that"),
    ),
    (
        _has("nbformat"),
        ("this is a notebook", "compile the pipeline in it (kfp.compiler.Compiler), or let Kale do so, and bring that"),
    ),
    (_has("Steps", "Version"), ("this is a pipeline of Amazon SageMaker", _REWRITE)),
    (_has("StartAt", "States"), ("this is a state machine of AWS Step Functions", _REWRITE)),
    (_azure, ("this is a pipeline of Azure Machine Learning", _REWRITE)),
    (_has("deployments", "pull"), ("these are deployments of Prefect", _REWRITE)),
    (_has("stages"), ("this is a pipeline of DVC", _REWRITE)),
)  # fmt: skip
"""What has no kind, by what it has."""
