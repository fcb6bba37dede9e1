"""Run once more what ran before: the same version and parameters but for those that are changed, where it ran."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from kfp_gitops.base.errors import UsageError
from kfp_gitops.checking.limits import RUN
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.kfpapi.models import Source
from kfp_gitops.operate import runs


def rerun(
    api: KfpApi,
    run_id: str,
    experiments: Mapping[str, str],
    refuse: Callable[[Mapping[str, Any]], None] = lambda _: None,
    changes: Sequence[str] = (),
    by: str = "",
    into: str = "",
) -> str:
    """Start it again; returns the new run's id. `experiments` are those of the environment: id → pipeline.

    `into`: the experiment of its pipeline, where it is known to be ours though it ran in another one.

    `refuse` raises for parameters that cannot be sent once more. `changes`: texts `key=value` of those that differ.

    Raises:
        UsageError: the run is of another environment, or was made of no registered version, or a change is wrong.
        NotFoundError: there is no such run.
    """
    found = api.source(run_id)
    if not into and found.experiment_id not in experiments:
        raise UsageError(f"run {run_id} is in none of the experiments of this environment; see --list")
    if not (found.pipeline_id and found.version_id):
        raise UsageError(
            f"run {run_id} was made of no registered version, so it cannot be known what to run again"
        )
    parameters = {**found.parameters, **_changed(api, found, changes)}
    refuse(parameters)
    return api.create_run(
        name=_name(found),
        pipeline_id=found.pipeline_id,
        version_id=found.version_id,
        experiment_id=into or found.experiment_id,
        parameters=parameters,
        description=runs.started(rerun=run_id, by=by),
    )


def _changed(api: KfpApi, found: Source, changes: Sequence[str]) -> Mapping[str, Any]:
    """By the types of the version that ran, which may not be today's."""
    if not changes:
        return {}
    version = api.compiled(found.pipeline_id, found.version_id)
    if version is None:
        raise UsageError(
            "--param: the version that this run was of is gone, so its parameters' types are not known"
        )
    return runs.changed(version.spec, changes)


def _name(found: Source) -> str:
    """`P-…-rerun-…` however often it is run again; of a long name, which a person may have given, the beginning."""
    end = f"-rerun-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    return f"{found.name.split('-rerun-')[0][: RUN.maximum - len(end)]}{end}"
