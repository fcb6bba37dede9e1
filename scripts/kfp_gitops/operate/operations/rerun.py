"""Run once more what ran before: the same version, the same parameters, in the same experiment."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from kfp_gitops.base.errors import UsageError
from kfp_gitops.checking.limits import RUN
from kfp_gitops.kfpserver.kfpapi.client import KfpApi
from kfp_gitops.kfpserver.kfpapi.models import Source


def rerun(
    api: KfpApi,
    run_id: str,
    experiments: dict[str, str],
    refuse: Callable[[Mapping[str, Any]], None] = lambda _: None,
) -> str:
    """Start it again; returns the new run's id. `experiments` are those of the environment: id → pipeline.

    `refuse` raises for parameters that cannot be sent once more.

    Raises:
        UsageError: the run is of another environment, or was made of no registered version.
        NotFoundError: there is no such run.
    """
    found = api.source(run_id)
    if found.experiment_id not in experiments:
        raise UsageError(f"run {run_id} is in none of the experiments of this environment; see --list")
    if not (found.pipeline_id and found.version_id):
        raise UsageError(
            f"run {run_id} was made of no registered version, so it cannot be known what to run again"
        )
    refuse(found.parameters)
    return api.create_run(
        name=_name(found),
        pipeline_id=found.pipeline_id,
        version_id=found.version_id,
        experiment_id=found.experiment_id,
        parameters=found.parameters,
    )


def _name(found: Source) -> str:
    """`P-…-rerun-…` however often it is run again; of a long name, which a person may have given, the beginning."""
    end = f"-rerun-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    return f"{found.name.split('-rerun-')[0][: RUN.maximum - len(end)]}{end}"
