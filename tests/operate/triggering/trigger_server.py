"""A KFP in this process for the runs of triggers, that can be killed at any call, answers late, and lists wrongly.

It follows the server's rules as `fake_kfp` does, and shares nothing with what it tests but the records of its answers.
Instants are whole seconds since EPOCH; what the server tells is moved by `offset`, for clocks go wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from kfp_gitops.base.errors import NotFoundError, RemoteError, TemporaryError, UnclearError
from kfp_gitops.kfpserver import ownership
from kfp_gitops.kfpserver.kfpapi.actual import (
    ACTIVE,
    ActualExperiment,
    ActualPipeline,
    ActualRun,
    ActualVersion,
)
from kfp_gitops.kfpserver.kfpapi.models import Compiled, Listed, NamedExperiment, RunState
from kfp_gitops.kfpserver.ownership import Owner

T = TypeVar("T")
EPOCH = datetime(2026, 11, 23, tzinfo=UTC)
OWNER = Owner("example-repository", "dev")
OTHER = Owner("another-repository", "dev")


class KilledError(BaseException):
    """The pass's process ends here."""


@dataclass
class Interruption:
    """At the nth call from now, before or after its effect: `kill`, `break` (the connection) or `500`."""

    call: int
    after: bool
    how: str


@dataclass
class Run:
    """A run of anybody."""

    id: str
    name: str
    pipeline_id: str
    version_id: str
    created: int
    """By the clock that is never wrong, as `ends` and `seen`."""
    ends: int
    state: str = "SUCCEEDED"
    """In which it ends."""
    seen: int = 0
    """From when on lists show it."""
    reported: int = 0
    """Seconds after its end until KFP is told of that."""
    offset: int = 0
    """Of the clock that told its end."""
    terminated: bool = False
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)


