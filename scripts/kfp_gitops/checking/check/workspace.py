"""The volume and the place in the object store that a whole run is given."""

from __future__ import annotations

from collections.abc import Iterator

from kfp_gitops.base.errors import Problem
from kfp_gitops.base.yamltext import Path
from kfp_gitops.checking.check.context import Context
from kfp_gitops.language import storage, workspaces


def problems(context: Context) -> Iterator[Problem]:
    """What KFP or Kubernetes refuses of either."""
    config, root = context.manifest.config, context.manifest.pipeline_root
    if config and (volume := config.workspace):
        for key, what, todo in workspaces.faults(volume.size, volume.pvc_spec_patch):
            yield context.document.problem(_place(key), what, todo, key=not key)
    if root is not None and (fault := storage.root(root)):
        yield context.document.problem(("spec", "pipelineRoot"), *fault)


def _place(key: str) -> Path:
    inside: Path = (key,) if key in ("", "size") else ("pvcSpecPatch", key)
    return ("spec", "workspace", *(inside if key else ()))
