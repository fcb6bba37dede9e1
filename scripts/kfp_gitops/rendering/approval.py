"""The approved plan of an environment that requires one: from environments/<env>/ into what is delivered, unchanged.

It covers what the Job does on KFP and not how the Job is delivered, so that it can be among what is delivered.
"""

from __future__ import annotations

from pathlib import Path

from kfp_gitops.base import files
from kfp_gitops.base.errors import InputError, Problem, raise_if_any
from kfp_gitops.checking.limits import CONFIG_MAP, at_most
from kfp_gitops.rendering import planfile
from kfp_gitops.sources.environment import Environment


def approved(root: Path, env: Environment) -> str:
    """Its text; empty where none is required, or none is approved yet: that one plans with what is rendered.

    Raises:
        InputError: it is no plan, or not of this environment, or too large for a ConfigMap.
    """
    path = planfile.path(env.name)
    if not env.delivery["requirePlan"] or not (root / path).exists():
        return ""
    text = files.read_text(root, path)
    _require_own(env, planfile.read(text, path), path)
    if "artifact" not in env.delivery and len(text.encode()) > CONFIG_MAP.maximum:
        what = f"has {len(text.encode())} bytes; {at_most(CONFIG_MAP)}"
        raise InputError(
            [
                Problem(
                    path,
                    1,
                    1,
                    what,
                    "deliver fewer pipelines by this environment, or set `delivery.artifact`",
                )
            ]
        )
    return text


def _require_own(env: Environment, basis: planfile.Basis, path: str) -> None:
    if f"environment {env.name}" not in basis.objects():
        what, todo = "is the plan of another environment", f"write it with `plan --env {env.name} --approve`"
        raise_if_any([Problem(path, 1, 1, what, todo)])
