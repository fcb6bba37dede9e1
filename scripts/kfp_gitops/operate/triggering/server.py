"""What a pass asks of KFP. `kfpapi.client.KfpApi` is the real one; tests bring a server that can be killed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from kfp_gitops.kfpserver.kfpapi.actual import ActualVersion
from kfp_gitops.kfpserver.kfpapi.models import Compiled, Listed, NamedExperiment, RunState
from kfp_gitops.reconcile.api import Starter


class Server(Starter, Protocol):
    """One KFP and one namespace of it; threads may share it, and every method may raise RemoteError."""

    def catalogue(self) -> Iterable[Listed]: ...
    def versions(self, pipeline_id: str, read: str = "") -> Mapping[str, ActualVersion]: ...
    def compiled(self, pipeline_id: str, version_id: str) -> Compiled | None: ...
    def runs_ended(self, since: datetime, until: datetime | None = None) -> Iterable[RunState]: ...
    def runs_since(
        self, since: datetime | None, states: Collection[str] = (), experiment_id: str = ""
    ) -> Iterable[RunState]: ...
    def run(self, run_id: str) -> RunState: ...
    def experiments_like(self, text: str) -> Sequence[NamedExperiment]: ...
