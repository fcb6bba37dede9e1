"""A task's own cache key: no release of KFP does with it what its name promises. Pure.

2.17.0 does not read it (backend/src/v2/driver/cache.go). From 2.18 on it stands for image, command and inputs, which
are then in no key: the result of another image or of other inputs answers (kubeflow/pipelines#13762, July 2026).
"""

from __future__ import annotations

from collections.abc import Iterator

from kfp_gitops.base.errors import Problem
from kfp_gitops.checking.check.context import Context
from kfp_gitops.language.manifest import Task, walk


def warnings(context: Context) -> Iterator[Problem]:
    """One for each task that has a key."""
    for node in walk(context.manifest.body):
        if isinstance(node, Task) and node.settings.cache_key:
            what = (
                "KFP 2.17 does not read this key; from 2.18 on it replaces image, command and inputs, "
                "so that a changed task is answered with an old result"
            )
            todo = "let an argument tell results apart, or change the key with all that the result depends on"
            yield context.document.problem((*node.at, "cache", "key"), what, todo, key=True)
