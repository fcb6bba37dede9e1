"""Which IR the server takes: template.go and v2_template.go `NewV2SpecTemplate`, facts 4.2.

The graph itself is not looked at, as in the original. One deliberate difference: malformed YAML is a 400 here,
where KFP up to 2.17.0 never answers (`isV2Spec` loops).
"""

from __future__ import annotations

import re
from typing import Any

from kfp_gitops.devserver.errors import InternalError, InvalidArgumentError
from kfp_gitops.devserver.ir_proto import IrError, normalise
from kfp_gitops.devserver.yamltext import YamlRefusedError, load_documents

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_NAME_LENGTH = 128
Spec = dict[str, Any]


def from_yaml(data: bytes) -> Spec:
    """The stored form of an uploaded file."""
    try:
        documents = load_documents(data)
    except YamlRefusedError as error:
        raise InvalidArgumentError(f"unknown template format: {error}") from error
    return _from_documents([d for d in documents if d is not None])


def from_json(value: dict[str, Any]) -> Spec:
    """The stored form of an inline `pipeline_spec`: an IR, or both documents as one object."""
    if "pipeline_spec" in value:
        return _from_documents([d for d in (value["pipeline_spec"], value.get("platform_spec")) if d])
    return _from_documents([value])


def pipeline_part(spec: Spec) -> dict[str, Any]:
    """The IR proper of a stored form."""
    part: dict[str, Any] = spec.get("pipeline_spec", spec)
    return part


def documents(spec: Spec) -> list[dict[str, Any]]:
    """The one or two documents of a stored form, for a file."""
    return [spec["pipeline_spec"], spec["platform_spec"]] if "platform_spec" in spec else [spec]


def _from_documents(found: list[Any]) -> Spec:
    pipelines, others = _split(found)
    if not pipelines:
        return _workflow(found)
    if len(pipelines) > 1:
        raise InvalidArgumentError("multiple pipeline specs provided")
    _check(pipelines[0])
    platforms = _platforms(others)
    return {"pipeline_spec": pipelines[0], "platform_spec": platforms} if platforms else pipelines[0]


def _workflow(found: list[Any]) -> Spec:
    """A pipeline of KFP v1 is still registered; it is not run here. Nothing at all is no template (500)."""
    if not found:
        raise InternalError("Failed to read a template", "empty")
    first = found[0] if len(found) == 1 and isinstance(found[0], dict) else {}
    of_argo = str(first.get("apiVersion", "")).startswith("argoproj.io/") and first.get("kind") == "Workflow"
    if of_argo and isinstance(first.get("spec"), dict):
        return dict(first)
    raise InvalidArgumentError("unknown template format")


def is_workflow(spec: Spec) -> bool:
    return "root" not in pipeline_part(spec)


def is_empty(spec: Spec) -> bool:
    """Whether there is nothing to do, which the compiler refuses when a run or a recurring run is made."""
    return not pipeline_part(spec)["root"].get("dag", {}).get("tasks")


def _split(found: list[Any]) -> tuple[list[dict[str, Any]], list[Any]]:
    """template.go `isPipelineSpec`: it parses, has a name and a root; everything else is something else."""
    pipelines, others = [], []
    for document in found:
        try:
            spec = normalise("PipelineSpec", document)
        except IrError:
            spec = {}
        if spec.get("pipelineInfo", {}).get("name") and "root" in spec:
            pipelines.append(spec)
        else:
            others.append(document)
    return pipelines, others


def _check(spec: dict[str, Any]) -> None:
    version, name = spec.get("schemaVersion", ""), spec["pipelineInfo"]["name"]
    if version != "2.1.0":
        raise InvalidArgumentError(
            f"KFP only supports schema version 2.1.0, but the pipeline spec has version {version}"
        )
    if len(name) > _NAME_LENGTH:
        raise InvalidArgumentError(f"pipeline's name must contain no more than {_NAME_LENGTH} characters")
    if not _NAME.fullmatch(name):
        raise InvalidArgumentError(
            "pipeline's name must contain only lowercase alphanumeric characters or '-' and must start with "
            "alphanumeric characters"
        )


def _platforms(others: list[Any]) -> dict[str, Any]:
    """Only a document with a `kubernetes` platform is kept; others are dropped without a word (facts 4.3)."""
    kept = []
    for document in others:
        try:
            platform = normalise("PlatformSpec", document)
        except IrError:
            continue
        if "kubernetes" in platform.get("platforms", {}):
            kept.append(platform)
    if len(kept) > 1:
        raise InvalidArgumentError("multiple platform specs provided")
    return kept[0] if kept else {}
