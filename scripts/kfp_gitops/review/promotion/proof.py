"""Whether a release has run well in an environment: a succeeded run of a version that was made from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from kfp_gitops.base.errors import RefusedError
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.reconcile.adoption import EVERY
from kfp_gitops.reconcile.records import experiment_name
from kfp_gitops.review.promotion.status import Pending

if TYPE_CHECKING:
    from kfp_gitops.kfpserver.kfpapi.client import KfpApi
    from kfp_gitops.reconcile.folder import Folder


@dataclass(frozen=True)
class ByHand:
    """A pipeline that was made in KFP: its name there, and of which release the IR of this digest is.

    A version that was uploaded in KFP says of no release that it is of it; it holds the IR, or does not.
    """

    called: str
    release: str
    digest: str


def by_hand(folder: Folder) -> dict[str, ByHand]:
    """Those of a rendered environment."""
    return {
        entry["name"]: ByHand(
            entry["adopts"]["pipeline"], entry["release"], folder.locked[entry["name"]].digest
        )
        for entry in folder.environment["pipelines"]
        if "adopts" in entry and entry["name"] in folder.locked
    }


def require(
    api: KfpApi,
    repository: str,
    environment: str,
    releases: Sequence[Pending],
    made: Mapping[str, ByHand] = MappingProxyType({}),
) -> Iterator[str]:
    """Say for each pipeline's release which run proves it; `made`: those that were made in KFP.

    Raises:
        RefusedError: a release without a succeeded run in the environment; all of them at once.
    """
    owner = Owner(repository, environment)
    missing = []
    for item in releases:
        if item.after is None or not item.after.startswith("sha256:"):
            continue  # the reconciler's image runs in no pipeline
        run = _succeeded(api, owner, item.pipeline, item.after, made.get(item.pipeline))
        if run is None:
            missing.append(
                f"{item.pipeline}: no succeeded run of release {item.after[:19]}… in {environment}; apply and run it "
                f"there: `python scripts/run.py --env {environment} --pipeline {item.pipeline} --wait`"
            )
        else:
            yield f"{item.pipeline}: release {item.after[:19]}… succeeded in {environment}: {api.run_link(run)}"
    if missing:
        raise RefusedError("\n".join(missing))


def _succeeded(api: KfpApi, owner: Owner, pipeline: str, release: str, made: ByHand | None) -> str | None:
    """The newest succeeded run of a version of ours that was made from the release, or holds what it compiles to."""
    found = api.pipeline(made.called, EVERY) if made else api.pipeline(pipeline)
    experiment = api.experiment(experiment_name(pipeline, owner.environment))
    versions = found.versions.values() if found else ()
    proving = {item.id for item in versions if item.owner == owner and item.facts.get("release") == release}
    if made and made.release == release:
        proving |= {item.id for item in versions if item.digest == made.digest}
    if not proving or not experiment:
        return None
    runs = api.runs_in_state(experiment.id, ["SUCCEEDED"])
    return next((run.id for run in runs if run.version_id in proving), None)
