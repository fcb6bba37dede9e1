"""Whether a release has run well in an environment: a succeeded run of a version that was made from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from kfp_gitops.base.errors import RefusedError
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.reconcile.records import experiment_name
from kfp_gitops.review.promotion.status import Pending

if TYPE_CHECKING:
    from kfp_gitops.kfpserver.kfpapi.client import KfpApi


def require(api: KfpApi, repository: str, environment: str, releases: Sequence[Pending]) -> Iterator[str]:
    """Say for each pipeline's release which run proves it.

    Raises:
        RefusedError: a release without a succeeded run in the environment; all of them at once.
    """
    owner = Owner(repository, environment)
    missing = []
    for item in releases:
        if item.after is None or not item.after.startswith("sha256:"):
            continue  # the reconciler's image runs in no pipeline
        run = _succeeded(api, owner, item.pipeline, item.after)
        if run is None:
            missing.append(
                f"{item.pipeline}: no succeeded run of release {item.after[:19]}… in {environment}; apply and run it "
                f"there: `python scripts/run.py --env {environment} --pipeline {item.pipeline} --wait`"
            )
        else:
            yield f"{item.pipeline}: release {item.after[:19]}… succeeded in {environment}: {api.run_link(run)}"
    if missing:
        raise RefusedError("\n".join(missing))


def _succeeded(api: KfpApi, owner: Owner, pipeline: str, release: str) -> str | None:
    """The newest succeeded run of a version of ours that was made from the release."""
    found, experiment = api.pipeline(pipeline), api.experiment(experiment_name(pipeline, owner.environment))
    versions = found.versions.values() if found else ()
    proving = {item.id for item in versions if item.owner == owner and item.facts.get("release") == release}
    if not proving or not experiment:
        return None
    runs = api.runs_in_state(experiment.id, ["SUCCEEDED"])
    return next((run.id for run in runs if run.version_id in proving), None)
