"""What a pipeline takes, as the SDK reads it off a function's signature."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import GenericAlias
from typing import Any

from kfp_gitops.compiling.compiler.sdk import artifact_class, dsl, json_format
from kfp_gitops.language.manifest import Artifact, Config, Loop, Manifest, Parameter, Scopes, Type, hidden

_TYPES: Mapping[Type, type] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "list": list,
    "dict": dict,
}


def signature(manifest: Manifest) -> inspect.Signature:
    """The parameters and artifacts of a manifest, and the hidden parameters of its loops."""
    scopes = Scopes.of(manifest)
    loops = [_hidden(name, scopes.nodes[loop]) for loop, name in hidden(manifest, scopes).items()]
    given = [*map(_parameter, manifest.parameters), *map(_artifact, manifest.artifacts)]
    # Python wants those without a default first.
    given.sort(key=lambda parameter: parameter.default is not inspect.Parameter.empty)
    return inspect.Signature([*given, *loops])


def _parameter(parameter: Parameter) -> inspect.Parameter:
    default: Any = None if parameter.optional else inspect.Parameter.empty
    if parameter.default is not None:
        default = as_float(parameter.default.value, parameter.type == "float")
    annotation = dsl.PipelineTaskFinalStatus if parameter.final_status else _TYPES[parameter.type]
    return _named(parameter.name, annotation, default)


def _artifact(artifact: Artifact) -> inspect.Parameter:
    kind = artifact_class(artifact.type)
    annotation = dsl.Input[GenericAlias(list, kind) if artifact.many else kind]
    return _named(artifact.name, annotation, None if artifact.optional else inspect.Parameter.empty)


def _hidden(name: str, loop: Any) -> inspect.Parameter:
    assert isinstance(loop, Loop)
    return _named(name, list, loop.items.value)  # type: ignore[union-attr]  # only constant lists are hidden


def _named(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Parameter(name, kind, annotation=annotation, default=default)


def descriptions(manifest: Manifest) -> dict[str, str]:
    """What the manifest says of its inputs."""
    described = [(p.name, p.description) for p in manifest.parameters]
    described += [(a.name, a.description) for a in manifest.artifacts]
    return {name: text for name, text in described if text}


def limit(pipeline_spec: Any, manifest: Manifest) -> None:
    """Tell the only values of parameters, for which the DSL of 2.17 has no word."""
    declared = pipeline_spec.root.input_definitions.parameters
    for parameter in manifest.parameters:
        if parameter.literals:
            json_format.ParseDict({"literals": list(parameter.literals)}, declared[parameter.name])


def config(given: Config | None) -> Any:
    """The SDK's PipelineConfig; None when the manifest says nothing of it."""
    if given is None:
        return None
    workspace = None
    if given.workspace:
        patch = dsl.KubernetesWorkspaceConfig(pvcSpecPatch=dict(given.workspace.pvc_spec_patch))
        workspace = dsl.WorkspaceConfig(size=given.workspace.size, kubernetes=patch)
    return dsl.PipelineConfig(
        workspace=workspace,
        ttl_seconds_after_finished=given.ttl_after_finished,
        ttl_seconds_after_success=given.ttl_after_success,
        ttl_seconds_after_failure=given.ttl_after_failure,
        active_deadline_seconds=given.deadline,
    )


def as_float(value: Any, wanted: bool) -> Any:
    """A whole number is a fine float for people, but an error for the SDK."""
    return float(value) if wanted and type(value) is int else value
