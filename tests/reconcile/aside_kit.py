"""A KFP in this process that also deletes runs and experiments, and tells what is marked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from fake_controller import instant
from fake_kfp import FakeKfp, _facts, _owner
from kfp_gitops.base.errors import NotFoundError, RemoteError
from kfp_gitops.kfpserver.kfpapi.actual import ACTIVE, ActualPipeline, ActualRun, ActualVersion, Marked
from kfp_gitops.kfpserver.kfpapi.models import RunState
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.reconcile.aside import aside
from kfp_gitops.reconcile.records import Desired, DesiredPipeline

IR = "pipelineInfo:\n  name: {name}\nroot:\n  dag: {{}}\nschemaVersion: 2.1.0\n"


class AsideKfp(FakeKfp):
    """Implements `reconcile.api.Kfp` and `takedown.Api`; `meanwhile` is done once, within the call of that number."""

    def __init__(self) -> None:
        super().__init__()
        self._of_pipelines: dict[str, Mapping[str, str]] = {}
        self._where: dict[str, tuple[str, str]] = {}
        """Run → its experiment, its pipeline."""
        self.lost: list[str] = []
        """Names of runs that nobody can delete any more: their experiment went first (seen on KFP 2.17.0)."""
        self.meanwhile: tuple[int, Callable[[], object]] | None = None
        self.watch = self._meanwhile

    def _meanwhile(self) -> None:
        if self.meanwhile is None:
            return
        number, act = self.meanwhile
        self.meanwhile = (number - 1, act) if number > 1 else None
        if number <= 1:
            kept, self.interruption = self.interruption, None  # another process is not the one that is killed
            act()
            self.interruption = kept

    def create_pipeline(self, name: str, description: str) -> ActualPipeline:
        if name not in self._pipelines:
            self._of_pipelines[name] = _facts(description)
        return super().create_pipeline(name, description)

    def marked(self) -> list[Marked]:
        def effect() -> list[Marked]:
            pipelines = [
                Marked("pipeline", one.id, one.name, one.owner, self._of_pipelines[one.name])
                for one in self._pipelines.values()
                if one.owner
            ]
            experiments = [
                Marked("experiment", one.id, one.name, one.owner, one.facts)
                for one in self._experiments.values()
                if one.owner
            ]
            return [*pipelines, *experiments]

        return self._call(effect)

    def versions(self, pipeline_id: str) -> Mapping[str, ActualVersion]:
        def effect() -> Mapping[str, ActualVersion]:
            return next((dict(p.versions) for p in self._pipelines.values() if p.id == pipeline_id), {})

        return self._call(effect)

    def delete_experiment(self, experiment_id: str) -> None:
        def effect() -> None:
            self._experiments = {k: v for k, v in self._experiments.items() if v.id != experiment_id}
            self.lost += [self.runs[r][0].name for r, (e, _) in self._where.items() if e == experiment_id]

        self._call(effect)

    def delete_pipeline(self, pipeline_id: str) -> None:
        gone = [p for p in self._pipelines.values() if p.id == pipeline_id]
        assert not any(p.versions for p in gone), "with versions that nobody looked at"
        super().delete_pipeline(pipeline_id)

    def create_run(
        self, *, name: str, pipeline_id: str, version_id: str, experiment_id: str, parameters: Mapping[str, Any],
        description: str = "",
    ) -> str:  # fmt: skip
        del parameters, description

        def effect() -> str:
            if version_id and all(v.id != version_id for v in self._by_id(pipeline_id).versions.values()):
                raise RemoteError("500: the version does not exist")  # facts 4.2
            if all(one.id != experiment_id for one in self._experiments.values()):
                raise NotFoundError("404: no such experiment")
            run = ActualRun(self._id("r"), name, "", version_id, None, instant(self.clock))
            self.runs[run.id] = run, self.clock + self.lasts
            self._where[run.id] = experiment_id, pipeline_id
            return run.id

        return self._call(effect)

    def runs_since(
        self, since: datetime | None, states: Collection[str] = (), experiment_id: str = ""
    ) -> Iterator[RunState]:
        assert since is None and not states

        def effect() -> list[RunState]:
            if all(one.id != experiment_id for one in self._experiments.values()):
                raise NotFoundError("404: no such experiment")
            return [
                RunState(
                    run.id, run.name, self._state(end), run.created, None, None, (),
                    pipeline_id=self._where[run.id][1], version_id=run.version_id or "", experiment_id=experiment_id,
                )
                for run, end in self.runs.values()
                if self._where[run.id][0] == experiment_id
            ]  # fmt: skip

        return iter(self._call(effect))

    def runs_in_flight(self) -> list[ActualRun]:
        def effect() -> list[ActualRun]:
            found = [replace(run, state=self._state(end)) for run, end in self.runs.values()]
            return [run for run in found if run.state in ACTIVE]

        return self._call(effect)

    def delete_run(self, run_id: str) -> None:
        def effect() -> None:
            if run_id in self.runs and self._where[run_id][0] not in {
                e.id for e in self._experiments.values()
            }:
                raise RemoteError("404: namespace fetching error")
            self.runs.pop(run_id, None)
            self._where.pop(run_id, None)

        self._call(effect)

    def all_but(self, owners: Collection[Owner]) -> dict[str, Any]:
        """Every object that is not marked as one of these, in all its fields, without what time changes."""
        mine = {one.id for one in self._pipelines.values() if one.owner in owners}
        return {
            "pipelines": {k: v for k, v in self._pipelines.items() if v.id not in mine},
            "versions": [
                v for p in self._pipelines.values() for v in p.versions.values() if v.owner not in owners
            ],
            "experiments": {k: v for k, v in self._experiments.items() if v.owner not in owners},
            "schedules": [one.record for one in self.recurring.values()],
            "runs": {k: v[0] for k, v in self.runs.items() if not v[0].name.startswith(("alice", "bob"))},
        }

    def of(self, owner: Owner) -> list[str]:
        """The names of all that is marked as an owner's."""
        versions = [v for p in self._pipelines.values() for v in p.versions.values()]
        everything = [*self._pipelines.values(), *versions, *self._experiments.values()]
        return sorted(one.name for one in everything if one.owner == owner)


def desired(owner: Owner, *names: str, content: str = "1") -> Desired:
    """An environment of pipelines without schedules, as if it were compiled."""
    pipelines = tuple(
        DesiredPipeline(
            name, "d", f"sha256:{content}{name}", f"sha-{content}", f"sha256:{content}",
            IR.format(name=name) + f"defaultPipelineRoot: {content}\n", (),
        )
        for name in names
    )  # fmt: skip
    return Desired(owner, "http://127.0.0.1", "", pipelines, keep_versions=2)


def own(of: Desired, name: str, until: datetime | None) -> Desired:
    """A developer's own copy of it."""
    return aside(of, f"{name}-", Owner(of.owner.repository, f"{of.owner.environment}-as-{name}"), until, name)


__all__ = ["AsideKfp", "_owner", "desired", "own"]
