"""Which environment has which pipeline on which KFP: a name there belongs to one owner, so two cannot claim it.

Without this the second apply would end with a conflict, at night and in prod as likely as in dev.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from kfp_gitops.base.errors import Problem
from kfp_gitops.sources import environment
from kfp_gitops.sources.environment import Environment


def twice_claimed(root: Path, names: Sequence[str]) -> Iterator[Problem]:
    """Every pipeline that two of these environments have in one namespace of one KFP, told of the later one.

    The cluster counts, for the usual host is a name inside of it. Names are one to KFP that differ only in case, but
    ours are lower case.
    """
    first: dict[tuple[str, str, str, str], str] = {}
    for env in (environment.load(root, name) for name in names):
        for pipeline in env.pipelines:
            other = first.setdefault((*_place(env), pipeline), env.name)
            if other != env.name:
                yield _problem(env, pipeline, other)


def _place(env: Environment) -> tuple[str, str, str]:
    inside = ".svc" in env.kfp["host"]
    cluster = str(env.delivery["cluster"]) if inside else ""
    return cluster, env.kfp["host"].rstrip("/").lower(), env.kfp["namespace"]


def _problem(env: Environment, pipeline: str, other: str) -> Problem:
    what = f"environments {other} and {env.name} both have the pipeline {pipeline!r} on {env.kfp['host']}"
    todo = (
        f"its names there belong to one of them: give {env.name} a KFP of its own (delivery.cluster, kfp.host) or a "
        "user namespace of its own (kfp.namespace), or rename the pipeline"
    )
    return env.values.problem(("pipelines", pipeline), what, todo, key=True)
