"""Which environment has which pipeline on which KFP: a name there belongs to one owner, so two cannot claim it.

Without this the second apply would end with a conflict, at night and in prod as likely as in dev.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from kfp_gitops.base.errors import Problem
from kfp_gitops.kfpserver.ownership import same
from kfp_gitops.reconcile.records import experiment_name
from kfp_gitops.sources import environment
from kfp_gitops.sources.environment import Environment


def twice_claimed(root: Path, names: Sequence[str]) -> Iterator[Problem]:
    """Every pipeline that two of these environments have in one namespace of one KFP, told of the later one.

    So are two pipelines whose experiments have one name: `a-b` of `c`, and `a` of `b-c`. The cluster counts, for the
    usual host is a name inside of it. Names are one to KFP that differ only in case, but ours are lower case.
    """
    first: dict[tuple[str, ...], tuple[str, str]] = {}
    for env in (environment.load(root, name) for name in names):
        for pipeline in env.pipelines:
            called = str(env.adopts(pipeline).get("pipeline", pipeline))
            claims = ("pipeline", same(called)), ("experiment", experiment_name(pipeline, env.name))
            for kind, name in claims:
                other = first.setdefault((*_place(env), kind, name), (env.name, pipeline))
                if other != (env.name, pipeline):
                    yield _problem(env, pipeline, f"{kind} {name!r}", other)


def _place(env: Environment) -> tuple[str, str, str]:
    inside = ".svc" in env.kfp["host"]
    cluster = str(env.delivery["cluster"]) if inside else ""
    return cluster, env.kfp["host"].rstrip("/").lower(), env.kfp["namespace"]


def _problem(env: Environment, pipeline: str, claimed: str, other: tuple[str, str]) -> Problem:
    both = f"environments {other[0]} and {env.name} both have"
    what = f"{both} the {claimed} on {env.kfp['host']}"
    what += f", of {other[1]!r} and {pipeline!r}" if other[1] != pipeline else ""
    todo = (
        f"its names there belong to one of them: give {env.name} a KFP of its own (delivery.cluster, kfp.host) or a "
        "user namespace of its own (kfp.namespace), or rename the pipeline"
    )
    return env.values.problem(("pipelines", pipeline), what, todo, key=True)
