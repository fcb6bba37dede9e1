"""Whether a release has run well in an environment: succeeded runs of a version of it, and what they measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kfp_gitops.base.errors import RefusedError
from kfp_gitops.kfpserver.kfpapi.actual import ActualRun
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.language.gates import Verdict
from kfp_gitops.reconcile.adoption import EVERY
from kfp_gitops.reconcile.records import experiment_name
from kfp_gitops.review.promotion import gates
from kfp_gitops.review.promotion.gates import Runs
from kfp_gitops.review.promotion.status import Pending

if TYPE_CHECKING:
    from kfp_gitops.kfpserver.kfpapi.client import KfpApi
    from kfp_gitops.kfpserver.metadata import RunResults
    from kfp_gitops.reconcile.folder import Folder


@dataclass(frozen=True)
class ByHand:
    """A pipeline that was made in KFP: its name there, and of which release the IR of this digest is.

    A version that was uploaded in KFP says of no release that it is of it; it holds the IR, or does not.
    """

    called: str
    release: str
    digest: str


@dataclass(frozen=True)
class Proof:
    """What one release did in the environment before: its newest succeeded run, "" for none, and its gates."""

    pipeline: str
    release: str
    run: str = ""
    gates: tuple[Verdict, ...] = ()

    @property
    def measured(self) -> list[dict[str, Any]]:
        """For release.yaml: each gate's metric, and what the runs of the release had of it, the newest first."""
        return [
            {
                "release": self.release,
                "metric": verdict.gate.metric,
                **({"task": verdict.gate.task} if verdict.gate.task else {}),
                "runs": {one.run: list(one.values) for one in verdict.runs},
            }
            for verdict in self.gates
        ]

    @property
    def holds(self) -> bool:
        """Whether it may be promoted."""
        return bool(self.run) and not any(verdict.why for verdict in self.gates)


@dataclass(frozen=True)
class Source:
    """The environment that a release comes from, on its server; `results` is asked where there are gates."""

    api: KfpApi
    owner: Owner
    results: Callable[[str], RunResults]
    made: Mapping[str, ByHand] = field(default_factory=dict)
    """Those pipelines that were made in KFP."""
    locked: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Pipeline → the release that is rendered there, and the version that it compiles to.

    A release that compiles to what one before it did, as after another owner, registers nothing: its version says of
    which one it was made first, and what ran is the very same.
    """

    def proof(self, item: Pending) -> Proof:
        """What is known of a release there.

        Raises:
            GitOpsError: it cannot be asked.
        """
        assert item.after is not None
        runs = Runs(self._succeeded(item.pipeline, item.after), self.results)
        newest = next(iter(runs.newest), None)
        verdicts = (gates.judged(gate, runs) for gate in (item.requires if newest else ()))
        return Proof(item.pipeline, item.after, newest.id if newest else "", tuple(verdicts))

    def _succeeded(self, pipeline: str, release: str) -> Iterator[ActualRun]:
        """The succeeded runs of versions of ours that were made from the release, or hold what it compiles to."""
        made = self.made.get(pipeline)
        found = self.api.pipeline(made.called, EVERY) if made else self.api.pipeline(pipeline)
        experiment = self.api.experiment(experiment_name(pipeline, self.owner.environment))
        versions = found.versions.values() if found else ()
        proving = {
            item.id for item in versions if item.owner == self.owner and item.facts.get("release") == release
        }
        rendered, version = self.locked.get(pipeline, ("", ""))
        if rendered == release:
            proving |= {item.id for item in versions if item.owner == self.owner and item.name == version}
        if made and made.release == release:
            proving |= {item.id for item in versions if item.digest == made.digest}
        if proving and experiment:
            runs = self.api.runs_in_state(experiment.id, ["SUCCEEDED"])
            yield from (run for run in runs if run.version_id in proving)


def by_hand(folder: Folder) -> dict[str, ByHand]:
    """Those of a rendered environment."""
    return {
        entry["name"]: ByHand(
            entry["adopts"]["pipeline"], entry["release"], folder.locked[entry["name"]].digest
        )
        for entry in folder.environment["pipelines"]
        if "adopts" in entry and entry["name"] in folder.locked
    }


def locked(folder: Folder) -> dict[str, tuple[str, str]]:
    """`Source.locked` of a rendered environment."""
    return {
        entry["name"]: (entry["release"], folder.locked[entry["name"]].version)
        for entry in folder.environment["pipelines"]
        if entry["name"] in folder.locked
    }


def proofs(source: Source, releases: Sequence[Pending]) -> list[Proof]:
    """What is known of each pipeline's release; the reconciler's image runs in no pipeline."""
    return [
        source.proof(item) for item in releases if item.after is not None and item.after.startswith("sha256:")
    ]


def require(found: Sequence[Proof], environment: str) -> None:
    """Let them through.

    Raises:
        RefusedError: a release without a succeeded run in the environment, or one that missed a gate; all of them.
    """
    lines = [line for proof in found if not proof.holds for line in _missing(proof, environment)]
    if lines:
        raise RefusedError("\n".join(lines))


def _missing(proof: Proof, environment: str) -> Iterator[str]:
    run = f"`python scripts/run.py --env {environment} --pipeline {proof.pipeline} --wait`"
    if not proof.run:
        yield (
            f"{proof.pipeline}: no succeeded run of release {proof.release[:19]}… in {environment}; apply and run it "
            f"there: {run}"
        )
    for verdict in (verdict for verdict in proof.gates if verdict.why):
        few = verdict.why and len(verdict.runs) < verdict.gate.runs
        more = f"; run it there: {run}" if few and not verdict.why.startswith(("no run", "tasks")) else ""
        yield f"{proof.pipeline}: release {proof.release[:19]}… requires {verdict.told}{more}"


def lines(proof: Proof, environment: str, link: Callable[[str], str]) -> Iterator[str]:
    """For people, of one that has run."""
    if proof.run:
        yield f"{proof.pipeline}: release {proof.release[:19]}… succeeded in {environment}: {link(proof.run)}"
    yield from (f"{proof.pipeline}: {verdict.told}" for verdict in proof.gates)
