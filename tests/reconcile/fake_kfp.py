"""A KFP in this process, fast enough for thousands of sequences, that can be killed at any call.

It follows the server's rules, each named beside it, and shares nothing with what it tests but the records of its
answers. Crons are the few in RHYTHMS, so that it needs no parser of its own. Instants are whole seconds since EPOCH.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from kfp_gitops.base.errors import NotFoundError, RemoteError, TemporaryError, UnclearError
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
EPOCH = datetime(2026, 11, 23, tzinfo=UTC)
RHYTHMS = {
    "0 */5 * * * *": (300, 0),
    "30 */2 * * * *": (120, 30),
    "0 0 * * * *": (3600, 0),
    "0 * * * * *": (60, 0),
    "0 0 0 * * *": (86400, 0),
}
"""Cron → (period, offset) in seconds: it fires when (t - offset) is a multiple of the period."""


class KilledError(BaseException):
    """The reconciler's process ends here."""


@dataclass
class Interruption:
    """At the nth call from now, before or after its effect: the process is killed, or a connection broken.

    `hides`: KFP answers 500. What is being created then is there, with `after`, but in no list.
    """

    call: int
    after: bool
    kill: bool
    hides: bool = False


@dataclass
class Recurring:
    """A ScheduledWorkflow; `last` is the time of its last firing, `again` when the controller looks once more."""

    record: ActualSchedule
    last: int | None = None
    again: int | None = None


def seconds(moment: datetime) -> int:
    return int((moment - EPOCH).total_seconds())


def instant(second: int) -> datetime:
    return EPOCH + timedelta(seconds=second)


def due(found: ActualSchedule, last: int | None, now: int) -> int | None:
    """scheduled_workflow.go getNextScheduledEpoch, cron_schedule.go, periodic_schedule.go at 2.17.0."""
    base = last if last is not None else seconds(found.start or found.created)
    end = seconds(found.end) if found.end else 1 << 60
    if found.interval_seconds:
        following = base + found.interval_seconds
        late = not found.catchup and now >= following + found.interval_seconds
        return None if following > end else now if late else following
    if found.cron is None:
        return None
    period, offset = RHYTHMS[found.cron]
    following = (base - offset) // period * period + offset + period
    while not found.catchup and following + period <= min(now, end):
        following += period
    return following if following <= end else None


