"""What the reconciler asks of KFP. `kfpapi.client.KfpApi` is the real one; tests bring a server that can be killed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

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


class Starter(Protocol):
    """What it takes to start a run; every method may raise RemoteError."""

    def now(self) -> datetime: ...
    def together(self, reads: Iterable[Callable[[], T]]) -> list[T]: ...

    def experiments(
        self, names: Collection[str], beginning: str = "\0"
    ) -> Mapping[str, ActualExperiment]: ...
    def experiment(self, name: str) -> ActualExperiment | None: ...
    def create_experiment(self, name: str, description: str) -> ActualExperiment: ...
    def unarchive_experiment(self, experiment_id: str) -> None: ...

    def runs_with_names(self, names: Collection[str]) -> Sequence[ActualRun]: ...
    def create_run(
        self,
        *,
        name: str,
        pipeline_id: str,
        version_id: str,
        experiment_id: str,
        parameters: Mapping[str, Any],
        description: str = "",
    ) -> str: ...


class Kfp(Starter, Protocol):
    """One KFP and one namespace of it; every method may raise RemoteError."""

    def pipelines(
        self, names: Mapping[str, str], owner: Owner | None = None
    ) -> Mapping[str, ActualPipeline]: ...
    def pipeline(self, name: str, version: str = "") -> ActualPipeline | None: ...
    def create_pipeline(self, name: str, description: str) -> ActualPipeline: ...
    def adopt_pipeline(
        self, found: ActualPipeline, owner: Owner, taken: Collection[str] = ()
    ) -> ActualPipeline: ...
    def delete_pipeline(self, pipeline_id: str) -> None: ...
    def upload_version(
        self, pipeline_id: str, name: str, ir: str, description: str, tags: Mapping[str, str] | None = None
    ) -> ActualVersion: ...
    def delete_version(self, pipeline_id: str, version_id: str) -> None: ...

    def version_exists(self, pipeline_id: str, version_id: str) -> bool: ...

    def archive_experiment(self, experiment_id: str) -> None: ...

    def schedules(self) -> Iterable[ActualSchedule]: ...
    def schedules_named(self, names: Collection[str]) -> Sequence[ActualSchedule]: ...
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
    ) -> ActualSchedule: ...
    def enable_schedule(self, schedule_id: str) -> None: ...
    def disable_schedule(self, schedule_id: str) -> None: ...
    def delete_schedule(self, schedule_id: str) -> None: ...

    def runs_of_schedule(self, schedule_id: str) -> Sequence[ActualRun]: ...
    def runs_in(self, experiment_id: str) -> Sequence[ActualRun]: ...
    def runs_called_like(self, part: str) -> Sequence[ActualRun]: ...
    def runs_in_flight(self) -> Sequence[ActualRun]: ...
