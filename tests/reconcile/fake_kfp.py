"""A KFP in this process, fast enough for thousands of sequences, that can be killed at any call.

It follows the server's rules, each named beside it, and shares nothing with what it tests but the records of its
answers. What fires meanwhile is the controller's (`fake_controller`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from fake_calls import Calls
from fake_controller import Recurring, instant
from kfp_gitops.base.errors import NotFoundError, RemoteError
from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.kfpapi.actual import (
    ActualExperiment,
    ActualPipeline,
    ActualRun,
    ActualSchedule,
    ActualVersion,
)
from kfp_gitops.kfpserver.ownership import Owner
from kfp_gitops.language.manifest import Schedule

T = TypeVar("T")


class FakeKfp(Calls):
    """Implements `reconcile.api.Kfp`."""

    def __init__(  # each of them by name
        self,
        latency: int = 0,
        lag: int = 0,
        lasts: int = 0,
        unseen: int = 0,
        *,
        cadence: int = 0,
        phase: int = 0,
    ) -> None:
        super().__init__(latency, lag=lag, lasts=lasts, unseen=unseen, cadence=cadence, phase=phase)
        self._pipelines: dict[str, ActualPipeline] = {}
        self._experiments: dict[str, ActualExperiment] = {}
        self.touching: Counter[str] = Counter()
        """Calls that touch a ScheduledWorkflow, by name."""
        self.experiment_of: dict[str, str] = {}
        """Recurring run → its experiment, also when it is deleted."""
        self.uploads: Counter[tuple[str, str]] = Counter()
        self.deletions: Counter[tuple[str, str]] = Counter()
        """Both: (pipeline's id, version's name) → how often it came about."""

    def together(self, reads: Iterable[Callable[[], T]]) -> list[T]:
        return [
            read() for read in reads
        ]  # one after another, so that a call that is killed is the same each time

    # pipelines

    def pipelines(self, names: Mapping[str, str], owner: Owner | None = None) -> Mapping[str, ActualPipeline]:
        return self._list(
            lambda: {
                name: found
                for name, found in self._pipelines.items()
                if name in names or (owner and found.owner == owner)
            },
            {},
        )

    def pipeline(self, name: str, version: str = "") -> ActualPipeline | None:
        del version  # all are told with the digest of their content
        return self._call(lambda: self._pipelines.get(name))

    def create_pipeline(self, name: str, description: str) -> ActualPipeline:
        def effect() -> ActualPipeline:
            new = ActualPipeline(self._id("p"), name, _owner(description))
            return self._pipelines.setdefault(name, new)  # 409: as it is

        return self._call(effect)

    def adopt_pipeline(
        self, found: ActualPipeline, owner: Owner, taken: Collection[str] = ()
    ) -> ActualPipeline:
        name = found.called or found.name

        def effect() -> ActualPipeline:
            marked = replace(
                self._pipelines[name], owner=owner, tags=ownership.tags(owner, taken, found.tags)
            )
            self._pipelines[name] = marked
            return marked

        return self._call(effect)

    def delete_pipeline(self, pipeline_id: str) -> None:
        def effect() -> None:
            self._pipelines = {k: v for k, v in self._pipelines.items() if v.id != pipeline_id}

        self._call(effect)

    def upload_version(
        self, pipeline_id: str, name: str, ir: str, description: str, tags: Mapping[str, str] | None = None
    ) -> ActualVersion:
        def effect() -> ActualVersion:
            pipeline = self._by_id(pipeline_id)
            new = ActualVersion(
                self._id("v"), name, instant(self.clock), _owner(description), _facts(description),
                _facts(description).get("digest", "sha256:of-others"),
            )  # fmt: skip
            self.uploads[pipeline_id, name] += name not in pipeline.versions
            versions = {name: new, **pipeline.versions}  # 409: as it is
            self._pipelines[pipeline.name] = replace(pipeline, versions=versions)
            return versions[name]

        return self._call(effect)

    def delete_version(self, pipeline_id: str, version_id: str) -> None:
        def effect() -> None:
            pipeline = self._by_id(pipeline_id)
            left = {k: v for k, v in pipeline.versions.items() if v.id != version_id}
            self.deletions.update((pipeline_id, name) for name in pipeline.versions.keys() - left.keys())
            self._pipelines[pipeline.name] = replace(pipeline, versions=left)

        self._call(effect)

    def version_exists(self, pipeline_id: str, version_id: str) -> bool:
        return self._call(
            lambda: any(v.id == version_id for p in self._pipelines.values() for v in p.versions.values())
        )

    def _by_id(self, pipeline_id: str) -> ActualPipeline:
        for found in self._pipelines.values():
            if found.id == pipeline_id:
                return found
        raise RemoteError("400: the pipeline does not exist")

    # experiments

    def experiments(self, names: Collection[str], beginning: str = "\0") -> Mapping[str, ActualExperiment]:
        return self._list(
            lambda: {
                name: found
                for name, found in self._experiments.items()
                if name in names or name.startswith(beginning)
            },
            {},
        )

    def experiment(self, name: str) -> ActualExperiment | None:
        return self._call(lambda: self._experiments.get(name))

    def create_experiment(self, name: str, description: str) -> ActualExperiment:
        new = ActualExperiment(self._id("e"), name, _owner(description), facts=_facts(description))
        return self._call(lambda: self._experiments.setdefault(name, new))

    def archive_experiment(self, experiment_id: str) -> None:
        """resource_manager.go ArchiveExperiment: its recurring runs are disabled."""

        def effect() -> None:
            self._archive(experiment_id, archived=True)

        self._call(effect)

    def unarchive_experiment(self, experiment_id: str) -> None:
        self._call(lambda: self._archive(experiment_id, archived=False))

    def _archive(self, experiment_id: str, *, archived: bool) -> None:
        for name, found in self._experiments.items():
            if found.id == experiment_id:
                self._experiments[name] = replace(found, archived=archived)

    # recurring runs

    def schedules(self) -> list[ActualSchedule]:
        return self._list(lambda: [found.record for found in self.recurring.values()], [])

    def schedules_named(self, names: Collection[str]) -> list[ActualSchedule]:
        return self._list(
            lambda: [found.record for found in self.recurring.values() if found.record.name in names], []
        )

    def create_schedule(
        self,
        *,
        name: str,
        description: str,
        pipeline_id: str,
        version_id: str,
        experiment_id: str,
        schedule: Schedule,
        start: datetime | None = None,
        service_account: str = "",
    ) -> ActualSchedule:
        def effect() -> ActualSchedule:
            if all(version.id != version_id for version in self._by_id(pipeline_id).versions.values()):
                raise RemoteError("500: the version does not exist")  # facts 4.2
            record = ActualSchedule(
                self._id("s"), name, pipeline_id, version_id, False, instant(self.clock), _owner(description),
                _facts(description), schedule.cron, schedule.interval_seconds, start,
                datetime.fromisoformat(schedule.end) if schedule.end else None,
                dict(schedule.parameters), schedule.max_concurrency, schedule.catchup, experiment_id,
                service_account or "pipeline-runner",
            )  # fmt: skip
            self.recurring[record.id] = Recurring(record)
            self.experiment_of[record.id] = experiment_id
            return record

        def hide(made: ActualSchedule) -> None:
            self.ghosts[made.id] = self.recurring.pop(made.id)

        assert len(description) <= 255 - len(" attempt=01234567"), description
        self.touching["create"] += 1
        self._remember()
        return self._call(effect, hide)

    def enable_schedule(self, schedule_id: str) -> None:
        """Keeps what it knows of its last firing, so what fell due meanwhile fires at once (facts 4.5)."""
        self.touching["enable"] += 1
        self._remember()
        self._call(lambda: self.set_enabled(schedule_id, enabled=True))

    def disable_schedule(self, schedule_id: str) -> None:
        self.touching["disable"] += 1
        self._remember()
        self._call(lambda: self.set_enabled(schedule_id, enabled=False))

    def set_enabled(self, schedule_id: str, *, enabled: bool) -> None:
        found = self.recurring.get(schedule_id)
        if found is None:
            raise NotFoundError("404")
        found.record = replace(found.record, enabled=enabled)
        if self.cadence:  # an event
            self._look(found)
        else:
            self._fire()

    def delete_schedule(self, schedule_id: str) -> None:
        self.touching["delete"] += 1
        self._remember()
        self._call(lambda: self.recurring.pop(schedule_id, None))

    # runs

    def runs_of_schedule(self, schedule_id: str) -> list[ActualRun]:
        return self._runs(lambda run: run.schedule_id == schedule_id)

    def runs_in(self, experiment_id: str) -> list[ActualRun]:
        return self._runs(lambda run: self.experiment_of.get(run.schedule_id or "") == experiment_id)

    def runs_with_names(self, names: Collection[str]) -> list[ActualRun]:
        return self._runs(lambda run: run.name in names)

    def runs_called_like(self, part: str) -> list[ActualRun]:
        return self._runs(lambda run: part in run.name)

    def runs_in_flight(self) -> list[ActualRun]:
        return [run for run in self._runs(lambda _: True) if run.active]

    def _runs(self, wanted: Callable[[ActualRun], bool]) -> list[ActualRun]:
        def effect() -> list[ActualRun]:
            newest = [found for found in self.runs.values() if self._is_seen(found[0])][::-1]
            return [replace(run, state=self._state(end)) for run, end in newest if wanted(run)][:50]

        return self._list(effect, [])

    def create_run(
        self,
        *,
        name: str,
        pipeline_id: str,
        version_id: str,
        experiment_id: str,
        parameters: Mapping[str, Any],
        description: str = "",
    ) -> str:
        def effect() -> str:
            run = ActualRun(
                self._id("r"), name, "", version_id, None, instant(self.clock), instant(self.clock)
            )
            self.runs[run.id] = run, self.clock + self.lasts
            return run.id

        self._remember()

        def hide(made: str) -> None:
            self.ghost_runs.append(self.runs.pop(made)[0])

        return self._call(effect, hide)


def _facts(description: str) -> dict[str, str]:
    marker = description.rsplit("\n", 1)[-1]
    return (
        dict(pair.split("=", 1) for pair in marker.split(" ")[1:]) if marker.startswith("kfp-gitops ") else {}
    )


def _owner(description: str) -> Owner | None:
    facts = _facts(description)
    return Owner(facts["repository"], facts["environment"]) if "repository" in facts else None


@dataclass
class Told:
    """Collects what applies tell."""

    events: list[Any] = field(default_factory=list)

    def __call__(self, event: Any) -> None:
        self.events.append(event)