class FakeKfp:
    """Implements `reconcile.api.Kfp`. `latency` seconds pass at each call, half of it before the effect.

    The controller looks `lag` seconds after each firing, or, as the real one, every `cadence` seconds from `phase` on,
    at each event of a ScheduledWorkflow, and 10 s after it has submitted one. The API tells of a run that a schedule
    started when the persistence agent has reported it, `unseen` seconds later.
    """

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
        self.clock, self.latency, self.lag, self.lasts = 0, latency, lag, lasts
        self.unseen, self.cadence, self.phase = unseen, cadence, phase
        self.date_off = 0
        """Seconds by which the Date of replies is wrong."""
        self._pipelines: dict[str, ActualPipeline] = {}
        self._experiments: dict[str, ActualExperiment] = {}
        self.recurring: dict[str, Recurring] = {}
        self.ghosts: dict[str, Recurring] = {}
        """Made, and in no list."""
        self.runs: dict[str, tuple[ActualRun, int]] = {}
        self.ghost_runs: list[ActualRun] = []
        self.touching: Counter[str] = Counter()
        """Calls that touch a ScheduledWorkflow, by name."""
        self.interruption: Interruption | None = None
        self.uploads: Counter[tuple[str, str]] = Counter()
        self.deletions: Counter[tuple[str, str]] = Counter()
        """Both: (pipeline's id, version's name) → how often it came about."""
        self.calls = 0
        self.watch: Callable[[], None] = lambda: None
        self._ids = 0

    # time

    def advance(self, by: float) -> None:
        """Time passes; the controller fires what is due, `lag` seconds late."""
        until = self.clock + max(int(by + 0.999), 0)
        while self.clock < until:
            self.clock = min(self._next_moment(), until)
            self._fire()

    @property
    def late(self) -> int:
        """How many seconds a firing may come after its time."""
        return self.cadence or self.lag

    def _all(self) -> list[Recurring]:
        return [*self.recurring.values(), *self.ghosts.values()]

    def _next_moment(self) -> int:
        ends = [end for _, end in self.runs.values() if end > self.clock]
        moments = self._looks() if self.cadence else self._due()
        return max(min([*moments, *ends], default=1 << 60), self.clock + 1)

    def _due(self) -> list[int]:
        return [
            moment + self.lag
            for found in self._all()
            if found.record.enabled and (moment := due(found.record, found.last, self.clock)) is not None
        ]

    def _looks(self) -> list[int]:
        passed = (self.clock - self.phase) // self.cadence
        again = [found.again for found in self._all() if found.again is not None]
        return [self.phase + (passed + 1) * self.cadence, *again]

    def _fire(self) -> None:
        if not self.cadence:
            for found in self._all():
                while self._fire_one(found):
                    pass
            return
        looks = (self.clock - self.phase) % self.cadence == 0
        for found in self._all():
            if looks or found.again == self.clock or self._ended_now(found):
                self._look(found)

    def _look(self, found: Recurring) -> None:
        """controller.go processNextWorkItem: one firing, and once more 10 s after it."""
        found.again = self.clock + 10 if self._fire_one(found) else None

    def _ended_now(self, found: Recurring) -> bool:
        return any(
            end == self.clock and run.schedule_id == found.record.id for run, end in self.runs.values()
        )

    def _fire_one(self, found: Recurring) -> bool:
        record = found.record
        moment = due(record, found.last, self.clock - self.lag)
        active = sum(
            self._state(end) == "RUNNING" for run, end in self.runs.values() if run.schedule_id == record.id
        )
        if not record.enabled or moment is None or moment + self.lag > self.clock:
            return False
        if active >= record.max_concurrency:
            return False
        run = ActualRun(
            self._id("r"), record.name, "", record.version_id, record.id, instant(self.clock), instant(moment)
        )
        if record.id in self.ghosts:
            self.ghost_runs.append(run)
        else:
            self.runs[run.id] = run, self.clock + self.lasts
        found.last = moment
        return True

    def _state(self, end: int) -> str:
        return "RUNNING" if end > self.clock else "SUCCEEDED"

    # calls

    def _call(self, effect: Callable[[], T], creates: Callable[[T], None] | None = None) -> T:
        """`creates` takes what it made out of the lists."""
        self.calls += 1
        hit = self._hit()
        self.advance(self.latency // 2)
        if hit and not hit.after:
            self._stop(hit, unclear=creates is not None)
        result = effect()
        if hit and creates and not hit.kill:
            if hit.hides:
                creates(result)
            else:  # a connection that broke after it: the client looks for it, and finds it
                self.interruption = hit = None
        self.watch()
        self.advance(self.latency - self.latency // 2)
        if hit:
            self._stop(hit, unclear=creates is not None)
        return result

    def _hit(self) -> Interruption | None:
        if self.interruption is None:
            return None
        self.interruption.call -= 1
        return self.interruption if self.interruption.call == 0 else None

    def _stop(self, hit: Interruption, *, unclear: bool = False) -> None:
        self.interruption = None
        if hit.kill:
            raise KilledError
        raise UnclearError("500") if unclear else TemporaryError("the connection broke")

    def _id(self, prefix: str) -> str:
        self._ids += 1
        return f"{prefix}{self._ids:05d}"

    def now(self) -> datetime:
        return instant(self.clock + self.date_off)

    def together(self, reads: Iterable[Callable[[], T]]) -> list[T]:
        return [
            read() for read in reads
        ]  # one after another, so that a call that is killed is the same each time

    # pipelines

    def pipelines(self, names: Collection[str]) -> Mapping[str, ActualPipeline]:
        return self._call(lambda: {name: found for name, found in self._pipelines.items() if name in names})

    def pipeline(self, name: str) -> ActualPipeline | None:
        return self._call(lambda: self._pipelines.get(name))

    def create_pipeline(self, name: str, description: str) -> ActualPipeline:
        def effect() -> ActualPipeline:
            new = ActualPipeline(self._id("p"), name, _owner(description))
            return self._pipelines.setdefault(name, new)  # 409: as it is

        return self._call(effect)

    def adopt_pipeline(self, found: ActualPipeline, owner: Owner) -> ActualPipeline:
        def effect() -> ActualPipeline:
            self._pipelines[found.name] = replace(self._pipelines[found.name], owner=owner)
            return self._pipelines[found.name]

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
                self._id("v"), name, instant(self.clock), _owner(description), _facts(description)
            )
            self.uploads[pipeline_id, name] += 1
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
        return self._call(
            lambda: {
                name: found
                for name, found in self._experiments.items()
                if name in names or name.startswith(beginning)
            }
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
        return self._call(lambda: [found.record for found in self.recurring.values()])

    def schedules_named(self, names: Collection[str]) -> list[ActualSchedule]:
        return self._call(
            lambda: [found.record for found in self.recurring.values() if found.record.name in names]
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
    ) -> ActualSchedule:
        def effect() -> ActualSchedule:
            if all(version.id != version_id for version in self._by_id(pipeline_id).versions.values()):
                raise RemoteError("500: the version does not exist")  # facts 4.2
            record = ActualSchedule(
                self._id("s"), name, pipeline_id, version_id, False, instant(self.clock), _owner(description),
                _facts(description), schedule.cron, schedule.interval_seconds, start,
                datetime.fromisoformat(schedule.end) if schedule.end else None,
                dict(schedule.parameters), schedule.max_concurrency, schedule.catchup,
            )  # fmt: skip
            self.recurring[record.id] = Recurring(record)
            return record

        def hide(made: ActualSchedule) -> None:
            self.ghosts[made.id] = self.recurring.pop(made.id)

        assert len(description) <= 255 - len(" attempt=01234567"), description
        self.touching["create"] += 1
        return self._call(effect, hide)

    def enable_schedule(self, schedule_id: str) -> None:
        """Keeps what it knows of its last firing, so what fell due meanwhile fires at once (facts 4.5)."""
        self.touching["enable"] += 1
        self._call(lambda: self.set_enabled(schedule_id, enabled=True))

    def disable_schedule(self, schedule_id: str) -> None:
        self.touching["disable"] += 1
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
        self._call(lambda: self.recurring.pop(schedule_id, None))

    # runs

    def runs_of_schedule(self, schedule_id: str) -> list[ActualRun]:
        return self._runs(lambda run: run.schedule_id == schedule_id)

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

        return self._call(effect)

    def create_run(
        self,
        *,
        name: str,
        pipeline_id: str,
        version_id: str,
        experiment_id: str,
        parameters: Mapping[str, Any],
    ) -> str:
        def effect() -> str:
            run = ActualRun(
                self._id("r"), name, "", version_id, None, instant(self.clock), instant(self.clock)
            )
            self.runs[run.id] = run, self.clock + self.lasts
            return run.id

        def hide(made: str) -> None:
            self.ghost_runs.append(self.runs.pop(made)[0])

        return self._call(effect, hide)

    def _is_seen(self, run: ActualRun) -> bool:
        return run.schedule_id is None or seconds(run.created or EPOCH) + self.unseen <= self.clock


def _facts(description: str) -> dict[str, str]:
    marker = description.rsplit("\n", 1)[-1]
    return (
        dict(pair.split("=", 1) for pair in marker.split(" ")[1:]) if marker.startswith("kfp-gitops ") else {}
    )


def _owner(description: str) -> Owner | None:
    facts = _facts(description)
    return Owner(facts["repository"], facts["environment"]) if facts else None


@dataclass
class Told:
    """Collects what applies tell."""

    events: list[Any] = field(default_factory=list)

    def __call__(self, event: Any) -> None:
        self.events.append(event)
