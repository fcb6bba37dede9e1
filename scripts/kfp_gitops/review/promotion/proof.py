"""Whether a release has run well in an environment: succeeded runs of a version of it, and what they measured."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kfp_gitops.base.errors import RefusedError
from kfp_gitops.kfpserver.kfpapi.actual import ActualRun, ActualVersion
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
class Instead:
    """Where a release has no succeeded run, what there is in its place."""

    rendered: str
    """The release that the manifests of the environment have; "" where they have no such pipeline."""
    registered: bool
    """Whether KFP has a version of the release that was asked for."""
    ran: str
    """Of which release the newest succeeded run is; "" where none succeeded, or it is of none of ours."""


@dataclass(frozen=True)
class Proof:
    """What one release did in the environment before: its newest succeeded run, "" for none, and its gates."""

    pipeline: str
    release: str
    run: str = ""
    gates: tuple[Verdict, ...] = ()
    instead: Instead | None = None

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

    def reasons(self, environment: str, say: Callable[[str], str]) -> Iterator[str]:
        """Why it has no succeeded run there, as far as that is known, and what comes before one.

        `say`: how a person types `reconcile.py …` for that environment.
        """
        found = self.instead
        if found is None:
            return
        if found.ran:
            yield f"the last one that succeeded ran release {found.ran[:19]}…"
        if found.rendered != self.release:
            has = f"has release {found.rendered[:19]}…" if found.rendered else "does not have the pipeline"
            render = f"`python scripts/render.py --env {environment} --lock`"
            yield f"manifests/{environment} {has}, and not this one: render ({render}), commit and apply"
        elif not found.registered:
            apply = f"`{say('reconcile.py apply')}`"
            yield f"no version of it is registered there: apply ({apply})"


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
        versions = self._versions(item.pipeline)
        proving = self._proving(item.pipeline, item.after, versions)
        runs = Runs(self._succeeded(item.pipeline, proving) if proving else (), self.results)
        newest = next(iter(runs.newest), None)
        if newest is None:
            return Proof(item.pipeline, item.after, instead=self._instead(item.pipeline, versions, proving))
        return Proof(
            item.pipeline, item.after, newest.id, tuple(gates.judged(gate, runs) for gate in item.requires)
        )

    def _instead(
        self, pipeline: str, versions: Collection[ActualVersion], proving: Collection[str]
    ) -> Instead:
        """The newest run is of a version of ours, or of what somebody tried."""
        of = {one.id: one.facts.get("release", "") for one in versions if one.owner == self.owner}
        last = next(self._succeeded(pipeline, None), None)
        ran = of.get(last.version_id or "", "") if last else ""
        return Instead(self.locked.get(pipeline, ("", ""))[0], bool(proving), ran)

    def _versions(self, pipeline: str) -> Collection[ActualVersion]:
        made = self.made.get(pipeline)
        found = self.api.pipeline(made.called, EVERY) if made else self.api.pipeline(pipeline)
        return found.versions.values() if found else ()

    def _proving(self, pipeline: str, release: str, versions: Collection[ActualVersion]) -> set[str]:
        """The ids of versions of ours that were made from the release, or hold what it compiles to."""
        made = self.made.get(pipeline)
        proving = {
            item.id for item in versions if item.owner == self.owner and item.facts.get("release") == release
        }
        rendered, version = self.locked.get(pipeline, ("", ""))
        if rendered == release:
            proving |= {item.id for item in versions if item.owner == self.owner and item.name == version}
        if made and made.release == release:
            proving |= {item.id for item in versions if item.digest == made.digest}
        return proving

    def _succeeded(self, pipeline: str, versions: Collection[str] | None) -> Iterator[ActualRun]:
        """The succeeded runs of some versions, or of any; the newest first."""
        experiment = self.api.experiment(experiment_name(pipeline, self.owner.environment))
        if experiment:
            runs = self.api.runs_in_state(experiment.id, ["SUCCEEDED"])
            yield from (run for run in runs if versions is None or run.version_id in versions)


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


@dataclass(frozen=True)
class Between:
    """The two environments of a promotion, as refusals name them."""

    source: str
    say: Callable[[str], str]
    """`run.py …` → what a person types for the source."""
    place: Callable[[str], str]
    """Pipeline → where the target says what it requires: `path:line:column`."""


def require(found: Sequence[Proof], between: Between) -> None:
    """Let them through.

    Raises:
        RefusedError: a release without a succeeded run in the environment, or one that missed a gate; all of them.
    """
    if lines := missing(found, between):
        raise RefusedError("\n".join(lines))


def missing(found: Sequence[Proof], between: Between) -> list[str]:
    """What keeps releases back, and what to do."""
    return [line for proof in found if not proof.holds for line in _missing(proof, between)]


def _missing(proof: Proof, between: Between) -> Iterator[str]:
    environment, run = between.source, f"`{between.say(f'run.py --pipeline {proof.pipeline} --wait')}`"
    if not proof.run:
        yield (
            f"{proof.pipeline}: no succeeded run of release {proof.release[:19]}… in {environment}"
            f"{''.join(f'; {one}' for one in proof.reasons(environment, between.say))}; run it there: {run}"
        )
    for verdict in (verdict for verdict in proof.gates if verdict.why):
        few = len(verdict.runs) < verdict.gate.runs
        more = f"; run it there: {run}" if few and not verdict.why.startswith(("no run", "tasks")) else ""
        if verdict.why.startswith("missed"):
            place = between.place(proof.pipeline)
            more = f"; promote another one, or have other bounds reviewed at {place}"
        yield f"{proof.pipeline}: release {proof.release[:19]}… requires {verdict.told}{more}"


def lines(proof: Proof, environment: str, link: Callable[[str], str]) -> Iterator[str]:
    """For people, of one that has run."""
    if proof.run:
        yield f"{proof.pipeline}: release {proof.release[:19]}… succeeded in {environment}: {link(proof.run)}"
    yield from (f"{proof.pipeline}: {verdict.told}" for verdict in proof.gates)