class TriggerServer:
    """Implements `operate.triggering.server.Server`."""

    def __init__(self, lasts: int = 100, unseen: int = 0, reported: int = 0) -> None:
        self.clock, self.offset = 0, 0
        self.lasts, self.unseen, self.reported = lasts, unseen, reported
        self.pipelines: dict[str, ActualPipeline] = {}
        self.notes: dict[str, NamedExperiment] = {}
        self.groups: dict[str, ActualExperiment] = {}
        self.runs: dict[str, Run] = {}
        self.made: Counter[str] = Counter()
        """Name → how many runs of that name came about, ever."""
        self.made_by: list[Run] = []
        self.interruption: Interruption | None = None
        self.wrong_list = 0
        """The nth list from now is empty whatever there is; 0: none is."""
        self.calls: Counter[str] = Counter()
        self.on_start: Callable[[Run], None] = lambda _: None
        self._ids = 0

    # what happens on it

    def registers(self, name: str, version: str = "sha-1", owner: Owner = OWNER, vid: str = "") -> None:
        """A pipeline, or one more version of it."""
        found = self.pipelines.get(name) or ActualPipeline(f"p-{name}", name, owner)
        facts = {"repository": owner.repository, "environment": owner.environment}
        new = ActualVersion(
            vid or f"v-{name}-{version}", version, self.told(), owner, facts, f"sha256:{version}"
        )
        self.pipelines[name] = ActualPipeline(found.id, name, found.owner, {**found.versions, version: new})

    def runs_of(self, name: str, **more: Any) -> Run:
        """Somebody's run of a pipeline, which ends at once unless told otherwise."""
        pipeline = self.pipelines[name]
        version = more.pop("version", "sha-1")
        vid = pipeline.versions[version].id if version in pipeline.versions else version
        number = self._id("run")
        ends = self.clock + more.pop("lasts", 0)
        run = Run(
            number, f"{name}-by-{number}", pipeline.id, vid, self.clock, ends, offset=self.offset, **more
        )
        run.reported = self.reported
        self.runs[run.id] = run
        return run

    def advance(self, by: int) -> None:
        self.clock += by

    def told(self) -> datetime:
        """The time as the server tells it."""
        return EPOCH + timedelta(seconds=self.clock + self.offset)

    # what is asked of it

    def now(self) -> datetime:
        return self.told()

    def together(self, reads: Iterable[Callable[[], T]]) -> list[T]:
        return [read() for read in reads]

    def catalogue(self) -> list[Listed]:
        return self._list(
            "catalogue",
            lambda: [Listed(one.id, one.name, one.name, one.owner, {}) for one in self.pipelines.values()],
        )

    def versions(self, pipeline_id: str, read: str = "") -> Mapping[str, ActualVersion]:
        del read  # of each the content is told
        found = next(one for one in self.pipelines.values() if one.id == pipeline_id)
        return self._call("versions", lambda: found.versions)

    def compiled(self, pipeline_id: str, version_id: str) -> Compiled | None:
        def effect() -> Compiled | None:
            versions = [v for p in self.pipelines.values() for v in p.versions.values()]
            found = next((one for one in versions if one.id == version_id), None)
            return Compiled(found.name, {}, found.facts) if found else None

        del pipeline_id
        return self._call("compiled", effect)

    def runs_ended(self, since: datetime, until: datetime | None = None) -> list[RunState]:
        """Archived ones too; when it ended, is what the workflow's controller told."""

        def effect() -> list[RunState]:
            told = [self._told(run) for run in self.runs.values() if self._is_seen(run)]
            ended = [run for run in told if run.ended and run.ended >= since]
            return [run for run in ended if run.ended and (until is None or run.ended < until)]

        return self._list("runs_ended", effect)

    def runs_since(
        self, since: datetime | None, states: Collection[str] = (), experiment_id: str = ""
    ) -> list[RunState]:
        del since, experiment_id
        return self._list(
            "runs_since",
            lambda: [
                told
                for run in self.runs.values()
                if self._is_seen(run) and (told := self._told(run)).state in states
            ],
        )

    def run(self, run_id: str) -> RunState:
        def effect() -> RunState:
            if run_id not in self.runs:
                raise NotFoundError("404")
            return self._told(self.runs[run_id])

        return self._call("run", effect)

    def runs_with_names(self, names: Collection[str]) -> list[ActualRun]:
        return self._list(
            "runs_with_names",
            lambda: [
                ActualRun(run.id, run.name, "")
                for run in self.runs.values()
                if run.name in names and self._is_seen(run)
            ],
        )

    def experiments_like(self, text: str) -> list[NamedExperiment]:
        return self._list(
            "experiments_like", lambda: [one for one in self.notes.values() if text in one.name]
        )

    def experiment(self, name: str) -> ActualExperiment | None:
        return self._call("experiment", lambda: self.groups.get(name))

    def experiments(self, names: Collection[str], beginning: str = "\0") -> Mapping[str, ActualExperiment]:
        del beginning
        return self._call(
            "experiments", lambda: {name: one for name, one in self.groups.items() if name in names}
        )

    def create_experiment(self, name: str, description: str) -> ActualExperiment:
        def effect() -> ActualExperiment:
            if name.startswith("kfp-gitops-"):
                note = NamedExperiment(self._id("note"), name, description, False, self.told())
                note = self.notes.setdefault(name, note)
                owner = ownership.owner(note.description)
                return ActualExperiment(note.id, name, owner, note.archived)
            made = ActualExperiment(self._id("e"), name, ownership.owner(description))
            return self.groups.setdefault(name, made)

        return self._call("create_experiment", effect)

    def unarchive_experiment(self, experiment_id: str) -> None:
        def effect() -> None:
            for name, one in self.notes.items():
                if one.id == experiment_id:
                    self.notes[name] = NamedExperiment(one.id, name, one.description, False, one.created)

        self._call("unarchive_experiment", effect)

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
        assert len(description) <= 255
        assert experiment_id

        def effect() -> Run:
            run = Run(
                self._id("run"), name, pipeline_id, version_id, self.clock, self.clock + self.lasts,
                seen=self.clock + self.unseen, reported=self.reported, offset=self.offset,
                description=description, parameters=parameters,
            )  # fmt: skip
            self.runs[run.id] = run
            self.made[name] += 1
            self.made_by.append(run)
            self.on_start(run)
            return run

        return self._call("create_run", effect, lambda made: self.runs.pop(made.id)).id

    # how it answers

    def _is_seen(self, run: Run) -> bool:
        return run.seen <= self.clock

    def state_of(self, run: Run) -> str:
        """As KFP has it by now."""
        return run.state if run.ends + run.reported <= self.clock else "RUNNING"

    def active(self, run: Run) -> bool:
        return self.state_of(run) in ACTIVE

    def _told(self, run: Run) -> RunState:
        state = self.state_of(run)
        ended = EPOCH + timedelta(seconds=run.ends + run.offset) if state not in ACTIVE else None
        created = EPOCH + timedelta(seconds=run.created + run.offset)
        return RunState(
            run.id, run.name, state, created, ended, None, (), None, created, run.pipeline_id, run.version_id,
            description=run.description,
            history=("RUNNING", "CANCELING", state) if run.terminated and ended else (),
        )  # fmt: skip

    def _list(self, name: str, effect: Callable[[], list[T]]) -> list[T]:
        wrong = self.wrong_list == 1
        self.wrong_list = max(0, self.wrong_list - 1)
        return self._call(name, (lambda: []) if wrong else effect)

    def _call(self, name: str, effect: Callable[[], T], hide: Callable[[T], object] | None = None) -> T:
        """`hide`: what it creates, out of the lists."""
        self.calls[name] += 1
        hit = self.interruption
        if hit:
            hit.call -= 1
            hit = hit if hit.call == 0 else None
        if hit and not hit.after:
            self._stop(hit, creates=hide is not None)
        result = effect()
        if hit and hide and hit.how == "break":  # the client looks for what it made, and finds it
            self.interruption = None
            return result
        if hit and hide and hit.how == "500":
            hide(result)
        if hit:
            self._stop(hit, creates=hide is not None)
        return result

    def _stop(self, hit: Interruption, *, creates: bool) -> None:
        self.interruption = None
        if hit.how == "kill":
            raise KilledError
        if creates and (hit.how == "500" or hit.after):
            raise UnclearError("500")
        raise (
            TemporaryError("the connection broke", untouched=not hit.after) if creates else RemoteError("503")
        )

    def _id(self, what: str) -> str:
        self._ids += 1
        return f"{what}-{self._ids}"


@dataclass
class Keeping:
    """A lock's text; each write is a call of the server's, so that a process may be killed at it."""

    server: TriggerServer
    kept: str = ""
    writes: int = 0

    def keep_text(self, text: str) -> None:
        def effect() -> None:
            self.kept = text
            self.writes += 1

        self.server._call("keep_text", effect)
