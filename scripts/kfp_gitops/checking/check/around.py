"""A manifest among others: what it is to the pipeline around it, and what only one of the two may say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from kfp_gitops.base.errors import Problem
from kfp_gitops.checking.check import collected, optionals, uses, workspace
from kfp_gitops.checking.check.context import Context
from kfp_gitops.language.manifest import Manifest, used
from kfp_gitops.sources.components import Component, Interface


def nested_problems(manifest: Manifest) -> list[Problem]:
    """What only the outermost pipeline may say."""
    said = [*(start.at for start in manifest.starts), *([("slo",)] if manifest.slo else [])]
    said += [
        ("spec", key)
        for key in ("config", "workspace", "pipelineRoot", "ir", "olderForms", "acceptedFaults")
        if key in manifest.document.value["spec"]
    ]
    what, todo = "a pipeline inside another one says this", "say it in the pipeline around it"
    return [manifest.document.problem(at, what, todo, key=True) for at in said]


def of_components(manifests: Iterable[Manifest], components: Mapping[str, Component]) -> list[Problem]:
    """What is wrong with the components that manifests use, and may be accepted."""
    names = {name for manifest in manifests for name in used(manifest, "component")}
    return [problem for name in sorted(names & components.keys()) for problem in components[name].faults]


def outer_problems(manifest: Manifest) -> list[Problem]:
    """What only a pipeline inside another one may say."""
    what, todo = (
        "no exit handler is around this pipeline",
        "drop it, or make it a pipeline inside another one",
    )
    return [
        manifest.document.problem((*one.at, "finalStatus"), what, todo, key=True)
        for one in manifest.parameters
        if one.final_status
    ]


def interface(
    manifest: Manifest, components: Mapping[str, Interface], pipelines: Mapping[str, Interface]
) -> Interface:
    """What a manifest takes and gives when it is a task of another one."""
    context = Context(manifest, components, pipelines)
    kinds = {output.name: context.kind(output.value) for output in manifest.outputs}
    outputs = {name: replace(kind, name=name) for name, kind in kinds.items() if kind}
    listed = collected.parameters(context)
    needed = optionals.artifacts(context)
    inputs = {
        name: replace(
            port,
            collected=name in listed,
            optional=port.optional and name not in needed,
            used=port.optional and name in needed,
        )
        for name, port in context.inputs.items()
    }
    downloads = bool(list(workspace.downloads(context)))
    return Interface(manifest.name, inputs, outputs, rules=uses.rules(context), to_workspace=downloads)
