"""Optional parameters without a default, and where KFP 2.17 fails a run that does not give them.

The driver hands a null only to a task directly in the pipeline, for an input that may be missing. A group takes what is
used in it as inputs of its own, which must have a value (kubeflow/pipelines#11667); a pipeline inside gets nothing at
all, and fails where it uses it (driver/resolve.go, resolveInputs).
"""

from __future__ import annotations

from collections.abc import Iterator

from kfp_gitops.base.errors import Problem
from kfp_gitops.base.yamltext import Path
from kfp_gitops.checking.check.context import Context
from kfp_gitops.language.manifest import (
    ArtifactRef,
    Condition,
    Importer,
    Loop,
    MountedSource,
    Node,
    ParameterRef,
    Task,
    Value,
    order,
    pod_values,
    references,
    walk,
)

_DEFAULT = "give the parameter a default"


def problems(context: Context) -> Iterator[Problem]:
    """Every use of such a parameter that fails when a run does not give it."""
    optional = {p.name for p in context.manifest.parameters if p.optional and p.default is None}
    for node in walk(context.manifest.body) if optional else ():
        grouped = bool(context.scopes.around[node.id])
        for value, at, why in _uses(context, node):
            used = [ref.name for ref in references(value) if isinstance(ref, ParameterRef)]
            inside = "is used in a group, which must have it" if grouped else ""
            for name in used:
                reason = inside or (
                    why if value == ParameterRef(name) else "is put into a text, a list or a map"
                )
                if name in optional and reason:
                    what = f"the optional parameter {name!r} {reason}: a run that does not give it fails"
                    yield context.document.problem(at, what, _DEFAULT, fault="optional-parameter")


def artifacts(context: Context) -> set[str]:
    """The pipeline's artifacts that something in it takes: a task for which one is optional fails without it, too.

    driver/resolve.go, resolveInputArtifact (2.17.0): «parent DAG does not have input artifact».
    """
    used = [value for node in walk(context.manifest.body) for value in order.values(node)]
    return {ref.name for value in used for ref in references(value) if isinstance(ref, ArtifactRef)}


def _uses(context: Context, node: Node) -> Iterator[tuple[Value, Path, str]]:
    """Each value of a node, its path, and why it must not be missing; empty where it may."""
    match node:
        case Task():
            yield from _arguments(context, node)
            yield from _of_pod(node)
        case Importer():
            yield node.uri, (*node.at, "importer", "uri"), "is a URI"
            yield node.metadata, (*node.at, "importer", "metadata"), "is metadata of an artifact"
        case Loop():
            yield node.items, (*node.at, "loop", "items"), "is the list of a loop"
        case Condition():
            for branch in node.branches:
                if branch.when:
                    for index, side in enumerate((branch.when.left, branch.when.right)):
                        yield side, (*branch.when.at, index), "is compared"


def _arguments(context: Context, task: Task) -> Iterator[tuple[Value, Path, str]]:
    interface = context.interface(task)
    for name, value in task.arguments.items():
        port = interface.inputs.get(name) if interface else None
        why = ""
        if port and port.optional and port.in_command:
            why = f"is given to {name!r} of {task.name!r}, in whose command line it stands"
        elif port and not port.optional:
            why = f"is given to {name!r} of {task.name!r}, which must have a value"
        elif task.kind == "pipeline":
            why = f"is given to the pipeline {task.name!r}, which gets nothing then, not even its own default"
        yield value, (*task.arguments_at, name), why


def _of_pod(task: Task) -> Iterator[tuple[Value, Path, str]]:
    claims = {
        ("volumes", volume.mount_path, "pvc")
        for volume in task.pod.volumes
        if isinstance(volume, MountedSource) and volume.kind == "pvc"
    }
    for suffix, value, _ in pod_values(task.pod):
        why = "says what a container gets" if suffix[0] == "resources" else ""
        yield value, (*task.at, *suffix), "names a volume claim" if suffix in claims else why
