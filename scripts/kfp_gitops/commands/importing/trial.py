"""The command that runs on this machine what was imported, with what only a cluster has named."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from kfp_gitops.compiling import ir
from kfp_gitops.local.localrun import cluster


def command(env: str, name: str, text: str) -> str:
    """Of a pipeline, by its IR; people set the variables and make the folders themselves."""
    words = ["python", "scripts/run.py", "--env", env, "--pipeline", name, "--local"]
    settings = [one for document in ir.documents(text) for one in _settings(document)]
    variables = dict.fromkeys(name for one in settings for name in cluster.variables(one))
    mounts = dict.fromkeys(path for one in settings for path in cluster.mounted(one))
    words += [word for name in variables for word in ("--pass-env", name)]
    words += [word for path in mounts for word in ("--mount", path)]
    return shlex.join(words)


def _settings(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    kubernetes = document.get("platforms", {}).get("kubernetes", {})
    return list(kubernetes.get("deploymentSpec", {}).get("executors", {}).values())
