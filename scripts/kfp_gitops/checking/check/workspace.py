"""The volume and the place in the object store that a whole run is given."""

from __future__ import annotations

from collections.abc import Iterator

from kfp_gitops.base.errors import Problem
from kfp_gitops.base.yamltext import Path
from kfp_gitops.checking.check.context import Context
from kfp_gitops.language import storage, workspaces
from kfp_gitops.language.manifest import Importer, Task, walk


def problems(context: Context) -> Iterator[Problem]:
    """What KFP or Kubernetes refuses of either."""
    config, root = context.manifest.config, context.manifest.pipeline_root
    if config and (volume := config.workspace):
        for key, what, todo in workspaces.faults(volume.size, volume.pvc_spec_patch):
            yield context.document.problem(_place(key), what, todo, key=not key)
    if not context.nested and not (config and config.workspace):
        for at in downloads(context):
            yield context.document.problem(at, "there is no workspace to download to", "add `spec.workspace`")
    if root is not None and (fault := storage.root(root)):
        yield context.document.problem(("spec", "pipelineRoot"), *fault, fault="pipeline-root")


def downloads(context: Context) -> Iterator[Path]:
    """Where artifacts are downloaded to the workspace: by importers, and by pipelines inside."""
    for node in walk(context.manifest.body):
        if isinstance(node, Importer) and node.to_workspace:
            yield (*node.at, "importer", "uri")
        elif isinstance(node, Task) and (called := context.interface(node)) and called.to_workspace:
            yield (*node.at, "pipeline")


def _place(key: str) -> Path:
    inside: Path = (key,) if key in ("", "size") else ("pvcSpecPatch", key)
    return ("spec", "workspace", *(inside if key else ()))
