"""An environment with triggers, and passes over it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from kfp_gitops.language.manifest import AfterRun, OnData, Trigger
from kfp_gitops.operate.operations import pause
from kfp_gitops.operate.triggering import one_pass
from kfp_gitops.operate.triggering.one_pass import Passed, Sources
from kfp_gitops.reconcile.causes import statetext
from kfp_gitops.reconcile.causes.seams import DataState
from kfp_gitops.reconcile.causes.state import State
from kfp_gitops.reconcile.events import Event
from kfp_gitops.reconcile.records import Desired, DesiredPipeline
from trigger_server import OWNER, Keeping, TriggerServer


def pipeline(name: str, *triggers: Trigger, **more: Any) -> DesiredPipeline:
    return DesiredPipeline(
        name, "d", f"sha256:{name}", "sha-1", "sha256:sha-1", "", (), triggers=triggers, **more
    )


def after(upstream: str = "up", *, name: str = "t", state: Any = "SUCCEEDED", versions: Any = "registered",
          **more: Any) -> Trigger:  # fmt: skip
    parameters = more.pop("parameters", {})
    return Trigger(name, parameters, (), run_on=AfterRun(upstream, state, versions), **more)


def on_data(uri: str = "s3://bucket/key", *, name: str = "t", changes: Any = "etag", **more: Any) -> Trigger:
    parameters = more.pop("parameters", {})
    return Trigger(name, parameters, (), run_on=OnData(uri, changes), **more)


def turned_off(desired: Desired) -> Desired:
    """With `state: disabled`, as its manifests are read then."""
    until = datetime(9999, 12, 31, tzinfo=UTC)
    its = tuple(replace(one, paused_until=until) for one in desired.pipelines)
    return replace(desired, disabled=True, pipelines=its)


@dataclass
class Data:
    """What is where; a text is an error."""

    there: dict[str, DataState | Exception | None] = field(default_factory=dict)

    def now(self, on: OnData) -> DataState | None:
        found = self.there.get(on.uri)
        if isinstance(found, Exception):
            raise found
        return found


class Place:
    """One environment on one server."""

    def __init__(self, *pipelines: DesiredPipeline, server: TriggerServer | None = None, **more: Any) -> None:
        self.server = server or TriggerServer(**more)
        self.keeping = Keeping(self.server)
        self.data = Data()
        self.results: Any = None
        self.events: list[Event] = []
        self.desired = Desired(OWNER, "http://127.0.0.1", "", tuple(pipelines))

    def passes(self, number: int = 1, by: int = 60) -> Passed:
        """So many passes, each so many seconds after the one before."""
        for left in range(number, 0, -1):
            found = self.look()
            if left > 1:
                self.server.advance(by)
        return found

    def look(self) -> Passed:
        notes = self.server.experiments_like("kfp-gitops-")
        wanted = pause.under(self.desired, pause.read(notes, OWNER), self.server.now())
        sources = Sources(self.data, self.results)
        return one_pass.run(self.server, wanted, notes, self.keeping, sources, self.events.append)

    @property
    def state(self) -> State:
        found = statetext.read(self.keeping.kept)
        assert found is not None
        return found

    @property
    def started(self) -> list[str]:
        """The names of all runs that were started, in order."""
        return [run.name for run in self.server.made_by]
